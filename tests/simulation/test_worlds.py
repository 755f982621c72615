"""The worlds: the same truth whoever plays in them, kept apart from what the product sees."""

import json
from collections import Counter, defaultdict
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.effects import (
    AlertRaised,
    IdentityChanged,
    OfferDecided,
    OutcomeLabeled,
    ZoneVisitChanged,
)
from streams.contracts.reference.check import check_reference
from streams.contracts.times import DAY_MS, HOUR_MS, from_ms, to_ms
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.models import initial_models
from streams.models.trainer import Trainer
from streams.simulator.closed_loop import STEP_MS, effects_of
from streams.simulator.records import Sent
from streams.simulator.stories import Received
from streams.simulator.worlds import KINDS, PersonTruth, World, WorldKind, WorldSettings
from streams.simulator.worlds.catalogue import reference_of
from streams.simulator.worlds.settings import SETTINGS
from streams.simulator.worlds.shops import SHOPS
from tests.unit.test_house import ROOT

SEED = 7
CONTACTED = ("drugstore", "wholesaler")  # forty people of the others give no reason to
FIELDS = {
    "event_id", "event_name", "occurred_at", "identity", "channel", "context", "purposes",
    "policy_version", "product", "page", "screen", "query", "beacon", "observation", "rssi_dbm",
    "order_id", "original_order_id", "total", "items", "sales_channel", "coupons", "case",
    "survey", "decision_id", "offer_id", "reporter", "outcome",
}  # fmt: skip
SIGNS = ("account_cancel_page_viewed", "application_uninstalled")


def alone(world: World) -> list[Sent]:
    """All records of a world that nobody makes an offer to."""
    until = range(world.start_ms + STEP_MS, world.end_ms + 1, STEP_MS)
    return [sent for until_ms in until for sent in world.step(until_ms)]


@cache
def quiet(kind: WorldKind, customers: int, days: int) -> tuple[World, tuple[Sent, ...]]:
    """A world played alone, once for all tests."""
    print(f"{kind}, seed {SEED}")
    world = World(kind, customers, days, SEED)
    return world, tuple(alone(world))


@cache
def busy(kind: WorldKind) -> tuple[World, tuple[dict[str, Any], ...]]:
    """A world in the closed loop: offers and contacts reach its people; and its events."""
    print(f"{kind}, seed {SEED}")
    world = World(kind, 40, 180 if kind in CONTACTED else 90, SEED)
    reference = world.reference
    driver = Driver(compile_policy(reference), initial_models(), Trainer())
    sent: list[Sent] = []
    step = world.step

    def kept(until_ms: int) -> list[Sent]:
        sent.extend(found := step(until_ms))
        return found

    world.step = kept  # type: ignore[method-assign]
    seen = {
        type(effect)
        for effects in effects_of(world, driver, world.receive_alert)
        for effect in effects
    }
    assert seen >= {OfferDecided, IdentityChanged, ZoneVisitChanged, OutcomeLabeled}
    assert AlertRaised in seen or kind not in CONTACTED
    return world, events(sent)


def events(sent: list[Sent] | tuple[Sent, ...]) -> tuple[dict[str, Any], ...]:
    """What the records say."""
    return tuple(json.loads(record.value) for record in sent)


def people(world: World) -> list[PersonTruth]:
    """Everybody's truth."""
    return [world.person(customer_id) for customer_id in world.customer_ids]


def orders_in(told: tuple[dict[str, Any], ...]) -> dict[str, list[tuple[int, float]]]:
    """Time and amount paid of every order by customer, as events say it."""
    found = defaultdict(list)
    for event in told:
        if event["event_name"] == "order_completed":
            at_ms = to_ms(datetime.fromisoformat(event["occurred_at"]))
            paid = float(event["total"]["amount"])
            found[event["identity"]["customer_id"]].append((at_ms, paid))
    return dict(found)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_tells_the_same_records_and_another_one_others(kind: WorldKind) -> None:
    """A world is a function of its arguments."""
    worlds = [World(kind, 12, 60, seed) for seed in (1, 1, 2)]
    first, again, other = (alone(world) for world in worlds)
    assert first
    assert first == again
    assert first != other


