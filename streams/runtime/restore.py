"""Bring a store up to its changelog's end: `read_committed`, positions compared, never counts."""

import logging
from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.runtime.clients import new_consumer
from streams.runtime.faults import EpochError
from streams.runtime.records import NEVER, due_of
from streams.runtime.settings import RuntimeSettings
from streams.runtime.shell import Shell
from streams.runtime.store import RowChange, RowStore

log = logging.getLogger(__name__)
R = TypeVar("R")
_BATCH = 5_000
_PATIENCE_S = 30.0
_HASHES_MAX = 2_000_000


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
        source, was_due = self._source, WasDue(store)
        consumer.assign([TopicPartition(source.topic, source.partition, position)])
        rows = 0
        while position < end:
            if self._cancelled():
                raise EpochError(f"{source.topic}[{source.partition}]: revoked while restoring")
            messages = consumer.consume(1, _PATIENCE_S) + consumer.consume(_BATCH, 0)
            if not messages:
                raise EpochError(f"{source.topic}[{source.partition}]: nothing after {position}")
            changes, position = self._changes(was_due, messages, position)
            store.write(changes, position, logged=False)
            rows += len(changes)
        store.flush()
        return rows

    def _changes(
        self, was_due: "WasDue", messages: list[Message], position: int
    ) -> tuple[list[RowChange], int]:
        newest: dict[bytes, Message] = {}
        for message in messages:
            error = message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise EpochError(f"{self._source.topic}: {error.str()}")
            offset = message.offset() or 0
            position = max(position, offset if error is not None else offset + 1)
            if error is None:
                newest[message.key() or b""] = message
        before = was_due.of(list(newest))
        return [
            RowChange(key, message.value(), self._due_ms(message), before.get(key, NEVER))
            for key, message in newest.items()
        ], position

    def _due_ms(self, message: Message) -> int:
        """As the record says, else as its row says."""
        data = message.value()
        if data is None:
            return NEVER
        named = due_of(message.headers() or ())
        if named is not None:
            return named
        due = self._shell.due_at_ms(self._shell.decode_row(data))
        return NEVER if due is None else max(0, due)


class WasDue:
    """When rows were due before they are written anew.

    A store that began empty is not asked for keys that were never written to it; which those are is
    known by their hashes, as long as there are not too many.
    """

    def __init__(self, store: RowStore) -> None:
        self._store = store
        self._written: set[int] | None = set() if store.position() is None else None

    def of(self, keys: list[bytes]) -> Mapping[bytes, int]:
        """The due times of those that may be stored; the keys are going to be written now."""
        asked = keys
        if self._written is not None:
            asked = [key for key in keys if hash(key) in self._written]
            self._written.update(map(hash, keys))
            if len(self._written) > _HASHES_MAX:
                self._written = None
        return dict(zip(asked, self._store.due_ms_of(asked), strict=True)) if asked else {}


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
