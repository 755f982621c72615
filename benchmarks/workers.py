"""The state pipeline with one and two worker processes that share two cores with the broker."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from msgspec.structs import replace

from benchmarks.broker import broker, fill
from benchmarks.check import check_answers, check_changelog
from benchmarks.measure import Child, Marks, follow, group_progress, running
from benchmarks.results import Run, of_stretch, told
from benchmarks.state import CUSTOMERS, SEED, Place, ours, quiet
from benchmarks.workload import PARTITIONS, views


def measure(events: int, rounds: int, say: Callable[[str], None]) -> Iterator[Run]:
    """Nobody is pinned: with one worker the broker has a core, with two it has to share."""
    for round_ in range(1, rounds + 1):
        for workers in (1, 2):
            run = _one(events, workers, round_)
            say(f"round {round_}: {told(run)}")
            yield run


def _one(events: int, workers: int, round_: int) -> Run:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-workers-")))
        kafka = stack.enter_context(broker())
        place = Place(kafka.bootstrap, home, "workers", "workers-in", "workers-out")
        kafka.create_topics(place.source, place.output, partitions=PARTITIONS)
        kafka.create_topics(
            "workers-changelog", partitions=PARTITIONS, config={"cleanup.policy": "compact"}
        )
        fill(kafka.bootstrap, place.source, views(events, CUSTOMERS, SEED))
        children = [_start(stack, place, number) for number in range(workers)]
        marks = Marks(int(events * 0.15), int(events * 0.85), events)
        progress = group_progress(place.bootstrap, place.group, place.source)
        stretch = follow(children[0], progress, marks, *children[1:])
        check_answers(kafka, place.output, events, CUSTOMERS, SEED)
        check_changelog(kafka, "workers-changelog", events)
    name = f"{workers} worker{'s' * (workers > 1)}, two cores shared with the broker"
    return of_stretch("workers", name, round_, stretch)


def _start(stack: ExitStack, place: Place, number: int) -> Child:
    own = replace(place, home=place.home / str(number))
    own.home.mkdir()
    child = Child(ours()(own), own.home / "log", environment=quiet(), core=None)
    return stack.enter_context(running(child))
