"""Bring a store up to its changelog's end: `read_committed`, positions compared, never counts."""

import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.runtime.clients import arrived, new_consumer
from streams.runtime.faults import EpochError
from streams.runtime.records import NEVER, RowChange, due_of
from streams.runtime.settings import RuntimeSettings
from streams.runtime.state.store import RowStore

log = logging.getLogger(__name__)
_BATCH = 5_000
_PATIENCE_S = 30.0
_HASHES_MAX = 2_000_000


class Restored(NamedTuple):
    """What a restore did: from where to where, and how many rows it wrote."""

    begin: int
    end: int
    rows: int


class ChangelogReader:
    """One partition's changelog on its way into a store; `close` it. Everything here blocks."""

    def __init__(self, settings: RuntimeSettings, partition: int, store: RowStore) -> None:
        self.position = 0
        self.end = 0
        self._source = TopicPartition(settings.changelog_topic, partition)
        self._store = store
        self._was_due: WasDue
        self._consumer = new_consumer(settings, end_events=True, reset="error", partition=partition)

    def find_position(self, patience_s: float = _PATIENCE_S) -> None:
        """Where to read on, and where the changelog ends now.

        A store that was not written from this changelog of this cluster is emptied.

        Raises:
            EpochError: the broker does not answer.
            StoreError: the disk refuses.
        """
        low, self.end = watermarks(self._consumer, self._source, patience_s)
        cluster = self._consumer.list_topics(timeout=patience_s).cluster_id
        origin = f"{cluster}/{self._source.topic}/{self._source.partition}".encode()
        self.position = self._usable_position(origin, low, self.end)
        self._was_due = WasDue(self._store)

    def start(self) -> None:
        """Begin to fetch, from the position."""
        source = self._source
        self._consumer.assign([TopicPartition(source.topic, source.partition, self.position)])

    def fetch(self, wait_s: float, records_max: int) -> list[Message]:
        """What has arrived; nothing after `wait_s` without any."""
        return arrived(self._consumer, wait_s, records_max)

    def write(self, messages: list[Message]) -> int:
        """Put what was fetched into the store; how many rows that were.

        Raises:
            EpochError: the client reports an error.
            StoreError: the disk refuses.
        """
        changes, position = self._changes(messages)
        self._store.write(changes, position)
        self.position = position
        return len(changes)

    def flush(self) -> None:
        """Put what was written to disk, so that it need not be read again."""
        self._store.flush()
        self._was_due = WasDue(self._store)

    def behind(self) -> int:
        """Positions that are left to read, as far as the last fetch has told."""
        _, high = self._consumer.get_watermark_offsets(self._source, cached=True)
        self.end = max(self.end, high)
        return max(0, self.end - self.position)

    def close(self) -> None:
        """Let the client go; the store stays open."""
        self._consumer.close()

    def _usable_position(self, origin: bytes, low: int, high: int) -> int:
        store = self._store
        position = store.position()
        if store.origin() == origin and position is not None and low <= position <= high:
            return position
        if store.origin() not in (None, origin) or position is not None:
            log.warning("%s was not written from this changelog: it is built anew", store.path)
        store.start_over(origin)
        return low

    def _changes(self, messages: list[Message]) -> tuple[list[RowChange], int]:
        newest: dict[bytes, Message] = {}
        position = self.position
        for message in messages:
            error = message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise EpochError(f"{self._source.topic}: {error.str()}")
            offset = message.offset() or 0
            position = max(position, offset if error is not None else offset + 1)
            if error is None:
                newest[message.key() or b""] = message
        before = self._was_due.of(list(newest))
        return [
            RowChange(key, message.value(), due_of(message.headers()), before.get(key, NEVER))
            for key, message in newest.items()
        ], position


class Restorer:
    """Restores one partition's store; a store of another cluster or changelog starts over."""

    def __init__(
        self, settings: RuntimeSettings, partition: int, cancelled: Callable[[], bool]
    ) -> None:
        self._settings = settings
        self._partition = partition
        self._cancelled = cancelled

    def restore(self, store: RowStore) -> Restored:
        """Read from the stored position to the end that the changelog has now.

        Raises:
            EpochError: the broker does not answer.
        """
        reader = ChangelogReader(self._settings, self._partition, store)
        try:
            reader.find_position()
            begin, end = reader.position, reader.end
            rows = self._read(reader, end) if begin < end else 0
            return Restored(begin, end, rows)
        finally:
            reader.close()

    def _read(self, reader: ChangelogReader, end: int) -> int:
        source = f"{self._settings.changelog_topic}[{self._partition}]"
        reader.start()
        rows = 0
        while reader.position < end:
            if self._cancelled():
                raise EpochError(f"{source}: revoked while restoring")
            messages = reader.fetch(_PATIENCE_S, _BATCH)
            if not messages:
                raise EpochError(f"{source}: nothing after {reader.position}")
            rows += reader.write(messages)
        reader.flush()
        return rows


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


def watermarks(
    consumer: Consumer, source: TopicPartition, patience_s: float = _PATIENCE_S
) -> tuple[int, int]:
    """The first offset and the end (of what is committed) of a partition.

    Raises:
        EpochError: the broker does not answer.
    """
    try:
        low, high = consumer.get_watermark_offsets(source, timeout=patience_s)
    except KafkaException as error:
        raise EpochError(f"{source.topic}: {error.args[0].str()}") from error
    return low, high
