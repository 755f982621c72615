"""CPU an event over the number of customers whose rows there are: it should stay flat.

The rows are put into the changelog, restored by the worker into an empty store, and then updated
by events of customers drawn uniformly, the worst that a cache can meet.
"""

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from msgspec.structs import replace

from benchmarks.broker import broker, fill
from benchmarks.measure import Child, Marks, follow, group_progress, running
from benchmarks.restore import state_rows
from benchmarks.results import Run, of_stretch
from benchmarks.state import Place, ours, quiet
from benchmarks.workload import PARTITIONS, views

SIZES = (10_000, 100_000, 1_000_000, 5_000_000)
SEED = 11


def measure(events: int, customers_max: int, say: Callable[[str], None]) -> Iterator[Run]:
    """One run a size, with restored rows of 870 bytes."""
    for customers in SIZES:
        if customers > customers_max:
            say(f"{customers:,} customers: left out, --customers-max is {customers_max:,}")
            continue
        run = _one(events, customers)
        say(f"{customers:,} customers: {run.numbers['cpu_us']:.1f} us CPU/event")
        yield run


def _one(events: int, customers: int) -> Run:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-scale-")))
        kafka = stack.enter_context(broker())
        place = Place(kafka.bootstrap, home, "scale", "scale-in", "scale-out")
        kafka.create_topics(place.source, place.output, partitions=PARTITIONS)
        kafka.create_topics(
            "scale-changelog", partitions=PARTITIONS, **{"cleanup.policy": "compact"}
        )
        fill(kafka.bootstrap, "scale-changelog", state_rows(customers))
        fill(kafka.bootstrap, place.source, views(events, customers, SEED))
        child = stack.enter_context(
            running(Child(ours()(place), home / "log", environment=quiet()))
        )
        marks = Marks(int(events * 0.15), int(events * 0.85), events)
        stretch = follow(child, group_progress(place.bootstrap, place.group, place.source), marks)
        opened = re.findall(r"open after ([\d.]+) s: (\d+) rows", child.log.read_text())
        restored = sum(int(rows) for _, rows in opened)
        assert restored == customers, f"{restored} of {customers} rows were restored"
        seconds = max(float(s) for s, _ in opened)
        run = of_stretch(
            "scale", "offerstream, epochs of 1 s", 1, stretch, restored_per_s=restored / seconds
        )
    return replace(run, x=float(customers))
