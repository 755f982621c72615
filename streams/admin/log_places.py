"""Where the log lies: a folder that somebody names, else this machine's archive and the topics.

What the topics still hold of what is archived is passed over, so every record comes once.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from streams import topics
from streams.admin.catalogue import Records
from streams.archive import (
    archived_changes,
    archived_inputs,
    archived_up_to,
    every_row,
    is_archive,
    rows_about,
    rows_with_id,
)
from streams.broker.reading import read_to_end
from streams.contracts.inputs.json_lines import InputRecord
from streams.contracts.reference.records import REFERENCE_TOPICS
from streams.contracts.sources.apply import Mapped
from streams.contracts.sources.records import Ignored, RecordReader
from streams.contracts.times import from_ms
from streams.errors import NoBrokerError, OperatorError
from streams.evaluation.offer_logs import decoded
from streams.evaluation.replay import FILES
from streams.settings import Settings
from streams.worker.sources import record_reader

NEAR_MAX = 50
BURST_MS = 1_000
T = TypeVar("T")
Found = tuple[str, bytes]
"""Where a record stands, for an error, and its value."""
Kept = tuple[int, str, bytes, tuple[tuple[str, bytes], ...]]
"""An input record: milliseconds, topic, value, headers."""


class LogPlace(Struct, frozen=True):
    """Where records are read.

    Attributes:
        folder: what `replay` or `archive` wrote; None: there is no archive on this machine.
        archived: whether the folder is an archive.
        settings: of the broker whose topics are read after the folder; None: the folder is all.
        note: is told what could not be looked at.
        away: why no broker answered; where it stands, none is asked again.
    """

    folder: Path | None
    archived: bool
    settings: Settings | None
    note: Callable[[str], None]
    away: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        places = [] if self.folder is None else [str(self.folder)]
        if self.settings is not None:
            places.append("the topics")
        return " and ".join(places)


def log_place(
    named: Path | None, settings: Callable[[], Settings], note: Callable[[str], None]
) -> LogPlace:
    """The folder that somebody names, else the archive of this machine and the topics.

    Raises:
        OperatorError: what is named is not there.
    """
    if named is not None:
        if not named.exists():
            raise OperatorError(f"{named}: there is no such folder")
        return LogPlace(named, is_archive(named), None, note)
    known = settings()
    root = Path(known.archive_dir)
    archived = is_archive(root)
    return LogPlace(root if archived else None, archived, known, note)


def records(
    place: LogPlace, topic: topics.Topic, *, ids: Sequence[str] = (), person_id: str = ""
) -> Iterator[Found]:
    """A topic's records, the archived first; with these ids, or about this person, or all.

    A folder of `replay` and the topics give more than was asked for: whoever asks looks again.

    Raises:
        OperatorError: the folder holds no such file, no broker answers and nothing is archived, or
            a topic is missing.
    """
    if place.folder is not None:
        if place.archived:
            yield from _archived(place.folder, topic, ids, person_id)
        else:
            yield from _lines(place.folder, topic)
    if place.settings is not None:
        yield from _on_topic(place, place.settings, topic)


def decoded_records(place: LogPlace, topic: topics.Topic, kind: type[T]) -> Iterator[T]:
    """All records of a topic, each as what it is.

    Raises:
        OperatorError: as `records`, or a record is damaged; it names the file and the line.
    """
    return (decoded(value, kind, where) for where, value in records(place, topic))


def _archived(
    root: Path, topic: topics.Topic, ids: Sequence[str], person_id: str
) -> Iterator[Found]:
    if ids:
        found = (value for id_ in ids for value in rows_with_id(root, topic, id_))
    elif person_id:
        found = (value for value in rows_about(root, topic, person_id))
    else:
        found = (value for value in every_row(root, topic))
    for value in found:
        yield f"{root}: {topic.name}", value


def _lines(folder: Path, topic: topics.Topic) -> Iterator[Found]:
    path = folder / FILES.get(topic.name, f"{topic.name}.jsonl")
    if not path.is_file():
        raise OperatorError(
            f"{folder} holds no {path.name}, so it is no log: name a folder that "
            "`offerstream replay --out` or `offerstream archive` wrote"
        )
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            yield f"{path}: line {number}", line


def _on_topic(place: LogPlace, settings: Settings, topic: topics.Topic) -> Iterator[Found]:
    for message in _messages(place, settings, (topic,)):
        if message.value():
            yield f"{topic.name} {message.partition()}@{message.offset()}", message.value()


def _messages(place: LogPlace, settings: Settings, wanted: Sequence[topics.Topic]) -> Iterator[Any]:
    """What is on topics and not archived."""
    if place.away:
        return
    passed = {} if place.folder is None else archived_up_to(place.folder)
    names = {topic.name: settings.on_broker(topic) for topic in wanted}
    after = {(names[t], n): at for (t, n), at in passed.items() if t in names}
    try:
        yield from read_to_end(settings, list(names.values()), after)
    except NoBrokerError as error:
        if place.folder is None:
            raise
        place.away.append(str(error))
        place.note(f"{error}. Only what is archived in {place.folder} was looked at")


def archived_references(root: Path, at_ms: int) -> Iterator[tuple[str, Records]]:
    """The reference data that stood at a time, then what stood after each change near it.

    Each with the time since when it stood.
    """
    changes = archived_changes(root)
    times = sorted({change_ms for change_ms, *_ in changes}, key=lambda t: (abs(t - at_ms), t))
    stood = max((t for t in times if t <= at_ms), default=None)
    for since_ms in ([] if stood is None else [stood]) + times[:NEAR_MAX]:
        there: dict[str, dict[str, bytes]] = {name: {} for name in REFERENCE_TOPICS}
        for change_ms, topic, key, value in changes:
            if change_ms > since_ms:
                break
            if value is None:
                there[topic].pop(key, None)
            else:
                there[topic][key] = value
        yield f"archived, as of {from_ms(since_ms):%Y-%m-%d %H:%M:%S} UTC", there


def archived_stands(root: Path) -> list[tuple[int, Records]]:
    """What stood after each change of offers or policies, with the time since when, in order.

    Changes within a moment of each other are one: a folder is published record by record.
    """
    by_time: dict[int, list[tuple[str, str, bytes | None]]] = {}
    for at_ms, name, key, value in archived_changes(root):
        by_time.setdefault(at_ms, []).append((name, key, value))
    decides = {topics.REF_OFFERS.name, topics.REF_POLICIES.name}
    times = [t for t, each in by_time.items() if any(name in decides for name, *_ in each)]
    last = [t for t, after in pairwise([*times, 2**62]) if after - t > BURST_MS]
    there: dict[str, dict[str, bytes]] = {name: {} for name in REFERENCE_TOPICS}
    stands = list[tuple[int, Records]]()
    for at_ms, each in by_time.items():
        for name, key, value in each:
            if value is None:
                there[name].pop(key, None)
            else:
                there[name][key] = value
        if at_ms in last[-NEAR_MAX:]:
            stands.append((at_ms, {name: dict(records) for name, records in there.items()}))
    return stands


def input_records(place: LogPlace) -> Iterator[InputRecord]:
    """The input events, as workers read them, by the times of their records.

    Raises:
        OperatorError: nothing is kept: the folder holds no input events, or no broker answers.
    """
    kept: list[Kept] = []
    if place.folder is not None and place.archived:
        kept += archived_inputs(place.folder)
    elif place.folder is not None:
        what = "holds what came out, not" if any(place.folder.glob("*.jsonl")) else "holds no"
        raise OperatorError(f"{place.folder} {what} events: name a file of events")
    if place.settings is not None:
        known = {place.settings.on_broker(topic): topic.name for topic in topics.INPUTS}
        for message in _messages(place, place.settings, topics.INPUTS):
            at_ms, topic = message.timestamp()[1], known[message.topic()]
            said = tuple(message.headers() or ())
            kept.append((at_ms, topic, message.value() or b"", said))
    if not kept:
        raise OperatorError(
            f"there are no input events in {place}: archive them with `offerstream archive "
            "--events`, or name a file"
        )
    reader = RecordReader() if place.settings is None else record_reader(place.settings)
    kept.sort(key=lambda record: record[:2])
    yield from in_ours(kept, reader)


def in_ours(kept: Iterable[Kept], reader: RecordReader) -> Iterator[InputRecord]:
    """Records as workers read them; those that are no events of ours are passed over."""
    for number, (at_ms, topic, value, headers) in enumerate(kept, 1):
        ours = reader.in_ours(topic, value, headers, at_ms)
        if isinstance(ours, Mapped):
            yield InputRecord(number, ours.topic, None, msgspec.json.encode(ours.event))
        elif not isinstance(ours, Ignored):
            yield InputRecord(number, topic, None, value, headers=headers)
