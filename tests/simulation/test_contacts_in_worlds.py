"""What a contact does in a world: the CRM acts on what the alert recommends."""

from collections import Counter, defaultdict
from functools import cache

import numpy as np
import pytest
from msgspec.structs import replace

from streams.contracts.outputs.payloads import NextStep, Recommended
from streams.contracts.times import DAY_MS, from_ms
from streams.simulator.closed_loop import STEP_MS
from streams.simulator.worlds import World
from streams.simulator.worlds.foreseen import foreseen
from streams.simulator.worlds.settings import SETTINGS
from tests.simulation.test_worlds import SEED, events, people
from tests.unit.alerts.test_life_cycle import _alert, _buyer
from tests.unit.decisions.people import T0

SOON = from_ms(T0 + DAY_MS)
STEPS: dict[NextStep, Recommended] = {
    "contact": Recommended(channel="push", act_before=SOON),
    "offer": Recommended(
        action="offer", channel="push", offer_id="o", decision_id="d", act_before=SOON
    ),
    "service_recovery": Recommended(
        action="service_recovery", channel="call_center", act_before=SOON
    ),
}


@cache
def contacted(action: NextStep) -> tuple[World, dict[str, tuple[int, int]]]:
    """A world of bad experiences whose people are all contacted on one day in this way.

    Of those who were there: by contact type how many left without the contact, and with it.
    """
    settings = replace(SETTINGS["grocery"], bad_experiences=3.0, leavers_share=0.3)
    world = World("grocery", 400, 180, SEED, settings=settings)
    middle_ms = world.start_ms + 60 * DAY_MS
    for until_ms in range(world.start_ms + STEP_MS, middle_ms + 1, STEP_MS):
        world.step(until_ms)
    for customer_id in world.customer_ids:
        world.contact(customer_id, f"case-{customer_id}", middle_ms, STEPS[action])
    left: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for p in people(world):
        if not p.one_time and p.organic_leaves_ms > middle_ms:
            without, with_it = left[p.contact_type]
            left[p.contact_type] = (
                without + (p.organic_leaves_ms < world.end_ms),
                with_it + (p.leaves_ms < world.end_ms),
            )
    return world, left


def test_a_contact_keeps_the_persuadable_and_drives_sleeping_dogs_away() -> None:
    """The same people, contacted and not: who is sure or lost does as before."""
    world, left = contacted("contact")
    assert left["persuadable"][1] < left["persuadable"][0]
    assert left["sleeping_dog"][1] > 2 * left["sleeping_dog"][0]
    assert left["sure"][0] == left["sure"][1]
    assert left["lost_cause"][0] == left["lost_cause"][1]
    did = Counter(effect.did for effect in world.contact_effects)
    assert did["won_back"] > 0
    assert did["kept"] > 0


def test_an_offer_moves_fewer_than_a_contact_and_wakes_as_many() -> None:
    """Only those whom a discount moves are kept or come back."""
    world, left = contacted("offer")
    by_contact, told = contacted("contact")
    assert told["persuadable"][1] <= left["persuadable"][1] < left["persuadable"][0]
    assert left["sleeping_dog"] == told["sleeping_dog"]
    did, more = (Counter(e.did for e in w.contact_effects) for w in (world, by_contact))
    assert 0 < did["won_back"] < more["won_back"]


def test_settling_what_went_wrong_keeps_more_and_wakes_nobody() -> None:
    """Who had a bad experience stays longer, the sure ones too; a lost cause does not listen."""
    world, left = contacted("service_recovery")
    assert left["persuadable"][1] <= contacted("contact")[1]["persuadable"][1]
    assert left["lost_cause"][1] == left["lost_cause"][0]
    kept = {effect.contact_type for effect in world.contact_effects if effect.did == "kept"}
    assert kept == {"persuadable", "sure", "sleeping_dog"}
    assert all(effect.did != "driven_away" for effect in world.contact_effects)


def test_the_crm_does_what_the_alert_recommends() -> None:
    """A complaint is closed where it is settled; of an offer nobody reports an outcome."""
    alert = _alert(_buyer(), 0.9, T0)
    told: dict[str, set[str]] = {}
    for action, step in STEPS.items():
        settings = replace(SETTINGS["grocery"], complaint=3.0, answer_share=1.0)
        world = World("grocery", 20, 60, SEED, settings=settings)
        now_ms = world.start_ms + 40 * DAY_MS
        world.step(now_ms)
        for n, customer_id in enumerate(world.customer_ids):
            about = replace(alert, case_id=f"c{n}", customer_id=customer_id, recommended=step)
            world.receive_alert(about, now_ms)
        later = events(world.step(now_ms + 2 * DAY_MS))
        told[action] = {e["event_name"] for e in later}
        assert {e.action for e in world.contact_effects} == {action}
    reported, closed = "retention_outcome", "service_case_closed"
    assert {action: reported in names for action, names in told.items()} == {
        "contact": True,
        "offer": False,
        "service_recovery": True,
    }
    assert [action for action, names in told.items() if closed in names] == ["service_recovery"]


@pytest.mark.parametrize("action", sorted(STEPS))
def test_what_is_foreseen_is_what_comes_on_average(action: NextStep) -> None:
    """Luck averages out, before the end and after it; who does not listen is foreseen exactly."""
    settings = replace(SETTINGS["grocery"], bad_experiences=3.0, leavers_share=0.3)
    world = World("grocery", 400, 180, SEED, settings=settings)
    middle_ms = world.start_ms + 60 * DAY_MS
    told: dict[str, list[tuple[float, float, float, float]]] = defaultdict(list)
    for customer_id in world.customer_ids:
        course = world.course(customer_id)
        before = course.margin(), course.leaves_ms
        expected = foreseen(course, middle_ms, action)
        assert (course.margin(), course.leaves_ms) == before
        came = world.contact(customer_id, f"case-{customer_id}", middle_ms, STEPS[action])
        assert came is not None
        told[came.contact_type].append(
            (came.margin, expected.margin, came.margin_later, expected.margin_later)
        )
    for kind, rows in told.items():
        found = np.array(rows)
        for off in (found[:, 0] - found[:, 1], found[:, 2] - found[:, 3]):
            if kind == "lost_cause" or (kind == "sure" and action != "service_recovery"):
                assert not off.any()
            else:
                assert abs(off.mean()) < 4.0 * off.std() / len(off) ** 0.5
    persuadable = np.array(told["persuadable"])
    assert persuadable[:, 1].mean() > 0.0
    assert persuadable[:, 1].std() < persuadable[:, 0].std()
