"""What a budget is charged beside the ordinary use: late, again, after a cancellation."""

from typing import Any

import pytest
from msgspec.structs import replace

from streams.contracts.common import Identity, Money
from streams.contracts.inputs.events import CouponUse, OfferFeedback
from streams.contracts.outputs.effects import Effect, OutcomeLabeled, OutcomeSeen
from streams.contracts.times import HOUR_MS, from_ms
from streams.customer import Customer
from streams.customer.trigger_events import TriggerEvent
from streams.decisions import Policy
from streams.features.contacts import contacts
from tests.unit.decisions.test_budgets import Life, charges, tea

NAMES = ("code", "offer_id", "decision_id")


def freeing(**fields: Any) -> Policy:
    """The shop of `tea`, in which a cancelled order frees its coupon."""
    policy = tea(**fields)
    places = replace(policy.places, coupon_after_cancel="free")
    return replace(
        policy, places=places, policies=replace(policy.policies, coupon_after_cancel="free")
    )


def row_of(life: Life, who: str = "c-1") -> Customer:
    """What is known of somebody."""
    row = life.driver.rows[who]
    assert isinstance(row, Customer)
    return row


def sent(life: Life, who: str = "c-1") -> str:
    """They are sent the tea: the decision's id."""
    assert life.opens(who) == ("offer", None)
    return row_of(life, who).open_decisions[-1].decision_id


def shown(name: str, decision_id: str, discount: float = 8.0) -> CouponUse:
    """The tea's coupon at the till, by one of its names."""
    names: dict[str, Any] = {"code": "TEA", "offer_id": "tea", "decision_id": decision_id}
    return CouponUse(discount=discount, **{name: names[name]})


def told(effects: list[Effect]) -> list[Effect]:
    """What is counted and learned."""
    return [e for e in effects if isinstance(e, OutcomeSeen | OutcomeLabeled)]


def cancels(life: Life, order_id: str) -> list[Effect]:
    """The order is cancelled."""
    fields = {"coupons": (), "event_name": "order_cancelled", "total": Money(amount="0")}
    return life.buys("c-1", CouponUse(), order_id=order_id, **fields)


