"""What is told of churn cases agrees with the truth of the world that they were entered in."""

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from streams.audit import audit
from streams.contracts.ids import lot
from streams.contracts.outputs.effects import (
    AlertRaised,
    CaseFollowed,
    CustomerWatched,
    Effect,
    OutcomeLabeled,
)
from streams.contracts.outputs.payloads import CaseOutcome, ChurnAlert
from streams.contracts.reference.structs import Reference
from streams.contracts.times import DAY_MS, WEEK_MS, monday_week, to_ms
from streams.decisions import compile_policy
from streams.models import initial_models
from streams.models.save_rates import SaveRatesLearner
from streams.models.trainer import Trainer
from streams.simulator.closed_loop import effects_of
from streams.simulator.worlds import SETTINGS, World
from streams.simulator.worlds.catalogue import reference_of
from streams.simulator.worlds.shops import SHOPS
from tests.simulation.test_audit import Noting
from tests.support.eager_shop import BANDS
from tests.support.told import broken

SEED, CUSTOMERS, DAYS = 6, 90, 130


class Played(NamedTuple):
    """A world, the shop in it, and all that was said."""

    world: World
    driver: Noting
    trainer: Trainer
    effects: tuple[Effect, ...]

    @property
    def entered(self) -> dict[str, ChurnAlert]:
        """The alert that entered each case."""
        alerts = (e.alert for e in self.effects if isinstance(e, AlertRaised))
        return {a.case_id: a for a in alerts if a.transition == "entered"}

    @property
    def outcomes(self) -> list[CaseOutcome]:
        """What was told of cases."""
        return [e.outcome for e in self.effects if isinstance(e, CaseFollowed)]


def eager() -> Reference:
    """A grocer who opens many cases, half of them control."""
    shop = reference_of(SHOPS["grocery"])
    churn = replace(shop.policies.churn, bands=BANDS, contact_cost=0.0, control_share=0.5)
    return replace(shop, policies=replace(shop.policies, churn=churn))


@cache
def played() -> Played:
    """Ninety people for four months, contacted as the alerts say; nobody gives an order back."""
    print(f"seed {SEED}")
    settings = replace(SETTINGS["grocery"], returns_share=0.0)
    world = World("grocery", CUSTOMERS, DAYS, SEED, settings=settings, reference=eager())
    trainer = Trainer()
    driver = Noting(compile_policy(world.reference), initial_models(), trainer)
    driver.came, driver.went = [], []
    told = effects_of(world, driver, world.receive_alert)
    return Played(world, driver, trainer, tuple(effect for effects in told for effect in effects))


def test_outcomes_agree_with_the_truth() -> None:
    """Bought or left, and after how many days: as the person's orders are in truth."""
    seen = set()
    for told in played().outcomes:
        if told.result == "not_followed":
            continue
        begin_ms, end_ms = to_ms(told.entered_at), to_ms(told.known_at)
        orders = played().world.person(told.customer_id).orders
        bought = [o.at_ms for o in orders if begin_ms <= o.at_ms <= end_ms]
        assert told.result == ("bought" if bought else "left")
        days = round((bought[0] - begin_ms) / DAY_MS, 3) if bought else None
        assert len(bought) > 32 or told.days_to_purchase == days
        seen.add((told.result, told.arm))
    assert seen >= {("bought", "treated"), ("bought", "control"), ("left", "treated")}


def test_every_case_has_one_outcome_once_its_horizon_is_over() -> None:
    """None is told early, none twice, none is forgotten."""
    told = played().outcomes
    ids = [outcome.case_id for outcome in told]
    assert len(ids) == len(set(ids)) > 20
    over_ms = played().driver.greatest_event_ms - 42 * DAY_MS
    over = {id_ for id_, a in played().entered.items() if to_ms(a.raised_at) <= over_ms}
    early = {o.case_id for o in told if o.result == "not_followed"}
    assert set(ids) - early <= over <= set(ids)


def test_what_is_learned_is_what_is_told() -> None:
    """One example an outcome, its label 1 where something was bought."""
    labels = [
        effect.example.label
        for effect in played().effects
        if isinstance(effect, OutcomeLabeled) and effect.example.model == "save_rates"
    ]
    results = [o.result for o in played().outcomes if o.result != "not_followed"]
    assert labels == [float(result == "bought") for result in results]
    assert played().driver.models.save_rates.version != "cold-start"


def test_precision_at_k_is_that_of_the_weeks_lists() -> None:
    """What the learner publishes is what a sorted list of each week's cases gives."""
    lists: dict[int, list[tuple[float, int, bool]]] = {}
    for told in played().outcomes:
        if told.result != "not_followed":
            at_stake = round(told.risk * float(told.value_at_risk.amount), 6)
            week = monday_week(to_ms(told.entered_at))
            lists.setdefault(week, []).append((at_stake, lot(told.case_id), told.result == "left"))
    over = [lists[week] for week in sorted(lists)[:-1]]
    first = [gone for cases in over for *_, gone in sorted(cases)[::-1][:10]]
    every = [gone for cases in over for *_, gone in cases]
    learner = played().trainer.trainees["save_rates"].learner
    assert isinstance(learner, SaveRatesLearner)
    found = learner.figures()
    assert found["top_10_cases"] == len(first) > 15
    assert found["top_10_value"] == pytest.approx(sum(first) / len(first), abs=1e-6)
    assert found["top_all_value"] == pytest.approx(sum(every) / len(every), abs=1e-6)


def test_time_watched_is_from_a_purchase_until_silent_for_a_horizon() -> None:
    """By the truth, of all people; one in twenty does not agree to be watched."""
    horizon_ms, end_ms = 42 * DAY_MS, played().driver.greatest_event_ms
    longest_ms = 0
    for customer_id in played().world.customer_ids:
        orders = played().world.person(customer_id).orders
        times = [order.at_ms for order in orders if order.at_ms <= end_ms]
        for at_ms, next_ms in pairwise([*times, end_ms]):
            longest_ms += min(next_ms - at_ms, horizon_ms + WEEK_MS)
    watched = [e.elapsed_ms for e in played().effects if isinstance(e, CustomerWatched)]
    assert 0.85 < sum(watched) / longest_ms <= 1.0


def test_the_auditor_finds_nothing() -> None:
    """Every outcome is held against its alert and the orders in the input."""
    driver = played().driver
    report = audit(driver.came, driver.went, played().world.reference)
    assert report.outputs["outcome"] > 20
    assert {rule for rule in broken(report) if rule.startswith("outcome")} == set()
