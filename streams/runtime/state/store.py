"""The rows of one partition on disk: RocksDB, written once an epoch, after the commit.

One column family, three prefixes: `r` + key holds the due time (8 bytes, big endian, NEVER where
there is none) and the row; `t` + due time + key is the due index; `m` + name is metadata. A write
moves rows, due index and changelog position together, so the store is always the state at exactly
that position: behind the changelog after a crash, never ahead of it.

RocksDB keeps no log of its own: the changelog is one. A crash forgets what was still in memory, the
newest writes, each as a whole; a restore reads them again.
"""

import logging
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from rocksdict import (
    BlockBasedIndexType,
    BlockBasedOptions,
    Cache,
    DbClosedError,
    DBCompressionType,
    Options,
    Rdict,
    RdictIter,
    WriteBatch,
    WriteOptions,
)

from streams.errors import OfferstreamError, OperatorError
from streams.runtime.faults import DiskFullError, StoreError
from streams.runtime.records import NEVER, RowChange

log = logging.getLogger(__name__)
_DAMAGED = "DAMAGED"
_POSITION = b"mposition"
_ORIGIN = b"morigin"
_METADATA_BLOCK_BYTES = 4_096
_FULL = ("no space left", "file too large", "quota exceeded")
_UNLOGGED = WriteOptions()
_UNLOGGED.disable_wal = True


class StoredRow(NamedTuple):
    """A row's bytes and when it is due (ms; NEVER: not at all)."""

    due_ms: int
    data: bytes


class StoreOptions:
    """What the stores of one process share: one bounded block cache."""

    def __init__(self, block_cache_bytes: int, write_buffer_bytes: int) -> None:
        self._cache = Cache(block_cache_bytes)
        self._write_buffer_bytes = write_buffer_bytes

    @property
    def cached_bytes(self) -> int:
        """What the block cache takes now, over all stores."""
        return int(self._cache.get_usage())

    def new(self) -> Options:
        """Options for one store: small memtables, full bloom filter, few log files.

        Index and filter are in the bounded cache, so they must be in small blocks: the cache is cut
        into shards of a MiB, and an index in one block is larger in a file of 200 MiB. It would be
        read and decompressed for every row.
        """
        table = BlockBasedOptions()
        table.set_block_cache(self._cache)
        table.set_bloom_filter(10, False)
        table.set_cache_index_and_filter_blocks(True)
        table.set_index_type(BlockBasedIndexType.two_level_index_search())
        table.set_partition_filters(True)
        table.set_metadata_block_size(_METADATA_BLOCK_BYTES)
        table.set_pin_top_level_index_and_filter(True)
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_block_based_table_factory(table)
        # As small as with Snappy, RocksDB's default, and cheaper to write and to read.
        options.set_compression_type(DBCompressionType.lz4())
        options.set_write_buffer_size(self._write_buffer_bytes)
        options.set_max_write_buffer_number(3)
        options.set_max_log_file_size(1 << 20)
        options.set_keep_log_file_num(2)
        options.set_max_open_files(256)
        options.increase_parallelism(2)
        return options


