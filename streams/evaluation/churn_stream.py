"""Customers, their ticks and labels, and the learner, driven by purchases alone.

The same rhythm, ticks, label discipline and learner as in `process`, without everything else.
"""

import heapq
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from streams.customer.rhythm import (
    Rhythm,
    awaits_horizon,
    has_returned,
    is_lapsed,
    next_tick_ms,
    record_purchase,
)
from streams.customer.row import ScoringMoment
from streams.evaluation.purchases import Purchase
from streams.features.rhythm import churn_example, horizon_example
from streams.models.churn import ChurnLearner


class Scored(NamedTuple):
    """A customer who is scored at this moment."""

    customer_id: str
    at_ms: int
    rhythm: Rhythm


class ChurnStream:
    """Customers, ticks, labels and the learner, driven by purchases in the order of time."""

    def __init__(self, tick_ms: int, horizon_ms: int) -> None:
        """`horizon_ms`: a customer who is silent for longer is no longer scored."""
        self.tick_ms = tick_ms
        self.horizon_ms = horizon_ms
        self.rhythms: dict[str, Rhythm] = {}
        self.learner = ChurnLearner(tick_ms)
        self._due: list[tuple[int, str]] = []
        self._ticking: set[str] = set()
        self._waiting: dict[str, ScoringMoment] = {}
        self._horizons = deque[tuple[str, ScoringMoment]]()

    def buy(self, purchase: Purchase) -> None:
        """Record a purchase; call `ticks` up to its moment before."""
        who = purchase.customer_id
        self.rhythms[who] = record_purchase(
            self.rhythms.get(who), purchase.at_ms, purchase.amount, tick_ms=self.tick_ms
        )
        if who not in self._ticking:
            self._ticking.add(who)
            heapq.heappush(self._due, (next_tick_ms(who, purchase.at_ms, self.tick_ms), who))

    def ticks(self, until_ms: int) -> Iterator[Scored]:
        """Run what is due up to `until_ms`: learn the last tick's label, yield who is scored now.

        Everything is learned that was known at the moment before it is yielded, nothing else.
        """
        while self._due and self._due[0][0] <= until_ms:
            at_ms, who = heapq.heappop(self._due)
            self._learn_horizons(at_ms)
            rhythm = self.rhythms[who]
            self._learn(who, rhythm, at_ms)
            if is_lapsed(rhythm, at_ms, self.horizon_ms):
                self._ticking.discard(who)
                continue
            due_ms = next_tick_ms(who, at_ms, self.tick_ms)
            self._waiting[who] = ScoringMoment(at_ms, due_ms, rhythm)
            if awaits_horizon(who, at_ms, self.tick_ms, self.horizon_ms):
                moment = ScoringMoment(at_ms, at_ms + self.horizon_ms, rhythm)
                self._horizons.append((who, moment))
            heapq.heappush(self._due, (due_ms, who))
            yield Scored(who, at_ms, rhythm)
        self._learn_horizons(until_ms)

    def _learn(self, who: str, rhythm: Rhythm, at_ms: int) -> None:
        if who not in self._waiting:
            return
        scored = self._waiting.pop(who)
        returned = has_returned(rhythm, scored.scored_at_ms)
        example_id = f"{who}:{scored.scored_at_ms}"
        self.learner.learn(churn_example(example_id, scored, returned, at_ms, who))

    def _learn_horizons(self, until_ms: int) -> None:
        """Learn the moments whose horizon is over; they wait in the order of time."""
        while self._horizons and self._horizons[0][1].label_due_at_ms <= until_ms:
            who, scored = self._horizons.popleft()
            returned = has_returned(self.rhythms[who], scored.scored_at_ms)
            example_id = f"{who}:{scored.scored_at_ms}:horizon"
            due_ms = scored.label_due_at_ms
            self.learner.learn(
                horizon_example(example_id, scored, returned, due_ms, self.tick_ms, who)
            )
