"""The whole product alone in memory and as a worker on Kafka, beside a Faust app's bare update."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from msgspec.structs import replace

from benchmarks import state
from benchmarks.broker import broker
from benchmarks.events import consents, product_views
from benchmarks.measure import Marks, alone, follow, running, wait_for
from benchmarks.results import Run, of_stretch, told
from benchmarks.shop import Shop
from streams import topics

CUSTOMERS = 20_000
FAUST_SHARE = 3  # the state pipeline gives Faust a tenth of what it is asked: three of our ten
SEED = 7


def measure(events: int, rounds: int, say: Callable[[str], None]) -> Iterator[Run]:
    """`process()` alone, one worker and a Faust app on one core each, two workers on two cores."""
    with tempfile.TemporaryDirectory(prefix="bench-product-") as home:
        for round_ in range(1, rounds + 1):
            for contend in (_alone, _one_worker, _faust, _two_workers):
                at = Path(home) / f"{contend.__name__}-{round_}"
                run = contend(events, round_, at)
                say(f"round {round_}: {told(run)}")
                yield run


def _alone(events: int, round_: int, at: Path) -> Run:
    """`process()` with decode and encode over rows in a dict, in a process of its own."""
    at.mkdir()
    stretch = alone("benchmarks.process_alone", (events, CUSTOMERS, SEED), at / "log")
    return of_stretch("product", "process() alone, in memory", round_, stretch)


def _one_worker(events: int, round_: int, at: Path) -> Run:
    return _worker("worker on Kafka, exactly once", events, round_, at, workers=1, pinned=True)


def _faust(events: int, round_: int, at: Path) -> Run:
    """What is usual: a table of Records and one agent, which updates a row and decides nothing."""
    [run] = state.measure(events * FAUST_SHARE, 1, "faust", print)
    return replace(run, scenario="product", round=round_)


def _two_workers(events: int, round_: int, at: Path) -> Run:
    name = "two workers, sharing two cores with the broker"
    return _worker(name, events, round_, at, workers=2, pinned=False)


def _worker(name: str, events: int, round_: int, at: Path, *, workers: int, pinned: bool) -> Run:
    """All outputs included; event time fires the timers, at the speed of the events."""
    with ExitStack() as stack:
        kafka = stack.enter_context(broker())
        shop = Shop(kafka, at, clock="event_time")
        shop.send(topics.PROFILE, consents(CUSTOMERS))
        child = shop.worker(workers, 1 if pinned else None)
        with running(child):
            # Several topics have no order among each other: a view must not overtake its consent.
            wait_for(child, shop.progress(topics.PROFILE), CUSTOMERS)
            shop.send(topics.CLICKSTREAM, product_views(events, CUSTOMERS, SEED))
            marks = Marks(int(events * 0.15), int(events * 0.85), events)
            stretch = follow(child, shop.progress(topics.CLICKSTREAM), marks)
        decisions, offers = shop.said(topics.DECISION_LOG), shop.said(topics.NEXT_BEST_OFFERS)
        rejected = shop.said(topics.DEAD_LETTERS)
    assert rejected == 0, f"{rejected} of the benchmark's own events were rejected"
    assert offers > 0, "no offer was decided: the benchmark's input is wrong"
    return of_stretch(
        "product",
        name,
        round_,
        stretch,
        decisions_per_event=decisions / events,
        offers_per_event=offers / events,
    )
