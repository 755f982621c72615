"""The customers' shell: decode, load or store rows, call `process`, emit. It decides nothing."""

import time
from collections.abc import Callable, Sequence

from streams import topics
from streams.contracts.inputs.decode import decode, decode_routed
from streams.contracts.inputs.events import InputEvent
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.internal.routing import (
    LinkAnswered,
    LinkRequested,
    Message,
    Routable,
    RoutedEvent,
    Tick,
)
from streams.contracts.outputs.effects import AlertRaised, Effect, EventIgnored, OfferDecided
from streams.contracts.outputs.encode import encode_dead_letter, encode_output, encode_routed
from streams.customer import Row, due_at_ms
from streams.customer.codec import decode_row, encode_row
from streams.errors import StateError
from streams.identity import key_of
from streams.pipeline import World, process
from streams.runtime.murmur2 import partition_for
from streams.runtime.records import Output, Record
from streams.runtime.shell import EpochStats, Partition
from streams.settings import Settings
from streams.telemetry import catalogue as metrics
from streams.telemetry import measure
from streams.worker.breaker import Breaker
from streams.worker.latency import OfferLatency
from streams.worker.meter import Meter
from streams.worker.reference import View

DUE_ROWS_PER_CALL = 500
ROUTED_TYPES = (RoutedEvent, LinkRequested, LinkAnswered)
ID_CONFLICT = Rejected("id_conflict", "$.event_id", "came before with other content")