@pytest.mark.parametrize("kind", KINDS)
def test_a_life_depends_on_nobody_else(kind: WorldKind) -> None:
    """With more people around, everybody's organic life is the same to the cent."""
    few, many = World(kind, 6, 60, SEED), World(kind, 12, 60, SEED)
    assert people(few) == people(many)[:6]


@pytest.mark.parametrize("kind", KINDS)
def test_every_record_is_accepted_and_they_come_in_the_order_of_time(kind: WorldKind) -> None:
    """The product reads all that a world sends; its reference data holds together."""
    world, sent = quiet(kind, 60, 180)
    rules = InputRules(now_ms=world.end_ms, occurred_at_min_ms=0)
    decoded = [decode(record.topic, record.value, (), rules) for record in sent]
    assert [event for event in decoded if isinstance(event, Rejected)] == []
    times = [event.at_ms for event in decoded if not isinstance(event, Rejected)]
    assert times == sorted(times)
    assert world.start_ms <= times[0] <= times[-1] <= world.end_ms
    assert check_reference(reference_of(SHOPS[kind])) == []


@pytest.mark.parametrize("kind", KINDS)
def test_without_offers_the_orders_are_the_organic_ones(kind: WorldKind) -> None:
    """What would have come is what comes when nobody interferes."""
    world, sent = quiet(kind, 60, 180)
    told = orders_in(events(sent))
    for person in people(world):
        wanted = [(o.at_ms, o.amount) for o in person.organic_orders if o.at_ms < world.end_ms]
        assert told.get(person.customer_id, []) == wanted
        assert person.margin == person.organic_margin


@pytest.mark.parametrize("kind", ["grocery", "fashion"])
def test_offers_and_contacts_add_up_to_the_difference_they_made(kind: WorldKind) -> None:
    """Margin in the loop = margin of the same world left alone + what each effect says."""
    world, told = busy(kind)
    organic = sum(p.organic_margin for p in people(World(kind, 40, 90, SEED)))
    offers = sum(effect.margin for effect in world.offer_effects)
    contacts = sum(effect.margin for effect in world.contact_effects)
    assert Counter(effect.did for effect in world.offer_effects).keys() >= {"nothing", "added"}
    assert sum(p.margin for p in people(world)) == pytest.approx(organic + offers + contacts)
    said = orders_in(told)
    for person in people(world):
        came = [o for o in person.orders if o.at_ms < world.end_ms]
        orders = said.get(person.customer_id, [])
        assert [at_ms for at_ms, _ in orders] == [o.at_ms for o in came]
        paid = [o.amount - o.discount for o in came]
        assert [amount for _, amount in orders] == pytest.approx(paid, abs=0.006)


def test_an_offer_never_adds_to_organic_demand_for_free() -> None:
    """An order that would have come anyway is worth less with the coupon; another one is paid."""
    world, told = busy("grocery")
    by_what = defaultdict(list)
    for effect in world.offer_effects:
        by_what[effect.did].append(effect)
    for did in ("discounted", "pulled_forward"):
        dear = [e.margin for e in by_what[did] if e.offer_id not in ("basket-off", "we-miss-you")]
        assert dear
        assert max(dear) <= 0.0
    orders = sum(len(p.orders) for p in people(world))
    organic = sum(len(p.organic_orders) for p in people(World("grocery", 40, 90, SEED)))
    moved = sum(e.did in ("kept", "won_back", "driven_away") for e in world.contact_effects)
    assert moved or orders == organic + len(by_what["added"])
    redeemed = [e["decision_id"] for e in told if e["event_name"] == "offer_redeemed"]
    used = {e.decision_id for e in world.offer_effects if e.did != "nothing"}
    assert set(redeemed) <= used
    assert len(redeemed) == len(set(redeemed))


