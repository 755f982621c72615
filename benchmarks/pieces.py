"""What each piece of the runtime buys: the state pipeline with one of them taken away."""

from collections.abc import Callable, Iterator

from benchmarks.results import Run
from benchmarks.state import Contender, changelog, in_rounds, ours

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
