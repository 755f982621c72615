"""Bring a store up to its changelog's end: `read_committed`, positions compared, never counts."""

import logging
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.runtime.clients import new_consumer
from streams.runtime.faults import EpochError
from streams.runtime.settings import RuntimeSettings
from streams.runtime.shell import Shell
from streams.runtime.store import NEVER, RowChange, RowStore

log = logging.getLogger(__name__)
R = TypeVar("R")
_BATCH = 5_000
_PATIENCE_S = 30.0


class Restored(NamedTuple):
    """What a restore did: from where to where, and how many rows it wrote."""

    begin: int
    end: int
    rows: int


class Restorer(Generic[R]):
    """Restores one partition's store; a store of another cluster or changelog starts over."""

    def __init__(
        self,
        settings: RuntimeSettings,
        partition: int,
        shell: Shell[R],
        cancelled: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._cancelled = cancelled
        self._source = TopicPartition(settings.changelog_topic, partition)
        self._shell = shell

    def restore(self, store: RowStore) -> Restored:
        """Read from the stored position to the end that the changelog has now.

        Raises:
            EpochError: the broker does not answer.
        """
        consumer = new_consumer(self._settings, end_events=True)
        try:
            low, high = watermarks(consumer, self._source)
            position = self._usable_position(store, self._origin(consumer), low, high)
            rows = self._read(consumer, store, position, high) if position < high else 0
            return Restored(position, high, rows)
        finally:
            consumer.close()

    def _origin(self, consumer: Consumer) -> bytes:
        cluster = consumer.list_topics(timeout=_PATIENCE_S).cluster_id
        return f"{cluster}/{self._source.topic}/{self._source.partition}".encode()

    def _usable_position(self, store: RowStore, origin: bytes, low: int, high: int) -> int:
        position = store.position()
        if store.origin() == origin and position is not None and low <= position <= high:
            return position
        if store.origin() not in (None, origin) or position is not None:
            log.warning("%s is of another history: it is built anew", store.path)
        store.start_over(origin)
        return low

    def _read(self, consumer: Consumer, store: RowStore, position: int, end: int) -> int:
        source = self._source
        consumer.assign([TopicPartition(source.topic, source.partition, position)])
        rows = 0
        while position < end:
            if self._cancelled():
                raise EpochError(f"{source.topic}[{source.partition}]: revoked while restoring")
            messages = consumer.consume(1, _PATIENCE_S) + consumer.consume(_BATCH, 0)
            if not messages:
                raise EpochError(f"{source.topic}[{source.partition}]: nothing after {position}")
            changes, position = self._changes(store, messages, position)
            store.write(changes, position)
            rows += len(changes)
        return rows

    def _changes(
        self, store: RowStore, messages: list[Message], position: int
    ) -> tuple[list[RowChange], int]:
        newest: dict[bytes, bytes | None] = {}
        for message in messages:
            error = message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise EpochError(f"{self._source.topic}: {error.str()}")
            offset = message.offset() or 0
            position = max(position, offset if error is not None else offset + 1)
            if error is None:
                newest[message.key() or b""] = message.value()
        return [self._change(store, key, data) for key, data in newest.items()], position

    def _change(self, store: RowStore, key: bytes, data: bytes | None) -> RowChange:
        stored = store.get(key)
        was_due_ms = NEVER if stored is None else stored.due_ms
        due = None if data is None else self._shell.due_at_ms(self._shell.decode_row(data))
        return RowChange(key, data, NEVER if due is None else max(0, due), was_due_ms)


def watermarks(consumer: Consumer, source: TopicPartition) -> tuple[int, int]:
    """The first offset and the end (of what is committed) of a partition.

    Raises:
        EpochError: the broker does not answer.
    """
    try:
        low, high = consumer.get_watermark_offsets(source, timeout=_PATIENCE_S)
    except KafkaException as error:
        raise EpochError(f"{source.topic}: {error.args[0].str()}") from error
    return low, high
