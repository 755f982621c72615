"""How good the decisions were, by the truth: differences of arms, the best possible."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from scipy import stats

from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.times import to_ms
from streams.simulator.market import Market

Rates = tuple[float, float, float]


class ArmResult(Struct, frozen=True):
    """Offers that reached people in one arm, and how many were used."""

    arm: str
    offers: int
    redeemed: int

    @property
    def rate(self) -> float:
        """Share redeemed; 0 without offers."""
        return self.redeemed / self.offers if self.offers else 0.0


class Difference(Struct, frozen=True):
    """A difference of two rates with its 95 % interval."""

    value: float
    low: float
    high: float


def difference(a: ArmResult, b: ArmResult) -> Difference:
    """Rate of `a` minus rate of `b`, with Newcombe's hybrid score interval.

    Source: R. G. Newcombe, Statistics in Medicine 17 (1998), method 10.

    >>> d = difference(ArmResult("a", 1000, 150), ArmResult("b", 1000, 100))
    >>> round(d.value, 3), d.low > 0
    (0.05, True)
    """
    (low_a, high_a), (low_b, high_b) = _wilson(a), _wilson(b)
    value = a.rate - b.rate
    low = value - ((a.rate - low_a) ** 2 + (high_b - b.rate) ** 2) ** 0.5
    high = value + ((high_a - a.rate) ** 2 + (b.rate - low_b) ** 2) ** 0.5
    return Difference(value, low, high)


def _wilson(arm: ArmResult) -> tuple[float, float]:
    if not arm.offers:
        return 0.0, 1.0
    interval = stats.binomtest(arm.redeemed, arm.offers).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


class Expected(Struct, frozen=True):
    """True redemption probabilities, averaged over the same decisions: no luck in them."""

    decisions: int
    chosen: float
    uniform: float
    best: float


def true_rates(entry: DecisionLog, market: Market) -> Rates | None:
    """Chosen, chance and best of one decision; None where no offer came of it.

    None as well where one was possible that was published since: nobody knows the truth of it.
    """
    if entry.verdict != "offer" or entry.customer_id not in market.shoppers:
        return None
    at_ms = to_ms(entry.decided_at)
    possible = [c.offer_id for c in entry.offers if c.terms is not None]
    if not all(map(market.knows, possible)):
        return None
    truth = {
        offer_id: market.probability(entry.customer_id, offer_id, at_ms) for offer_id in possible
    }
    chosen = truth[str(entry.chosen_offer_id)]
    return chosen, float(np.mean(list(truth.values()))), max(truth.values())


def averaged(rates: Sequence[Rates]) -> Expected:
    """The mean over decisions."""
    if not rates:
        return Expected(0, 0.0, 0.0, 0.0)
    chosen, uniform, best = (float(x) for x in np.mean(rates, axis=0))
    return Expected(len(rates), chosen, uniform, best)
