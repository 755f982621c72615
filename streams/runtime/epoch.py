"""An epoch: what one transaction will hold, gathered in memory until it ends."""

import time
from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, TypeVar

from streams.runtime.faults import StaleBatchError
from streams.runtime.records import Output, Record

R = TypeVar("R")


class Batch(NamedTuple):
    """Records of one partition number, merged by time; it names where it begins and ends.

    `begins` and `ends` are offsets by topic, of the topics that have records in it.
    """

    partition: int
    begins: Mapping[str, int]
    ends: Mapping[str, int]
    records: list[Record]


class Epoch(Generic[R]):
    """Dirty rows, outputs and positions since the last end; nobody else sees them yet."""

    def __init__(self, positions: Mapping[str, int]) -> None:
        self.began_s: float | None = None
        self.moved: dict[str, int] = {}
        self.rows: dict[bytes, R | None] = {}
        self.encoded: dict[bytes, bytes | None] = {}
        self.due_ms: dict[bytes, int] = {}
        self.was_due_ms: dict[bytes, int] = {}
        self.outputs: list[Output] = []
        self.records = 0
        self.urgent = False
        self._positions = dict(positions)

    @property
    def positions(self) -> Mapping[str, int]:
        """The next offset to read, by topic."""
        return self._positions

    @property
    def empty(self) -> bool:
        """Nothing was read, written or emitted."""
        return not (self.moved or self.rows or self.outputs)

    def begin_unless_empty(self) -> None:
        """Note when the first of its contents came in (`began_s`, monotonic)."""
        if self.began_s is None and not self.empty:
            self.began_s = time.monotonic()

    def seal(self, encode: Callable[[R], bytes]) -> None:
        """Encode the rows as they are: from here on the next epoch may change them in place."""
        self.encoded = {k: None if row is None else encode(row) for k, row in self.rows.items()}

    def advance(self, batch: Batch) -> None:
        """Take a batch in; its records become this epoch's.

        Raises:
            StaleBatchError: it does not begin at this epoch's own position.
        """
        for topic, begins in batch.begins.items():
            if self._positions.get(topic) != begins:
                raise StaleBatchError(
                    f"{topic}[{batch.partition}]: the batch begins at {begins}, "
                    f"the epoch stands at {self._positions.get(topic)}"
                )
        self._positions.update(batch.ends)
        self.moved.update(batch.ends)
        self.records += len(batch.records)
