"""The two sides of the runtime's one seam: what an application gives, and what it is given."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

from streams.runtime.records import Output, Record

R = TypeVar("R")


class EpochStats(Struct, frozen=True, kw_only=True):
    """What one committed epoch held; `seconds` from its first record or timer to its commit.

    `epoch` is the number that the partition said was open when it was gathered.

    `row_reads` and `store_reads` are how often rows were read since the epoch before was committed,
    and how often they were not in memory.
    """

    partition: int
    epoch: int
    records: int
    rows: int
    row_reads: int
    store_reads: int
    outputs: int
    seconds: float
    commit_seconds: float


class Partition(Protocol[R]):
    """What a shell sees while it handles a batch: the rows of one partition number."""

    @property
    def number(self) -> int:
        """This partition number."""

    @property
    def count(self) -> int:
        """How many partitions every source topic and the changelog have."""

    @property
    def epoch(self) -> int:
        """The number of the open epoch, that what is handled now belongs to.

        Greater than that of the epoch before; it begins at 1 again when the partition is opened.
        """

    def get(self, key: bytes) -> R | None:
        """The row as this epoch sees it, or None."""

    def put(self, key: bytes, row: R | None) -> None:
        """Set the row; None deletes it (a tombstone in the changelog)."""

    def put_off(self, key: bytes, until_ms: int) -> None:
        """Leave a row as it is, but have it due then; the next `put` names its own time again."""

    def emit(self, output: Output, *, urgent: bool = False) -> None:
        """Write a record with this epoch; `urgent` ends the epoch after this batch."""

    def due(self, now_ms: int, limit: int) -> list[bytes]:
        """Keys of at most `limit` rows that are due at or before `now_ms`, the earliest first."""


class Shell(Protocol[R]):
    """What an application gives the runtime; one object a process, called by one thread.

    A row may be changed in place, if it is `put` afterwards, and before another one is asked for:
    a row is encoded when others are in use, and what was changed by an epoch that is dropped is
    read from the store again.
    The order of calls for a partition: `on_restored`, then `on_records` and `on_due` in any order
    and `on_committed` for each of their epochs, one after the other; where epochs fail instead,
    `on_dropped` once for all of them, and `on_restored` when the partition is opened anew.
    What a shell keeps beside the rows (measurements, a clock, a model) it keeps by epoch.
    An exception out of any of these is a programmer's error: it drops the epoch and ends the
    process (exit code 70); bad data must be handled inside.
    """

    def encode_row(self, row: R) -> bytes:
        """The bytes of a row, for the store and the changelog."""

    def decode_row(self, data: bytes) -> R:
        """The row of `encode_row`'s bytes, of this or an older version."""

    def due_at_ms(self, row: R) -> int | None:
        """When the row wants to be looked at again; None: never."""

    def now_ms(self, partition: int) -> int:
        """What time it is for timers: processing time or event time, the application's choice."""

    def on_records(self, partition: Partition[R], records: Sequence[Record]) -> None:
        """Handle a batch: read and write rows, emit outputs."""

    def on_due(self, partition: Partition[R], now_ms: int) -> None:
        """Handle what is due; called again as long as something is, so move every due row on."""

    def on_restored(self, partition: int, rows: int) -> None:
        """A partition was taken over, and so many rows came from its changelog.

        Others may have had it in between: what is known of it from before is void.
        """

    def on_committed(self, stats: EpochStats) -> None:
        """An epoch is durable."""

    def on_dropped(self, partition: int) -> None:
        """What came after the last committed epoch never was; its records come again."""
