"""Rows of the archive by id or by person, as the records said them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb

from streams.archive import positions
from streams.archive.files import database
from streams.archive.layout import pieces, that_count
from streams.topics import Topic

_FOUND: Final = (
    'SELECT value FROM read_parquet(?) WHERE value IS NOT NULL AND {} ORDER BY "at", "offset"'
)
FETCHED: Final = 5_000
TRIES: Final = 3
_ALL: Final = _FOUND.format("true")
_BY_ID: Final = _FOUND.format("id = ?")
_BY_PERSON: Final = _FOUND.format("list_contains(people, ?)")


def is_archive(root: Path) -> bool:
    """Whether something was archived into this folder."""
    return (root / positions.NAME).is_file()


def rows_with_id(root: Path, topic: Topic, id_: str) -> list[bytes]:
    """The values of a topic's records with this id (of a decision, an alert, a version), by time.

    Raises:
        OperatorError: the folder is no archive.
    """
    return _values(root, topic, _BY_ID, id_)


def rows_about(root: Path, topic: Topic, person_id: str) -> list[bytes]:
    """The values of a topic's records that name this person, by time.

    Raises:
        OperatorError: the folder is no archive.
    """
    return _values(root, topic, _BY_PERSON, person_id)


def every_row(root: Path, topic: Topic) -> Iterator[bytes]:
    """The values of all records of a topic, by time, a few thousand in memory at a time.

    Raises:
        OperatorError: the folder is no archive.
    """
    paths = _paths(root, topic)
    if not paths:
        return
    with database() as connection:
        found = connection.execute(_ALL, [paths])
        while rows := found.fetchmany(FETCHED):
            yield from (value.encode() for (value,) in rows)


def _values(root: Path, topic: Topic, query: str, wanted: str) -> list[bytes]:
    for left in reversed(range(TRIES)):
        paths = _paths(root, topic)
        if not paths:
            return []
        try:
            with database() as connection:
                found = connection.execute(query, [paths, wanted]).fetchall()
        except duckdb.IOException:  # a file was joined with others since the folder was read
            if not left:
                raise
            continue
        return [value.encode() for (value,) in found]
    return []


def _paths(root: Path, topic: Topic) -> list[str]:
    counted = that_count(pieces(root, topic.name), positions.load(root).next)
    return [str(root / piece.place) for piece in counted]
