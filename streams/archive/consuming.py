"""From the topics to the archive: committed records, each once, whatever is killed in between."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka import KafkaError as Codes
from msgspec import Struct

from streams import topics
from streams.archive.erasures import asked_of
from streams.archive.keeping import Keeper, Keeping
from streams.archive.layout import Partition
from streams.archive.records import ARCHIVED, row_of
from streams.broker.clients import new_reader
from streams.broker.reading import CONNECT_S_MAX, partitions_on_broker
from streams.errors import NoBrokerError, OperatorError
from streams.runtime.clients import arrived
from streams.settings import Settings

WAIT_S: Final = 0.5
RECORDS_MAX: Final = 1_000
BYTES_MAX: Final = 32 * 1024 * 1024
_LOG = structlog.get_logger("archive")


class Wish(Struct, frozen=True, kw_only=True):
    """What is asked of the archive.

    Attributes:
        root: its folder.
        events: input events as well.
        keep_days: older days are deleted.
        flush_s: so long records may wait in memory.
        once: end when everything that is there now is archived.
    """

    root: Path
    events: bool = False
    keep_days: int = 400
    flush_s: float = 60.0
    once: bool = False


class Archived(Struct, frozen=True):
    """What a run did: the records it wrote, and the offsets that Kafka had deleted before it."""

    written: int
    deleted: int


def run_archive(settings: Settings, wish: Wish, stopped: Callable[[], bool]) -> Archived:
    """Archive until `stopped` says so, or once.

    Raises:
        OperatorError: no broker answers, a topic is missing or was made anew, the folder is no
            archive, or another process writes into it.
    """
    with _alone(wish.root):
        archive = _Archive(settings, wish)
        try:
            return archive.run(stopped)
        finally:
            archive.consumer.close()


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """One process a folder: two would write the same records twice."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OperatorError(f"another process archives into {root}") from error
        yield


class _Archive:
    """A consumer of every partition, and the keeper that it hands records to."""

    def __init__(self, settings: Settings, wish: Wish) -> None:
        self.wish = wish
        wanted = [*ARCHIVED, *(topics.INPUTS if wish.events else ())]
        self.keeper = Keeper(
            Keeping(
                root=wish.root,
                topics=tuple(topic.name for topic in wanted),
                keep_days=wish.keep_days,
                by_wall=settings.clock == "processing_time",
            )
        )
        self.names = {settings.on_broker(t): t.name for t in [*wanted, topics.PRIVACY_REQUESTS]}
        # Where to go on is said here and nowhere else: a client that does so by itself is silent.
        self.consumer = new_reader(
            settings,
            f"{settings.group}-archive",
            {"enable.partition.eof": True, "auto.offset.reset": "error"},
        )
        self.at_end: set[Partition] = set()
        self.overtaken: list[TopicPartition] = []
        starts = [
            self._start(on_broker, number)
            for on_broker in self.names
            for number in partitions_on_broker(self.consumer, on_broker, settings)
        ]
        self.partitions = len(starts)
        self.consumer.assign(starts)

    def run(self, stopped: Callable[[], bool]) -> Archived:
        """Read and write; what is in memory is written at the end, too."""
        flushed_s = time.monotonic()
        while not stopped():
            for message in arrived(self.consumer, WAIT_S, RECORDS_MAX):
                self._take(message)
            self._go_on()
            waited_s = time.monotonic() - flushed_s
            if self.keeper.bytes >= BYTES_MAX or waited_s >= self.wish.flush_s:
                self.keeper.flush()
                self.keeper.tidy()
                flushed_s = time.monotonic()
            if self.wish.once and len(self.at_end) == self.partitions:
                break
        self.keeper.flush()
        self.keeper.tidy()
        return Archived(self.keeper.written, self.keeper.deleted)

    def _start(self, on_broker: str, number: int) -> TopicPartition:
        """Where to go on; says what Kafka has deleted meanwhile."""
        partition = self.names[on_broker], number
        at = self.keeper.next.get(partition, 0)
        low, high = _ends(self.consumer, TopicPartition(on_broker, number))
        if at > high:
            raise OperatorError(
                f"{on_broker}, partition {number}, ends at offset {high}, but it is archived up to "
                f"{at}: the topic was made anew. Archive into another folder"
            )
        if at < low and (lost := self.keeper.skip(partition, low)):
            _LOG.warning(
                "Kafka deleted records that were not archived",
                topic=on_broker,
                partition=number,
                first=at,
                n=lost,
            )
        return TopicPartition(on_broker, number, max(at, low))

    def _go_on(self) -> None:
        """Where Kafka deleted what was to be read next: from the oldest record that is there."""
        for place in self.overtaken:
            start = self._start(place.topic, place.partition)
            self.consumer.incremental_unassign([place])
            self.consumer.incremental_assign([start])
        self.overtaken = []

    def _take(self, message: Any) -> None:
        name = self.names[message.topic()]
        partition = name, message.partition()
        error = message.error()
        if error is not None:
            if error.code() == Codes._AUTO_OFFSET_RESET:
                self.overtaken.append(TopicPartition(message.topic(), message.partition()))
                return
            if error.code() != Codes._PARTITION_EOF:
                raise OperatorError(f"reading {message.topic()}: {error.str()}")
            self.at_end.add(partition)
            self.keeper.take(partition, message.offset())
            return
        if name == topics.PRIVACY_REQUESTS.name:
            for asked in asked_of(message):
                self.keeper.ask(asked)
        kept = name in self.keeper.keeping.topics
        row = row_of(name, message) if kept else None
        self.keeper.take(partition, message.offset() + 1, row)


def _ends(consumer: Consumer, partition: TopicPartition) -> tuple[int, int]:
    """The first offset that is there and the next one to come; waits for a leader.

    Raises:
        NoBrokerError: nobody answers in time.
    """
    until_s = time.monotonic() + CONNECT_S_MAX
    while True:
        try:
            low, high = consumer.get_watermark_offsets(partition, timeout=CONNECT_S_MAX)
        except KafkaException as error:
            if time.monotonic() >= until_s:
                raise NoBrokerError(f"{partition.topic}: {error.args[0].str()}") from error
            time.sleep(WAIT_S)
            continue
        return low, high
