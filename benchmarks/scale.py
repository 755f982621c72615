"""CPU an event over the number of customers whose rows there are: it should stay flat.

The rows are put into the changelog and restored by a worker into an empty store. The next worker
on this store updates them: by visitors who come, look at some things and go, and after that by
customers drawn uniformly, the worst that a cache can meet.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from msgspec.structs import replace

from benchmarks.broker import broker, fill
from benchmarks.measure import Child, Marks, follow, group_progress, running, wait_for
from benchmarks.restore import state_rows
from benchmarks.results import STRETCH_S_MIN, Run, of_stretch, told
from benchmarks.state import Place, ours, quiet
from benchmarks.workload import PARTITIONS, views, visits
from tests.support.openings import Opening, openings

SIZES = (10_000, 100_000, 1_000_000, 5_000_000)
SEED = 11
IDLE_S, IDLE_SHARE = 3.0, 0.1
# One after the other, in one worker's life.
LOADS = {"visits of 20 views": visits, "drawn uniformly": views}


def measure(events: int, customers_max: int, say: Callable[[str], None]) -> Iterator[Run]:
    """One worker a size, with restored rows of 870 bytes; a run for each load."""
    for customers in SIZES:
        if customers > customers_max:
            say(f"{customers:,} customers: left out, --customers-max is {customers_max:,}")
            continue
        for run in _one(events, customers):
            say(f"{customers:,} customers: {told(run)}")
            yield run


def _one(events: int, customers: int) -> Iterator[Run]:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-scale-")))
        kafka = stack.enter_context(broker())
        place = Place(kafka.bootstrap, home, "scale", "scale-in", "scale-out")
        kafka.create_topics(place.source, place.output, partitions=PARTITIONS)
        kafka.create_topics(
            "scale-changelog", partitions=PARTITIONS, config={"cleanup.policy": "compact"}
        )
        fill(kafka.bootstrap, "scale-changelog", state_rows(customers))
        with running(_worker(place, "restoring.log")) as child:
            per_s = _restored_per_s(child, customers)
            long_enough = customers / per_s >= STRETCH_S_MIN
            restored = {"restored_per_s": per_s} if long_enough else {}
            _wait_until_idle(child)
        for draw in LOADS.values():
            fill(kafka.bootstrap, place.source, draw(events, customers, SEED))
        child = stack.enter_context(running(_worker(place, "log")))
        progress = group_progress(place.bootstrap, place.group, place.source)
        for before, load in enumerate(LOADS):
            done = before * events
            marks = Marks(done + int(events * 0.15), done + int(events * 0.85), done + events)
            stretch = follow(child, progress, marks)
            run = of_stretch("scale", load, 1, stretch, **restored)
            yield replace(run, x=float(customers))


def _worker(place: Place, log: str) -> Child:
    return Child(ours()(place), place.home / log, environment=quiet())


def _restored_per_s(child: Child, customers: int) -> float:
    """As the worker's log has it, once all partitions are open."""

    def opened() -> list[Opening]:
        return openings(child.log.read_text())

    wait_for(child, lambda: len(opened()), PARTITIONS)
    restored = sum(opening.rows for opening in opened())
    assert restored == customers, f"{restored} of {customers} rows were restored"
    return restored / max(opening.seconds for opening in opened())


def _wait_until_idle(child: Child) -> None:
    """RocksDB tidies up after a restore; what it takes for that is no event's."""
    busy_s, before_s = IDLE_S, child.cpu_s
    while busy_s > IDLE_SHARE * IDLE_S:
        time.sleep(IDLE_S)
        busy_s, before_s = child.cpu_s - before_s, child.cpu_s
