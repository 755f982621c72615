"""Which trigger events ask, how soon again, and what waits for its time."""

from datetime import datetime
from itertools import pairwise

import pytest
from msgspec.structs import replace

from streams.contracts.outputs.effects import DecisionLogged, OfferDecided
from streams.contracts.reference.structs import QuietHours
from streams.contracts.times import DAY_MS, HOUR_MS, MINUTE_MS, to_ms
from streams.customer import Customer, TriggerEvent, merge_customers
from streams.customer.row import (
    DEFERRED_BYTES_MAX,
    DEFERRED_MAX,
    AlertCase,
    Cart,
    CartItem,
    Churn,
    SeenSignal,
    Track,
    ZoneVisit,
)
from streams.decisions import (
    Basis,
    DecisionRequest,
    Policy,
    decide,
    fire,
    set_reminders,
    take_crowded,
    take_due,
)
from streams.decisions.limits import quiet_until_ms
from tests.unit.decisions.people import FREE, T0, Fixed, offer, request, rule, shop, someone

CART = Cart("cart-1", T0, (CartItem("p-1", "tea", 2, 9.0), CartItem("p-2", "wine", 1, 12.0)))
HOUR_RULE = rule("hour", kind="cart_abandoned", after_ms=HOUR_MS)
DAY_RULE = rule("day", kind="cart_abandoned", after_ms=DAY_MS)


def _opened(at_ms: int, **fields: object) -> TriggerEvent:
    made = {"kind": "application_opened", "at_ms": at_ms, "event_id": f"e-{at_ms}"}
    return TriggerEvent(**{**made, "channel": "app", **fields})  # type: ignore[arg-type]


def test_a_rule_fires_once_until_it_is_armed_again() -> None:
    """Armed again after an hour, not a millisecond earlier."""
    policy = shop(offer("a"), rules=(rule(rearm_ms=HOUR_MS),))
    person, first = fire(someone(), (_opened(T0),), policy)
    _, soon = fire(person, (_opened(T0 + HOUR_MS - 1),), policy)
    _, later = fire(person, (_opened(T0 + HOUR_MS),), policy)
    assert [len(requests) for requests in (first, soon, later)] == [1, 0, 1]


def test_a_rule_listens_to_its_kind_dwell_and_condition() -> None:
    """Another kind, too short a look, a condition that is false or fails, a rule that is off."""
    deaf = (
        rule("kind", kind="product_viewed"),
        rule("dwell", min_dwell_ms=5_000),
        rule("false", when="trigger.value > 10.0"),
        rule("fails", when="person.traits.nothing == 1"),
        rule("off", enabled=False),
    )
    policy = shop(offer("a"), rules=(*deaf, rule("hears")))
    _, requests = fire(someone(), (_opened(T0, dwell_ms=4_999, value=10.0),), policy)
    assert [a.rule.rule_id for a in requests] == ["hears"]


def test_each_rule_on_a_cart_speaks_at_its_own_time() -> None:
    """A rule of an hour and one of a day: each asks once, at its due time, about the cart."""
    policy = shop(offer("a"), rules=(HOUR_RULE, DAY_RULE))
    person = set_reminders(someone(cart=CART), T0, policy)
    assert sorted(r.due_at_ms for r in person.reminders) == [T0 + HOUR_MS, T0 + DAY_MS]
    said = []
    for due in (T0 + HOUR_MS, T0 + DAY_MS):
        person, requests = take_due(person, due, policy)
        person = set_reminders(person, due, policy)
        said.append(
            [(a.rule.rule_id, a.trigger_event.category, a.trigger_event.value) for a in requests]
        )
    assert said == [[("hour", "tea", 30.0)], [("day", "tea", 30.0)]]
    assert person.reminders == ()


