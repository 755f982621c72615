"""The runtime in memory, over the real shell and rows: nothing waits for a clock.

Durable are the topics, the committed positions, the changelog and, behind it, the stores. An epoch
gathers over the committing one, as in the worker; who calls what, and when it crashes, is the
schedule's choice. A record that is sent on to another row waits for all that came before it, and
all that comes after it waits until it has arrived, so that everybody's order is the input's.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from streams import topics
from streams.customer import Row
from streams.decisions import Policy
from streams.models import initial_models
from streams.runtime.epoch import Batch, Epoch
from streams.runtime.murmur2 import partition_for
from streams.runtime.records import NEVER, Output, Record
from streams.runtime.shell import EpochStats
from streams.runtime.state.rows import Rows
from streams.runtime.state.store import StoredRow
from streams.settings import Settings
from streams.worker.customers import CustomerShell
from streams.worker.meter import Meter
from streams.worker.reference import View
from streams.worker.roles import WORK

STEP_MS = 10  # between two inputs; what a record routes on comes right after it
CACHED_ROWS_MAX, DECODED_ROWS_MAX = 4, 2  # so that the store is asked as well, and the bytes
SETTINGS = Settings(clock="event_time")
ROUTED = topics.CUSTOMER_EVENTS.on_broker(SETTINGS.application_id)


class MemoryStore:
    """What `Rows` asks of a store; `position` is how much of the changelog it holds."""

    def __init__(self) -> None:
        self.rows: dict[bytes, StoredRow] = {}
        self.position = 0

    def get(self, key: bytes) -> StoredRow | None:
        """The stored row."""
        return self.rows.get(key)

    def due(self, since_ms: int = 0) -> Iterator[tuple[int, bytes]]:
        """Due time and key, the earliest first."""
        stored = ((row.due_ms, key) for key, row in self.rows.items())
        return iter(sorted(e for e in stored if since_ms <= e[0] < NEVER))

    def take(self, key: bytes, row: StoredRow | None) -> None:
        """Set or delete."""
        if row is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = row


class Routed(Struct, frozen=True):
    """A record on its way to another partition, in an epoch that is not committed."""

    timestamp_ms: int
    output: Output


class MemoryPartition:
    """One opening of a partition: it is the shell's `Partition`, and dropped as a whole."""

    def __init__(self, number: int, world: "World") -> None:
        self.number, self.count = number, world.count
        self.rows: Rows[Row] = Rows(
            world.stores[number],  # type: ignore[arg-type]
            world.shell,
            CACHED_ROWS_MAX,
            DECODED_ROWS_MAX,
        )
        self.rows.open = Epoch(world.committed[number])
        self.routed: list[Routed] = []
        self.committing_routed: list[Routed] = []
        self.reading_ms = 0

    @property
    def epoch(self) -> int:
        """The number of the open epoch."""
        return self.rows.open.number

    @property
    def uncommitted(self) -> bool:
        """Whether an epoch is open, or being committed, that holds something."""
        rows = self.rows
        return rows.committing is not None or not rows.open.empty or bool(self.routed)

    def get(self, key: bytes) -> Row | None:
        """The row as this epoch sees it."""
        return self.rows.get(key)

    def put(self, key: bytes, row: Row | None) -> None:
        """Set or delete the row."""
        self.rows.put(key, row)

    def put_off(self, key: bytes, until_ms: int) -> None:
        """Leave the row as it is, but have it due then."""
        self.rows.put_off(key, until_ms)

    def emit(self, output: Output, *, urgent: bool = False) -> None:
        """Write a record with this epoch."""
        if output.topic == ROUTED:
            self.routed.append(Routed(self.reading_ms + 1, output))
        else:
            self.rows.open.outputs.append(output)

    def due(self, now_ms: int, limit: int) -> list[bytes]:
        """Keys of due rows."""
        return self.rows.due(now_ms, limit)


def sealed(epoch: Epoch[Row]) -> Iterator[tuple[bytes, StoredRow | None]]:
    """The rows of a sealed epoch, as a store holds them."""
    for change in epoch.changes:
        yield change.key, None if change.data is None else StoredRow(change.due_ms, change.data)


def committed_stats(number: int, epoch: Epoch[Row]) -> EpochStats:
    """What the shell is told of a committed epoch; no time has passed here."""
    return EpochStats(
        partition=number,
        epoch=epoch.number,
        records=epoch.records,
        rows=len(epoch.rows),
        row_reads=0,
        store_reads=0,
        outputs=len(epoch.outputs),
        seconds=0.0,
        commit_seconds=0.0,
    )


