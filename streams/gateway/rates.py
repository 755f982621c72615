"""How much a source may send: a bucket of events that fills up again as time goes by."""

from collections.abc import Callable
from math import ceil
from typing import Final

SOURCES_MAX: Final = 100_000


class Rates:
    """One bucket a source; each holds two seconds' worth.

    A request is let in while anything is left, and pays for all of its events: a large batch is
    never refused for ever, and the average over time is kept.
    """

    def __init__(self, per_second_max: int, clock_s: Callable[[], float]) -> None:
        self._rate = per_second_max
        self._clock_s = clock_s
        self._left: dict[str, tuple[float, float]] = {}

    def wait_s(self, source: str) -> int:
        """After how many whole seconds a request may come; 0 for now."""
        left = self._now(source)
        return 0 if left > 0 else ceil(-left / self._rate) + 1

    def pay(self, source: str, events: int) -> None:
        """Take the events of a request out of the bucket."""
        left = self._now(source) - events
        self._left.pop(source, None)
        self._left[source] = (left, self._clock_s())
        if len(self._left) > SOURCES_MAX:  # who has paid for longest nothing is full by now
            del self._left[next(iter(self._left))]

    def _now(self, source: str) -> float:
        full = 2.0 * self._rate
        left, at_s = self._left.get(source, (full, self._clock_s()))
        return min(full, left + (self._clock_s() - at_s) * self._rate)
