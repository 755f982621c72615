"""A process that ends when the one that started it is gone, even if that was killed."""

import ctypes
import logging
import os
import signal
import sys
import threading
import time

log = logging.getLogger(__name__)
_PR_SET_PDEATHSIG = 1
_LOOK_S = 1.0


def end_with(parent: int) -> None:
    """From now on this process is told to stop (SIGTERM) when `parent` is not its parent any more.

    On Linux the kernel says so at once; everywhere a thread looks once a second.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    threading.Thread(target=_watch, args=(parent,), name="orphan", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    log.warning("process %d, which started this one, is gone: this one stops", parent)
    os.kill(os.getpid(), signal.SIGTERM)