def test_a_cart_that_is_emptied_is_not_abandoned() -> None:
    """An empty cart takes the reminder back; a changed one starts the time anew."""
    policy = shop(offer("a"), rules=(HOUR_RULE,))
    person = set_reminders(someone(cart=CART), T0, policy)
    emptied = set_reminders(replace(person, cart=replace(CART, items=())), T0 + 1, policy)
    moved = set_reminders(replace(person, cart=replace(CART, updated_at_ms=T0 + 9)), T0 + 9, policy)
    assert emptied.reminders == ()
    assert [r.due_at_ms for r in moved.reminders] == [T0 + 9 + HOUR_MS]


def test_what_quiet_hours_put_off_is_decided_in_the_morning() -> None:
    """Nothing at 23:00 in Tokyo; at 08:00 the same ask comes with its trigger, and is answered."""
    push = rule("leaving", kind="churn_band_entered", channel="push")
    quiet = replace(FREE, quiet_hours=QuietHours(from_hour=22, to_hour=8))
    policy = shop(offer("a", segment="trigger.value == 7.5"), rules=(push,), contact=quiet)
    night = T0 + 2 * HOUR_MS  # 14:00 UTC, 23:00 in Tokyo
    requested = request("x", night, push, value=7.5, traceparent="00-aa")
    person = someone(timezone="Asia/Tokyo", churn=Churn(case=AlertCase("k", "a", "high", T0)))
    person, effects = decide(person, requested, night, Basis(Fixed(), policy))
    assert [e.entry.verdict for e in effects if isinstance(e, DecisionLogged)] == ["deferred"]
    assert [r.due_at_ms for r in person.reminders] == [night + 9 * HOUR_MS]
    person, (again,) = take_due(person, night + 9 * HOUR_MS, policy)
    assert again.decision_id == requested.decision_id
    person, effects = decide(person, again, night + 9 * HOUR_MS, Basis(Fixed(), policy))
    assert [e.offer.traceparent for e in effects if isinstance(e, OfferDecided)] == ["00-aa"]
    assert person.reminders == ()


def test_a_rule_that_went_away_takes_its_reminders_along() -> None:
    """A due reminder of a rule that is no longer there is dropped, and the row has none left."""
    person = set_reminders(someone(cart=CART), T0, shop(offer("a"), rules=(HOUR_RULE,)))
    person, requests = take_due(person, T0 + HOUR_MS, shop(offer("a")))
    assert (person.reminders, requests) == ((), ())


def _night(
    person: Customer, kind: str, policy: Policy, requests: int = 1
) -> tuple[Customer, list[DecisionRequest]]:
    """A person for whom so many requests were put off in the night, and the requests."""
    made = []
    for number in range(requests):
        rule_ = next(t.rule for t in policy.triggers if t.rule.kind == kind)
        requested = request(f"e-{number}", T0 + number, rule_, store_id="s", zone_id="z")
        person, _ = decide(person, requested, T0 + number, Basis(Fixed(), policy))
        made.append(requested)
    return person, made


def _morning(person: Customer, policy: Policy) -> tuple[Customer, list[DecisionLogged]]:
    """All that was put off, answered in its time."""
    entries: list[DecisionLogged] = []
    while person.reminders:
        at_ms = min(r.due_at_ms for r in person.reminders)
        person, due = take_due(person, at_ms, policy)
        for requested in due:
            person, effects = decide(person, requested, at_ms, Basis(Fixed(), policy))
            entries.extend(e for e in effects if isinstance(e, DecisionLogged))
    return person, entries


NIGHT = replace(FREE, quiet_hours=QuietHours(from_hour=12, to_hour=20))
VISIT = ZoneVisit("v", "s", "z", "", T0 - 9, T0 - 9, T0 - 9)
CASE = AlertCase("k", "a", "high", T0 - 9)
COMPLAINT = SeenSignal("complaint", 0.7, T0 + 9, ("e-7",))
SECOND = Churn(stage="new", track=Track("second_purchase", T0 - 9))