class RowStore:
    """One partition's store: reads from any thread beside at most one writer.

    Raises:
        StoreError: from any write or read that the disk refuses.
    """

    def __init__(self, path: Path, options: StoreOptions) -> None:
        self.path = path
        self._options = options
        self._db = self._open()

    def position(self) -> int | None:
        """The changelog offset up to which this store holds everything; None: it holds nothing."""
        data = self._get(_POSITION)
        return None if data is None else int.from_bytes(data, "big")

    def origin(self) -> bytes | None:
        """Which cluster and changelog this store was built from."""
        return self._get(_ORIGIN)

    def get(self, key: bytes) -> StoredRow | None:
        """The stored row."""
        data = self._get(b"r" + key)
        return None if data is None else StoredRow(int.from_bytes(data[:8], "big"), data[8:])

    def keys(self) -> Iterator[bytes]:
        """Every key, in order of bytes."""
        cursor = self._db.iter()
        cursor.seek(b"r")
        while cursor.valid() and (key := bytes(cursor.key()))[:1] == b"r":
            yield key[1:]
            cursor.next()
        self._check(cursor)

    def count(self) -> int:
        """How many rows there are, by a walk over all of them."""
        return sum(1 for _ in self.keys())

    def memtable_bytes(self) -> int:
        """What is in memory because it is not on disk yet, in RocksDB's own buffers."""
        return int(self._db.property_int_value("rocksdb.cur-size-all-mem-tables") or 0)

    def due(self, since_ms: int = 0) -> Iterator[tuple[int, bytes]]:
        """Due time and key of the rows due at or after `since_ms`, the earliest first."""
        cursor = self._db.iter()
        cursor.seek(_due_key(since_ms, b""))
        while cursor.valid() and (key := bytes(cursor.key()))[:1] == b"t":
            yield int.from_bytes(key[1:9], "big"), key[9:]
            cursor.next()
        self._check(cursor)

    def due_ms_of(self, keys: list[bytes]) -> list[int]:
        """When each of the stored rows is due; NEVER also for a key that is not stored."""
        try:
            found = self._db.get([b"r" + key for key in keys])
        except Exception as error:
            raise self._failed("read", error) from error
        return [NEVER if data is None else int.from_bytes(data[:8], "big") for data in found]

    def write(self, changes: Iterable[RowChange], position: int) -> None:
        """Rows, due index and position in one atomic write."""
        batch = WriteBatch(raw_mode=True)
        put, delete = batch.put, batch.delete
        for change in changes:
            if change.was_due_ms != NEVER and change.was_due_ms != change.due_ms:
                delete(_due_key(change.was_due_ms, change.key))
            if change.data is None:
                delete(b"r" + change.key)
                continue
            put(b"r" + change.key, change.due_ms.to_bytes(8, "big") + change.data)
            if change.due_ms not in (NEVER, change.was_due_ms):
                put(_due_key(change.due_ms, change.key), b"")
        put(_POSITION, position.to_bytes(8, "big"))
        try:
            self._db.write(batch)
        except Exception as error:
            raise self._failed("written", error) from error

    def flush(self) -> None:
        """Put everything that was written to disk: no crash forgets it any more."""
        try:
            self._db.flush()
        except Exception as error:
            raise self._failed("written", error) from error

    def start_over(self, origin: bytes) -> None:
        """Forget everything; from now on the store belongs to `origin`."""
        self.close()
        try:
            shutil.rmtree(self.path)
            self._db = self._open()
            self._db.put(_ORIGIN, origin)
        except OfferstreamError:
            raise
        except Exception as error:
            raise self._failed("started over", error) from error

    def close(self) -> None:
        """Flush and release the files; harmless when repeated, and after a write that failed."""
        try:
            self._db.close()
        except DbClosedError:
            return
        except Exception as error:
            # Whoever wrote has been told; what is not on disk is in the changelog.
            log.warning("%s was not flushed: %s", self.path, error)

    def _get(self, key: bytes) -> bytes | None:
        try:
            data: bytes | None = self._db.get(key)
        except Exception as error:
            raise self._failed("read", error) from error
        return data

    def _check(self, cursor: RdictIter) -> None:
        """A cursor that meets a damaged block just ends; only its status says why."""
        try:
            cursor.status()
        except Exception as error:
            raise self._failed("read", error) from error

    def _failed(self, doing: str, error: Exception) -> StoreError:
        """What to raise; a damaged store is marked, so that the next open builds it anew."""
        if _is_damage(error):
            with suppress(OSError):
                (self.path / _DAMAGED).touch()
        return _store_error(f"{self.path} cannot be {doing}", error)

    def _open(self) -> Rdict:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not (self.path / _DAMAGED).exists():
                return self._new()
        except Exception as error:
            if _is_locked(error):
                raise OperatorError(
                    f"{self.path} is in use by another process: give every worker its own data_dir"
                ) from error
            if not _is_damage(error):
                raise _store_error(f"{self.path} cannot be opened", error) from error
        return self._open_anew()

    def _new(self) -> Rdict:
        db = Rdict(str(self.path), self._options.new())
        db.set_write_options(_UNLOGGED)
        return db

    def _open_anew(self) -> Rdict:
        """The changelog is the truth: a damaged store is thrown away, a restore fills it."""
        log.error("%s is damaged: it is built anew from the changelog", self.path)
        try:
            shutil.rmtree(self.path)
            self.path.mkdir(parents=True)
            return self._new()
        except Exception as error:
            raise _store_error(f"{self.path} cannot be built anew", error) from error


def _is_locked(error: Exception) -> bool:
    """Held by somebody: not every message about the lock file says so (a full disk has one too)."""
    text = str(error).lower()
    return "lock hold by" in text or (
        "while lock file" in text and "resource temporarily unavailable" in text
    )


def _store_error(said: str, error: Exception) -> StoreError:
    text = str(error).lower()
    full = any(words in text for words in _FULL)
    return (DiskFullError if full else StoreError)(f"{said}: {error}")


def _is_damage(error: Exception) -> bool:
    text = str(error).lower()
    return "corruption" in text or "no such file" in text


def _due_key(due_ms: int, key: bytes) -> bytes:
    return b"t" + due_ms.to_bytes(8, "big") + key
