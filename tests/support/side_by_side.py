"""Says in how many processes tests run side by side: 2 where there is room for two, else 0 (one).

`make` asks it by the Python of the machine, before anything is installed.
"""

import os
import re
from pathlib import Path

CORES, GIGABYTES = 2.0, 7.0
"""Of each process: a core; and a broker or two, workers, a browser: 3 GB at most, as measured."""
CGROUPS = Path("/sys/fs/cgroup")
UNBOUNDED = float("inf")


def processes(cores: float, gigabytes: float) -> int:
    """How many, on a machine with so much."""
    return 2 if cores >= CORES and gigabytes >= GIGABYTES else 0


def cores() -> float:
    """What this process may use, also in a container."""
    allowed = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    quota, period, *_ = [*_numbers(CGROUPS / "cpu.max"), UNBOUNDED, 1.0]
    return min(len(allowed), quota / period)


def gigabytes() -> float:
    """Memory that is free here, also in a container."""
    told = dict(re.findall(r"(\w+): +(\d+) kB", _text(Path("/proc/meminfo"))))
    bounds = (CGROUPS / "memory.max", CGROUPS / "memory/memory.limit_in_bytes")
    limits = [number for path in bounds for number in _numbers(path)]
    return min(float(told.get("MemAvailable", 0)) * 1_024, *limits, UNBOUNDED) / 1e9


def _numbers(path: Path) -> list[float]:
    """The numbers in a file of the system; none where it is not there or says `max`."""
    words = _text(path).split()
    return [] if "max" in words else [float(word) for word in words]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""


if __name__ == "__main__":
    print(processes(cores(), gigabytes()))
