"""Sending events from a file: what arrives is counted when the broker has it, the rest is named.

A record that cannot be sent never stops the others. Kafka refuses a whole batch for one of its
records, so those of a refused batch are sent again, each alone. Records go out in the order of
their event times, as far as the window of `in_order` reaches.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Producer
from msgspec import Struct
from msgspec.structs import replace

from streams import topics
from streams.admin.refusals import Refusals, judged
from streams.admin.sending import new_producer
from streams.contracts.inputs.json_lines import InputRecord
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.sources.records import marks_of
from streams.settings import Settings

LAST_FLUSH_S: Final = 5.0
STEP_S: Final = 0.2
REFUSED: Final = "refused_by_kafka"
WINDOW_RECORDS: Final = 200_000
WINDOW_BYTES: Final = 256 * 1024 * 1024
# The broker does not answer: nothing is wrong with the record.
_AWAY: Final = frozenset(
    {
        KafkaError._MSG_TIMED_OUT,
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._PURGE_QUEUE,
        KafkaError._PURGE_INFLIGHT,
        KafkaError._DESTROY,
    }
)
# One record is wrong, and Kafka says so of its whole batch.
_OF_BATCH: Final = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_TIMESTAMP,
        KafkaError.POLICY_VIOLATION,
        KafkaError.INVALID_MSG,
        KafkaError._FATAL,
    }
)
_ALONE: Final = {"batch.num.messages": 1, "linger.ms": 0}


class Sent(Struct, frozen=True):
    """What became of a file.

    `from_line`: where to go on; None where nothing is left. `stopped`: why it ended early.
    `disordered`: how many went out after later ones.
    """

    sent: int
    refusals: Refusals
    from_line: int | None = None
    stopped: str = ""
    disordered: int = 0


class _Outgoing(Struct, frozen=True, order=True):
    """A record that waits for its turn: by event time, and of one moment as it was read.

    Several may stand in one line; `number` counts them.
    """

    at_ms: int
    line: int
    number: int
    record: InputRecord


def send_events(
    settings: Settings,
    records: Iterable[InputRecord],
    rules: InputRules,
    progress: Callable[[int], None],
    *,
    check: bool = True,
    from_line: int = 1,
    in_order: bool = True,
    on_first: Callable[[int], None] = lambda _: None,
) -> Sent:
    """Send every record that is good and name the others.

    Args:
        settings: where Kafka is.
        records: of a file, in its order.
        rules: what the worker takes.
        progress: is told now and then how many arrived.
        check: false sends what the worker will reject, too.
        from_line: what is before it was sent already.
        in_order: sort by event time, in a window of `WINDOW_RECORDS` records or `WINDOW_BYTES`;
            false sends each record as it comes.
        on_first: is told the time of the first event before it goes out, in milliseconds.

    Raises:
        OperatorError: the broker does not answer at the start, or the file cannot be read on.
    """
    window = WINDOW_RECORDS if in_order else 0
    sender = _Sender(settings, rules, progress, on_first, check=check, window=window)
    stopped = ""
    try:
        for record in records:
            if record.line >= from_line:
                sender.take(record)
            if sender.unsent:
                break
        sender.finish()
    except KeyboardInterrupt:
        stopped = "interrupted"
        sender.give_up()
    if sender.unsent and not stopped:
        stopped = f"Kafka at {settings.bootstrap} went away"
        sender.give_up()
    left = min([*sender.unsent, *sender.waiting, sender.next_line]) if stopped else None
    return Sent(sender.sent, sender.refusals, left, stopped, sender.disordered)


class _Sender:
    """A producer, and what is known of each record: arrived, refused, unsent, or on its way."""

    def __init__(
        self,
        settings: Settings,
        rules: InputRules,
        progress: Callable[[int], None],
        on_first: Callable[[int], None],
        *,
        check: bool,
        window: int,
    ) -> None:
        self.sent = 0
        self.refusals = Refusals()
        self.unsent: set[int] = set()
        self.next_line = 1
        self.disordered = 0
        self._settings = settings
        self._rules = rules
        self._progress = progress
        self._on_first = on_first
        self._check = check
        self._window = window
        self._waiting: list[_Outgoing] = []
        self._numbers = count()
        self._waiting_bytes = 0
        self._read_ms = rules.now_ms
        self._newest_ms: int | None = None
        self._again: list[_Outgoing] = []
        self._on_broker = {topic.name: settings.on_broker(topic) for topic in topics.INPUTS}
        self._marks = marks_of(settings.input_sources)
        self._producer = new_producer(settings)

    @property
    def waiting(self) -> Iterator[int]:
        """The lines that have not had their turn."""
        return (outgoing.line for outgoing in self._waiting)

    def take(self, record: InputRecord) -> None:
        """Line one record up, or refuse it."""
        event = judged(record, self._rules)
        if isinstance(event, Rejected) and (self._check or record.fault or record.rejected):
            self.refusals.add(record.line, event.reason, f"{event.path} {event.detail}")
        else:
            if not isinstance(event, Rejected):  # what has no time of its own stays in its place
                self._read_ms = event.at_ms
            if record.origins:  # no longer needed, and larger than the event
                record = replace(record, origins={})
            number = next(self._numbers)
            heapq.heappush(self._waiting, _Outgoing(self._read_ms, record.line, number, record))
            self._waiting_bytes += len(record.value)
        self.next_line = record.line + 1
        while len(self._waiting) > self._window or self._waiting_bytes > WINDOW_BYTES:
            self._send_first()

    def _send_first(self) -> None:
        outgoing = heapq.heappop(self._waiting)
        self._waiting_bytes -= len(outgoing.record.value)
        if self._newest_ms is None:
            self._on_first(outgoing.at_ms)
        self.disordered += self._newest_ms is not None and outgoing.at_ms < self._newest_ms
        self._newest_ms = max(outgoing.at_ms, self._newest_ms or 0)
        self._produce(self._producer, outgoing)

    def finish(self) -> None:
        """Send what waits, see it arrive, and send what was refused with others alone."""
        while self._waiting and not self.unsent:
            self._send_first()
        self._wait(self._producer)
        if not self._again:
            return
        alone = new_producer(self._settings, _ALONE)
        again, self._again = self._again, []
        for outgoing in again:
            self._produce(alone, outgoing, last=True)
            self._wait(alone)

    def give_up(self) -> None:
        """What is on its way has a moment; the rest counts as unsent."""
        self._producer.flush(LAST_FLUSH_S)
        self._producer.purge()
        self._producer.flush(LAST_FLUSH_S)
        self.unsent.update(outgoing.line for outgoing in self._again)

    def _produce(self, producer: Producer, outgoing: _Outgoing, *, last: bool = False) -> None:
        def delivered(error: KafkaError | None, _: Any) -> None:
            self._settle(outgoing, error, last=last)

        record = outgoing.record
        while True:
            try:
                producer.produce(
                    self._on_broker[record.topic],
                    key=record.key,
                    value=record.value,
                    headers=list(self._marks.get(record.topic, ())),
                    timestamp=max(1, outgoing.at_ms),
                    on_delivery=delivered,
                )
            except BufferError:
                producer.poll(STEP_S)
                if self.unsent:
                    self.unsent.add(record.line)
                    return
                continue
            except KafkaException as error:
                self._settle(outgoing, error.args[0], last=True)
            producer.poll(0)
            return

    def _settle(self, outgoing: _Outgoing, error: KafkaError | None, *, last: bool) -> None:
        """What became of a record."""
        if error is None:
            self.sent += 1
            if self.sent % 1_000 == 0:
                self._progress(self.sent)
        elif error.code() in _AWAY:
            self.unsent.add(outgoing.line)
        elif error.code() in _OF_BATCH and not last:
            self._again.append(outgoing)
        else:
            self.refusals.add(outgoing.line, REFUSED, error.str())

    def _wait(self, producer: Producer) -> None:
        """Until nothing is on its way; in steps, so that Ctrl-C is heard."""
        while len(producer):
            producer.flush(STEP_S)