@pytest.mark.parametrize(
    ("kind", "before", "after", "verdict"),
    [
        ("cart_abandoned", {"cart": CART}, {"cart": CART}, "offer"),
        ("cart_abandoned", {"cart": CART}, {"cart": replace(CART, items=())}, "overtaken"),
        ("cart_abandoned", {"cart": CART}, {"cart": None}, "overtaken"),
        (
            "cart_abandoned",
            {"cart": CART},
            {"cart": replace(CART, updated_at_ms=T0 + 9)},
            "overtaken",
        ),
        ("zone_entered", {"visits": (VISIT,)}, {"visits": (VISIT,)}, "offer"),
        ("zone_entered", {"visits": (VISIT,)}, {"visits": ()}, "overtaken"),
        (
            "zone_entered",
            {"visits": (VISIT,)},
            {"visits": (replace(VISIT, exited_at_ms=T0 + 9),)},
            "overtaken",
        ),
        ("churn_band_entered", {"churn": Churn(case=CASE)}, {"churn": Churn(case=CASE)}, "offer"),
        ("churn_band_entered", {"churn": Churn(case=CASE)}, {"churn": Churn()}, "overtaken"),
        (
            "churn_band_entered",
            {"churn": Churn(case=CASE)},
            {"churn": Churn(case=CASE), "signals": (COMPLAINT,)},
            "overtaken",
        ),
        (
            "churn_band_entered",
            {"churn": Churn(case=CASE)},
            {"churn": Churn(case=CASE, snoozed_until_ms=T0 + 7 * DAY_MS)},
            "overtaken",
        ),
        (
            "churn_band_entered",
            {"churn": Churn(case=CASE)},
            {"churn": Churn(case=replace(CASE, opened_at_ms=T0 + 9))},
            "overtaken",
        ),
        ("second_purchase_due", {"churn": SECOND}, {"churn": SECOND}, "offer"),
        ("second_purchase_due", {"churn": SECOND}, {"churn": Churn(stage="active")}, "overtaken"),
        ("first_purchase_due", {"churn": SECOND}, {"churn": SECOND}, "overtaken"),
        ("product_viewed", {}, {}, "offer"),
        ("product_viewed", {}, {"traits": {"vip": False}}, "overtaken"),
    ],
)
def test_what_was_put_off_must_still_hold(
    kind: str, before: dict[str, object], after: dict[str, object], verdict: str
) -> None:
    """Cart, visit and case must be as they were, the condition true; else it is overtaken."""
    push = rule("r", kind=kind, channel="push", when="!has(person.traits.vip)")
    policy = shop(offer("a"), rules=(push,), contact=NIGHT)
    person, (asked,) = _night(someone(**before), kind, policy)
    person, (entry,) = _morning(replace(person, **after), policy)
    assert (entry.entry.verdict, entry.entry.decision_id) == (verdict, asked.decision_id)
    assert (person.reminders, len(person.contacts)) == ((), int(verdict == "offer"))


def test_a_rule_that_is_off_or_gone_overtakes_what_it_put_off() -> None:
    """Switched off or deleted in the night: nothing is said, and the log says so."""
    push = rule("r", channel="push")
    policy = shop(offer("a"), rules=(push,), contact=NIGHT)
    person, _ = _night(someone(), "application_opened", policy)
    for rules in ((), (replace(push, enabled=False),)):
        _, (entry,) = _morning(person, shop(offer("a"), rules=rules, contact=NIGHT))
        assert (entry.entry.verdict, entry.entry.trigger.rule_id) == ("overtaken", "r")


def test_requests_of_one_night_are_taken_one_by_one() -> None:
    """Eleven requests: each is answered, at least five minutes apart, never two at a time."""
    policy = shop(
        *(offer(f"o-{n}", redeem_within_days=0.001) for n in range(12)),
        rules=(rule("r", channel="push"),),
        contact=NIGHT,
    )
    person, asked = _night(someone(), "application_opened", policy, 11)
    person, entries = _morning(person, policy)
    final = [e.entry for e in entries if e.entry.verdict != "deferred"]
    assert {e.decision_id for e in final} == {a.decision_id for a in asked}
    assert [e.verdict for e in final] == ["offer"] * 11
    times = sorted(c.at_ms for c in person.contacts)
    assert min(b - a for a, b in pairwise(times)) == 5 * MINUTE_MS


