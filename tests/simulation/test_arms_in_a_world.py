"""In a world whose truth is known, the own log says what deciding brings: treated against held out.

The truth is the same people's lives with and without the offers that were made.
"""

from functools import cache

import numpy as np
import pytest
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.incremental_margin import hold, margins_of
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.effects import DecisionLogged, OutcomeLabeled
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.reference.structs import Arm, Experiment, Reference
from streams.contracts.times import DAY_MS, to_ms
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.evaluation.enrolled import judge_arms, read_enrolled
from streams.models import initial_models
from streams.models.trainer import Trainer
from streams.simulator.closed_loop import effects_of
from streams.simulator.worlds import World, WorldKind
from streams.simulator.worlds.truth import PlannedOrder

SEED, CUSTOMERS, DAYS, WINDOW_DAYS = 5, 200, 40, 14
ARMS = (
    Arm(name="policy", share=0.5, chooser="policy"),
    Arm(name="holdout", share=0.5, chooser="holdout"),
)


class Told(Struct):
    """The own log of a world, and by the truth what the offers changed of each person's window."""

    entries: list[DecisionLog]
    examples: list[LearningExample]
    changed: dict[str, float]


def shop_of(world: World) -> Reference:
    """The world's shop, with half of the people held out."""
    policies = world.reference.policies
    experiment = Experiment(arms=ARMS, window_days=float(WINDOW_DAYS))
    return replace(world.reference, policies=replace(policies, experiment=experiment))


@cache
def told(kind: WorldKind) -> Told:
    """A world played in the closed loop."""
    print(f"{kind}, seed {SEED}")
    world = World(kind, CUSTOMERS, DAYS, SEED)
    shop = shop_of(world)
    driver = Driver(compile_policy(shop), initial_models(), Trainer())
    entries, examples = [], []
    for effects in effects_of(world, driver):
        entries += [e.entry for e in effects if isinstance(e, DecisionLogged)]
        examples += [e.example for e in effects if isinstance(e, OutcomeLabeled)]
    found = read_enrolled(entries, examples)
    share = shop.policies.churn.margin_share
    changed = {}
    for one in found:
        person, since_ms = world.person(one.entry.customer_id), to_ms(one.entry.decided_at)
        contacts = sum(
            e.contact_cost
            for e in world.offer_effects
            if e.customer_id == person.customer_id and in_window(e.at_ms, since_ms)
        )
        with_offers = earned(person.orders, since_ms, share)
        changed[one.entry.decision_id] = (
            with_offers - earned(person.organic_orders, since_ms, share) - contacts
        )
    return Told(entries, examples, changed)


def in_window(at_ms: int, since_ms: int) -> bool:
    """Whether something counts for who was enrolled then."""
    return since_ms <= at_ms < since_ms + WINDOW_DAYS * DAY_MS


def earned(orders: tuple[PlannedOrder, ...], since_ms: int, share: float) -> float:
    """The margin of the window, as the product reckons it."""
    mine = (o for o in orders if in_window(o.at_ms, since_ms))
    return sum((o.amount * share - o.discount) * (1.0 - o.returned) for o in mine)


def test_the_effect_from_the_own_log_covers_the_truth() -> None:
    """Treated against held out, by the plain and by the adjusted estimate."""
    log = told("grocery")
    enrolled = read_enrolled(log.entries, log.examples)
    found = judge_arms(enrolled, ("policy", "holdout"))
    treated = [log.changed[o.entry.decision_id] for o in enrolled if o.chooser == "policy"]
    truth = float(np.mean(treated))
    assert min(found.people) > 60
    assert found.plain.low <= truth <= found.plain.high, (found, truth)
    assert found.adjusted.low <= truth <= found.adjusted.high, (found, truth)
    held_out = [log.changed[o.entry.decision_id] for o in enrolled if o.chooser == "holdout"]
    assert held_out == pytest.approx([0.0] * len(held_out), abs=0.05)


def test_the_interval_holds_the_truth_at_every_look() -> None:
    """Everybody's window in each arm is known, so arms can be dealt again and again."""
    print(f"grocery, seed {SEED}")
    margins = margins_of("grocery", 120, 40, SEED, 14.0)
    for found in hold("grocery", margins, 40, 2_000, SEED):
        assert found.held >= 0.9, found
        assert found.half > 0.0
