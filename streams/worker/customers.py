"""The customers' shell: decode, load or store rows, call `process`, emit. It decides nothing."""

import time
from collections.abc import Callable, Sequence

import structlog
from msgspec import Struct

from streams import topics
from streams.contracts.inputs.decode import decode_routed
from streams.contracts.inputs.events import InputEvent
from streams.contracts.inputs.rules import UNUSABLE, InputRules, Rejected
from streams.contracts.internal.leases import LeaseAllotted, LeaseUsed
from streams.contracts.internal.routing import (
    ErasureDone,
    LinkAnswered,
    LinkEnded,
    LinkRequested,
    Message,
    Routable,
    RoutedEvent,
    Tick,
    question_of,
    traceparent_of,
)
from streams.contracts.outputs.effects import (
    AlertRaised,
    Effect,
    EventIgnored,
    EventRefused,
    EventRouted,
    LeaseTold,
    OfferDecided,
    QuestionAnswered,
)
from streams.contracts.outputs.encode import (
    OutputMessage,
    encode_output,
    encode_routed,
)
from streams.contracts.sources.records import Ignored
from streams.customer import Row, due_at_ms
from streams.customer.codec import decode_row, encode_row
from streams.errors import StateError
from streams.identity import key_of
from streams.leases import Lease
from streams.pipeline import Step, World, process
from streams.runtime.murmur2 import partition_for
from streams.runtime.records import Output, Record
from streams.runtime.shell import EpochStats, Partition
from streams.settings import Settings
from streams.telemetry import Measurement, measure
from streams.telemetry import catalogue as metrics
from streams.worker.breaker import Breaker
from streams.worker.faults import rejected_for
from streams.worker.idle import IdleClock
from streams.worker.leases import Leases
from streams.worker.ledger import Account, Ledger
from streams.worker.letters import dead_letter
from streams.worker.meter import Meter
from streams.worker.reference import View
from streams.worker.sources import record_reader

log = structlog.get_logger()

DUE_ROWS_PER_CALL = 500
DUE_TURN_S = 0.01
"""On processing time: so long timers take at once, where many are due, before records are asked."""
PUT_OFF_MS = 3_600_000
ROUTED_TYPES = (
    RoutedEvent,
    LinkRequested,
    LinkAnswered,
    LinkEnded,
    ErasureDone,
    LeaseAllotted,
    LeaseUsed,
)
SENT_ON = (EventRouted, LeaseTold)


class Work(Struct, frozen=True):
    """What one call of the shell works with."""

    partition: Partition[Row]
    account: Account
    view: View


class Done(Struct, frozen=True):
    """What a message led to, ready to be written: nothing of it can fail any more.

    `lease`: that of the partition before.
    """

    step: Step
    messages: tuple[tuple[Effect, OutputMessage | None], ...]
    measurements: tuple[Measurement, ...]
    lease: Lease | None


