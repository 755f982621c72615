"""A story of the market told to its end and judged by the truth that only the simulator knows."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.reference.structs import Reference
from streams.customer import Customer
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.models import initial_models
from streams.models.measures import auc_or_half
from streams.models.trainer import Trainer
from streams.simulator.closed_loop import START_MS, Played, play
from streams.simulator.market import Answer, Market
from streams.simulator.scoring import (
    ArmResult,
    Difference,
    Expected,
    averaged,
    difference,
    true_rates,
)


class Outcome(Struct, frozen=True, kw_only=True):
    """A story told to its end."""

    events: int
    arms: dict[str, ArmResult]
    policy_against_uniform: Difference
    late_policy: Expected
    alerts: int
    churn_auc: float
    churn_scored: int
    triggers: dict[str, int]


def run(reference: Reference, *, shoppers: int, days: float, seed: int) -> Outcome:
    """Play `days` days with this seed and judge them by the truth.

    `late_policy` is over the policy arm's decisions of the last half, when models have learned.
    """
    market = Market(reference, shoppers, days, START_MS, seed)
    driver = Driver(compile_policy(reference), initial_models(), Trainer())
    return _judge(market, driver, play(market, driver))


def _by_arm(answers: Iterable[Answer]) -> dict[str, ArmResult]:
    """Counts by arm."""
    counts: dict[str, list[int]] = {}
    for answer in answers:
        found = counts.setdefault(answer.arm, [0, 0])
        found[0] += 1
        found[1] += answer.redeemed
    return {arm: ArmResult(arm, n, used) for arm, (n, used) in sorted(counts.items())}


def _expected(entries: Iterable[DecisionLog], market: Market) -> Expected:
    """What was chosen, what chance would have had, and the best there was, by the truth."""
    return averaged([rates for e in entries if (rates := true_rates(e, market)) is not None])


def _judge(market: Market, driver: Driver, played: Played) -> Outcome:
    arms = _by_arm(market.answers)
    nobody = ArmResult("", 0, 0)
    late = played.entries[len(played.entries) // 2 :]
    scored = [
        (row.churn.risk, market.is_gone(row.customer_id, market.end_ms))
        for row in driver.rows.values()
        if isinstance(row, Customer)
        and row.churn.risk is not None
        and row.customer_id in market.shoppers
    ]
    return Outcome(
        events=played.events,
        arms=arms,
        policy_against_uniform=difference(arms.get("policy", nobody), arms.get("uniform", nobody)),
        late_policy=_expected((e for e in late if e.experiment.arm == "policy"), market),
        alerts=len(played.alerts),
        churn_auc=auc_or_half([gone for _, gone in scored], [risk for risk, _ in scored]),
        churn_scored=len(scored),
        triggers=dict(sorted(Counter(e.trigger.kind for e in played.entries).items())),
    )
