"""What a churn signal does to the stated risk: odds that are multiplied, within a limit."""

import math
from collections.abc import Mapping

from streams.alerts.scoring import PRIOR_LIFTS, Lifts, Scoring
from streams.contracts.outputs.payloads import ChurnSignalCode
from streams.customer import Customer
from streams.customer.row import Said, SeenSignal

STRONG_SIGNAL = 0.8
STRONG_LIFT = 2.0
LIFT_MAX = 8.0
RISK_EDGE = 1e-6


def standing_ms(person: Customer) -> int | None:
    """When the newest order was made that was neither cancelled nor given back as a whole."""
    return max((order.at_ms for order in person.orders if order.stands), default=None)


def lift(signal: SeenSignal, bought_ms: int | None, lifts: Lifts = PRIOR_LIFTS) -> float:
    """The factor on the odds, from 1: a strength between 0 and 1 takes so much of the logarithm.

    Who has bought after the signal has answered it: 1.
    """
    if not is_unanswered(signal, bought_ms):
        return 1.0
    return float(max(lifts.lift(signal.code), 1.0) ** signal.strength)


def counted_lifts(
    person: Customer, bought_ms: int | None, lifts: Lifts = PRIOR_LIFTS
) -> dict[ChurnSignalCode, float]:
    """The factor of each signal as it counts in the stated risk: at most `LIFT_MAX` together.

    Where they would be more, each loses the same share of its logarithm.
    """
    return within_limit({s.code: lift(s, bought_ms, lifts) for s in person.signals})


def within_limit(each: dict[ChurnSignalCode, float]) -> dict[ChurnSignalCode, float]:
    """These factors, at most `LIFT_MAX` together."""
    times = math.prod(each.values())
    if times <= LIFT_MAX:
        return each
    share = math.log(LIFT_MAX) / math.log(times)
    return {code: factor**share for code, factor in each.items()}


def stated_risk(score: float, person: Customer, lifts: Lifts = PRIOR_LIFTS) -> float:
    """P(no purchase within the horizon) with what the signals add: odds times their lifts.

    The lifts are taken for independent; `counted_lifts` holds their product.
    """
    return lifted_risk(score, counted_lifts(person, standing_ms(person), lifts))


def lifted_risk(score: float, counted: Mapping[ChurnSignalCode, float]) -> float:
    """The score with its odds times these factors."""
    factor = math.prod(counted.values())
    if factor == 1.0:
        return score
    p = min(max(score, RISK_EDGE), 1.0 - RISK_EDGE)
    odds = p / (1.0 - p) * factor
    return odds / (1.0 + odds)


def what_was_said(person: Customer, scoring: Scoring, score: float) -> Said:
    """What an evaluation has said of a person whose signals are up to date.

    `score` is what the models say, before any correction.
    """
    bought_ms = standing_ms(person)
    signals = (s for s in person.signals if is_unanswered(s, bought_ms))
    return Said(
        score=round(score, 6),
        risk=round(stated_risk(scoring.score.risk, person, scoring.lifts), 6),
        own_gaps=round(scoring.score.overdue_ratio, 3),
        signals=tuple((s.code, s.strength) for s in signals),
    )


def is_unanswered(signal: SeenSignal, bought_ms: int | None) -> bool:
    """Nothing was bought after it."""
    return bought_ms is None or signal.at_ms > bought_ms


def is_strong(signal: SeenSignal, bought_ms: int | None, lifts: Lifts = PRIOR_LIFTS) -> bool:
    """An event that by itself opens a case, unless something was bought since.

    It is worth twice the odds at least: most people who complain stay, so a complaint raises the
    risk and opens no case, unless it has been worth more in this shop.
    """
    if signal.strength < STRONG_SIGNAL or not signal.event_ids:
        return False
    return lift(signal, bought_ms, lifts) >= STRONG_LIFT