class CustomerShell:
    """What the runtime calls, one thread; `view` gives the models and policy of the moment."""

    def __init__(self, settings: Settings, view: Callable[[], View], meter: Meter) -> None:
        self._settings = settings
        self._view = view
        self._meter = meter
        self._reader = record_reader(settings)
        self._breaker = Breaker(settings.breaker, meter)
        self._ledger = Ledger(meter)
        self._leases = Leases()
        self.idle = IdleClock()
        self.created: dict[int, int] = {}
        self._on_broker = {t.name: settings.on_broker(t) for t in topics.ALL}
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
        """Processing time, or the greatest event time that was accepted on this partition.

        Where nothing comes it is that of the others, once they have had it for a while (`idle`).
        One over all partitions would fire timers of one that lags behind, too early for the
        events that it has not read yet.
        """
        if self._settings.clock == "event_time":
            own_ms = self._ledger.event_time_ms(partition)
            return max(own_ms, self.idle.time_ms(partition))
        return processing_time_ms()

    def on_records(self, partition: Partition[Row], records: Sequence[Record]) -> None:
        """Process a batch, each record to its end.

        Raises:
            BreakerOpenError: nearly all of the last records were bad.
        """
        started = time.perf_counter()
        self.idle.worked(partition.number, time.monotonic())
        work = self._work(partition)
        rules = self._rules(work.view.policy.placeholders)
        for record in records:
            fault = self._take(work, record, rules)
            if fault is not None:
                self._reject(work, record, fault)
            self._breaker.saw(bad=fault is not None)
        self._meter.count(metrics.PROCESS_TIME, value=time.perf_counter() - started)

    def on_due(self, partition: Partition[Row], now_ms: int) -> None:
        """Let what is due happen, each row at its own due time.

        Where that fails twice the row stays as it is and is put off, so that the others go on.
        On processing time whoever asks for an answer does not wait for the timers of thousands
        (after an outage, after an import): they go on at the next call.

        Raises:
            BreakerOpenError: nearly all of the last records and timers were bad.
        """
        work, began_s = self._work(partition), time.monotonic()
        on_processing_time = self._settings.clock == "processing_time"
        for key in partition.due(now_ms, DUE_ROWS_PER_CALL):
            row = partition.get(key)
            due = None if row is None else due_at_ms(row)
            if due is None or due > now_ms:
                continue
            fault = self._process(work, key, Tick(key.decode(), due), row)
            if fault is not None:
                partition.put_off(key, now_ms + PUT_OFF_MS)
                self._breaker.saw(bad=True)
            elif on_processing_time:
                work.account.measure(metrics.TIMER_DELAY, value=max(0, now_ms - due) / 1000)
            if on_processing_time and time.monotonic() - began_s > DUE_TURN_S:
                break

    def on_restored(self, partition: int, rows: int) -> None:
        """Count what came from the changelog; event time begins anew."""
        self._ledger.opened(partition)
        self._leases.closed(partition)
        self.idle.opened(partition, time.monotonic())
        self._meter.count(metrics.RESTORED, value=rows)

    def on_committed(self, stats: EpochStats) -> None:
        """An epoch is durable: now its offers are out."""
        account = self._ledger.committed(stats.partition, stats.epoch)
        if account.rows:
            self.created[stats.partition] = self.created.get(stats.partition, 0) + account.rows
        in_memory = max(0, stats.row_reads - stats.store_reads)
        self._meter.count(metrics.CACHE, "hit", value=in_memory)
        self._meter.count(metrics.CACHE, "miss", value=stats.store_reads)
        self._meter.observe(metrics.COMMIT_DURATION, value=stats.commit_seconds)
        self._meter.observe(metrics.EPOCH_ROWS, value=stats.rows)
        self._meter.observe(metrics.EPOCH_OUTPUTS, value=stats.outputs)

    def on_dropped(self, partition: int) -> None:
        """What the dropped epochs measured, and the event times they brought, are forgotten."""
        self._ledger.dropped(partition)
        self._leases.closed(partition)

    def _work(self, partition: Partition[Row]) -> Work:
        return Work(partition, self._ledger.account(partition), self._view())

    def _rules(self, placeholders: frozenset[str]) -> InputRules:
        """Processing time bounds what may come in, also where event time fires the timers."""
        return InputRules(
            now_ms=processing_time_ms(),
            occurred_at_min_ms=self._settings.occurred_at_min_ms,
            placeholders=placeholders,
        )

    def _take(self, work: Work, record: Record, rules: InputRules) -> Rejected | None:
        """Take a record to its end; why not, where it cannot be."""
        try:
            message = self._decode(record, rules)
        except Exception as error:
            return self._failed(work, error, record)
        if isinstance(message, Rejected):
            return message
        if isinstance(message, Ignored):
            topic = self._in_catalogue.get(record.topic, record.topic)
            work.account.measure(metrics.NOT_OURS, topic)
            return None
        partition, key = work.partition, key_of(message).encode()
        if partition_for(key, partition.count) != partition.number:
            self._route(work, record, key, message)
            return None
        if not isinstance(message, ROUTED_TYPES):
            work.account.event_time_ms = max(work.account.event_time_ms, message.at_ms)
        return self._process(work, key, message, partition.get(key), record)

    def _decode(
        self, record: Record, rules: InputRules
    ) -> InputEvent | Routable | Rejected | Ignored:
        name = self._in_catalogue.get(record.topic, record.topic)
        if name == topics.CUSTOMER_EVENTS.name:
            return decode_routed(record.value)
        return self._reader.read(name, record.value, record.headers, rules, record.timestamp_ms)

    def _process(
        self,
        work: Work,
        key: bytes,
        message: Message,
        row: Row | None,
        record: Record | None = None,
    ) -> Rejected | None:
        """Take a message to its end; `record` is what it came in, and a timer's has none.

        What raises is tried once more. Until all of it is known nothing is written, so whatever
        fails twice leaves no trace but the reason that is given back.
        """
        try:
            done = self._compute(work, message, row)
        except Exception:
            try:
                done = self._compute(work, message, row)
            except Exception as error:
                return self._failed(work, error, record)
        after, lease = done.step.row, done.step.lease
        if after is not row:
            work.partition.put(key, after)
            work.account.rows += (after is not None) - (row is not None)
            if isinstance(after, Lease):
                self._leases.took(work.partition, after)
        if lease is not None and lease is not done.lease and lease is not after:
            work.account.rows += self._leases.put(work.partition, lease)
        for effect, encoded in done.messages:
            self._emit(work, effect, encoded, record)
        work.account.take(done.measurements)
        return None

    def _compute(self, work: Work, message: Message, row: Row | None) -> Done:
        now_ms = processing_time_ms() if self._settings.clock == "processing_time" else 0
        models, policy = work.view.models, work.view.policy
        lease = None if isinstance(row, Lease) else self._leases.of(work.partition, policy)
        step = process(message, row, World(models, policy, now_ms, lease))
        if isinstance(message, Tick) and _still_due(step.row, message.at_ms):
            raise StateError("a tick left its row due; to go on would never end")
        trace = traceparent_of(message)
        messages = tuple((effect, encode_output(effect, trace)) for effect in step.effects)
        return Done(step, messages, measure(message, step), lease)

    def _failed(self, work: Work, error: Exception, record: Record | None) -> Rejected:
        """Say loudly where it failed, with nothing of what it was about.

        Raises:
            MemoryError: that is no fault of a record.
        """
        if isinstance(error, MemoryError):
            raise error
        fault = rejected_for(error)
        kind = "timer" if record is None else "record"
        work.account.measure(metrics.INTERNAL_ERRORS, kind)
        log.error("processing_failed", kind=kind, error=fault.detail)
        return fault

    def _emit(
        self, work: Work, effect: Effect, encoded: OutputMessage | None, record: Record | None
    ) -> None:
        unusable = UNUSABLE.get(effect.reason) if isinstance(effect, EventIgnored) else None
        if unusable is not None and record is not None:
            self._reject(work, record, unusable)
            return
        if isinstance(effect, EventRefused) and record is not None:
            self._reject(work, record, Rejected(effect.reason, effect.path, effect.detail))
            return
        if encoded is None:
            return
        if isinstance(effect, OfferDecided):
            came_ms = processing_time_ms() if record is None else record.timestamp_ms
            work.account.offers_came_ms.append(came_ms)
        topic, key, value, headers = encoded
        at_ms = self._came_ms(work, record) if isinstance(effect, SENT_ON) else 0
        output = Output(self._on_broker[topic], key, value, headers, timestamp_ms=at_ms)
        work.partition.emit(output, urgent=_is_urgent(effect))

    def _route(
        self, work: Work, record: Record, key: bytes, message: InputEvent | Routable
    ) -> None:
        """Send a record on to the partition of its person; nothing is written here."""
        topic = self._in_catalogue.get(record.topic, record.topic)
        routed = message
        if not isinstance(routed, ROUTED_TYPES):
            routed = RoutedEvent(key=key.decode(), topic=topic, event=routed)
        destination = self._on_broker[topics.CUSTOMER_EVENTS.name]
        at_ms = self._came_ms(work, record)
        work.partition.emit(Output(destination, key, encode_routed(routed), timestamp_ms=at_ms))
        work.account.measure(metrics.MISPLACED, topic)

    def _came_ms(self, work: Work, record: Record | None) -> int:
        """The timestamp of what is sent on: that of what led to it, so that it is merged there."""
        if record is not None:
            return max(0, record.timestamp_ms)
        return work.account.event_time_ms if self._settings.clock == "event_time" else 0

    def _reject(self, work: Work, record: Record, rejected: Rejected) -> None:
        """The raw bytes and the reason go to the dead letters, in the same epoch."""
        topic = self._in_catalogue.get(record.topic, record.topic)
        letter = dead_letter(record, topic, rejected, self._settings)
        work.partition.emit(letter)
        work.account.measure(metrics.REJECTED, topic, rejected.reason)


def _is_urgent(effect: Effect) -> bool:
    """Whether somebody waits for it: an offer, an answer, a question on its way, money."""
    if isinstance(effect, EventRouted):
        return question_of(effect.message) is not None
    if isinstance(effect, LeaseTold):
        return effect.report.wanted > 0
    return isinstance(effect, OfferDecided | AlertRaised | QuestionAnswered)


def _still_due(row: Row | None, at_ms: int) -> bool:
    due = None if row is None else due_at_ms(row)
    return due is not None and due <= at_ms


def processing_time_ms() -> int:
    """What time it is on this machine: milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000