def test_a_cap_ends_what_was_put_off() -> None:
    """Two a day: the third to fifth of a night are logged with `person_cap`, not kept."""
    contact = replace(NIGHT, calendar_day_max=2)
    policy = shop(
        *(offer(f"o-{n}") for n in range(9)), rules=(rule("r", channel="push"),), contact=contact
    )
    person, _ = _night(someone(), "application_opened", policy, 5)
    person, entries = _morning(person, policy)
    final = [e.entry.verdict for e in entries if e.entry.verdict != "deferred"]
    assert (final, person.reminders) == (["offer"] * 2 + ["person_cap"] * 3, ())


def test_a_rule_that_two_had_fired_speaks_once_and_the_earlier_is_heard() -> None:
    """Three of one night, asked 40 minutes apart by two who merge, an hour of rest: 1 and 3."""
    push = rule("r", channel="push", rearm_ms=HOUR_MS)
    offers = [offer(f"o-{n}", redeem_within_days=0.001) for n in range(3)]
    policy = shop(*offers, rules=(push,), contact=NIGHT)
    rows = {"c": someone(), "x": replace(someone(), customer_id="x")}
    for number, whose in enumerate(("x", "c", "x")):
        at_ms = T0 + 40 * number * MINUTE_MS
        rows[whose], (asked,) = fire(rows[whose], (_opened(at_ms),), policy)
        rows[whose], _ = decide(rows[whose], asked, at_ms, Basis(Fixed(), policy))
    person = merge_customers(rows["c"], rows["x"], T0 + 3 * HOUR_MS)
    person, entries = _morning(person, policy)
    final = [e.entry.verdict for e in entries if e.entry.verdict != "deferred"]
    assert final == ["offer", "overtaken", "offer"]


def test_two_carts_put_off_and_merged_are_reminded_of_once() -> None:
    """One cart, one reminder: the request that was put off first is overtaken by the second."""
    push = rule("r", kind="cart_abandoned", channel="push", after_ms=HOUR_MS)
    policy = shop(offer("a"), offer("b"), rules=(push,), contact=NIGHT)
    person = someone(cart=CART)
    for fired_ms in (T0 + HOUR_MS, T0 + HOUR_MS + 9):
        asked = request(f"e-{fired_ms}", fired_ms, push)
        person, _ = decide(person, asked, fired_ms, Basis(Fixed(), policy))
    person = replace(person, cart=replace(CART, updated_at_ms=T0 + 9))
    _, entries = _morning(person, policy)
    final = [e.entry.verdict for e in entries if e.entry.verdict != "deferred"]
    assert final == ["overtaken", "offer"]


def test_a_full_row_says_that_it_puts_off_no_more() -> None:
    """Beyond the 16 that a row keeps waiting, a request ends with `person_cap` at once."""
    policy = shop(offer("a"), rules=(rule("r", channel="push"),), contact=NIGHT)
    person, _ = _night(someone(), "application_opened", policy, DEFERRED_MAX)
    again, effects = decide(
        person, request("x", T0, policy.triggers[0].rule), T0, Basis(Fixed(), policy)
    )
    assert [e.entry.verdict for e in effects if isinstance(e, DecisionLogged)] == ["person_cap"]
    assert again == person


def test_long_requests_fill_a_row_by_bytes() -> None:
    """Six KiB at most wait; what finds no room is logged, and the rest stays."""
    policy = shop(offer("a"), rules=(rule("r", channel="push"),), contact=NIGHT)
    person, verdicts = someone(), []
    for number in range(DEFERRED_MAX):
        asked = request(number, T0 + number, policy.triggers[0].rule, product_id="p" * 900)
        person, effects = decide(person, asked, T0 + number, Basis(Fixed(), policy))
        verdicts += [e.entry.verdict for e in effects if isinstance(e, DecisionLogged)]
    assert verdicts == ["deferred"] * 5 + ["person_cap"] * 11
    assert sum(r.size for r in person.reminders) <= DEFERRED_BYTES_MAX