class CustomerShell:
    """What the runtime calls, one thread; `view` gives the models and policy of the moment."""

    def __init__(self, settings: Settings, view: Callable[[], View], meter: Meter) -> None:
        self._settings = settings
        self._view = view
        self._meter = meter
        self._breaker = Breaker(settings.breaker, meter)
        self._latency = OfferLatency(meter)
        self._stream_ms: dict[int, int] = {}
        self.created: dict[int, int] = {}
        self._on_broker = {t.name: t.on_broker(settings.application_id) for t in topics.ALL}
        self._in_catalogue = {broker: name for name, broker in self._on_broker.items()}

    def encode_row(self, row: Row) -> bytes:
        """The row as it is stored."""
        return encode_row(row)

    def decode_row(self, data: bytes) -> Row:
        """A stored row, of this version or an older one."""
        return decode_row(data)

    def due_at_ms(self, row: Row) -> int | None:
        """When the row wants to be looked at."""
        return due_at_ms(row)

    def now_ms(self, partition: int) -> int:
        """The wall's time, or the greatest event time that was accepted on this partition.

        A clock over all partitions would fire timers of one that lags behind, too early for the
        events that it has not read yet.
        """
        if self._settings.clock == "stream":
            return self._stream_ms.get(partition, 0)
        return wall_ms()

    def on_records(self, partition: Partition[Row], records: Sequence[Record]) -> None:
        """Process a batch, each record to its end."""
        started = time.perf_counter()
        view, rules = self._view(), self._rules()
        self._latency.begin(partition.number, records)
        for record in records:
            message = self._decode(record, rules)
            self._breaker.saw(bad=isinstance(message, Rejected))
            if isinstance(message, Rejected):
                self._reject(partition, record, message)
            else:
                self._handle(partition, record, message, view)
        self._meter.count(metrics.PROCESS_TIME, value=time.perf_counter() - started)

    def on_due(self, partition: Partition[Row], now_ms: int) -> None:
        """Let what is due happen, each row at its own due time.

        Raises:
            StateError: a row stays due after its tick; going on would never end.
        """
        view = self._view()
        for key in partition.due(now_ms, DUE_ROWS_PER_CALL):
            row = partition.get(key)
            due = None if row is None else due_at_ms(row)
            if due is None or due > now_ms:
                continue
            tick = Tick(key.decode(), due)
            after = self._process(partition, key, tick, row, view, wall_ms())
            left = None if after is None else due_at_ms(after)
            if left is not None and left <= due:
                raise StateError(f"a tick left its row due: {type(after).__name__}")
            if self._settings.clock == "wall":
                self._meter.observe(metrics.TIMER_DELAY, value=max(0, now_ms - due) / 1000)

    def on_restored(self, partition: int, rows: int) -> None:
        """Count what came from the changelog; the stream's clock goes back with the positions."""
        self._stream_ms.pop(partition, None)
        self._meter.count(metrics.RESTORED, value=rows)

    def on_committed(self, stats: EpochStats) -> None:
        """An epoch is durable: now its offers are out."""
        self._latency.committed(stats.partition, stats.records)
        in_memory = max(0, stats.row_reads - stats.store_reads)
        self._meter.count(metrics.CACHE, "hit", value=in_memory)
        self._meter.count(metrics.CACHE, "miss", value=stats.store_reads)
        self._meter.count(metrics.COMMITS, "committed")
        self._meter.observe(metrics.COMMIT_DURATION, value=stats.commit_seconds)
        self._meter.observe(metrics.EPOCH_ROWS, value=stats.rows)
        self._meter.observe(metrics.EPOCH_OUTPUTS, value=stats.outputs)

    def _rules(self) -> InputRules:
        """The wall bounds what may come in, also where the stream's clock fires the timers."""
        return InputRules(now_ms=wall_ms(), occurred_at_min_ms=self._settings.occurred_at_min_ms)

    def _decode(self, record: Record, rules: InputRules) -> InputEvent | Routable | Rejected:
        name = self._in_catalogue.get(record.topic, record.topic)
        if name == topics.CUSTOMER_EVENTS.name:
            return decode_routed(record.value)
        return decode(name, record.value, record.headers, rules)

    def _handle(
        self, partition: Partition[Row], record: Record, message: InputEvent | Routable, view: View
    ) -> None:
        key = key_of(message).encode()
        if partition_for(key, partition.count) != partition.number:
            self._route(partition, record, key, message)
            return
        if not isinstance(message, ROUTED_TYPES):
            newest = self._stream_ms.get(partition.number, 0)
            self._stream_ms[partition.number] = max(newest, message.at_ms)
        row = partition.get(key)
        self._process(partition, key, message, row, view, record.timestamp_ms, record)

    def _process(
        self,
        partition: Partition[Row],
        key: bytes,
        message: Message,
        row: Row | None,
        view: View,
        came_ms: int,
        record: Record | None = None,
    ) -> Row | None:
        wall = wall_ms() if self._settings.clock == "wall" else 0
        step = process(message, row, World(view.models, view.policy, wall))
        if step.row is not row:
            partition.put(key, step.row)
            self._count_rows(partition.number, (step.row is not None) - (row is not None))
        for effect in step.effects:
            self._emit(partition, effect, came_ms, record)
        self._meter.record(measure(message, step))
        return step.row

    def _count_rows(self, partition: int, more: int) -> None:
        if more:
            self.created[partition] = self.created.get(partition, 0) + more

    def _emit(
        self, partition: Partition[Row], effect: Effect, came_ms: int, record: Record | None
    ) -> None:
        conflict = isinstance(effect, EventIgnored) and effect.reason == "id_conflict"
        if conflict and record is not None:
            self._reject(partition, record, ID_CONFLICT)
            return
        encoded = encode_output(effect)
        if encoded is None:
            return
        urgent = isinstance(effect, OfferDecided | AlertRaised)
        if isinstance(effect, OfferDecided):
            self._latency.decided(partition.number, came_ms)
        topic, key, value, headers = encoded
        partition.emit(Output(self._on_broker[topic], key, value, headers), urgent=urgent)

    def _route(
        self,
        partition: Partition[Row],
        record: Record,
        key: bytes,
        message: InputEvent | Routable,
    ) -> None:
        """Send a record on to the partition of its person; nothing is written here."""
        topic = self._in_catalogue.get(record.topic, record.topic)
        routed = message
        if not isinstance(routed, ROUTED_TYPES):
            routed = RoutedEvent(key=key.decode(), topic=topic, event=routed)
        destination = self._on_broker[topics.CUSTOMER_EVENTS.name]
        partition.emit(Output(destination, key, encode_routed(routed)))
        self._meter.count(metrics.MISPLACED, topic)

    def _reject(self, partition: Partition[Row], record: Record, rejected: Rejected) -> None:
        """The raw bytes and the reason go to the dead letters, in the same epoch."""
        topic = self._in_catalogue.get(record.topic, record.topic)
        letter = encode_dead_letter(
            record.value,
            rejected,
            topic=topic,
            partition=record.partition,
            offset=record.offset,
            key=record.key,
            attempt=attempt_of(record) + 1,
            headers=record.headers,
        )
        partition.emit(Output(*letter))
        self._meter.count(metrics.REJECTED, topic, rejected.reason)


def source_topics(settings: Settings) -> tuple[str, ...]:
    """The topics that the customers' shell reads, as the broker names them."""
    return (
        *(t.name for t in topics.INPUTS),
        topics.CUSTOMER_EVENTS.on_broker(settings.application_id),
    )


def attempt_of(record: Record) -> int:
    """How often the record was driven again before; what is no number counts as never."""
    for name, value in record.headers:
        if name == "os_attempt":
            return int(value) if value.isdigit() and len(value) < 6 else 0
    return 0


def wall_ms() -> int:
    """The wall's time in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
