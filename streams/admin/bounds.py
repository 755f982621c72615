"""What a program beside another one may use: time, memory, and no longer than it is wanted."""

import contextlib
import os
import resource
import select
import signal
import threading
from pathlib import Path
from typing import Final

NICE: Final = 10
GONE: Final = 1
SHARE: Final = 0.75  # of a container; the rest is its main program's
MEGABYTE: Final = 1024 * 1024
NO_LIMIT: Final = 2**62  # as cgroups version 1 says it, more or less
OOM_FIRST: Final = "1000"
CGROUPS: Final = Path("/sys/fs/cgroup")
LIMITS: Final = ("memory.max", "memory/memory.limit_in_bytes")  # of cgroups version 2, version 1


def give_way() -> None:
    """To everybody: in CPU time, and where memory ends this program is the one that is ended."""
    os.nice(NICE)
    with contextlib.suppress(OSError):  # there is none but on Linux
        Path("/proc/self/oom_score_adj").write_text(OOM_FIRST, encoding="ascii")


def end_after(seconds: float) -> None:
    """Whatever it is at; by SIGALRM, which no handler here delays."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def end_without_reader(pipe: int) -> None:
    """End as soon as nobody can read any more what is written to this pipe.

    A killed parent tells nobody that it ends; its end of the pipe is closed all the same.
    """
    threading.Thread(target=_wait_for_its_end, args=(pipe,), daemon=True).start()


def take_no_more_than(megabytes: int) -> None:
    """Memory, nor than `SHARE` of what the container has; beyond it there is a MemoryError."""
    room = min(megabytes * MEGABYTE, room_of_container())
    resource.setrlimit(resource.RLIMIT_DATA, (room, room))


def room_of_container(cgroups: Path = CGROUPS) -> int:
    """`SHARE` of the memory that its cgroup has, in bytes; `NO_LIMIT` where none can be read."""
    for name in LIMITS:
        with contextlib.suppress(OSError, ValueError):
            return int(int((cgroups / name).read_text(encoding="ascii")) * SHARE)
    return NO_LIMIT


def _wait_for_its_end(pipe: int) -> None:
    poll = select.poll()
    poll.register(pipe, 0)  # nothing but POLLERR and POLLHUP, which are always told
    poll.poll()
    os._exit(GONE)
