"""Which beacons hold a visit: those that the phone's system has entered and not left since.

Of each beacon the newest word by event time counts, as (who, when in milliseconds, inside); at one
moment an exit. So the order of arrival does not matter, and the exit of one beacon ends nothing
while another one holds.
"""

from hashlib import blake2b

from streams.contracts.inputs.events import Beacon
from streams.contracts.reference.addresses import address_key
from streams.customer.places import Places

HOLDERS_MAX = 8
Word = tuple[int, int, bool]
Words = tuple[Word, ...]


def beacon_mark(event: Beacon, places: Places) -> int:
    """Four bytes for a beacon: its name in the registry, else its address."""
    place = places.find(event.beacon)
    name = address_key(event.beacon) if place is None else f"ref {place.beacon_ref}"
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), "big")


def with_word(words: Words, new: Word) -> Words:
    """The words with one more, at most `HOLDERS_MAX`: what was left first is forgotten first.

    >>> with_word(((1, 10, True),), (1, 5, False)), with_word(((1, 10, True),), (1, 10, False))
    (((1, 10, True),), ((1, 10, False),))
    """
    of_it = [new, *(word for word in words if word[0] == new[0])]
    newest = max(of_it, key=lambda word: (word[1], not word[2]))
    others = [word for word in words if word[0] != new[0]]
    return tuple(sorted((*others, newest), key=lambda w: (w[2], w[1], w[0])))[-HOLDERS_MAX:]


def is_held(words: Words, at_ms: int, lost_after_ms: int) -> bool:
    """Whether a beacon holds at a moment; one whose exit is overdue by then was lost."""
    return any(inside and at_ms - said_ms <= lost_after_ms for _, said_ms, inside in words)


def left_ms_of(words: Words, mark: int) -> int | None:
    """When one beacon was left; None while it is not."""
    return next((said_ms for m, said_ms, inside in words if m == mark and not inside), None)


def last_left_ms(words: Words) -> int:
    """When the last beacon that was left was; 0 where none was."""
    return max((said_ms for _, said_ms, inside in words if not inside), default=0)
