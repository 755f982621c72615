"""Input of one partition number: all source topics, from explicit positions, merged by time."""

import logging
from collections.abc import Mapping
from heapq import merge
from operator import attrgetter

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from streams.runtime.clients import arrived, new_consumer
from streams.runtime.epoch import Batch
from streams.runtime.faults import EpochError
from streams.runtime.records import Record
from streams.runtime.settings import RuntimeSettings
from streams.runtime.state.restore import watermarks

log = logging.getLogger(__name__)
_TIMEOUT_S = 30.0


class Fetcher:
    """Reads one partition number with librdkafka; `fetch` blocks, so it runs in a thread.

    Its consumer also answers for the group's committed offsets and the group's metadata.
    """

    def __init__(self, settings: RuntimeSettings, partition: int) -> None:
        self._settings = settings
        self._partition = partition
        self._positions: dict[str, int] = {}
        self.consumer: Consumer = new_consumer(settings, partition=partition)

    def start(self) -> Mapping[str, int]:
        """Seek every source to its committed offset, or the beginning; returns the positions.

        Only to be called once the owner before is fenced, else a commit could still move them.

        Raises:
            EpochError: the broker does not answer.
        """
        sources = [TopicPartition(t, self._partition) for t in self._settings.source_topics]
        try:
            committed = self.consumer.committed(sources, timeout=_TIMEOUT_S)
        except KafkaException as error:
            raise EpochError(f"committed offsets: {error.args[0].str()}") from error
        self._positions = {tp.topic: self._begin(tp) for tp in committed}
        self.consumer.assign(
            [TopicPartition(t, self._partition, o) for t, o in self._positions.items()]
        )
        return dict(self._positions)

    def fetch(self, wait_s: float) -> Batch | None:
        """What has arrived, at most `batch_records_max`; None after `wait_s` without any.

        Raises:
            EpochError: the consumer reports an error.
        """
        messages = arrived(self.consumer, wait_s, self._settings.batch_records_max)
        if not messages:
            return None
        by_topic: dict[str, list[Record]] = {}
        for message in messages:
            record = _record(message)
            by_topic.setdefault(record.topic, []).append(record)
        ends = {topic: records[-1].offset + 1 for topic, records in by_topic.items()}
        begins = {topic: self._positions[topic] for topic in by_topic}
        self._positions.update(ends)
        return Batch(self._partition, begins, ends, merged(by_topic))

    def close(self) -> None:
        """Leave nothing open; the group's member is Faust's and stays."""
        self.consumer.close()

    def _begin(self, committed: TopicPartition) -> int:
        low, _ = watermarks(self.consumer, committed)
        if committed.offset < 0:
            return low
        if committed.offset < low:
            log.error(
                "%s[%d]: %d records were deleted by retention before they were read",
                committed.topic,
                committed.partition,
                low - committed.offset,
            )
        return max(int(committed.offset), low)


def merged(by_topic: Mapping[str, list[Record]]) -> list[Record]:
    """One list by timestamp; a topic's own order always stays (best effort, as Kafka Streams).

    >>> a = [Record("a", 0, 0, 30, None, None, ()), Record("a", 0, 1, 10, None, None, ())]
    >>> b = [Record("b", 0, 0, 20, None, None, ())]
    >>> [(r.topic, r.offset) for r in merged({"a": a, "b": b})]
    [('b', 0), ('a', 0), ('a', 1)]
    """
    lists = list(by_topic.values())
    if len(lists) == 1:
        return lists[0]
    return list(merge(*lists, key=attrgetter("timestamp_ms")))


def _record(message: Message) -> Record:
    error = message.error()
    if error is not None:
        raise EpochError(f"{message.topic()}: {error.str()}")
    return Record(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        message.timestamp()[1],
        message.key(),
        message.value(),
        tuple(message.headers() or ()),
    )
