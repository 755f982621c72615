"""One partition in memory for shells' tests: an epoch is committed or dropped as a whole."""

from typing import Generic, TypeVar

from streams.runtime.records import Output
from streams.runtime.shell import EpochStats, Shell

R = TypeVar("R")


class OnePartition(Generic[R]):
    """Rows and outputs of the only partition; rows are stored as bytes."""

    def __init__(self, shell: Shell[R]) -> None:
        self.number, self.count = 0, 1
        self.epoch = 1
        self.outputs: list[Output] = []
        self.due_ms: dict[bytes, int] = {}
        self.shell = shell
        self.stored: dict[bytes, bytes] = {}
        self.asked: list[bytes] = []
        self._dirty: dict[bytes, R | None] = {}
        self._open: list[Output] = []

    def get(self, key: bytes) -> R | None:
        """The row as this epoch sees it; `asked` remembers which were asked for."""
        self.asked.append(key)
        if key in self._dirty:
            return self._dirty[key]
        stored = self.stored.get(key)
        return None if stored is None else self.shell.decode_row(stored)

    def put(self, key: bytes, row: R | None) -> None:
        """Set the row, or delete it."""
        self._dirty[key] = row
        due_ms = None if row is None else self.shell.due_at_ms(row)
        self.due_ms.pop(key, None)
        if due_ms is not None:
            self.due_ms[key] = due_ms

    def put_off(self, key: bytes, until_ms: int) -> None:
        """Look again then."""
        self.due_ms[key] = until_ms

    def emit(self, output: Output, *, urgent: bool = False) -> None:
        """Write with this epoch."""
        self._open.append(output)

    def due(self, now_ms: int, limit: int) -> list[bytes]:
        """What is due."""
        return sorted(key for key, due_ms in self.due_ms.items() if due_ms <= now_ms)[:limit]

    def commit(self) -> None:
        """The epoch is durable."""
        for key, row in self._dirty.items():
            self.stored.pop(key, None)
            if row is not None:
                self.stored[key] = self.shell.encode_row(row)
        self.outputs += self._open
        self._dirty, self._open = {}, []
        stats = EpochStats(
            partition=self.number, epoch=self.epoch, records=0, rows=0, row_reads=0, store_reads=0,
            outputs=0, seconds=0.0, commit_seconds=0.0,
        )  # fmt: skip
        self.epoch += 1
        self.shell.on_committed(stats)

    def drop(self) -> None:
        """The epoch never was; the partition is opened anew."""
        self._dirty, self._open, self.epoch = {}, [], 1
        self.shell.on_dropped(self.number)
        self.shell.on_restored(self.number, len(self.stored))
