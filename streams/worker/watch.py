"""What is measured from outside the work: lag, rows, partitions, readiness; every few seconds."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from confluent_kafka import KafkaException

from streams import topics
from streams.broker.lag import LagReader
from streams.runtime.group.partition import PartitionLoop
from streams.runtime.process.app import AnyRuntime
from streams.runtime.state.store import RowStore
from streams.settings import Settings
from streams.telemetry import catalogue as metrics
from streams.telemetry.catalogue.events import DELETED_UNREAD
from streams.worker.http import Health
from streams.worker.meter import Meter
from streams.worker.roles import CUSTOMERS_TABLE

log = structlog.get_logger()

TICK_S = 0.5
LAG_EVERY_TICKS = 8


class Watch:
    """A task beside the runtime; a broker that does not answer leaves old figures standing."""

    def __init__(
        self,
        settings: Settings,
        runtime: AnyRuntime,
        meter: Meter,
        ready: Callable[[], Health],
        created: Callable[[], Mapping[int, int]],
    ) -> None:
        self._settings = settings
        self._runtime = runtime
        self._meter = meter
        self._ready = ready
        self._created = created
        self._counted: dict[int, Any] = {}
        self._rows: dict[int, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._opening_s: dict[int, float] = {}
        self._lag_reader: LagReader | None = None
        self._names = {settings.on_broker(t): t.name for t in topics.ALL}
        # It begins at 0: a series that begins with its first count shows no increase.
        for topic in runtime.settings.source_topics:
            meter.count(DELETED_UNREAD, self._names[topic], value=0.0)
        meter.before_scrape(self._note_state)

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        loop, tick = asyncio.get_running_loop(), 0
        while not self._runtime.finished.is_set():
            self._note_state()
            if tick % LAG_EVERY_TICKS == 0:
                await loop.run_in_executor(None, self._look_closer)
            tick += 1
            await asyncio.sleep(TICK_S)

    def _look_closer(self) -> None:
        self.note_stores()
        self._note_lag()

    def note_stores(self) -> None:
        """How many rows the stores hold, and how much memory they take; may walk over them."""
        self._count_opened()
        self._note_rows()
        self._note_store_memory()

    def _note_state(self) -> None:
        owned = dict(self._runtime.owned)
        running = [number for number, loop in owned.items() if loop.state == "running"]
        self._meter.set(metrics.PARTITIONS, value=len(running))
        if self._runtime.settings.table == CUSTOMERS_TABLE and self._runtime.partition_count:
            served = 0 if self._runtime.no_broker else len(running)
            self._meter.set(metrics.DECISION_PARTITIONS, "served", value=served)
            everywhere = self._runtime.partition_count
            self._meter.set(metrics.DECISION_PARTITIONS, "all", value=everywhere)
        standbys = [lag for lag in self._runtime.standby_lag().values() if lag is not None]
        self._meter.set(metrics.STANDBYS, value=len(standbys))
        self._meter.set(metrics.STANDBY_LAG, value=max(standbys, default=0))
        self._meter.set(metrics.BROKER_SILENT, value=self._runtime.broker_silent_s)
        self._meter.set(metrics.READY, value=float(self._ready().ok))
        now_s = time.monotonic()
        for number, loop in owned.items():
            for topic in list(loop.deleted):
                if gone := loop.deleted.pop(topic, 0):
                    self._meter.count(DELETED_UNREAD, self._names[topic], value=gone)
            if loop.state == "opening":
                self._opening_s.setdefault(number, now_s)
            elif number in self._opening_s:
                took_s = now_s - self._opening_s.pop(number)
                self._meter.set(metrics.RESTORE_DURATION, value=took_s)

    def _count_opened(self) -> None:
        """Count the rows of partitions that have opened since; the shell counts on from there."""
        running = {n: p for n, p in self._runtime.owned.items() if p.state == "running"}
        for number, partition in running.items():
            if self._counted.get(number) is not partition:
                self._counted[number] = partition
                stored = _asked_of(partition, RowStore.count)
                self._rows[number] = stored - self._created().get(number, 0)

    def _note_rows(self) -> None:
        created = self._created()
        held = (self._rows.get(n, 0) + created.get(n, 0) for n in list(self._runtime.owned))
        self._meter.set(metrics.ROWS, value=max(0, sum(held)))

    def _note_store_memory(self) -> None:
        open_ = [p for p in list(self._runtime.owned.values()) if p.state == "running"]
        memtables = sum(_asked_of(partition, RowStore.memtable_bytes) for partition in open_)
        self._meter.set(metrics.STORE_MEMORY, "memtables", value=memtables)
        cached = self._runtime.block_cache_bytes()
        self._meter.set(metrics.STORE_MEMORY, "block_cache", value=cached)

    def _note_lag(self) -> None:
        if self._runtime.no_broker:
            return
        try:
            lag = self._lag()
        except KafkaException as error:
            log.warning("lag_unknown", error=error.args[0].name())
            return
        for topic, records in lag.items():
            self._meter.set(metrics.LAG, topic, value=records)

    def _lag(self) -> dict[str, int]:
        """Records between what this process has committed and the end, by topic."""
        numbers = list(self._runtime.owned)
        sources = self._runtime.settings.source_topics
        lag = {self._names[topic]: 0 for topic in sources}
        wanted = [(topic, n) for topic in sources for n in numbers]
        if not wanted:
            return lag
        if self._lag_reader is None:
            self._lag_reader = LagReader(self._settings, self._runtime.settings.application_id)
        for (topic, _), records in self._lag_reader.lag(wanted).items():
            lag[self._names[topic]] += records
        return lag


def _asked_of(partition: PartitionLoop[Any], ask: Callable[[RowStore], int]) -> int:
    """What a partition's store says of itself; 0 where it has just been closed."""
    try:
        return ask(partition.store)
    except Exception as error:  # it was closed while it was asked: its rows have moved away
        log.info("store_not_asked", error=type(error).__name__)
        return 0
