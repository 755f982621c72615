"""Kafka, and a promise: what `send` returns from is held by all in-sync replicas.

One producer (idempotent, acks=all) and one thread that hears its reports, whatever the number of
requests: a request waits for a future, which the last report of its records settles.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from threading import Event, Lock, Thread
from typing import Any, Final

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer

from streams import topics
from streams.broker.clients import librdkafka_config
from streams.broker.topic_rules import DEAD_LETTER_BYTES_MAX
from streams.contracts.envelope import Headers
from streams.contracts.outputs.encode import OutputMessage
from streams.contracts.sources.records import marks_of
from streams.errors import OfferstreamError
from streams.settings import Settings

log = structlog.get_logger()

POLL_S: Final = 0.1
LOOK_S: Final = 2.0
GRACE_S: Final = 2.0
NEEDED: Final = (*topics.INPUTS, topics.DEAD_LETTERS, topics.REPLIES)
QUEUE_RECORDS: Final = 100_000
QUEUE_KIB: Final = 65_536


class NotAcknowledgedError(OfferstreamError):
    """Kafka did not confirm every record in time: some of them may be there, or none."""


class AcknowledgedProducer:
    """A producer for many requests of one event loop."""

    def __init__(self, settings: Settings, linger_ms: int = 5) -> None:
        """`linger_ms`: so long a record waits for others to be sent with it."""
        self._settings = settings
        self._linger_ms = linger_ms
        self._on_broker = {topic.name: settings.on_broker(topic) for topic in topics.ALL}
        self._marks = marks_of(settings.input_sources)
        self._timeout_s = settings.gateway.ack_timeout_s
        self._stopped = Event()
        self._broken = False
        self._producer = self._new()
        self._thread = Thread(target=self._hear, name="kafka-reports", daemon=True)
        self.reachable = False

    def start(self) -> None:
        """Begin to hear reports."""
        self._thread.start()

    async def watch(self) -> None:
        """Ask now and then whether Kafka answers and has our topics, until cancelled."""
        wanted = {self._on_broker[topic.name] for topic in NEEDED}
        while True:
            try:
                found = await asyncio.to_thread(self._producer.list_topics, timeout=LOOK_S)
                self.reachable = not self._settings.transactional or wanted <= set(found.topics)
            except KafkaException:
                self.reachable = False
            await asyncio.sleep(LOOK_S)

    async def send(self, messages: Sequence[OutputMessage]) -> None:
        """Write records and wait until each is acknowledged.

        Raises:
            NotAcknowledgedError: not all of them were, within the time that is set.
        """
        if not messages:
            return
        if self._broken:
            self._replace()
        sending = _Sending(asyncio.get_running_loop(), len(messages))
        for number, message in enumerate(messages):
            try:
                self._producer.produce(
                    self._on_broker[message.topic],
                    key=message.key,
                    value=message.value,
                    headers=[*message.headers, *self._mark(message)],
                    on_delivery=sending.reported,
                )
            except (BufferError, KafkaException) as error:
                sending.give_up(len(messages) - number, _name_of(error))
                break
        try:
            failure = await asyncio.wait_for(sending.future, self._timeout_s + GRACE_S)
        except TimeoutError:
            failure = "no report in time"
        if failure:
            log.warning("not_acknowledged", records=len(messages), reason=failure)
            raise NotAcknowledgedError(failure)
        self.reachable = True

    def _mark(self, message: OutputMessage) -> Headers:
        """What says of an event of ours that it is one, where its topic is set to a source.

        A dead letter has it as well, for when it is driven again.
        """
        if not self._marks:
            return ()
        came_for = (value.decode() for name, value in message.headers if name == "os_source_topic")
        return self._marks.get(next(came_for, message.topic), ())

    def stop(self) -> None:
        """What is on its way has its time; then nothing is heard any more."""
        self._producer.flush(self._timeout_s)
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _new(self) -> Producer:
        return Producer(
            {
                **librdkafka_config(self._settings),
                "partitioner": "murmur2_random",
                "acks": "all",
                "enable.idempotence": self._settings.transactional,
                "linger.ms": self._linger_ms,
                # A record that goes alone gets no smaller: its packing costs the broker most.
                "compression.type": "lz4" if self._linger_ms else "none",
                "message.max.bytes": DEAD_LETTER_BYTES_MAX,
                "message.timeout.ms": round(self._timeout_s * 1000),
                "queue.buffering.max.messages": QUEUE_RECORDS,
                "queue.buffering.max.kbytes": QUEUE_KIB,
                "error_cb": self._failed,
                "log_level": 2,
            }
        )

    def _failed(self, error: KafkaError) -> None:
        """A fault of the connection passes; a fatal one of the producer does not."""
        if error.fatal():
            log.error("producer_failed", reason=error.name())
            self._broken = True

    def _replace(self) -> None:
        """A new producer; the requests that wait for the old one have been told, or time out."""
        self._broken = False
        self._producer = self._new()

    def _hear(self) -> None:
        while not self._stopped.is_set():
            self._producer.poll(POLL_S)


class _Sending:
    """The records of one request: how many have no report yet, and what failed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, records: int) -> None:
        self.future: asyncio.Future[str] = loop.create_future()
        self._loop = loop
        self._left = records
        self._failure = ""
        self._lock = Lock()

    def reported(self, error: KafkaError | None, _: Any) -> None:
        """What became of one record; called in the thread that hears."""
        self._settle(1, "" if error is None else error.name())

    def give_up(self, records: int, failure: str) -> None:
        """So many were not even taken."""
        self._settle(records, failure)

    def _settle(self, records: int, failure: str) -> None:
        with self._lock:
            self._failure = self._failure or failure
            self._left -= records
            done = self._left == 0
        if done:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        if not self.future.done():
            self.future.set_result(self._failure)


def _name_of(error: Exception) -> str:
    if isinstance(error, KafkaException):
        return str(error.args[0].name())
    return "queue full"
