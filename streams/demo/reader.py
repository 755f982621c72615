"""What comes out of the worker, stamped when it arrives; read in a thread of its own."""

import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import NamedTuple

from confluent_kafka import KafkaException, Message, TopicPartition

from streams import topics
from streams.broker.clients import new_reader
from streams.broker.reading import open_reader, partitions_on_broker
from streams.contracts.envelope import Headers
from streams.settings import Settings

READ = (
    topics.NEXT_BEST_OFFERS,
    topics.CHURN_ALERTS,
    topics.DECISION_LOG,
    topics.MODEL_SNAPSHOTS,
    topics.CUSTOMERS_CHANGELOG,
    topics.DEAD_LETTERS,
)
PROGRESS_EVERY_S = 0.4
TIMEOUT_S = 5.0


class Arrived(NamedTuple):
    """A record: its topic's name in the catalogue, and when we had it (seconds, monotonic).

    `sent_ms`: the record's own timestamp, by which a worker merges the topics.
    """

    topic: str
    key: bytes
    value: bytes
    at_s: float
    headers: Headers = ()
    sent_ms: int = 0


class Reader:
    """Reads all outputs, and how far the workers are. `at_s` is monotonic."""

    def __init__(self, settings: Settings, *, from_now: bool, ours: bytes = b"") -> None:
        """`from_now`: what is already there does not concern us.

        `ours`: how events begin that we send ourselves; with it, all others are read as well.
        """
        self._settings = settings
        self._ours = ours
        self._inputs = frozenset(topic.name for topic in topics.INPUTS)
        read = (*READ, topics.ZONE_VISITS, *topics.INPUTS) if ours else READ
        self._names = {settings.on_broker(t): t.name for t in read}
        self._consumer, _ = open_reader(
            settings, list(self._names), "end" if from_now else "beginning"
        )
        self._queue: SimpleQueue[Arrived] = SimpleQueue()
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="demo-reader", daemon=True)
        self._progress = Progress(settings)
        self.processed = 0
        self.lag = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and leave the broker."""
        self._stopping.set()
        self._thread.join(10)

    def arrived(self) -> Iterator[Arrived]:
        """What has come since the last call."""
        while True:
            try:
                yield self._queue.get_nowait()
            except Empty:
                return

    def _run(self) -> None:
        looked_s = 0.0
        while not self._stopping.is_set():
            for message in (*self._consumer.consume(1, 0.02), *self._consumer.consume(1_000, 0)):
                if message.error() is None and message.value() is not None:
                    self._put(message)
            if _now_s() - looked_s > PROGRESS_EVERY_S:
                looked_s = _now_s()
                self.processed, self.lag = self._progress.look() or (self.processed, self.lag)
        self._consumer.close()
        self._progress.close()

    def _put(self, message: Message) -> None:
        name, value = self._names[message.topic() or ""], message.value() or b""
        if name not in self._inputs or not value.startswith(self._ours):
            headers = tuple((key, said or b"") for key, said in message.headers() or ())
            sent_ms = message.timestamp()[1]
            self._queue.put(Arrived(name, message.key() or b"", value, _now_s(), headers, sent_ms))


class Progress:
    """How many input records the workers have committed, and how many they have not."""

    def __init__(self, settings: Settings) -> None:
        self._client = new_reader(settings, settings.group)
        names = [settings.on_broker(t) for t in topics.INPUTS]
        self._sources = [
            TopicPartition(name, partition)
            for name in names
            for partition in partitions_on_broker(self._client, name, settings)
        ]

    def look(self) -> tuple[int, int] | None:
        """Committed and waiting; None where the broker does not answer just now."""
        committed = waiting = 0
        try:
            for at in self._client.committed(self._sources, timeout=TIMEOUT_S):
                _, end = self._client.get_watermark_offsets(at, timeout=TIMEOUT_S)
                done = max(0, at.offset)
                committed += done
                waiting += max(0, end - done)
        except KafkaException:
            return None
        return committed, waiting

    def close(self) -> None:
        """Leave the broker."""
        self._client.close()


def _now_s() -> float:
    return time.monotonic()