def test_a_merge_ends_what_it_has_no_room_for_with_an_entry_each() -> None:
    """Of two rows with ten requests each the 16 that are due first wait on, four are logged."""
    policy = shop(offer("a"), rules=(rule("r", channel="push"),), contact=NIGHT)
    mine, _ = _night(someone(), "application_opened", policy, 10)
    theirs = replace(
        mine,
        customer_id="x",
        reminders=tuple(
            replace(r, event_id=f"x-{r.event_id}", due_at_ms=r.due_at_ms + 1)
            for r in mine.reminders
        ),
    )
    merged = merge_customers(mine, theirs, T0 + MINUTE_MS)
    assert len(merged.reminders) == 20
    person, crowded = take_crowded(merged, T0 + MINUTE_MS, policy)
    assert [r.due_at_ms for r in person.reminders] == sorted(r.due_at_ms for r in merged.reminders)[
        :DEFERRED_MAX
    ]
    verdicts = []
    for asked in crowded:
        person, effects = decide(person, asked, T0 + MINUTE_MS, Basis(Fixed(), policy))
        verdicts += [e.entry.verdict for e in effects if isinstance(e, DecisionLogged)]
    assert (verdicts, len(person.reminders)) == (["person_cap"] * 4, DEFERRED_MAX)
    assert take_crowded(person, T0 + MINUTE_MS, policy) == (person, ())


def test_an_event_that_comes_again_is_decided_once() -> None:
    """A rule that may fire at once again does not decide twice of one event."""
    policy = shop(offer("a"), rules=(rule(),))
    person, (requested,) = fire(someone(), (_opened(T0),), policy)
    person, _ = decide(person, requested, T0, Basis(Fixed(), policy))
    assert fire(person, (_opened(T0),), policy)[1] == ()
    assert len(fire(person, (_opened(T0 + 1),), policy)[1]) == 1


@pytest.mark.parametrize(
    ("zone", "night", "morning"),
    [
        ("Asia/Kathmandu", "2026-03-01T18:30:00Z", "2026-03-02T02:15:00Z"),
        ("Asia/Kolkata", "2026-03-01T18:30:00Z", "2026-03-02T02:30:00Z"),
        ("America/St_Johns", "2026-03-01T04:00:00Z", "2026-03-01T11:30:00Z"),
        ("Australia/Eucla", "2026-03-01T14:00:00Z", "2026-03-01T23:15:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T12:00:00Z", "2026-04-04T21:30:00Z"),
        ("Europe/Berlin", "2026-10-24T22:30:00Z", "2026-10-25T07:00:00Z"),
        ("Europe/Berlin", "2026-03-28T22:30:00Z", "2026-03-29T06:00:00Z"),
        ("America/New_York", "2026-11-01T05:30:00Z", "2026-11-01T13:00:00Z"),
        ("Africa/Monrovia", "1971-06-01T23:00:00Z", "1971-06-02T08:44:30Z"),
    ],
)
def test_quiet_hours_end_at_the_local_minute(zone: str, night: str, morning: str) -> None:
    """08:00 on the person's own clock: half and quarter hours, and nights when clocks change."""
    until_ms = quiet_until_ms(
        someone(timezone=zone), QuietHours(), to_ms(datetime.fromisoformat(night))
    )
    assert until_ms is not None
    assert 0 <= until_ms - to_ms(datetime.fromisoformat(morning)) < MINUTE_MS


def test_half_an_hour_zones_keep_their_quiet_hours() -> None:
    """In Kathmandu (UTC+5:45) a request at 07:50 waits until after 8, and for less than an hour."""
    push = rule(channel="push")
    quiet = replace(FREE, quiet_hours=QuietHours(from_hour=22, to_hour=8))
    policy = shop(offer("a"), rules=(push,), contact=quiet)
    at_ms = T0 - T0 % DAY_MS + 2 * HOUR_MS + 5 * MINUTE_MS
    person, _ = decide(
        someone(timezone="Asia/Kathmandu"), request(1, at_ms, push), at_ms, Basis(Fixed(), policy)
    )
    (reminder,) = person.reminders
    assert 10 * MINUTE_MS <= reminder.due_at_ms - at_ms < HOUR_MS
