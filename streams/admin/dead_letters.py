"""Dead letters: list, explain and drive them again, each at most once.

A redrive is one Kafka transaction: the record goes back to its source topic and a marker, which
names the letter, to `dead-letters` itself. Whoever reads the letters passes over the marked ones,
so neither a second redrive nor a crash in the middle can make a duplicate. The transactional id is
taken before the letters are read: of two redrives at once, the earlier is fenced.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, get_args

from msgspec import Struct

from streams import topics
from streams.admin.outline import outline
from streams.admin.sending import produce
from streams.broker.reading import read_to_end
from streams.broker.redriving import RECORD_ID, drive_again, redriving_producer
from streams.contracts.inputs.allowed import what_is_allowed
from streams.contracts.inputs.rules import RejectReason
from streams.contracts.outputs.encode import dead_letter_of
from streams.contracts.outputs.payloads import DeadLetter
from streams.errors import OperatorError
from streams.settings import Settings
from streams.worker.roles import WORK

MARKER = "os_redriven"
ORIGIN = "os_redriven_from"
SOURCES = tuple(dict.fromkeys(topic for work in WORK.values() for topic in work.sources))

Headers = list[tuple[str, bytes]]


class Letter(Struct, frozen=True):
    """A dead letter: where it lies (`partition@offset` on dead-letters), why, its raw record."""

    letter_id: str
    at_ms: int
    facts: DeadLetter
    key: bytes | None
    value: bytes | None
    headers: Headers


class Choice(Struct, frozen=True):
    """Which letters are meant; empty fields do not restrict."""

    ids: tuple[str, ...] = ()
    reason: str = ""
    source_topic: str = ""

    def holds(self, letter: Letter) -> bool:
        """Whether the letter is one of those."""
        return (
            (not self.ids or letter.letter_id in self.ids)
            and (not self.reason or letter.facts.reason == self.reason)
            and (not self.source_topic or letter.facts.source_topic == self.source_topic)
        )


class Bound(Struct, frozen=True):
    """How many letters are held in memory at once, and how many bytes of values."""

    letters: int
    value_bytes: int


def choice_of(ids: Sequence[str], reason: str, source_topic: str) -> Choice:
    """A choice as somebody typed it.

    Raises:
        OperatorError: there is no such reason or topic, or an id is not of an id's form.
    """
    for id_ in ids:
        if not RECORD_ID.fullmatch(id_):
            raise OperatorError(
                f"{id_}: a letter is named by partition@offset, as in 2@17: `dead-letters list`"
            )
    _must_be_one(reason, get_args(RejectReason), "--reason")
    _must_be_one(source_topic, [topic.name for topic in SOURCES], "--topic")
    return Choice(tuple(ids), reason, source_topic)


def _must_be_one(given: str, allowed: Sequence[str], option: str) -> None:
    if given and given not in allowed:
        raise OperatorError(f"{option} {given}: {what_is_allowed(sorted(allowed), given)}")


def find_letters(settings: Settings, choice: Choice, bound: Bound | None = None) -> list[Letter]:
    """The letters of a choice, all that it names.

    Raises:
        OperatorError: a letter that it names does not wait.
    """
    letters = list_letters(settings, choice, bound)
    missing = set(choice.ids) - {letter.letter_id for letter in letters}
    if missing:
        named = ", ".join(sorted(missing))
        raise OperatorError(f"{named}: no such letter waits. See `dead-letters list`")
    return letters


def list_letters(settings: Settings, choice: Choice, bound: Bound | None = None) -> list[Letter]:
    """The letters of a choice that still wait, oldest first.

    With a `bound` no more than it lets in; the topic is then read twice, its marks first, so that
    only what is wanted is held.
    """
    done = None if bound is None else _driven(settings)
    letters: list[Letter] = []
    marks: set[str] = set()
    size = 0
    for letter, marked in _read(settings):
        marks.update(marked)
        if letter is None or not choice.holds(letter) or letter.letter_id in (done or ()):
            continue
        size += len(letter.value or b"")
        if bound is not None and letters and size > bound.value_bytes:
            break
        letters.append(letter)
        if bound is not None and len(letters) == bound.letters:
            break
    waiting = [x for x in letters if x.letter_id not in marks]
    return sorted(waiting, key=lambda x: (x.at_ms, x.letter_id))


def _driven(settings: Settings) -> set[str]:
    """The ids of the letters that were driven again."""
    return {mark for _, marked in _read(settings) for mark in marked}


def _read(settings: Settings) -> Iterator[tuple[Letter | None, list[str]]]:
    """Each record of the topic: a letter, or the ids of those that it marks as driven again."""
    for message in read_to_end(settings, [settings.on_broker(topics.DEAD_LETTERS)]):
        headers: Headers = message.headers() or []
        marked = [value.decode() for name, value in headers if name == MARKER]
        facts = None if marked else dead_letter_of(headers)
        yield (_letter(message, facts, headers) if isinstance(facts, DeadLetter) else None), marked


def count_by_reason(letters: Sequence[Letter]) -> dict[tuple[str, str], int]:
    """How many letters there are by source topic and reason."""
    counts: dict[tuple[str, str], int] = {}
    for letter in letters:
        key = (letter.facts.source_topic, letter.facts.reason)
        counts[key] = counts.get(key, 0) + 1
    return counts


def redrive(
    settings: Settings,
    choice: Choice,
    progress: Callable[[int], None],
    bound: Bound | None = None,
) -> int:
    """Send the chosen letters back to where they came from; returns how many.

    With a `bound` no more of them than that; the others wait on.

    Raises:
        OperatorError: the broker does not answer, somebody else redrives as well, or a letter that
            was named does not wait; then none is sent.
    """
    producer = redriving_producer(settings, "redrive")
    letters = find_letters(settings, choice, bound)

    def write(letter: Letter) -> None:
        again = [(n, v) for n, v in letter.headers if not n.startswith("os_")]
        again.append(("os_attempt", str(letter.facts.attempt).encode()))
        again.append((ORIGIN, letter.letter_id.encode()))
        source = _source_on_broker(letter.facts.source_topic, settings)
        produce(producer, source, letter.key, letter.value, again)
        marker = [(MARKER, letter.letter_id.encode())]
        produce(producer, settings.on_broker(topics.DEAD_LETTERS), letter.key, None, marker)

    return drive_again(producer, letters, write, progress, "letters")


def _source_on_broker(name: str, settings: Settings) -> str:
    found = [topic for topic in topics.ALL if topic.name == name]
    return settings.on_broker(found[0]) if found else name


def _letter(message: Any, facts: DeadLetter, headers: Headers) -> Letter:
    letter_id = f"{message.partition()}@{message.offset()}"
    at_ms = message.timestamp()[1]
    return Letter(letter_id, at_ms, facts, message.key(), message.value(), headers)


def explain(letter: Letter) -> Iterator[str]:
    """What is known of a letter, line by line; nothing that its value holds."""
    facts = letter.facts
    yield f"letter    {letter.letter_id}"
    yield f"reason    {facts.reason}: {facts.path} {facts.detail}"
    yield f"source    {facts.source_topic} {facts.source_partition}@{facts.source_offset}"
    yield f"attempt   {facts.attempt}"
    yield f"value     {len(letter.value or b'')} bytes"
    yield f"key       {'none' if letter.key is None else f'{len(letter.key)} bytes'}"
    yield "shape"
    yield from (f"  {line}" for line in outline(letter.value))