@pytest.mark.parametrize("days", [1.5, 3.0, 4.1, 5.0, 7.5, 8.4])
@pytest.mark.parametrize("name", NAMES)
def test_a_use_told_late_takes_its_own_reservation(name: str, days: float) -> None:
    """All money is in one coupon of a day: told any day of its week of grace, nothing is over."""
    life = Life(tea(budget=8.0))
    decision_id, at_ms = sent(life), life.now_ms + HOUR_MS
    life.wait(days)
    late = life.buys("c-1", shown(name, decision_id), occurred_at=from_ms(at_ms))
    assert charges(late) == [8.0]
    assert life.money() == (8.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("frees", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_every_further_order_with_the_same_coupon_is_charged_once(name: str, frees: bool) -> None:
    """Told twice, an order costs once; nobody counts or learns a second use."""
    life = Life(freeing(budget=100.0) if frees else tea(budget=100.0))
    decision_id = sent(life)
    first = life.buys("c-1", shown(name, decision_id), order_id="o-1")
    assert charges(first) == [8.0]
    assert told(first)
    for number in (2, 3):
        again = life.buys("c-1", shown(name, decision_id, 3.0), order_id=f"o-{number}")
        assert (charges(again), told(again)) == ([3.0], [])
        update = {"order_id": f"o-{number}", "event_name": "order_updated"}
        assert charges(life.buys("c-1", shown(name, decision_id, 3.0), **update)) == []
    assert life.money() == (14.0, 0.0, 86.0, 0.0)


def test_a_second_use_is_seen_by_the_budget_alone() -> None:
    """Features and rules look at the first: the same row in a shop without a budget says so."""
    with_budget, without = Life(tea(budget=100.0)), Life(tea(budget=None, discount_max=None))
    for life in (with_budget, without):
        decision_id = sent(life)
        for number in (1, 2):
            life.buys("c-1", shown("code", decision_id), order_id=f"o-{number}")
    one, other = row_of(with_budget), row_of(without)
    assert [r.order_id for r in one.redemptions] == ["o-1", "o-2"]
    first = tuple(replace(r, cost=0) for r in one.redemptions if not r.again)
    assert first == other.redemptions
    assert one.coupons_shown == other.coupons_shown
    now_ms = with_budget.now_ms
    opened = TriggerEvent(kind="product_viewed", at_ms=now_ms, event_id="e-1", channel="app")
    assert contacts(one, opened, now_ms) == contacts(other, opened, now_ms)


def test_the_first_order_after_a_report_of_the_app_is_the_same_use() -> None:
    """The app tells of a use without its order: that order costs nothing more, the next does."""
    life = Life(tea(budget=100.0))
    used = OfferFeedback(
        event_id="used",
        event_name="offer_redeemed",
        occurred_at=from_ms(life.now_ms + HOUR_MS),
        identity=Identity(customer_id="c-1"),
        channel="app",
        decision_id=sent(life),
        offer_id="tea",
    )
    assert charges(life.take(used)) == [8.0]
    assert charges(life.buys("c-1", CouponUse(code="TEA", discount=3.0), order_id="o-1")) == []
    assert charges(life.buys("c-1", CouponUse(code="TEA", discount=3.0), order_id="o-2")) == [3.0]


@pytest.mark.parametrize("name", NAMES)
def test_a_coupon_that_a_cancelled_order_freed_is_charged_again(name: str) -> None:
    """A small order, cancelled, then a large one; what is told of the first again costs nothing."""
    life = Life(freeing(budget=100.0))
    decision_id = sent(life)
    small, large = shown(name, decision_id, 0.5), shown(name, decision_id)
    assert charges(life.buys("c-1", small, order_id="o-1")) == [0.5]
    assert charges(cancels(life, "o-1")) == []
    update = {"order_id": "o-1", "event_name": "order_updated"}
    assert charges(life.buys("c-1", small, **update)) == []
    assert charges(life.buys("c-1", large, order_id="o-2")) == [8.0]
    assert life.money() == (8.5, 0.0, 91.5, 0.0)


@pytest.mark.parametrize(
    ("who", "name"), [*(("c-1", name) for name in NAMES), ("c-2", "code"), ("c-2", "offer_id")]
)
def test_a_use_costs_the_whole_budget_at_most(who: str, name: str) -> None:
    """A till that says a milliard uses the budget up once, and twice the money heals it."""
    life = Life(tea(budget=100.0))
    absurd = shown(name, sent(life), 1e9)
    assert charges(life.buys(who, absurd)) == [100.0]
    used, _, free, _ = life.money()
    assert (used, free) == (100.0, 0.0)
    life.driver.policy = tea(budget=220.0)
    assert [life.opens("c-3"), life.opens("c-4")][-1] == ("offer", None)


@pytest.mark.parametrize("name", NAMES)
def test_a_coupon_that_an_order_names_line_by_line_is_one_use_at_what_all_took_off(
    name: str,
) -> None:
    """Two lines at 3.1 and 4.2 cost 7.3; a second coupon that the person has is not used up."""
    life = Life(tea(budget=100.0))
    decision_id = sent(life)
    lines = (shown(name, decision_id, 3.1), shown(name, decision_id, 4.2))
    bought = life.buys("c-1", CouponUse(), coupons=lines)
    assert charges(bought) == [7.3]
    assert len([e for e in bought if isinstance(e, OutcomeSeen)]) == 1
    assert life.money() == (7.3, 0.0, 92.7, 0.0)


MIXED: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "its code, and its code and decision": ({"code": "TEA"}, {"code": "TEA", "decision_id": "it"}),
    "its code, and its offer": ({"code": "TEA"}, {"offer_id": "tea"}),
    "its code, and its code and offer": ({"code": " tea"}, {"code": "TEA", "offer_id": "tea"}),
    "its code, and its decision": ({"code": "TEA"}, {"decision_id": "it"}),
    "its offer, and its decision": ({"offer_id": "tea"}, {"decision_id": "it"}),
}


def lines_of(names: str, decision_id: str) -> tuple[CouponUse, ...]:
    """Two lines of an order that name one coupon in two ways, at 3.1 and 4.2."""
    said = [
        {name: decision_id if name == "decision_id" else value for name, value in line.items()}
        for line in MIXED[names]
    ]
    fields: list[dict[str, Any]] = [{**said[0], "discount": 3.1}, {**said[1], "discount": 4.2}]
    return tuple(CouponUse(**each) for each in fields)


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("names", MIXED)
def test_a_coupon_that_an_order_names_in_two_ways_is_one_use_at_what_both_took_off(
    names: str, turn: int
) -> None:
    """Whichever comes first."""
    life = Life(tea(budget=100.0))
    lines = lines_of(names, sent(life))
    bought = life.buys("c-1", CouponUse(), coupons=lines[::turn])
    assert charges(bought) == [7.3]
    assert len([e for e in bought if isinstance(e, OutcomeSeen)]) == 1
    assert life.money() == (7.3, 0.0, 92.7, 0.0)


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("names", MIXED)
@pytest.mark.parametrize("which", [0, 1])
def test_of_two_coupons_one_that_is_named_in_two_ways_is_used(
    names: str, turn: int, which: int
) -> None:
    """The one whose decision is named, else the newest; the other can still be used."""
    life = Life(tea(budget=100.0))
    ids = [sent(life)]
    life.wait(1.1)
    ids.append(sent(life))
    bought = life.buys("c-1", CouponUse(), coupons=lines_of(names, ids[which])[::turn])
    used = [e.decision_id for e in bought if isinstance(e, OutcomeSeen)]
    explicit = any("decision_id" in line for line in MIXED[names])
    assert used == [ids[which] if explicit else ids[1]]
    assert charges(bought) == [7.3]


def test_two_decisions_that_an_order_names_are_two_uses() -> None:
    """Each at what was taken off under its own name."""
    life = Life(tea(budget=100.0))
    ids = [sent(life)]
    life.wait(1.1)
    ids.append(sent(life))
    lines = tuple(CouponUse(code="TEA", decision_id=each, discount=4.2) for each in ids)
    bought = life.buys("c-1", CouponUse(), coupons=lines)
    assert sorted(e.decision_id for e in bought if isinstance(e, OutcomeSeen)) == sorted(ids)
    assert charges(bought) == [4.2, 4.2]


def test_an_update_that_names_a_coupon_in_two_ways_charges_both_at_the_first() -> None:
    """The order said nothing of it."""
    life = Life(tea(budget=100.0))
    decision_id = sent(life)
    life.buys("c-1", CouponUse(), order_id="o-1", coupons=())
    fields = {"order_id": "o-1", "event_name": "order_updated"}
    lines = lines_of("its code, and its decision", decision_id)
    updated = life.buys("c-1", CouponUse(), coupons=lines, **fields)
    assert charges(updated) == [7.3]
