"""What waits on the disk for Kafka: appended and synced, read in order, deleted.

A folder of segments; a segment is frames one after the other; a frame is a length, a CRC-32, and
one record as MessagePack. What a crash left half written fails its checksum and is cut off: nobody
was told that it was kept. Not safe for threads: whoever calls sees to it that calls come one at a
time.
"""

import contextlib
import fcntl
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from struct import Struct as Layout
from typing import Final

import msgspec
import structlog
from msgspec import Struct

from streams.contracts.outputs.encode import OutputMessage
from streams.errors import OperatorError

log = structlog.get_logger()

SEGMENT_BYTES: Final = 1_048_576
_HEAD: Final = Layout(">II")  # bytes of the record, CRC-32 of them
_SUFFIX: Final = ".spool"
_LOCK: Final = "lock"
_POSITION: Final = "position"


class Kept(Struct, frozen=True, array_like=True):
    """A record that waits; `at_ms` is when it was taken."""

    at_ms: int
    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    @property
    def message(self) -> OutputMessage:
        """What goes to Kafka."""
        return OutputMessage(self.topic, self.key, self.value, self.headers)


class Batch(Struct, frozen=True):
    """The oldest records, in order, and where they end in their segment."""

    records: list[Kept]
    segment: int
    end: int


class _Segment(Struct):
    """A file: `size` bytes of it are whole frames that are on the disk."""

    number: int
    size: int = 0


_decoder: Final = msgspec.msgpack.Decoder(Kept)


def framed(message: OutputMessage, at_ms: int) -> bytes:
    """A record as it is kept."""
    record = msgspec.msgpack.encode(Kept(at_ms, *message))
    return _HEAD.pack(len(record), zlib.crc32(record)) + record


class Spool:
    """Records on disk, the oldest first; a folder is one process's alone."""

    def __init__(self, folder: Path, bytes_max: int) -> None:
        """Open the folder, and find what an earlier process left there.

        Raises:
            OperatorError: it cannot be written or read, or another process has it.
        """
        self._folder = folder
        self._bytes_max = bytes_max
        self._segments: list[_Segment] = []
        self._writing: int | None = None
        self._read_to = 0  # in the oldest segment
        self.records = 0
        self.oldest_ms = 0
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._position = os.open(folder / _POSITION, os.O_RDWR | os.O_CREAT, 0o600)
            self._recover()
        except BlockingIOError as error:
            raise OperatorError(
                f"gateway.spool_dir: {folder} is in use by another gateway; give each its own"
            ) from error
        except OSError as error:
            raise OperatorError(
                f"gateway.spool_dir: {folder} cannot be used ({error.strerror})"
            ) from error
        except msgspec.DecodeError as error:
            raise OperatorError(
                f"gateway.spool_dir: {folder} was written by another version; start that one until "
                "it is empty"
            ) from error

    @property
    def size(self) -> int:
        """How many bytes of the disk are taken."""
        return sum(segment.size for segment in self._segments)

    def fits(self, more: int) -> bool:
        """Whether so many bytes may be added."""
        return self.size + more <= self._bytes_max

    def append(self, frames: Sequence[bytes], at_ms: int) -> None:
        """Add records; they are on the disk when this returns.

        Raises:
            OSError: they are not, or not all of them.
        """
        file, segment = self._open_segment()
        try:
            _write(file, b"".join(frames))
            os.fsync(file)
        except OSError:
            with contextlib.suppress(OSError):  # what stays of it fails its checksum
                os.ftruncate(file, segment.size)
            self._end_segment()
            raise
        segment.size += sum(map(len, frames))
        self.oldest_ms = self.oldest_ms if self.records else at_ms
        self.records += len(frames)

    def oldest(self, count: int) -> Batch:
        """Up to so many records; there must be one.

        Raises:
            OSError: they cannot be read.
        """
        segment = self._segments[0]
        found: list[Kept] = []
        end = self._read_to
        for kept, end_of_frame in self._frames(segment, self._read_to, segment.size):
            found.append(kept)
            end = end_of_frame
            if len(found) == count:
                break
        if not found:
            raise OSError(f"segment {segment.number} is damaged at byte {self._read_to}")
        return Batch(found, segment.number, end)

    def done(self, batch: Batch) -> None:
        """Forget a batch; what no longer waits is deleted with its segment.

        The position is not synced: after a loss of power a part of a segment is sent once more.

        Raises:
            OSError: the disk does not let us.
        """
        segment = self._segments[0]
        os.pwrite(self._position, b"%020d %020d\n" % (batch.segment, batch.end), 0)
        self._read_to = batch.end
        self.records -= len(batch.records)
        self.oldest_ms = batch.records[-1].at_ms if self.records else 0
        if batch.end == segment.size:
            if len(self._segments) == 1:
                self._end_segment()
            self._drop(segment)

    def close(self) -> None:
        """Let go of the folder; what waits stays in it."""
        self._end_segment()
        os.close(self._position)
        os.close(self._lock)

    def _recover(self) -> None:
        number, position = self._read_position()
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            segment = _Segment(int(path.stem))
            start = position if segment.number == number and not self._segments else 0
            size, whole = path.stat().st_size, start
            for kept, end in self._frames(segment, start, size):
                self.oldest_ms = self.oldest_ms if self.records else kept.at_ms
                self.records += 1
                whole = end
            if whole < size:
                log.warning("spool_cut", segment=segment.number, cut_bytes=size - whole)
                os.truncate(path, whole)
            if whole == start:
                path.unlink()
                continue
            self._read_to = self._read_to if self._segments else start
            segment.size = whole
            self._segments.append(segment)
        if self.records:
            log.info("spool_found", records=self.records, bytes=self.size)

    def _read_position(self) -> tuple[int, int]:
        number, _, end = os.pread(self._position, 42, 0).decode("ascii", "replace").partition(" ")
        try:
            return int(number), int(end)
        except ValueError:
            return 0, 0

    def _frames(self, segment: _Segment, from_: int, to: int) -> Iterator[tuple[Kept, int]]:
        """The whole frames between two places, each with its end."""
        with self._path(segment.number).open("rb") as file:
            file.seek(from_)
            data = file.read(to - from_)
        at = 0
        while at + _HEAD.size <= len(data):
            length, checksum = _HEAD.unpack_from(data, at)
            record = data[at + _HEAD.size : at + _HEAD.size + length]
            if len(record) < length or zlib.crc32(record) != checksum:
                return
            at += _HEAD.size + length
            yield _decoder.decode(record), from_ + at

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:012d}{_SUFFIX}"

    def _open_segment(self) -> tuple[int, _Segment]:
        """Where to write."""
        if self._writing is not None and self._segments[-1].size < SEGMENT_BYTES:
            return self._writing, self._segments[-1]
        self._end_segment()
        # No number comes twice, or an old position would be taken for one of a new segment.
        last = self._segments[-1].number if self._segments else self._read_position()[0]
        segment = _Segment(last + 1)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._writing = os.open(self._path(segment.number), flags, 0o600)
        self._segments.append(segment)
        self._sync_folder()
        return self._writing, segment

    def _end_segment(self) -> None:
        if self._writing is None:
            return
        os.close(self._writing)
        self._writing = None
        if not self._segments[-1].size:
            self._drop(self._segments[-1])

    def _drop(self, segment: _Segment) -> None:
        if segment is self._segments[0]:
            self._read_to = 0
        self._segments.remove(segment)
        self._path(segment.number).unlink(missing_ok=True)

    def _sync_folder(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
