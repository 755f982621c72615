"""The newest of the archive, in bounded memory: recent events, what came before, recent days."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from streams.archive import positions
from streams.archive.damage import reading
from streams.archive.files import database
from streams.archive.layout import Piece, pieces, that_count
from streams.topics import INPUTS, Topic

FETCHED: Final = 5_000
_MEMORY: Final = "SET memory_limit = '512MB'"
_NEWEST: Final = """
SELECT epoch_ms("at"), value, raw, headers, people FROM (
  SELECT * FROM read_parquet(?) WHERE value IS NOT NULL OR raw IS NOT NULL
  ORDER BY "at" DESC, "partition" DESC, "offset" DESC LIMIT ?
) ORDER BY "at", "partition", "offset"
"""
_ABOUT: Final = """
SELECT epoch_ms("at"), value, raw, headers, people FROM (
  SELECT DISTINCT ON ("partition", "offset") *
  FROM (SELECT *, unnest(people) AS person FROM read_parquet(?))
  WHERE value IS NOT NULL AND epoch_ms("at") < ? AND person IN (SELECT unnest(?::VARCHAR[]))
) ORDER BY "at" DESC, "partition" DESC, "offset" DESC LIMIT ?
"""
_VALUES: Final = 'SELECT value FROM read_parquet(?) WHERE value IS NOT NULL ORDER BY "at", "offset"'


class Recorded(Struct, frozen=True):
    """An input record as it was archived: milliseconds, topic, value, headers, whom it names."""

    at_ms: int
    topic: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    people: tuple[str, ...]


def newest_inputs(root: Path, newest: int, days: int) -> list[Recorded]:
    """The newest input events of all topics together, by time, of the last `days` that have any.

    Raises:
        OperatorError: the folder is no archive, or a file of it is damaged.
    """
    by_topic = {topic: _counted(root, topic) for topic in INPUTS}
    last = max((piece.day for found in by_topic.values() for piece in found), default=None)
    if last is None:
        return []
    first = last - timedelta(days=days)
    every: list[Recorded] = []
    with database() as connection:
        connection.execute(_MEMORY)
        for topic, found in by_topic.items():
            if paths := [str(root / piece.place) for piece in found if piece.day > first]:
                with reading(paths):
                    rows = connection.execute(_NEWEST, [paths, newest]).fetchall()
                every += (_recorded(topic, row) for row in rows)
    return sorted(every, key=_place)[-newest:]


def inputs_before(
    root: Path, wanted: Sequence[Topic], recent: Sequence[Recorded], newest: int
) -> list[Recorded]:
    """What these topics said of the same people before the first of `recent`: the newest of it.

    Raises:
        OperatorError: the folder is no archive, or a file of it is damaged.
    """
    if not recent:
        return []
    people = sorted({person for one in recent for person in one.people})
    every: list[Recorded] = []
    with database() as connection:
        connection.execute(_MEMORY)
        for topic in wanted:
            if paths := [str(root / piece.place) for piece in _counted(root, topic)]:
                asked = [paths, recent[0].at_ms, people, newest]
                with reading(paths):
                    rows = connection.execute(_ABOUT, asked).fetchall()
                every += (_recorded(topic, row) for row in rows)
    return sorted(every, key=_place)[-newest:]


def rows_of_days(root: Path, topic: Topic, days: int) -> Iterator[bytes]:
    """The values of a topic's records of its last `days`, by time, a part of them in memory.

    Raises:
        OperatorError: the folder is no archive, or a file of it is damaged.
    """
    found = _counted(root, topic)
    if not found:
        return
    first = found[-1].day - timedelta(days=days)
    paths = [str(root / piece.place) for piece in found if piece.day > first]
    with reading(paths), database() as connection:
        connection.execute(_MEMORY)
        asked = connection.execute(_VALUES, [paths])
        while rows := asked.fetchmany(FETCHED):
            yield from (value.encode() for (value,) in rows)


def _counted(root: Path, topic: Topic) -> list[Piece]:
    return that_count(pieces(root, topic.name), positions.load(root).next)


def _recorded(
    topic: Topic, row: tuple[int, str | None, bytes | None, str | None, list[str]]
) -> Recorded:
    at_ms, value, raw, headers, people = row
    said = msgspec.json.decode(headers or "[]", type=list[tuple[str, str]])
    return Recorded(
        at_ms,
        topic.name,
        value.encode() if value is not None else raw or b"",
        tuple((name, text.encode()) for name, text in said),
        tuple(people or ()),
    )


def _place(record: Recorded) -> tuple[int, str]:
    return record.at_ms, record.topic
