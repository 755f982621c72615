"""Every run as plain data: what `--json` writes and the report reads."""

import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks.install import ROOT
from benchmarks.measure import Stretch


class Run(Struct, frozen=True, omit_defaults=True):
    """One run; `numbers` carry their unit in the name. `x` is what a curve is drawn over."""

    scenario: str
    contender: str
    round: int
    numbers: dict[str, float]
    x: float = 0.0


class Sitting(Struct, frozen=True):
    """All runs of one sitting, with what they were measured on."""

    commit: str
    machine: str
    arguments: dict[str, int]
    runs: list[Run]


def of_stretch(scenario: str, contender: str, round_: int, stretch: Stretch, **more: float) -> Run:
    """A run that is one measured stretch of events."""
    numbers = {
        "events": float(stretch.events),
        "wall_s": stretch.wall_s,
        "events_per_s": stretch.events_per_s,
        "cpu_us": stretch.cpu_us,
        "foreign_share": stretch.foreign_share,
        **more,
    }
    return Run(scenario, contender, round_, numbers)


def sitting(arguments: dict[str, int], runs: Iterable[Run]) -> Sitting:
    """The runs with the commit and the machine they belong to."""
    return Sitting(_commit(), _machine(), arguments, list(runs))


def write(path: Path, result: Sitting) -> None:
    """Write a sitting."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = msgspec.json.format(msgspec.json.encode(result), indent=1)
    path.write_bytes(data + b"\n")


def read(path: Path) -> Sitting:
    """Read a sitting."""
    return msgspec.json.decode(path.read_bytes(), type=Sitting)


def _commit() -> str:
    asked = ["git", "describe", "--always", "--dirty"]
    found = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def _machine() -> str:
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    name = models[0] if models else platform.machine()
    return f"{os.cpu_count()} cores of {name}, Python {platform.python_version()}"
