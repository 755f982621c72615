"""Input of one partition number: all source topics, from explicit positions, merged by time."""

import logging
import time
from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.runtime.clients import arrived, new_consumer
from streams.runtime.epoch import Batch
from streams.runtime.faults import EpochError
from streams.runtime.group.merging import Merge
from streams.runtime.records import Record
from streams.runtime.settings import RuntimeSettings
from streams.runtime.state.restore import watermarks

log = logging.getLogger(__name__)
_TIMEOUT_S = 30.0
_END = KafkaError._PARTITION_EOF


class Fetcher:
    """Reads one partition number with librdkafka; `fetch` blocks, so it runs in a thread.

    Its consumer also answers for the group's committed offsets and the group's metadata. What is
    there already is merged by timestamp over all topics, however much it is (`Merge`). What comes
    in while nothing else is there is handed on at once, or after `merge_wait_ms`: so long may
    records of other topics take to arrive that were sent before it. `deleted`: by topic, how many
    offsets were gone when it started.
    """

    def __init__(self, settings: RuntimeSettings, partition: int) -> None:
        self._settings = settings
        self._partition = partition
        self._positions: dict[str, int] = {}
        self._read: dict[str, int] = {}
        self._merge = Merge(settings.source_topics)
        # A position that was deleted ends the epoch: the next opening says how much is gone.
        self.consumer: Consumer = new_consumer(
            settings, end_events=True, reset="error", partition=partition
        )
        self.deleted: dict[str, int] = {}

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
        """The next records by time, at most `batch_records_max`; None after `wait_s` without any.

        Raises:
            EpochError: the consumer reports an error.
        """
        until_s = time.monotonic() + wait_s
        was_empty = self._merge.empty
        self._take_in(wait_s)
        if was_empty and not self._merge.empty:
            self._let_others_arrive()
        most = self._settings.batch_records_max
        records = self._merge.take(most)
        while not records and (left_s := until_s - time.monotonic()) > 0:
            self._take_in(left_s)
            records = self._merge.take(most)
        return self._batch(records) if records else None

    def _take_in(self, wait_s: float) -> None:
        """Read what has arrived, unless enough of it waits already."""
        most = self._settings.batch_records_max
        if self._merge.full(most):
            return
        come: dict[str, list[Record]] = {}
        ended: set[str] = set()
        for message in arrived(self.consumer, wait_s, most):
            topic, error = message.topic() or "", message.error()
            if error is None:
                come.setdefault(topic, []).append(_record(topic, message))
                ended.discard(topic)
            elif error.code() == _END:
                ended.add(topic)
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:
                self._begin_anew(topic)
            else:
                raise EpochError(f"{topic}: {error.str()}")
        for topic, records in come.items():
            self._read[topic] = records[-1].offset + 1
            self._merge.add(topic, records)
        for topic in ended:
            self._merge.at_end(topic)
        self._note_ends()

    def _begin_anew(self, topic: str) -> None:
        """What was to be read next is not there.

        Raises:
            EpochError: it was deleted; the next `start` says how much. Or no broker answers.
        """
        place = TopicPartition(topic, self._partition)
        low, _ = watermarks(self.consumer, place)
        if low > self._read.get(topic, self._positions[topic]):
            raise EpochError(f"{topic}: what was to be read next has been deleted by retention")
        log.error("%s[%d] was made anew: it is read from its beginning", topic, self._partition)
        self.consumer.incremental_unassign([place])
        self.consumer.incremental_assign([TopicPartition(topic, self._partition, low)])

    def _note_ends(self) -> None:
        """The broker says with every answer how far a topic reaches; an end is told later only.

        Behind what was read last there may be the marker of its transaction, which nobody sees.
        """
        for topic in self._merge.unsure:
            read = self._read.get(topic)
            at = TopicPartition(topic, self._partition)
            offsets = self.consumer.get_watermark_offsets(at, cached=True)
            end = offsets[1] if offsets else -1
            begin = self._positions[topic] if read is None else read + 1
            if 0 <= end <= begin:
                self._merge.at_end(topic)

    def _let_others_arrive(self) -> None:
        until_s = time.monotonic() + self._settings.merge_wait_ms / 1000
        while (left_s := until_s - time.monotonic()) > 0:
            self._take_in(left_s)
            if self._merge.full(self._settings.batch_records_max):
                return

    def _batch(self, records: list[Record]) -> Batch:
        ends = {record.topic: record.offset + 1 for record in records}
        begins = {topic: self._positions[topic] for topic in ends}
        self._positions.update(ends)
        return Batch(self._partition, begins, ends, records)

    def close(self) -> None:
        """Leave nothing open; the group's member is Faust's and stays."""
        self.consumer.close()

    def _begin(self, committed: TopicPartition) -> int:
        low, _ = watermarks(self.consumer, committed)
        if committed.offset < 0:
            return low
        if committed.offset < low:
            self.deleted[committed.topic] = low - committed.offset
            log.error(
                "%s[%d]: %d records were deleted by retention before they were read",
                committed.topic,
                committed.partition,
                low - committed.offset,
            )
        return max(int(committed.offset), low)


def _record(topic: str, message: Message) -> Record:
    return Record(
        topic,
        message.partition() or 0,
        message.offset() or 0,
        message.timestamp()[1],
        message.key(),
        message.value(),
        tuple(message.headers() or ()),
    )
