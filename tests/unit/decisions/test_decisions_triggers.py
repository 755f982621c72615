"""Which trigger events ask, how soon again, and what waits for its time."""

from msgspec.structs import replace

from streams.contracts.outputs.effects import DecisionLogged, OfferDecided
from streams.contracts.reference.structs import QuietHours
from streams.contracts.times import DAY_MS, HOUR_MS, MINUTE_MS
from streams.customer import TriggerEvent
from streams.customer.row import Cart, CartItem
from streams.decisions import Basis, decide, fire, set_reminders, take_due
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
    person, effects = decide(
        someone(timezone="Asia/Tokyo"), requested, night, Basis(Fixed(), policy)
    )
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
