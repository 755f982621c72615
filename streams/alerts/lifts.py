"""What a churn signal does to the stated risk: odds that are multiplied, within a limit."""

import math

from streams.contracts.outputs.payloads import ChurnSignalCode
from streams.customer import Customer
from streams.customer.row import SeenSignal

STRONG_SIGNAL = 0.8
LIFT_MAX = 8.0
RISK_EDGE = 1e-6
PRIOR_LIFT: dict[ChurnSignalCode, float] = {
    "cancel_page": 3.0,
    "uninstall": 2.5,
    "complaint": 1.5,
    "low_nps": 1.5,
    "unsubscribe": 1.3,
    "return_heavy": 1.2,
    "offer_ignored": 1.1,
    "visit_drop": 1.3,
    "basket_drop": 1.1,
    "category_loss": 1.1,
    "purchase_overdue": 1.0,
}
"""How many times the odds of leaving are what they were without the signal, at strength 1.

A judgment, measured on no shop: most who look at the cancel page stay. What tells of leaving itself
counts most; silence counts once, in the score.
"""


def standing_ms(person: Customer) -> int | None:
    """When the newest order was made that was neither cancelled nor given back as a whole."""
    return max((o.at_ms for o in person.orders if not o.cancelled and o.net > 0.0), default=None)


def lift(signal: SeenSignal, bought_ms: int | None) -> float:
    """The factor on the odds, from 1: a strength between 0 and 1 takes so much of the logarithm.

    Who has bought after the signal has answered it: 1.
    """
    if not is_unanswered(signal, bought_ms):
        return 1.0
    return float(PRIOR_LIFT[signal.code] ** signal.strength)


def stated_risk(score: float, person: Customer) -> float:
    """P(no purchase within the horizon) with what the signals add: odds times their lifts.

    The lifts are taken for independent, so their product is held to `LIFT_MAX`.
    """
    bought_ms = standing_ms(person)
    factor = min(math.prod(lift(s, bought_ms) for s in person.signals), LIFT_MAX)
    if factor == 1.0:
        return score
    p = min(max(score, RISK_EDGE), 1.0 - RISK_EDGE)
    odds = p / (1.0 - p) * factor
    return odds / (1.0 + odds)


def is_unanswered(signal: SeenSignal, bought_ms: int | None) -> bool:
    """Nothing was bought after it."""
    return bought_ms is None or signal.at_ms > bought_ms


def is_strong(signal: SeenSignal, bought_ms: int | None) -> bool:
    """An event that by itself opens a case, unless something was bought since."""
    strong = signal.strength >= STRONG_SIGNAL and bool(signal.event_ids)
    return strong and is_unanswered(signal, bought_ms)
