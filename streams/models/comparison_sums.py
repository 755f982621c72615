"""Sums over comparisons of one group of people, which fade with event time."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from streams.models.fading import fade_of

PROBABILITY_EDGE = 0.02
SAMPLE_MIN = 30.0


def group_probability(features: Mapping[str, float], *, treated: bool) -> float:
    """P(a comparison is in its group), by the probability that an offer is sent; never near 0."""
    offered = min(max(features.get("offered", 0.5), PROBABILITY_EDGE), 1.0 - PROBABILITY_EDGE)
    return offered if treated else 1.0 - offered


def sample_of(weight: float, weight_squared: float) -> float:
    """How many comparisons of equal weight these are worth, by the sums of weights and squares."""
    return weight**2 / weight_squared if weight_squared > 0.0 else 0.0


class Mean(NamedTuple):
    """Means of a group: orders less those expected, uses of any offer, uses of its own.

    `gained`: margin less that expected, of the comparisons that told it, and `gained_sample` of
    how many of equal weight.
    """

    rest: float
    uses: float
    own: float
    sample: float
    gained: float = 0.0
    gained_sample: float = 0.0


class Sums(Struct, frozen=True, array_like=True):
    """Weighted sums over comparisons, faded to `at_ms`.

    `rest`: orders less those expected, and its square; `uses`: of any offer, `own`: of the offer
    of the decision; `anyway`: of those the uses that were expected to be bought anyway. `gained`:
    margin less that expected, its square, and the weight of those that told it.
    """

    at_ms: int = 0
    weight: float = 0.0
    weight_squared: float = 0.0
    rest: float = 0.0
    rest_squared: float = 0.0
    uses: float = 0.0
    own: float = 0.0
    anyway: float = 0.0
    gained: float = 0.0
    gained_squared: float = 0.0
    gained_weight: float = 0.0

    def faded(self, at_ms: int) -> "Sums":
        """The same at a later moment."""
        if at_ms <= self.at_ms:
            return self
        f = fade_of(at_ms - self.at_ms)
        orders = (self.rest * f, self.rest_squared * f)
        uses = (self.uses * f, self.own * f, self.anyway * f)
        margins = (self.gained * f, self.gained_squared * f, self.gained_weight * f)
        return Sums(at_ms, self.weight * f, self.weight_squared * f * f, *orders, *uses, *margins)

    def plus(self, one: "Sums") -> "Sums":
        """With one more comparison, of the same moment or an earlier one."""
        now, more = self.faded(one.at_ms), one.faded(self.at_ms)
        return Sums(
            now.at_ms,
            now.weight + more.weight,
            now.weight_squared + more.weight_squared,
            now.rest + more.rest,
            now.rest_squared + more.rest_squared,
            now.uses + more.uses,
            now.own + more.own,
            now.anyway + more.anyway,
            now.gained + more.gained,
            now.gained_squared + more.gained_squared,
            now.gained_weight + more.gained_weight,
        )

    @property
    def sample(self) -> float:
        """How many comparisons of equal weight it is worth."""
        return sample_of(self.weight, self.weight_squared)

    @property
    def expected(self) -> float | None:
        """The share of its own uses that was expected to be bought anyway; None: of no use."""
        return self.anyway / self.own if self.own > 0.0 else None

    @property
    def mean(self) -> Mean:
        """The means; nothing for a group without comparisons."""
        if self.weight <= 0.0:
            return Mean(0.0, 0.0, 0.0, 0.0)
        parts = (self.rest / self.weight, self.uses / self.weight, self.own / self.weight)
        if self.gained_weight <= 0.0:
            return Mean(*parts, self.sample)
        known = self.gained_weight / self.weight
        return Mean(*parts, self.sample, self.gained / self.gained_weight, self.sample * known)
