"""How long silences last in this shop, in units of the customer's own gap: a life table.

Of all who have been silent for so many own gaps, how many buy in the stretch that follows: one rate
for each stretch, pooled over customers (the actuarial estimate; Cutler and Ederer 1958, Journal of
Chronic Diseases 8). Holidays, slower rhythms and leaving are in it without being named, for they
are what long silences are made of. Sixteen numbers are known long before the nineteen weights of
the hazard are.
"""

from bisect import bisect_right
from itertools import accumulate, pairwise
from math import exp, inf

from msgspec import Struct

from streams.errors import StateError

EDGES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 11.0, 15.0)
"""Own gaps at which a stretch begins; the last one has no end."""
ENDS = (*EDGES[1:], inf)
RETURNS_MIN = 30  # as many came back as a population needs to be fitted
PUBLISHED_GAP_TICKS = 12.0  # before any customer has come back
LEAN = 0.5  # gaps of the shop that a customer's own are shrunk to
GAP_MIN_TICKS = 0.05
PRIOR_RETURNS = 1.0  # at the rate of the stretch before
MEMORY_HALF_LIFE_TICKS = 208.0
"""Longer than that of the models of a tick: long silences are few."""


class Silences(Struct, frozen=True):
    """The immutable view: rates by stretch, per own gap, and what they add up to at each edge."""

    rates: tuple[float, ...]
    added: tuple[float, ...]
    gap_ticks: float

    def p_silent(self, repeats: float, known_ticks: float, silence: float, ticks: float) -> float:
        """P(no purchase for `ticks` more), of who bought again `repeats` times in `known_ticks`.

        >>> life = Silences(rates=(1.0,) * 16, added=EDGES, gap_ticks=4.0)
        >>> round(life.p_silent(3.0, 12.0, silence=8.0, ticks=4.0), 4)  # exp(-1)
        0.3679
        """
        gap = _own_gap(repeats, known_ticks, self.gap_ticks)
        return exp(self._until(silence / gap) - self._until((silence + ticks) / gap))

    def _until(self, gaps: float) -> float:
        n = bisect_right(EDGES, gaps) - 1
        return self.added[n] + self.rates[n] * (gaps - EDGES[n])


class SilencesState(Struct, frozen=True, forbid_unknown_fields=True):
    """Returns and time at risk by stretch, and the gaps of all labels: how many, how long."""

    returns: tuple[float, ...] = (0.0,) * len(EDGES)
    exposed: tuple[float, ...] = (0.0,) * len(EDGES)
    gaps: float = 0.0
    gap_ticks: float = 0.0


class LifeTable:
    """Learns from labels of ticks, in the order in which they become known."""

    def __init__(self, state: SilencesState | None = None) -> None:
        """`state`: what `dump` gave, else nothing is known.

        Raises:
            StateError: it has not one number for each stretch, or one below 0 or without end.
        """
        state = state or SilencesState()
        told = (*state.returns, *state.exposed, state.gaps, state.gap_ticks)
        if {len(state.returns), len(state.exposed)} != {len(EDGES)}:
            raise StateError("the life table of silences has other stretches than today's")
        if not all(0.0 <= number < inf for number in told):
            raise StateError("the life table of silences has numbers below 0 or without end")
        self.returns, self.exposed = list(state.returns), list(state.exposed)
        self.gaps, self.gap_ticks = state.gaps, state.gap_ticks

    def learn(
        self, repeats: float, known_ticks: float, silence: float, *, returned: bool, weight: float
    ) -> None:
        """Who had been silent for `silence` ticks came back within the next one, or did not.

        Who came back is taken to have done so in the middle of it. Of who bought once no gap is
        known: they teach nothing.
        """
        if repeats < 1.0:
            return
        self.gaps += weight * repeats
        self.gap_ticks += weight * known_ticks
        gap = _own_gap(repeats, known_ticks, self._usual())
        begin, end = silence / gap, (silence + (0.5 if returned else 1.0)) / gap
        first, last = bisect_right(EDGES, begin) - 1, bisect_right(EDGES, end) - 1
        for n in range(first, last + 1):
            self.exposed[n] += weight * (min(end, ENDS[n]) - max(begin, EDGES[n]))
        if returned:
            self.returns[last] += weight

    def forget(self, ticks: float) -> None:
        """Let `ticks` of time take from what is known."""
        keep = 0.5 ** (ticks / MEMORY_HALF_LIFE_TICKS)
        self.returns = [keep * value for value in self.returns]
        self.exposed = [keep * value for value in self.exposed]
        self.gaps, self.gap_ticks = keep * self.gaps, keep * self.gap_ticks

    def view(self) -> Silences | None:
        """What is known now; None while too few have come back, or in no time at all.

        A stretch leans on the one before it, so where nothing was seen yet the last rate goes on.
        """
        total, time = sum(self.returns), sum(self.exposed)
        if total < RETURNS_MIN or time <= 0.0:
            return None
        rates, rate = [], total / time
        for came, exposed in zip(self.returns, self.exposed, strict=True):
            rate = (came + PRIOR_RETURNS) / (exposed + PRIOR_RETURNS / rate)
            rates.append(rate)
        widths = [end - begin for begin, end in pairwise(EDGES)]
        steps = (rate * width for rate, width in zip(rates, widths, strict=False))
        return Silences(tuple(rates), tuple(accumulate(steps, initial=0.0)), self._usual())

    def dump(self) -> SilencesState:
        """Every number by name."""
        return SilencesState(tuple(self.returns), tuple(self.exposed), self.gaps, self.gap_ticks)

    def _usual(self) -> float:
        return self.gap_ticks / self.gaps if self.gaps else PUBLISHED_GAP_TICKS


def _own_gap(repeats: float, known_ticks: float, usual: float) -> float:
    """A customer's gap in ticks, shrunk to the usual one of the shop."""
    return max((known_ticks + LEAN * usual) / (repeats + LEAN), GAP_MIN_TICKS)
