"""How records and offsets become durable together: by transactions of Kafka, or nearly so."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from streams.runtime.clients import new_producer
from streams.runtime.faults import BrokerError, EpochError, FencedError
from streams.runtime.records import Output
from streams.runtime.settings import RuntimeSettings

_LARGE_BYTES = 10_000
Call = Callable[[float], object]
CommitOffsets = Callable[[Mapping[str, int]], None]

_LOST = KafkaError(KafkaError._FAIL, "the client failed without an error", retriable=True)
_FENCED = {
    KafkaError._FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.PRODUCER_FENCED,
    KafkaError.FENCED_INSTANCE_ID,
}


class CommitProtocol(Protocol):
    """How records and offsets become durable together, or nearly."""

    def open(self) -> None:
        """Take the partition over: whoever held it before is fenced when this returns."""

    def begin(self) -> None:
        """Before the first record of an epoch."""

    def send(self, output: Output, on_delivery: Callable[[object, Message], None] | None) -> None:
        """Hand one record to the client."""

    def deliver(self) -> None:
        """Wait until everything that was handed to the client is acknowledged."""

    def send_offsets(self, moved: Mapping[str, int]) -> None:
        """The positions, after every record is acknowledged."""

    def commit(self) -> None:
        """Make it visible."""

    def close(self) -> None:
        """Give up what is open and let the client go; never raises."""


class Transactions:
    """Exactly once: Kafka transactions under `<application id>-<partition>`."""

    def __init__(self, settings: RuntimeSettings, partition: int, group: Consumer) -> None:
        self._settings = settings
        self._partition = partition
        self._group = group
        # The consumer is no member: what it says of the group never changes, and asking costs 2 ms.
        self._metadata = group.consumer_group_metadata()
        self._began = False
        self._undelivered = ""
        self._asked: set[str] = set()
        self._producer = new_producer(settings, partition)

    def open(self) -> None:
        """Fence the owner before; what it left open is ended, even where the broker forgot to."""
        from streams.runtime.commit.hanging import end_hanging  # kafka-python, for this alone

        end_hanging(self._settings, self._partition, self._group)
        # Less than `opening_stalled_after_s`: giving up and opening again comes first.
        patience_s = self._settings.transaction_timeout_s + 15.0
        self._retry(self._producer.init_transactions, patience_s=patience_s)

    def begin(self) -> None:
        """Begin a transaction."""
        self._began, self._undelivered = True, ""
        self._asked.clear()
        self._retry(lambda _: self._producer.begin_transaction())

    def send(self, output: Output, on_delivery: Callable[[object, Message], None] | None) -> None:
        """Queue a record; a failed delivery fails the commit."""
        if on_delivery is None and (
            output.topic not in self._asked or len(output.value or b"") > _LARGE_BYTES
        ):
            # The commit's error only counts failures; asking for every record costs too much.
            self._asked.add(output.topic)
            on_delivery = self._note_failure
        produce(self._producer, output, on_delivery)

    def deliver(self) -> None:
        """Wait for all deliveries; one that failed fails the commit."""
        self._retry(self._flush)

    def send_offsets(self, moved: Mapping[str, int]) -> None:
        """Wait for all deliveries, then put the group's new offsets into the transaction.

        Not both at once: the coordinator takes one change of a transaction at a time, and whoever
        comes second is told to come back.
        """
        self.deliver()
        if moved:
            offsets = [TopicPartition(t, self._partition, o) for t, o in moved.items()]
            send = self._producer.send_offsets_to_transaction
            self._retry(lambda patience_s: send(offsets, self._metadata, patience_s))

    def commit(self) -> None:
        """Commit; when this returns, every `read_committed` reader sees the epoch."""
        self._retry(self._producer.commit_transaction)
        self._began = False

    def close(self) -> None:
        """Abort what is open, if the broker can be reached; else the next owner's open does."""
        if self._began:
            with suppress(KafkaException, SystemError):
                self._producer.abort_transaction(5.0)
        _close(self._producer)

    def _flush(self, patience_s: float) -> None:
        if self._producer.flush(patience_s):
            raise EpochError(f"partition {self._partition}: records were not acknowledged in time")

    def _note_failure(self, error: KafkaError | None, message: Message) -> None:
        if error is not None and not self._undelivered:
            self._undelivered = f"; {message.topic()}: {error.str()}"

    def _retry(self, call: Call, patience_s: float | None = None) -> None:
        """`call` until it succeeds, or what librdkafka says about its error."""
        deadline = time.monotonic() + (patience_s or self._settings.transaction_timeout_s)
        while True:
            try:
                call(max(0.1, deadline - time.monotonic()))
                return
            except (KafkaException, SystemError) as raised:
                failed = _kafka_error_in(raised)
                error: KafkaError = failed.args[0]
                said = f"partition {self._partition}: {error.str()}{self._undelivered}"
                _raise_unless_retriable(said, error, failed)
                if time.monotonic() > deadline:
                    raise EpochError(said) from failed
                time.sleep(0.02)


