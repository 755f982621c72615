"""When an id was last said to be a person's: a login, a device, a link, by event time."""

from msgspec.structs import replace

from streams.contracts.ids import hash64
from streams.customer.row import LINKED_IDS_MAX, Customer

Words = tuple[tuple[int, int], ...]


def said_linked(person: Customer, other: str, at_ms: int) -> Customer:
    """The person who remembers that the id was said to be theirs at `at_ms`, if that is news."""
    name = hash64(other)
    for known, said_ms in person.said_linked:
        if known == name and said_ms >= at_ms:
            return person
    words = words_of_both(person.said_linked, ((name, at_ms),))
    return replace(person, said_linked=words)


def not_linked(person: Customer, other: str) -> Customer:
    """The person who has no such word any more."""
    name = hash64(other)
    words = tuple(word for word in person.said_linked if word[0] != name)
    return person if words == person.said_linked else replace(person, said_linked=words)


def is_said_since(person: Customer, other: str, at_ms: int) -> bool:
    """Whether the id was said to be the person's after `at_ms`."""
    name = hash64(other)
    return any(known == name and said_ms > at_ms for known, said_ms in person.said_linked)


def words_of_both(mine: Words, others: Words) -> Words:
    """The newest word on each id, the newest `LINKED_IDS_MAX`, newest last."""
    newest = dict(mine)
    for name, said_ms in others:
        newest[name] = max(said_ms, newest.get(name, said_ms))
    return tuple(sorted(newest.items(), key=lambda word: (word[1], word[0])))[-LINKED_IDS_MAX:]
