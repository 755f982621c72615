"""The story's clock, for the processes of a demo: eight bytes of a file that one of them writes.

A demo plays weeks in seconds. Its gateway has to judge times as the story has them, so it reads
what time it is from here, and not from the machine.
"""

import mmap
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

_MS: Final = struct.Struct("<q")


class StoryClock:
    """Sets the time that others read with `clock_of(path)`; milliseconds since 1970, UTC."""

    def __init__(self, path: Path, now_ms: int) -> None:
        path.write_bytes(_MS.pack(now_ms))
        self.path = path
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _MS.size)

    def set(self, now_ms: int) -> None:
        """It is so late now."""
        self._memory[:] = _MS.pack(now_ms)

    def close(self) -> None:
        """Set it no more."""
        self._memory.close()


def clock_of(path: Path) -> Callable[[], int]:
    """Tells the time that a `StoryClock` has set.

    Raises:
        OSError: there is no such file.
    """
    with path.open("rb") as file:
        memory = mmap.mmap(file.fileno(), _MS.size, access=mmap.ACCESS_READ)
    return lambda: int(_MS.unpack(memory[:])[0])
