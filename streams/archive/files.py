"""Writing the archive's files, joining small ones, taking people out of them, deleting old days."""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Final

import duckdb
import msgspec

from streams.archive.damage import reading
from streams.archive.layout import UNFINISHED, Partition, Piece, pieces, that_count
from streams.archive.positions import sync_folder
from streams.archive.records import Row

COMPACT_BELOW_BYTES: Final = 16 * 1024 * 1024
_ROWS: Final = """
SELECT "partition", "offset", make_timestamp(at_ms * 1000) AS "at", key, id, people, value,
       from_base64(raw) AS raw, headers
FROM read_json(?, format = 'newline_delimited', maximum_object_size = 16777216, columns = {
    'partition': 'INTEGER', 'offset': 'BIGINT', 'at_ms': 'BIGINT', 'key': 'VARCHAR',
    'id': 'VARCHAR', 'people': 'VARCHAR[]', 'value': 'VARCHAR', 'raw': 'VARCHAR',
    'headers': 'VARCHAR'})
ORDER BY "offset"
"""
_JOINED: Final = 'SELECT * FROM read_parquet(?) ORDER BY "offset"'
_ABOUT: Final = """
SELECT count(*) FROM read_parquet(?) WHERE list_has_any(people, ?) AND epoch_ms("at") <= ?
"""
_WITHOUT: Final = """
SELECT * FROM read_parquet(?) WHERE NOT (list_has_any(people, ?) AND epoch_ms("at") <= ?)
ORDER BY "offset"
"""


@contextmanager
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB in memory, with nothing fetched from elsewhere and two threads at most."""
    connection = duckdb.connect(":memory:")
    try:
        connection.execute("SET autoinstall_known_extensions = false")
        connection.execute("SET threads = 2")
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def write(root: Path, topic: str, rows: Sequence[Row]) -> list[Piece]:
    """Rows of one partition in the order of their offsets, one file a day.

    Each file is named by the offsets of the whole batch: the position that makes it count is the
    same for all of them.
    """
    written = []
    by_day = sorted(rows, key=lambda row: (row.day, row.offset))
    for day, of_day in groupby(by_day, key=lambda row: row.day):
        piece = Piece(topic, day, rows[0].partition, rows[0].offset, rows[-1].offset)
        _write(root / piece.place, list(of_day))
        written.append(piece)
    return written


def _write(path: Path, rows: Iterable[Row]) -> None:
    lines = path.with_suffix(".jsonl" + UNFINISHED)
    path.parent.mkdir(parents=True, exist_ok=True)
    with lines.open("wb") as file:
        for row in rows:
            file.write(msgspec.json.encode(row) + b"\n")
    try:
        _copy(path, _ROWS, [str(lines)])
    finally:
        lines.unlink()


def _copy(path: Path, query: str, arguments: list[object]) -> None:
    """What a query gives, into a file that is there as a whole or not at all."""
    beside = path.with_name(path.name + UNFINISHED)
    with database() as connection:
        found = connection.sql(query, params=arguments)
        found.write_parquet(str(beside), compression="zstd")
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(beside, path)
    sync_folder(path.parent)


def clean(root: Path, topics: Iterable[str], positions: Mapping[Partition, int]) -> int:
    """Delete what does not count: unfinished files, batches cut off, what was compacted."""
    deleted = 0
    for topic in topics:
        for path in (root / topic).glob(f"day=*/*{UNFINISHED}"):
            path.unlink()
            deleted += 1
        found = pieces(root, topic)
        for piece in set(found) - set(that_count(found, positions)):
            (root / piece.place).unlink()
            deleted += 1
    return deleted


def compact(
    root: Path, topic: str, positions: Mapping[Partition, int], before: date
) -> list[Piece]:
    """Join the small files of each partition, for days before one that may still grow."""
    joined = []
    found = [p for p in that_count(pieces(root, topic), positions) if p.day < before]
    # Neighbors only: a wide file counts in place of all that lies between its offsets.
    for (_, _, is_small), group in groupby(
        found, key=lambda p: (p.day, p.partition, _small(root, p))
    ):
        neighbors = list(group)
        if is_small and len(neighbors) > 1:
            joined.append(_join(root, neighbors))
    return joined


def _small(root: Path, piece: Piece) -> bool:
    return (root / piece.place).stat().st_size < COMPACT_BELOW_BYTES


def _join(root: Path, small: Sequence[Piece]) -> Piece:
    """One file in place of neighbors; who reads meanwhile counts the wide one from then on."""
    head = small[0]
    wide = Piece(
        head.topic,
        head.day,
        head.partition,
        min(p.first for p in small),
        max(p.last for p in small),
    )
    names = [str(root / p.place) for p in small]
    with reading(names):
        _copy(root / wide.place, _JOINED, [names])
    for piece in small:
        if piece != wide:
            (root / piece.place).unlink()
    return wide


def erase(root: Path, piece: Piece, ids: Sequence[str], until_ms: int) -> bool:
    """Take the records about these ids up to a time out of a file; whether there were any."""
    path = root / piece.place
    asked: list[object] = [str(path), list(ids), until_ms]
    with reading([str(path)]), database() as connection:
        found = connection.execute(_ABOUT, asked).fetchone()
    if not found or not found[0]:
        return False
    with reading([str(path)]):
        _copy(path, _WITHOUT, asked)
    return True


def delete_before(root: Path, topic: str, first: date) -> int:
    """Delete the days of a topic before one; how many."""
    old = {piece.day for piece in pieces(root, topic) if piece.day < first}
    for day in old:
        shutil.rmtree(root / topic / f"day={day.isoformat()}")
    return len(old)
