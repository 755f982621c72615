"""An epoch: what one transaction will hold, gathered in memory until it ends."""

import time
from collections.abc import Mapping
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from streams.runtime.faults import StaleBatchError
from streams.runtime.records import NEVER, Output, Record, RowChange

R = TypeVar("R")


class Batch(NamedTuple):
    """Records of one partition number, merged by time; it names where it begins and ends.

    `begins` and `ends` are offsets by topic, of the topics of which it has records, or passes over
    what retention deleted before it was read. `deleted`: how much of that is lost, by topic.
    """

    partition: int
    begins: Mapping[str, int]
    ends: Mapping[str, int]
    records: list[Record]
    deleted: Mapping[str, int] = {}


class RowSlot(Struct, Generic[R], gc=False):
    """A row in memory, encoded, decoded or both, as the newest epoch sees it, and when it is due.

    `row` and `data` are None where there is no row; `data` alone is, where it has to be encoded.
    `epoch` is the number of the epoch that changed it last (0: none has), `was_due_ms` what the
    store says once all epochs before that one are written to it.
    """

    row: R | None
    data: bytes | None
    due_ms: int
    was_due_ms: int
    epoch: int = 0


class Epoch(Generic[R]):
    """Dirty rows, outputs and positions since the last end; nobody else sees them yet.

    Once it is sealed, `changes` are its rows as they are written, and `earliest_due_ms` is theirs.
    """

    def __init__(self, positions: Mapping[str, int], number: int = 1) -> None:
        self.number = number
        self.began_s: float | None = None
        self.moved: dict[str, int] = {}
        self.rows: dict[bytes, RowSlot[R]] = {}
        self.changes: list[RowChange] = []
        self.earliest_due_ms = NEVER
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

    def seal(self) -> "Epoch[R]":
        """Take the encoded rows as they are; returns the next epoch, which may change them."""
        self.changes = [
            RowChange(key, slot.data, slot.due_ms, slot.was_due_ms)
            for key, slot in self.rows.items()
        ]
        self.earliest_due_ms = min((change.due_ms for change in self.changes), default=NEVER)
        return Epoch(self._positions, self.number + 1)

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
