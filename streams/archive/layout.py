"""Where the archive's files lie: `TOPIC/day=YYYY-MM-DD/PARTITION-FIRST-LAST.parquet`.

First and last are offsets. A file counts when its partition's position has passed it, and no wider
file of its day and partition holds the same offsets.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

from msgspec import Struct

SUFFIX = ".parquet"
UNFINISHED = ".part"
_NAME = re.compile(r"(\d+)-(\d+)-(\d+)\.parquet")
_DAY = re.compile(r"day=(\d{4}-\d{2}-\d{2})")

Partition = tuple[str, int]
"""A topic of the catalogue, and the number of a partition."""


class Piece(Struct, frozen=True, order=True):
    """A file of the archive: records of one partition and day, from one offset to another."""

    topic: str
    day: date
    partition: int
    first: int
    last: int

    @property
    def place(self) -> str:
        """Its path under the archive's folder.

        >>> Piece("decision-log", date(2026, 3, 2), 1, 0, 41).place
        'decision-log/day=2026-03-02/1-0-41.parquet'
        """
        name = f"{self.partition}-{self.first}-{self.last}{SUFFIX}"
        return f"{self.topic}/day={self.day.isoformat()}/{name}"

    def holds(self, other: "Piece") -> bool:
        """Whether every offset of the other is inside this one, and it is another file."""
        same = (self.topic, self.day, self.partition) == (other.topic, other.day, other.partition)
        return same and self != other and self.first <= other.first and other.last <= self.last


def pieces(root: Path, topic: str) -> list[Piece]:
    """Every file of a topic, whether it counts or not, by day, partition and offset."""
    return sorted(_pieces(root, topic))


def _pieces(root: Path, topic: str) -> Iterator[Piece]:
    for path in (root / topic).glob(f"day=*/*{SUFFIX}"):
        name, day = _NAME.fullmatch(path.name), _DAY.fullmatch(path.parent.name)
        if name and day:
            partition, first, last = map(int, name.groups())
            yield Piece(topic, date.fromisoformat(day[1]), partition, first, last)


def that_count(found: Iterable[Piece], positions: Mapping[Partition, int]) -> list[Piece]:
    """Those that are whole and the only ones with their records.

    Args:
        found: all pieces of a topic.
        positions: the next offset of each partition that is not archived yet.

    >>> day = date(2026, 3, 2)
    >>> small, wide, new = (Piece("t", day, 0, *r) for r in ((0, 4), (0, 9), (10, 12)))
    >>> [p.last for p in that_count([small, wide, new], {("t", 0): 10})]
    [9]
    """
    passed = [p for p in found if p.last < positions.get((p.topic, p.partition), 0)]
    groups: dict[tuple[date, int], list[Piece]] = {}
    for piece in passed:
        groups.setdefault((piece.day, piece.partition), []).append(piece)
    return [p for p in passed if not any(o.holds(p) for o in groups[p.day, p.partition])]
