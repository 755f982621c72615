"""What waits on the disk for Kafka: appended and synced, read in order, deleted.

A folder of segments; a segment is frames one after the other; a frame is a length, a CRC-32, and
one record as MessagePack. What a crash left half written fails its checksum and is cut off: nobody
was told that it was kept. Of a segment that is damaged in another place all that is whole is sent,
and the file is kept. Not safe for threads: whoever calls sees to it that calls come one at a time.
"""

import fcntl
import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
import structlog
from msgspec import Struct

from streams.errors import OperatorError
from streams.gateway.frames import Kept, framed, frames
from streams.gateway.spool_files import Position, append_synced, make_folder, sync_folder

log = structlog.get_logger()

SEGMENT_BYTES: Final = 1_048_576
_SEGMENT: Final = ".spool"
_REFUSED: Final = ".refused"
_DAMAGED: Final = ".damaged"
_LOCK: Final = "lock"
_POSITION: Final = "position"
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND


class Batch(Struct, frozen=True):
    """The oldest records, in order, and where they end in their segment."""

    records: list[Kept]
    segment: int
    end: int


class _Segment(Struct):
    """A file: `size` bytes of it are on the disk, with so many records that wait."""

    number: int
    size: int = 0
    records: int = 0
    damaged: bool = False


