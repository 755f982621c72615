"""A data folder belongs to one process at a time; one that cannot be used is said at once."""

import errno
import fcntl
import logging
import os
import time
from pathlib import Path

from streams.errors import OperatorError
from streams.runtime.faults import DiskFullError

log = logging.getLogger(__name__)
LOCK = "in-use"
_LOOK_S = 0.2
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class HeldFolder:
    """A folder that is this process's own until it ends, however it ends."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the next one have it."""
        os.close(self._descriptor)


def hold_folder(path: Path, patience_s: float) -> HeldFolder:
    """Make the folder, and make it this process's own.

    What a launcher that was killed has left behind may still be ending: it is waited for.

    Args:
        path: the data folder of one slot.
        patience_s: how long to wait for a process that uses it.

    Raises:
        OperatorError: it is no folder, may not be written, or stays in use.
        DiskFullError: there is no room left.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        _wait_for(path, descriptor, patience_s)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFullError(f"data folder {path}: {error.strerror}") from error
        raise OperatorError(
            f"the data folder {path} cannot be used ({error.strerror}): set data_dir "
            "(OFFERSTREAM_DATA_DIR) to a folder that this user may write"
        ) from error
    return HeldFolder(path, descriptor)


def _wait_for(path: Path, descriptor: int, patience_s: float) -> None:
    deadline_s, said = time.monotonic() + patience_s, False
    while not _locked(descriptor):
        user = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
        if time.monotonic() >= deadline_s:
            os.close(descriptor)
            raise OperatorError(
                f"the data folder {path} is in use by process {user}: stop that one, or give "
                "this one a data_dir of its own (OFFERSTREAM_DATA_DIR)"
            )
        if not said:
            said = True
            log.warning(
                "process %s, left from an earlier start, still uses %s: waiting up to %.0f s",
                user,
                path,
                patience_s,
            )
        time.sleep(_LOOK_S)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
