"""A story and `process()` in one process: people act, offers reach them, models learn."""

from collections import Counter
from collections.abc import Callable

from msgspec import Struct, to_builtins

from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.effects import AlertRaised, DecisionLogged, OfferDecided, OutcomeSeen
from streams.contracts.outputs.payloads import ChurnAlert, DecisionLog
from streams.contracts.reference.structs import Reference
from streams.contracts.times import DAY_MS, HOUR_MS
from streams.customer import Customer
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.models import initial_models
from streams.models.measures import auc_or_half
from streams.models.trainer import Trainer
from streams.simulator.market import Market
from streams.simulator.scoring import (
    ArmResult,
    Difference,
    Expected,
    by_arm,
    difference,
    expected,
)
from streams.simulator.stories import Story

START_MS = 1_735_689_600_000  # 2025-01-01T00:00:00Z
STEP_MS = HOUR_MS


class Played(Struct, frozen=True, kw_only=True):
    """What the shop said and saw while a story was played; `events` counts the records."""

    events: int
    entries: list[DecisionLog]
    alerts: list[ChurnAlert]
    outcomes: list[OutcomeSeen]


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
    trainer: Trainer | None = None,
    on_day: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Play `days` days with this seed and judge them by the truth.

    `late_policy` is over the policy arm's decisions of the last half, when models have learned.
    """
    market = Market(reference, shoppers, days, START_MS, seed)
    driver = Driver(compile_policy(reference), initial_models(), trainer or Trainer())
    return _judge(market, driver, play(market, driver, on_day=on_day))


def play(story: Story, driver: Driver, *, on_day: Callable[[int], None] = lambda _: None) -> Played:
    """Play a story to its end, an hour at a time; offers reach people as they are decided.

    Args:
        story: who acts and answers.
        driver: the shop, with the policy of the story's reference.
        on_day: called with the number of days that are over.

    Raises:
        ValueError: a record of the story was rejected.
    """
    entries: list[DecisionLog] = []
    alerts: list[ChurnAlert] = []
    outcomes: list[OutcomeSeen] = []
    events = 0
    for until_ms in range(story.start_ms + STEP_MS, story.end_ms + 1, STEP_MS):
        rules = InputRules(now_ms=until_ms, occurred_at_min_ms=0)
        for sent in story.step(until_ms):
            events += 1
            effects = driver.feed(sent.topic, sent.value, rules)
            if isinstance(effects, Rejected):
                raise ValueError(f"the simulator's own event was rejected: {effects}")
            for effect in effects:
                match effect:
                    case OfferDecided(offer):
                        story.receive(to_builtins(offer), until_ms)
                    case DecisionLogged(entry):
                        entries.append(entry)
                    case AlertRaised(alert):
                        alerts.append(alert)
                    case OutcomeSeen():
                        outcomes.append(effect)
        if (until_ms - story.start_ms) % DAY_MS == 0:
            on_day((until_ms - story.start_ms) // DAY_MS)
    return Played(events=events, entries=entries, alerts=alerts, outcomes=outcomes)


def _judge(market: Market, driver: Driver, played: Played) -> Outcome:
    arms = by_arm(market.answers)
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
        late_policy=expected((e for e in late if e.experiment.arm == "policy"), market),
        alerts=len(played.alerts),
        churn_auc=auc_or_half([gone for _, gone in scored], [risk for risk, _ in scored]),
        churn_scored=len(scored),
        triggers=dict(sorted(Counter(e.trigger.kind for e in played.entries).items())),
    )
