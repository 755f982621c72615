"""How much memory a process takes, seen from outside, and whether that grows."""

import re
import time
from pathlib import Path

import numpy as np
from scipy.stats import theilslopes

DAY_S = 86_400.0


def rss_bytes(pid: int) -> int:
    """What is resident now."""
    return _status_bytes(pid, "VmRSS")


def peak_rss_bytes(pid: int) -> int:
    """The most that was ever resident."""
    return _status_bytes(pid, "VmHWM")


class Samples:
    """Resident bytes of a process over time."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._taken: list[tuple[float, int]] = []

    def take(self) -> None:
        """One more."""
        self._taken.append((time.monotonic(), rss_bytes(self._pid)))

    def quarter_maxima(self) -> list[int]:
        """The greatest of each quarter of the samples."""
        return [int(part.max()) for part in np.array_split(self._bytes(), 4)]

    def bytes_a_day(self, last: float) -> float:
        """Growth over the last part (0 to 1) of the samples, stretched to a day.

        The median of the slopes between all pairs (Theil and Sen): single jumps do not count.
        """
        n = round(len(self._taken) * last)
        at_s = np.array([s for s, _ in self._taken])[-n:]
        return float(theilslopes(self._bytes()[-n:], at_s).slope) * DAY_S

    def _bytes(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array([b for _, b in self._taken], np.float64)


def _status_bytes(pid: int, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.M)
    assert found is not None, f"{name} of {pid}"
    return int(found[1]) * 1024
