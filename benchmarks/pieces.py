"""What each piece of the runtime buys: the state pipeline without it, and without any runtime."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measure import alone
from benchmarks.results import Run, of_stretch
from benchmarks.state import CUSTOMERS, SEED, Contender, changelog, in_rounds, ours

PIECES = (
    Contender("as it is: exactly once, epochs of 1 s", ours(), changelog("changelog")),
    Contender("epochs of 100 ms", ours(epoch_ms=100), changelog("changelog")),
    Contender("epochs of 10 ms", ours(epoch_ms=10), changelog("changelog")),
    Contender("no transactions (at least once)", ours(transactional=False), changelog("changelog")),
    Contender("no cache of rows", ours(cached_rows_max=1), changelog("changelog")),
    Contender(
        "Python's collector of cycles as it comes",
        ours(collect_seldom=False),
        changelog("changelog"),
    ),
    Contender("ten records a batch", ours(batch_records_max=10), changelog("changelog")),
)


def measure(events: int, rounds: int, say: Callable[[str], None]) -> Iterator[Run]:
    """Every variant in every round, with the same events: a row's first ones are the cheapest."""
    yield from in_rounds("pieces", PIECES, events, rounds, say)
    for round_ in range(1, rounds + 1):
        yield _work_alone(events, round_)


def _work_alone(events: int, round_: int) -> Run:
    """The same without any runtime, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-work-") as home:
        numbers = (2 * events, CUSTOMERS, SEED)  # it is the quickest: else its stretch is short
        stretch = alone("benchmarks.work_alone", numbers, Path(home) / "log")
    return of_stretch("pieces", "the work alone: no Kafka, no store", round_, stretch)
