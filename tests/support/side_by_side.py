"""Says in how many processes tests run side by side: 2 where there is room for two, else 0 (one).

`make` asks it by the Python of the machine, before anything is installed.
"""

import os
import re
from pathlib import Path

CORES, GIGABYTES = 2.0, 7.0
"""Of each process: a core; and a broker or two, workers, a browser: some 3 GB, as estimated."""
CGROUPS = Path("/sys/fs/cgroup")
UNBOUNDED = float("inf")


def processes(cores: float, gigabytes: float) -> int:
    """How many, on a machine with so much."""
    return 2 if cores >= CORES and gigabytes >= GIGABYTES else 0


def cores(cgroups: Path = CGROUPS) -> float:
    """What this process may use, also in a container (cgroup v2, then v1)."""
    allowed = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    old = [cgroups / "cpu/cpu.cfs_quota_us", cgroups / "cpu/cpu.cfs_period_us"]
    for words in (_numbers(cgroups / "cpu.max"), [n for path in old for n in _numbers(path)]):
        if len(words) == 2 and words[0] > 0:  # v1 says -1 where there is no quota
            return min(len(allowed), words[0] / words[1])
    return len(allowed)


def gigabytes(cgroups: Path = CGROUPS) -> float:
    """Memory that is free here, also in a container (cgroup v2 and v1)."""
    told = dict(re.findall(r"(\w+): +(\d+) kB", _text(Path("/proc/meminfo"))))
    rooms = [
        _room(cgroups, "memory.max", "memory.current"),
        _room(cgroups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ]
    return min(float(told.get("MemAvailable", 0)) * 1_024, *rooms) / 1e9


def _room(folder: Path, limit: str, usage: str) -> float:
    """What a container may still take: files that are only kept in memory make room for it."""
    kept = re.findall(r"^(?:in)?active_file (\d+)", _text(folder / "memory.stat"), re.MULTILINE)
    used = sum(_numbers(folder / usage)) - sum(float(number) for number in kept)
    return min([*_numbers(folder / limit), UNBOUNDED]) - used


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