class PlainCommits:
    """At least once, for a broker without transactions: records first, offsets after."""

    def __init__(
        self, settings: RuntimeSettings, partition: int, commit_offsets: CommitOffsets
    ) -> None:
        self._partition = partition
        self._commit_offsets = commit_offsets
        self._producer = new_producer(settings, partition)
        self._moved: Mapping[str, int] = {}
        self._undelivered: str = ""

    def open(self) -> None:
        """Nothing fences here."""

    def begin(self) -> None:
        """Nothing to begin."""
        self._moved, self._undelivered = {}, ""

    def send(self, output: Output, on_delivery: Callable[[object, Message], None] | None) -> None:
        """Queue a record; a failed delivery fails `deliver`."""

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._undelivered = error.str()
            elif on_delivery is not None:
                on_delivery(error, message)

        produce(self._producer, output, delivered)

    def deliver(self) -> None:
        """Wait for every record.

        Raises:
            EpochError: one was not delivered.
        """
        left = self._producer.flush(30.0)
        if left or self._undelivered:
            raise EpochError(f"partition {self._partition}: {self._undelivered or 'not delivered'}")

    def send_offsets(self, moved: Mapping[str, int]) -> None:
        """Wait for every record; remember the offsets."""
        self.deliver()
        self._moved = moved

    def commit(self) -> None:
        """Commit the offsets through the group's member."""
        if self._moved:
            self._commit_offsets(self._moved)

    def close(self) -> None:
        """What was sent stays sent; it will be sent again."""
        _close(self._producer)


def produce(
    producer: Producer,
    output: Output,
    on_delivery: Callable[[KafkaError | None, Message], None] | None,
) -> None:
    """Queue one record, waiting while the client's queue is full.

    Raises:
        EpochError: the client refuses the record (too large, a broken transaction).
    """
    partition = -1 if output.partition is None else output.partition
    headers = list(output.headers) if output.headers else None
    while True:
        try:
            producer.produce(
                output.topic,
                output.value,
                output.key,
                partition,
                on_delivery,
                timestamp=output.timestamp_ms,
                headers=headers,
            )
            return
        except BufferError:
            producer.poll(0.05)
        except KafkaException as error:
            raise EpochError(f"{output.topic}: {error.args[0].str()}") from error


def _close(producer: Producer) -> None:
    """Let a client go, whatever state it is in; a fenced one complains."""
    with suppress(KafkaException, SystemError):
        producer.purge()
        producer.close(5.0)


def _kafka_error_in(raised: Exception) -> KafkaException:
    """The client's own error in whatever it raised.

    A fatal error (the partition has another owner) is raised by whichever call serves the client's
    events. Where a delivery callback was served after it in the same call, Python raises a
    SystemError in its place, sometimes without the error as its cause. To repeat the call is safe:
    every later call of the transaction has the error too, and a transaction that misses a delivery
    never commits.
    """
    if isinstance(raised, SystemError) and raised.__cause__ is None:
        return KafkaException(_LOST)
    error = raised.__cause__ if isinstance(raised, SystemError) else raised
    if not isinstance(error, KafkaException):
        raise raised
    return error


def _raise_unless_retriable(said: str, error: KafkaError, cause: KafkaException) -> None:
    if error.code() in _FENCED:
        raise FencedError(f"has another owner: {said}") from cause
    if error.fatal():
        raise BrokerError(said) from cause
    if not error.retriable():
        raise EpochError(said) from cause
