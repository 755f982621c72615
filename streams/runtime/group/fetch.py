"""Input of one partition number: all source topics, from explicit positions, merged by time."""

import logging
import time
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.runtime.clients import arrived, new_consumer
from streams.runtime.epoch import Batch
from streams.runtime.faults import EpochError
from streams.runtime.gaps import lost_of
from streams.runtime.group.merging import Merge
from streams.runtime.records import Record
from streams.runtime.settings import RuntimeSettings
from streams.runtime.state.restore import watermarks

log = logging.getLogger(__name__)
_TIMEOUT_S = 30.0
_END = KafkaError._PARTITION_EOF


class _Gap(NamedTuple):
    """What was deleted unread: it is passed over once all that came before it is handed on."""

    begin: int
    end: int


class Fetcher:
    """Reads one partition number with librdkafka; `fetch` blocks, so it runs in a thread.

    Its consumer also answers for the group's committed offsets and the group's metadata. What is
    there already is merged by timestamp over all topics, however much it is (`Merge`). What comes
    in while nothing else is there is handed on at once, or after `merge_wait_ms`: so long may
    records of other topics take to arrive that were sent before it. What retention deleted unread
    is passed over by a batch, too, so that its epoch commits where to go on.
    """

    def __init__(self, settings: RuntimeSettings, partition: int) -> None:
        self._settings = settings
        self._partition = partition
        self._positions: dict[str, int] = {}
        self._begun: dict[str, int] = {}
        self._read: dict[str, int] = {}
        self._gaps: dict[str, deque[_Gap]] = {t: deque() for t in settings.source_topics}
        self._merge = Merge(settings.source_topics)
        # Where to go on is said here: a client that does so by itself is silent.
        self.consumer: Consumer = new_consumer(
            settings, end_events=True, reset="error", partition=partition
        )

    def start(self) -> Mapping[str, int]:
        """Seek every source to its committed offset, or the beginning; returns the positions.

        Where the committed one was deleted it is returned nevertheless: a batch passes over it.

        Only to be called once the owner before is fenced, else a commit could still move them.

        Raises:
            EpochError: the broker does not answer.
        """
        sources = [TopicPartition(t, self._partition) for t in self._settings.source_topics]
        try:
            committed = self.consumer.committed(sources, timeout=_TIMEOUT_S)
        except KafkaException as error:
            raise EpochError(f"committed offsets: {error.args[0].str()}") from error
        self._begun = {tp.topic: self._begin(tp) for tp in committed}
        self._positions = {
            tp.topic: self._begun[tp.topic] if tp.offset < 0 else tp.offset for tp in committed
        }
        self.consumer.assign(
            [TopicPartition(t, self._partition, o) for t, o in self._begun.items()]
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
        batch = self._batch(records)
        return batch if batch.ends else None

    def _take_in(self, wait_s: float) -> None:
        """Read what has arrived, unless enough of it waits already."""
        most = self._settings.batch_records_max
        if self._merge.full(most):
            return
        come: dict[str, list[Record]] = {}
        ended, overtaken = set[str](), set[str]()
        for message in arrived(self.consumer, wait_s, most):
            topic, error = message.topic() or "", message.error()
            if error is None:
                come.setdefault(topic, []).append(_record(topic, message))
                ended.discard(topic)
            elif error.code() == _END:
                ended.add(topic)
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:
                overtaken.add(topic)
            else:
                raise EpochError(f"{topic}: {error.str()}")
        for topic, records in come.items():
            self._read[topic] = records[-1].offset + 1
            self._merge.add(topic, records)
        for topic in overtaken:
            self._begin_anew(topic)
        for topic in ended - overtaken:
            self._merge.at_end(topic)
        self._note_ends()

    def _begin_anew(self, topic: str) -> None:
        """What was to be read next is not there: go on at the oldest record that is.

        What was read before stays, and is handed on: retention may have deleted that by now, too.

        Raises:
            EpochError: no broker answers.
        """
        place = TopicPartition(topic, self._partition)
        low, _ = watermarks(self.consumer, place)
        stood = self._read.get(topic, self._begun[topic])
        if low > stood:
            self._pass_over(topic, stood, low)
        else:
            log.error("%s[%d] was made anew: it is read from its beginning", topic, self._partition)
        self.consumer.incremental_unassign([place])
        self.consumer.incremental_assign([TopicPartition(topic, self._partition, low)])
        self._begun[topic] = low
        self._read.pop(topic, None)
        # Whatever was its end, there may be records now.
        self._merge.add(topic, ())

    def _pass_over(self, topic: str, begin: int, end: int) -> None:
        self._gaps[topic].append(_Gap(begin, end))
        if lost := lost_of(begin, end):
            said = "%s[%d]: %d records were deleted by retention before they were read"
            log.error(said, topic, self._partition, lost)
        else:
            said = "%s[%d]: ends of transactions were deleted by retention, or so few records: %d"
            log.info(said, topic, self._partition, end - begin)

    def _note_ends(self) -> None:
        """The broker says with every answer how far a topic reaches; an end is told later only.

        Behind what was read last there may be the marker of its transaction, which nobody sees.
        """
        for topic in self._merge.unsure:
            read = self._read.get(topic)
            at = TopicPartition(topic, self._partition)
            offsets = self.consumer.get_watermark_offsets(at, cached=True)
            end = offsets[1] if offsets else -1
            begin = self._begun[topic] if read is None else read + 1
            if 0 <= end <= begin:
                self._merge.at_end(topic)

    def _let_others_arrive(self) -> None:
        until_s = time.monotonic() + self._settings.merge_wait_ms / 1000
        while (left_s := until_s - time.monotonic()) > 0:
            self._take_in(left_s)
            if self._merge.full(self._settings.batch_records_max):
                return

    def _batch(self, records: list[Record]) -> Batch:
        """What is handed on, with the gaps that are reached by it."""
        ends = {record.topic: record.offset + 1 for record in records}
        deleted: dict[str, int] = {}
        for topic, gaps in self._gaps.items():
            while gaps and gaps[0].begin <= ends.get(topic, self._positions[topic]):
                gap = gaps.popleft()
                ends[topic] = max(gap.end, ends.get(topic, 0))
                if lost := lost_of(*gap):
                    deleted[topic] = deleted.get(topic, 0) + lost
        begins = {topic: self._positions[topic] for topic in ends}
        self._positions.update(ends)
        return Batch(self._partition, begins, ends, records, deleted)

    def close(self) -> None:
        """Leave nothing open; the group's member is Faust's and stays."""
        self.consumer.close()

    def _begin(self, committed: TopicPartition) -> int:
        low, _ = watermarks(self.consumer, committed)
        if committed.offset < 0:
            return low
        if committed.offset < low:
            self._pass_over(committed.topic, committed.offset, low)
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
