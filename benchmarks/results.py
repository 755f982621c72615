"""Every run as plain data: what `--json` writes and the report reads."""

import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct

from benchmarks.install import ROOT
from benchmarks.measure import Stretch

STRETCH_S_MIN = 3.0


class Run(Struct, frozen=True, omit_defaults=True):
    """One run; `numbers` carry their unit in the name. `x` is what a curve is drawn over."""

    scenario: str
    contender: str
    round: int
    numbers: dict[str, float]
    x: float = 0.0


class Sitting(Struct, frozen=True, omit_defaults=True):
    """All runs of one sitting, with what they were measured on; `note`: what is special of it."""

    commit: str
    machine: str
    arguments: dict[str, int]
    runs: list[Run]
    note: str = ""


def of_stretch(scenario: str, contender: str, round_: int, stretch: Stretch, **more: float) -> Run:
    """A run that is one measured stretch of events.

    A stretch under `STRETCH_S_MIN` has no speed and no cost: with a second's work between two
    commits, one commit more or less would decide what they are.
    """
    numbers = {
        "events": float(stretch.events),
        "wall_s": stretch.wall_s,
        "foreign_share": stretch.foreign_share,
        **more,
    }
    if stretch.wall_s >= STRETCH_S_MIN:
        numbers |= {"events_per_s": stretch.events_per_s, "cpu_us": stretch.cpu_us}
    return Run(scenario, contender, round_, numbers)


def told(run: Run) -> str:
    """A run's speed and cost as a line of progress."""
    if "cpu_us" not in run.numbers:
        return f"{run.contender}: too short, {run.numbers['wall_s']:.1f} s: give it more events"
    speed, cost = run.numbers["events_per_s"], run.numbers["cpu_us"]
    return f"{run.contender}: {speed:,.0f} events/s, {cost:.1f} us CPU/event"


def sitting(arguments: dict[str, int], runs: Iterable[Run]) -> Sitting:
    """The runs with the commit and the machine they belong to."""
    return Sitting(_commit(), _machine(), arguments, list(runs))


def medians(runs: Iterable[Run]) -> dict[str, dict[str, float]]:
    """Median of each number, by contender, in the order of the runs."""
    found: dict[str, dict[str, list[float]]] = {}
    for run in runs:
        own = found.setdefault(run.contender, {})
        for name, value in run.numbers.items():
            own.setdefault(name, []).append(value)
    return {c: {n: median(v) for n, v in own.items()} for c, own in found.items()}


def write(path: Path, result: Sitting) -> None:
    """Write a sitting."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = msgspec.json.format(msgspec.json.encode(result), indent=1)
    path.write_bytes(data + b"\n")


def read(path: Path) -> Sitting:
    """Read a sitting."""
    return msgspec.json.decode(path.read_bytes(), type=Sitting)


def write_shown(path: Path, sittings: Iterable[Sitting]) -> None:
    """Write the sittings that a document shows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = msgspec.json.format(msgspec.json.encode(list(sittings)), indent=1)
    path.write_bytes(data + b"\n")


def read_shown(path: Path) -> list[Sitting]:
    """Read the sittings that a document shows."""
    return msgspec.json.decode(path.read_bytes(), type=list[Sitting])


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