class World:
    """A process with all partitions, and what survives it."""

    def __init__(
        self,
        records: Sequence[tuple[str, int, bytes, bytes]],
        routing: Iterable[int],
        policy: Policy,
        count: int,
        *,
        settings: Settings = SETTINGS,
        keeps_dropped_rows: bool = False,
    ) -> None:
        """`records`: topic, partition, key, value; `routing`: numbers of those sent on.

        `keeps_dropped_rows` is a fault, for control.
        """
        self.count = count
        self.outputs: list[Output] = []
        # Topics whose records have not arrived yet.
        self.hidden: set[str] = set()
        self.changelog: list[list[tuple[bytes, StoredRow | None]]] = [[] for _ in range(count)]
        sources = [SETTINGS.on_broker(topic) for topic in WORK["worker"].sources]
        self.committed = [dict.fromkeys(sources, 0) for _ in range(count)]
        self.stores = [MemoryStore() for _ in range(count)]
        self._log: dict[tuple[str, int], list[Record]] = defaultdict(list)
        for n, (topic, partition, key, value) in enumerate(records):
            self._append(topic, partition, STEP_MS * (n + 1), key, value)
        self._keeps_dropped_rows = keeps_dropped_rows
        self._view = View(initial_models(), policy)
        self.meter = Meter()
        self._settings = settings
        self._barriers = sorted((STEP_MS * (n + 1) for n in routing), reverse=True)
        self.crash()

    def crash(self) -> None:
        """The process ends without a word; another one opens everything."""
        for number in range(self.count) if hasattr(self, "shell") else ():
            self._keep_dropped_rows(number)
        self.shell = CustomerShell(self._settings, lambda: self._view, self.meter)
        self.partitions: dict[int, MemoryPartition] = {}
        for number in range(self.count):
            self._open(number)

    def drop(self, number: int) -> None:
        """An epoch could not be committed: its partition is opened anew by the same process."""
        self._keep_dropped_rows(number)
        self._reopen(number)

    def lose_disk(self, number: int) -> None:
        """Everything that the partition had on disk; it is restored when it is opened."""
        self.stores[number] = MemoryStore()
        self._reopen(number)

    def deliver(self, number: int) -> bool:
        """The next record of a partition, unless it must wait for one that is routed."""
        partition = self.partitions[number]
        record = self._next(partition.rows.open.positions, number)
        if record is None or not self._may_come(record):
            return False
        begins, ends = {record.topic: record.offset}, {record.topic: record.offset + 1}
        partition.rows.open.advance(Batch(number, begins, ends, [record]))
        partition.reading_ms = record.timestamp_ms
        self.shell.on_records(partition, [record])
        return True

    def fire(self, number: int) -> bool:
        """What is due."""
        partition, now_ms = self.partitions[number], self.shell.now_ms(number)
        if partition.rows.next_due_ms() > now_ms or not partition.rows.due(now_ms, 1):
            return False
        self.shell.on_due(partition, now_ms)
        return True

    def begin_commit(self, number: int) -> bool:
        """The open epoch ends; the next one is gathered beside its commit."""
        partition = self.partitions[number]
        rows = partition.rows
        if rows.committing is not None or (rows.open.empty and not partition.routed):
            return False
        rows.end_epoch()
        partition.committing_routed, partition.routed = partition.routed, []
        return True

    def end_commit(self, number: int, *, dies: bool = False) -> bool:
        """All of the committing epoch at once; `dies` before the store is written."""
        partition = self.partitions[number]
        epoch = partition.rows.committing
        if epoch is None:
            return False
        self.changelog[number] += sealed(epoch)
        self.outputs += epoch.outputs
        self.committed[number] = {**self.committed[number], **epoch.moved}
        for sent in partition.committing_routed:
            key = sent.output.key or b""
            to = partition_for(key, self.count)
            self._append(ROUTED, to, sent.timestamp_ms, key, sent.output.value)
        partition.committing_routed = []
        if dies:
            self.crash()
            return True
        self._restore(number)
        partition.rows.settle(epoch)
        self.shell.on_committed(committed_stats(number, epoch))
        return True

    def run_to_the_end(self) -> None:
        """No more faults: read, fire and commit until nothing is left."""
        busy = True
        while busy:
            busy = False
            for number in range(self.count):
                for act in (self.deliver, self.fire, self.begin_commit, self.end_commit):
                    busy |= act(number)

    def rows_as_stored(self) -> Mapping[bytes, bytes]:
        """Every row off the changelog: nothing else is the truth."""
        newest = {key: row for log in self.changelog for key, row in log}
        return {key: row.data for key, row in newest.items() if row is not None}

    def _reopen(self, number: int) -> None:
        if self.partitions[number].uncommitted:
            self.shell.on_dropped(number)
        self._open(number)

    def _open(self, number: int) -> None:
        self._restore(number)
        self.partitions[number] = MemoryPartition(number, self)
        self.shell.on_restored(number, 0)

    def _restore(self, number: int) -> None:
        store, log = self.stores[number], self.changelog[number]
        for key, row in log[store.position :]:
            store.take(key, row)
        store.position = len(log)

    def _keep_dropped_rows(self, number: int) -> None:
        rows = self.partitions[number].rows
        if not self._keeps_dropped_rows:
            return
        for epoch in (rows.committing, rows.end_epoch()):
            for key, stored in sealed(epoch) if epoch is not None else ():
                self.stores[number].take(key, stored)

    def _next(self, positions: Mapping[str, int], number: int) -> Record | None:
        """Of the records that wait in the partition's topics, the earliest."""
        waiting = (
            self._log[topic, number][at : at + 1]
            for topic, at in positions.items()
            if topic not in self.hidden
        )
        found = (records[0] for records in waiting if records)
        return min(found, key=lambda record: record.timestamp_ms, default=None)

    def _may_come(self, record: Record) -> bool:
        """Whether a record need not wait for one that is sent on, or for those before it."""
        came_ms = record.timestamp_ms - record.timestamp_ms % STEP_MS
        if self._barriers and came_ms >= self._barriers[-1]:
            committed_ms = self._committed_until_ms()
            if committed_ms > self._barriers[-1]:
                self._barriers.pop()
                return self._may_come(record)
            return committed_ms == came_ms == self._barriers[-1]
        return True

    def _committed_until_ms(self) -> int:
        """When the earliest record came in that is not committed, all that it led to included."""
        times = [NEVER]
        for number, partition in self.partitions.items():
            earliest = self._next(self.committed[number], number)
            times += [earliest.timestamp_ms] if earliest is not None else []
            times += [r.timestamp_ms for r in (*partition.committing_routed, *partition.routed)]
        earliest_ms = min(times)
        return earliest_ms - earliest_ms % STEP_MS

    def _append(
        self, topic: str, partition: int, at_ms: int, key: bytes, value: bytes | None
    ) -> None:
        log = self._log[topic, partition]
        log.append(Record(topic, partition, len(log), at_ms, key, value, ()))
