"""Market and `process()` in one process: shoppers act, offers reach them, models learn."""

from collections import Counter
from collections.abc import Callable

from msgspec import Struct, to_builtins

from streams.contracts.effects import AlertRaised, DecisionLogged, OfferDecided
from streams.contracts.outputs import ChurnAlert, DecisionLog
from streams.contracts.reference import Reference
from streams.contracts.rules import InputRules, Rejected
from streams.contracts.times import DAY_MS, HOUR_MS
from streams.customer import Customer
from streams.decisions import compile_policy
from streams.evaluation.driver import Driver
from streams.models import initial_models
from streams.models.teacher import Teacher
from streams.simulator.market import Market
from streams.simulator.scoring import (
    ArmResult,
    Difference,
    Expected,
    auc,
    by_arm,
    difference,
    expected,
)

START_MS = 1_735_689_600_000  # 2025-01-01T00:00:00Z
STEP_MS = HOUR_MS


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


def run(
    reference: Reference,
    *,
    shoppers: int,
    days: float,
    seed: int,
    teacher: Teacher | None = None,
    on_day: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Play `days` days with this seed and judge them by the truth.

    `late_policy` is over the policy arm's decisions of the last half, when models have learned.
    """
    market = Market(reference, shoppers, days, START_MS, seed)
    driver = Driver(compile_policy(reference), initial_models(), teacher or Teacher())
    entries: list[DecisionLog] = []
    alerts: list[ChurnAlert] = []
    events = 0
    end_ms = START_MS + round(days * DAY_MS)
    for until_ms in range(START_MS + STEP_MS, end_ms + 1, STEP_MS):
        for sent in market.step(until_ms):
            events += 1
            effects = driver.feed(sent.topic, sent.value, InputRules(now_ms=until_ms))
            if isinstance(effects, Rejected):
                raise ValueError(f"the simulator's own event was rejected: {effects}")
            for effect in effects:
                match effect:
                    case OfferDecided(offer):
                        market.receive(to_builtins(offer), until_ms)
                    case DecisionLogged(entry):
                        entries.append(entry)
                    case AlertRaised(alert):
                        alerts.append(alert)
        if (until_ms - START_MS) % DAY_MS == 0:
            on_day((until_ms - START_MS) // DAY_MS)
    return _judge(market, driver, entries, alerts, events, end_ms)


def _judge(
    market: Market,
    driver: Driver,
    entries: list[DecisionLog],
    alerts: list[ChurnAlert],
    events: int,
    end_ms: int,
) -> Outcome:
    arms = by_arm(market.answers)
    nobody = ArmResult("", 0, 0)
    late = entries[len(entries) // 2 :]
    scored = [
        (row.churn.risk, market.is_gone(row.customer_id, end_ms))
        for row in driver.rows.values()
        if isinstance(row, Customer)
        and row.churn.risk is not None
        and row.customer_id in market.shoppers
    ]
    return Outcome(
        events=events,
        arms=arms,
        policy_against_uniform=difference(arms.get("policy", nobody), arms.get("uniform", nobody)),
        late_policy=expected((e for e in late if e.experiment.arm == "policy"), market),
        alerts=len(alerts),
        churn_auc=auc([risk for risk, _ in scored], [gone for _, gone in scored]),
        churn_scored=len(scored),
        triggers=dict(sorted(Counter(e.trigger.kind for e in entries).items())),
    )
