"""Rows of the archive by id or by person, as the records said them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from streams.archive import positions
from streams.archive.damage import reading
from streams.archive.files import database
from streams.archive.layout import Partition, pieces, that_count
from streams.errors import DamagedArchiveError
from streams.topics import INPUTS, MODEL_SNAPSHOTS, REFERENCES, Topic

_FOUND: Final = (
    'SELECT value FROM read_parquet(?) WHERE value IS NOT NULL AND {} ORDER BY "at", "offset"'
)
FETCHED: Final = 5_000
FETCHED_WIDE: Final = 50  # of records that may have some hundred KB each
TRIES: Final = 3
_ALL: Final = _FOUND.format("true")
_BY_ID: Final = _FOUND.format("id = ?")
_WHOLE: Final = (
    'SELECT epoch_ms("at"), key, value, raw, headers FROM read_parquet(?) '
    'ORDER BY "at", "partition", "offset"'
)
_BY_PERSON: Final = _FOUND.format("list_contains(people, ?)")
_NEWEST_BY_PERSON: Final = (
    "SELECT value FROM read_parquet(?) WHERE value IS NOT NULL AND list_contains(people, ?) "
    'ORDER BY "at" DESC, "offset" DESC'
)


def is_archive(root: Path) -> bool:
    """Whether something was archived into this folder."""
    return (root / positions.NAME).is_file()


def rows_with_id(root: Path, topic: Topic, id_: str) -> list[bytes]:
    """The values of a topic's records with this id (of a decision, an alert, a version), by time.

    Raises:
        OperatorError: the folder is no archive, or a file of it is damaged.
    """
    return _values(root, topic, _BY_ID, id_)


def rows_about(root: Path, topic: Topic, person_id: str, newest: int | None = None) -> list[bytes]:
    """The values of a topic's records that name this person, by time; the `newest` of them alone.

    Raises:
        OperatorError: the folder is no archive, or a file of it is damaged.
    """
    if newest is None:
        return _values(root, topic, _BY_PERSON, person_id)
    return _values(root, topic, f"{_NEWEST_BY_PERSON} LIMIT {newest:d}", person_id)[::-1]


def every_row(root: Path, topic: Topic) -> Iterator[bytes]:
    """The values of all records of a topic, by time, a part of them in memory at a time.

    Raises:
        OperatorError: the folder is no archive, or a file of it is damaged.
    """
    paths = _paths(root, topic)
    if not paths:
        return
    with reading(paths), database() as connection:
        found = connection.execute(_ALL, [paths])
        at_once = FETCHED_WIDE if topic is MODEL_SNAPSHOTS else FETCHED
        while rows := found.fetchmany(at_once):
            yield from (value.encode() for (value,) in rows)


def _values(root: Path, topic: Topic, query: str, wanted: str) -> list[bytes]:
    for left in reversed(range(TRIES)):
        paths = _paths(root, topic)
        if not paths:
            return []
        try:
            with reading(paths), database() as connection:
                found = connection.execute(query, [paths, wanted]).fetchall()
        except DamagedArchiveError:  # or a file was joined with others since the folder was read
            if not left:
                raise
            continue
        return [value.encode() for (value,) in found]
    return []


def _paths(root: Path, topic: Topic) -> list[str]:
    counted = that_count(pieces(root, topic.name), positions.load(root).next)
    return [str(root / piece.place) for piece in counted]


def archived_up_to(root: Path) -> Mapping[Partition, int]:
    """The next offset of each partition that is not archived yet.

    Raises:
        OperatorError: the folder is no archive.
    """
    return positions.load(root).next


def archived_inputs(root: Path) -> list[tuple[int, str, bytes, tuple[tuple[str, bytes], ...]]]:
    """All input events: the time of the record in milliseconds, topic, value, headers.

    Raises:
        OperatorError: the folder is no archive, or a file of it is damaged.
    """
    return [
        (at_ms, topic.name, _bytes(value, raw), _pairs(headers))
        for topic in INPUTS
        for at_ms, _, value, raw, headers in _whole(root, topic)
    ]


def archived_changes(root: Path) -> list[tuple[int, str, str, bytes | None]]:
    """All changes of reference data: time, topic, key, and the value; None where it was withdrawn.

    Raises:
        OperatorError: the folder is no archive, or a file of it is damaged.
    """
    found = [
        (
            at_ms,
            topic.name,
            key or "",
            None if value is None and raw is None else _bytes(value, raw),
        )
        for topic in REFERENCES
        for at_ms, key, value, raw, _ in _whole(root, topic)
    ]
    return sorted(found, key=lambda change: change[0])


def _whole(root: Path, topic: Topic) -> list[tuple[int, str | None, str | None, bytes | None, str]]:
    """Every record of a topic, by partition and offset within its time."""
    paths = _paths(root, topic)
    if not paths:
        return []
    with reading(paths), database() as connection:
        return connection.execute(_WHOLE, [paths]).fetchall()


def _bytes(value: str | None, raw: bytes | None) -> bytes:
    return value.encode() if value is not None else raw or b""


def _pairs(headers: str | None) -> tuple[tuple[str, bytes], ...]:
    found = msgspec.json.decode(headers or "[]", type=list[tuple[str, str]])
    return tuple((name, value.encode()) for name, value in found)
