"""What the spool asks of a disk: bytes that are on it, a place in a file, a folder of its own."""

import contextlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog

log = structlog.get_logger()

_PLACE_BYTES: Final = 41
_LINE_BYTES: Final = 51


class Position:
    """Up to where records have gone to Kafka: a segment's number, and a byte of it.

    It is no more than a help: without it records go to Kafka once more. So a disk that is full or
    fails stops nobody here, and a line with a wrong checksum is none.
    """

    def __init__(self, path: Path) -> None:
        """Open it, and take its place on the disk while there is some.

        Raises:
            OSError: it cannot be opened.
        """
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._failed = False
        self.found = self._read()
        self.write(*self.found)
        self.sync()

    def write(self, number: int, end: int) -> None:
        """Note a place; after a loss of power it may be the one before."""
        place = b"%020d %020d" % (number, end)
        with self._suppressed():
            os.pwrite(self._file, place + b" %08x\n" % zlib.crc32(place), 0)

    def sync(self) -> None:
        """See to it that the last place is on the disk."""
        with self._suppressed():
            os.fsync(self._file)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _read(self) -> tuple[int, int]:
        line = os.pread(self._file, _LINE_BYTES, 0)
        place = line[:_PLACE_BYTES]
        if line[_PLACE_BYTES:] != b" %08x\n" % zlib.crc32(place):
            return 0, 0
        number, _, end = place.decode("ascii", "replace").partition(" ")
        return int(number), int(end)

    @contextlib.contextmanager
    def _suppressed(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not self._failed:  # once, not with each batch
                log.warning("spool_position_not_written", reason=error.strerror)
            self._failed = True
        else:
            self._failed = False


def append_synced(file: int, data: bytes, size: int) -> None:
    """Add to a file of this size; it is on the disk when this returns.

    Raises:
        OSError: it is not; what stays of it, where the file cannot be cut, has a wrong checksum.
    """
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        os.fsync(file)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(file, size)
        raise


def make_folder(folder: Path) -> None:
    """Make a folder for this user alone, and all above it; they are on the disk afterwards.

    Raises:
        OSError: they are not.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in missing:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """See to it that the names in a folder are on the disk.

    Raises:
        OSError: they are not.
    """
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