@pytest.mark.parametrize("kind", KINDS)
def test_no_truth_leaks_into_the_records(kind: WorldKind) -> None:
    """Records hold the fields of the contract, and none of the words that the truth is told in."""
    _, sent = quiet(kind, 60, 180)
    told = events(sent)
    assert {field for event in told for field in event} <= FIELDS
    text = b"\n".join(record.value for record in sent)
    for word in (b"persuadable", b"sleeping", b"lost_cause", b"organic", b"leaves", b"one_time"):
        assert word not in text
    loop = busy("grocery")[1]
    assert {field for event in loop for field in event} <= FIELDS


@pytest.mark.parametrize("kind", KINDS)
def test_people_leave_and_buy_once_as_the_settings_say(kind: WorldKind) -> None:
    """Leavers are 5 to 15 % of people in 180 days; one-time buyers as many as the shop has."""
    world = World(kind, 500, 180, SEED)
    all_of_them = people(world)
    stay_or_leave = [p for p in all_of_them if not p.one_time]
    left = np.mean([p.organic_leaves_ms < world.end_ms for p in stay_or_leave])
    assert 0.05 <= left <= 0.15
    once = np.mean([len(p.organic_orders) == 1 for p in all_of_them])
    assert SETTINGS[kind].one_time_share - 0.05 <= once <= SETTINGS[kind].one_time_share + 0.15
    bad = [bool(p.incidents) for p in stay_or_leave]
    assert 0.3 < np.mean(bad) < 0.98


def test_bad_experiences_make_people_leave_sooner() -> None:
    """In a world where they weigh nothing, fewer of those who have one leave soon after it."""
    shares = []
    for bad_times in (0.0, 60.0):
        settings = WorldSettings(gap_days=6.0, basket=38.0, bad_times=bad_times)
        world = World("grocery", 400, 180, SEED, settings=settings)
        soon = [
            0 <= p.organic_leaves_ms - incident.at_ms < 14 * DAY_MS
            for p in people(world)
            for incident in p.incidents
            if incident.at_ms < min(p.organic_leaves_ms, world.end_ms) and not p.one_time
        ]
        shares.append(float(np.mean(soon)))
    assert shares[1] > 2 * shares[0]


def test_signs_are_noisy() -> None:
    """Most who leave give no sign; most signs are given by people who stay."""
    world, sent = quiet("grocery", 500, 180)
    given = {e["identity"]["customer_id"] for e in events(sent) if e["event_name"] in SIGNS}
    left = {p.customer_id for p in people(world) if p.organic_leaves_ms < world.end_ms}
    assert len(left & given) < 0.5 * len(left)
    assert len(given - left) > len(given & left) > 0
    assert len(given & left) / len(left) > len(given - left) / (500 - len(left))


def test_shops_have_weekdays_paydays_and_seasons() -> None:
    """The grocer is busy on Saturday, the drugstore on payday, fashion in spring and autumn."""
    lengths: dict[WorldKind, int] = {"grocery": 60, "drugstore": 365, "fashion": 730}
    days = {
        kind: [
            from_ms(o.at_ms + SHOPS[kind].utc_offset_h * HOUR_MS)
            for p in people(World(kind, 250, length, SEED))
            for o in p.organic_orders
        ]
        for kind, length in lengths.items()
    }
    by_weekday = Counter(day.weekday() for day in days["grocery"])
    assert by_weekday[5] > 1.3 * by_weekday[1] > 1.3 * by_weekday[6]
    by_day = Counter(day.day for day in days["drugstore"])
    assert sum(by_day[d] for d in (25, 26, 27)) > 1.2 * sum(by_day[d] for d in (15, 16, 17))
    by_month = Counter(day.month for day in days["fashion"])
    assert sum(by_month[m] for m in (4, 9, 10)) > 1.25 * sum(by_month[m] for m in (2, 6, 7))