class Spool:
    """Records on disk, the oldest first; a folder is one process's alone.

    Attributes:
        records: how many wait.
        oldest_ms: when the oldest of them was taken, or 0.
        refused: how many are set aside, until the next process tries them once more.
        refused_ms: when the first of these was taken, or 0.
    """

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
        self._last = 0  # no number comes twice, or a position would be taken for one of another
        self._refused_bytes = 0
        self.records = self.refused = 0
        self.oldest_ms = self.refused_ms = 0
        try:
            make_folder(folder)
            self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._position = Position(folder / _POSITION)
            self._recover()
            sync_folder(folder)
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
        """How many bytes of the disk are taken, with what is set aside."""
        return self._refused_bytes + sum(segment.size for segment in self._segments)

    def fits(self, more: int) -> bool:
        """Whether so many bytes may be added."""
        return self.size + more <= self._bytes_max

    def append(self, added: Sequence[bytes], at_ms: int) -> None:
        """Add frames of records; they are on the disk when this returns.

        Raises:
            OSError: they are not, or not all of them.
        """
        file, segment = self._open_segment()
        try:
            append_synced(file, b"".join(added), segment.size)
        except OSError:
            self._end_segment()
            raise
        segment.size += sum(map(len, added))
        segment.records += len(added)
        self.oldest_ms = self.oldest_ms if self.records else at_ms
        self.records += len(added)

    def oldest(self, count: int) -> Batch:
        """Up to so many records; none only where all that waited is damaged.

        Raises:
            OSError: they cannot be read.
        """
        while self._segments:
            segment = self._segments[0]
            with self._path(segment.number).open("rb") as file:
                file.seek(self._read_to)
                data = file.read(segment.size - self._read_to)
            found, at = list[Kept](), 0
            for frame in islice(frames(data), count):
                segment.damaged |= frame.begin != at
                found.append(frame.kept)
                at = frame.end
            if len(found) < count and at < segment.size - self._read_to:
                segment.damaged, at = True, segment.size - self._read_to
            if found:
                return Batch(found, segment.number, self._read_to + at)
            segment.damaged = True
            self._drop(segment)
        return Batch([], 0, 0)

    def done(self, batch: Batch) -> None:
        """Forget a batch; what no longer waits is deleted with its segment.

        The position is synced with each segment: after a loss of power a part of one is sent again.
        """
        segment = self._segments[0]
        self._position.write(batch.segment, batch.end)
        self._read_to = batch.end
        segment.records -= len(batch.records)
        self.records -= len(batch.records)
        if batch.end == segment.size:
            self._position.sync()
            self._drop(segment)
        self.oldest_ms = batch.records[-1].at_ms if self.records else 0

    def set_aside(self, batch: Batch) -> None:
        """Keep a batch in a file beside, which the next process tries once more, and go on.

        Raises:
            OSError: it could not be written; the batch waits as before.
        """
        data = b"".join(framed(kept.message, kept.at_ms) for kept in batch.records)
        file = os.open(self._path(batch.segment, _REFUSED), _NEW, 0o600)
        try:
            append_synced(file, data, os.fstat(file).st_size)
            sync_folder(self._folder)
        finally:
            os.close(file)
        self._refused_bytes += len(data)
        self.refused += len(batch.records)
        self.refused_ms = self.refused_ms or batch.records[0].at_ms
        self.done(batch)

    def close(self) -> None:
        """Let go of the folder; what waits stays in it."""
        self._end_segment()
        self._position.close()
        os.close(self._lock)

    def _recover(self) -> None:
        number, position = self._position.found
        kept, refused = self._numbers(_SEGMENT), self._numbers(_REFUSED)
        newest = kept[-1] if kept else 0
        self._last = max([number, *kept, *refused, *self._numbers(_DAMAGED)])
        for one in refused:  # behind what waits: perhaps Kafka takes it now
            self._last += 1
            self._path(one, _REFUSED).rename(self._path(self._last))
            kept.append(self._last)
        for one in kept:
            if one < number:  # Kafka has it; the loss of power came before it was deleted
                self._path(one).unlink()
            else:
                self._find(_Segment(one), position if one == number else 0, one >= newest)
        if self.records:
            log.info("spool_found", records=self.records, bytes=self.size)

    def _find(self, segment: _Segment, start: int, newest: bool) -> None:
        """Count what waits in a segment of an earlier process; cut off what was half written."""
        data = self._path(segment.number).read_bytes()[start:]
        at = 0
        for frame in frames(data):
            segment.damaged |= frame.begin != at
            segment.records += 1
            self.oldest_ms = self.oldest_ms or frame.kept.at_ms
            at = frame.end
        if at < len(data) and newest and not segment.damaged:
            log.warning("spool_cut", segment=segment.number, cut_bytes=len(data) - at)
            os.truncate(self._path(segment.number), start + at)
        elif at < len(data):
            segment.damaged, at = True, len(data)
        segment.size = start + at
        self.records += segment.records
        self._read_to = self._read_to if self._segments else start
        self._segments.append(segment)
        if segment.damaged:
            log.error("spool_damaged", segment=segment.number, readable=segment.records)
        if not segment.records:
            self._drop(segment)

    def _numbers(self, suffix: str) -> list[int]:
        return sorted(int(p.stem) for p in self._folder.glob(f"*{suffix}") if p.stem.isdecimal())

    def _path(self, number: int, suffix: str = _SEGMENT) -> Path:
        return self._folder / f"{number:012d}{suffix}"

    def _open_segment(self) -> tuple[int, _Segment]:
        """Where to write."""
        if self._writing is not None:
            size = os.fstat(self._writing).st_size  # another one where somebody changed the file
            if size == self._segments[-1].size < SEGMENT_BYTES:
                return self._writing, self._segments[-1]
        self._end_segment()
        self._last += 1
        segment = _Segment(self._last)
        self._writing = file = os.open(self._path(segment.number), _NEW | os.O_EXCL, 0o600)
        self._segments.append(segment)
        try:
            sync_folder(self._folder)
        except OSError:  # the file might be gone after a loss of power: nothing may lie in it
            self._end_segment()
            raise
        return file, segment

    def _end_segment(self) -> None:
        """Write no more to the newest segment."""
        if self._writing is None:
            return
        file, self._writing = self._writing, None
        try:
            os.close(file)
        except OSError as error:  # what was told is synced
            log.warning("spool_not_closed", reason=error.strerror)
        if not self._segments[-1].size:
            self._drop(self._segments[-1])

    def _drop(self, segment: _Segment) -> None:
        """Delete what waits no more; a damaged file is kept, for a person to look at."""
        if segment is self._segments[-1] and segment.size:
            self._end_segment()
        if segment is self._segments[0]:
            self._read_to = 0
        self._segments.remove(segment)
        self.records -= segment.records
        path = self._path(segment.number)
        try:
            if segment.damaged:
                path.rename(path.with_suffix(_DAMAGED))
                log.error("spool_damaged", segment=segment.number, kept_as=f"*{_DAMAGED}")
            else:
                path.unlink(missing_ok=True)
        except OSError as error:  # the position says that it is done
            log.warning("spool_not_deleted", segment=segment.number, reason=error.strerror)