def test_people_fall_silent_come_back_and_change_their_rhythm() -> None:
    """Silence of weeks ends with a purchase; who slows down goes on buying, less often."""
    world = World("grocery", 400, 180, SEED)
    returned = slowed = 0
    for p in people(world):
        for begins, ends in p.silences:
            at = [o.at_ms for o in p.organic_orders]
            long = ends - begins > 3 * p.gap_days * DAY_MS
            returned += long and any(a < begins for a in at) and any(a > ends for a in at)
        if p.drifts_ms is not None and p.drift_factor > 2:
            slowed += any(o.at_ms > p.drifts_ms + 30 * DAY_MS for o in p.organic_orders)
    assert returned > 20
    assert slowed > 20


def test_a_case_is_contacted_once_and_nobody_of_another_world() -> None:
    """A second contact of the same case, and a stranger, change nothing."""
    world = World("drugstore", 12, 60, SEED)
    someone = world.customer_ids[0]
    assert world.contact(someone, "case-1", world.start_ms + DAY_MS) is not None
    assert world.contact(someone, "case-1", world.start_ms + 2 * DAY_MS) is None
    assert world.contact("stranger", "case-2", world.start_ms + DAY_MS) is None
    assert len(world.contact_effects) == 1


@pytest.mark.parametrize(("days", "customers"), [(39, 5), (731, 5), (60, 0)])
def test_a_world_that_cannot_be_played_is_refused(days: int, customers: int) -> None:
    """Too short, too long, or empty."""
    with pytest.raises(ValueError, match="40 to 730 days"):
        World("grocery", customers, days, SEED)


def test_what_an_offer_is_expected_to_do_is_what_it_does_on_average() -> None:
    """The truth about offers before the draw agrees with what came of them."""
    world, _ = busy("grocery")
    told, did = [], []
    for seed in range(20, 32):
        world = World("grocery", 40, 40, seed)
        now_ms = world.start_ms + 12 * DAY_MS
        world.step(now_ms)
        for n, customer_id in enumerate(world.customer_ids):
            offer = world.reference.offers[n % len(world.reference.offers)]
            told.append(world.expected(customer_id, offer.offer_id, now_ms).used)
            made = Received(f"d{n}", customer_id, offer.offer_id, offer.valid_until, "policy")
            world.receive(made, now_ms)
            did.append(world.offer_effects[-1].did != "nothing")
    error = np.sqrt(np.var(did) / len(did))
    assert 0.03 < np.mean(did) < 0.5
    assert abs(np.mean(told) - np.mean(did)) < 3 * error


def test_every_knob_of_a_world_is_explained() -> None:
    """docs/simulator.md names each setting, and the docstring says what it means."""
    page = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
    for name in WorldSettings.__struct_fields__:
        assert f"`{name}`" in page
        assert f"{name}:" in (WorldSettings.__doc__ or "")


@pytest.mark.parametrize("kind", ["grocery", "drugstore"])
def test_who_knows_people_but_not_their_plans_is_right_on_average(kind: WorldKind) -> None:
    """Over people and days both expected shares of use agree within a fifth."""
    settings = replace(SETTINGS[kind], silences=0.0, drift_share=0.0, leavers_share=0.0)
    world = World(kind, 150, 90, SEED, settings=replace(settings, one_time_share=0.0))
    planned, natural = [], []
    for day in range(50, 75, 6):
        now_ms = world.start_ms + day * DAY_MS
        world.step(now_ms)
        for customer_id in world.customer_ids:
            for offer in world.reference.offers:
                told = world.expected(customer_id, offer.offer_id, now_ms)
                guess = world.expected_by_nature(customer_id, offer.offer_id, now_ms)
                planned.append((told.used, told.margin))
                natural.append((guess.used, guess.margin))
    used, margin = np.mean(planned, axis=0)
    used_by_nature, margin_by_nature = np.mean(natural, axis=0)
    assert used_by_nature == pytest.approx(used, rel=0.2)
    assert np.sign(margin_by_nature) == np.sign(margin)
    assert np.var(np.array(natural)[:, 0]) < np.var(np.array(planned)[:, 0])
