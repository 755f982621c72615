"""What a later word raises is measured against what was charged, whatever was published since."""

from typing import Any

import pytest

from streams.contracts.common import Identity
from streams.contracts.inputs.events import App, CouponUse, OfferFeedback
from streams.contracts.outputs.effects import Effect
from streams.contracts.times import from_ms
from tests.unit.decisions.test_budget_charges import row_of, sent, told
from tests.unit.decisions.test_budgets import Life, charges, tea


def reports(life: Life, event_name: Any, decision_id: str) -> list[float]:
    """The channel tells of the tea: what that costs."""
    life.now_ms += 60_000
    told = OfferFeedback(
        event_id=f"{event_name}-{life.now_ms}",
        event_name=event_name,
        occurred_at=from_ms(life.now_ms),
        identity=Identity(customer_id="c-1"),
        channel="app",
        decision_id=decision_id,
        offer_id="tea",
    )
    return charges(life.take(told))


CHANGED: dict[str, dict[str, float | None]] = {
    "as it was": {},
    "less": {"discount_max": 3.0},
    "more": {"discount_max": 12.0},
    "removed": {"budget": None, "discount_max": None},
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_purchase_that_an_offer_led_to_was_charged_what_it_was_charged(change: str) -> None:
    """The budget is changed between the purchase and the report of its use, and stays so."""
    life = Life(tea(budget=100.0, coupon_code=None))
    decision_id = sent(life)
    assert reports(life, "offer_viewed", decision_id) == []
    assert charges(life.buys("c-1", CouponUse(), order_id="o-1", coupons=())) == [8.0]
    life.driver.policy = tea(**{"budget": 100.0, "coupon_code": None, **CHANGED[change]})
    named = CouponUse(decision_id=decision_id, discount=5.0)
    fields = {"order_id": "o-1", "event_name": "order_updated"}
    assert charges(life.buys("c-1", named, **fields)) == []
    more = CouponUse(decision_id=decision_id, discount=9.5)
    assert charges(life.buys("c-1", more, **fields)) == [1.5]
    assert [use.cost for use in row_of(life).redemptions] == [95_000]


def logs_in(life: Life) -> list[Effect]:
    """The visitor turns out to be the customer."""
    life.now_ms += 60_000
    login = App(
        event_id=f"login-{life.now_ms}",
        event_name="application_opened",
        occurred_at=from_ms(life.now_ms),
        identity=Identity(customer_id="c-1", anonymous_id="v"),
        channel="app",
    )
    return life.take(login)


@pytest.mark.parametrize("most", [100.0, None])
@pytest.mark.parametrize("name", ["decision_id", "both"])
def test_a_visitors_order_that_named_the_offer_is_the_use_of_the_decision_that_is_named_later(
    name: str, most: float | None
) -> None:
    """Also of one that was sent after it: charged once, raised, counted once, learned once."""
    life = Life(tea(budget=most, discount_max=8.0 if most else None))
    visitor, order = Identity(anonymous_id="v"), {"order_id": "o-1"}
    bought = life.buys("c-1", CouponUse(offer_id="tea", discount=3.0), identity=visitor, **order)
    decision_id = sent(life)
    logs_in(life)
    names = {"decision_id": decision_id} | ({"code": "TEA"} if name == "both" else {})
    updates = [
        life.buys("c-1", CouponUse(**names, discount=off), event_name="order_updated", **order)
        for off in (3.0, 5.0, 4.0)
    ]
    costs = [sum(charges(effects)) for effects in (bought, *updates)]
    assert costs == ([3.0, 0.0, 2.0, 0.0] if most else [0.0] * 4)
    assert [type(each).__name__ for each in told(bought)] == ["OutcomeSeen"]
    assert [[type(each).__name__ for each in told(one)] for one in updates] == [
        ["OutcomeLabeled"],
        [],
        [],
    ]
    assert row_of(life).open_decisions[-1].status == "used"
    assert [use.order_id for use in row_of(life).redemptions] == ["o-1"]
    if most:
        assert life.money() == (5.0, 0.0, 95.0, 0.0)


def test_an_update_that_names_another_decision_than_the_visitor_did_is_another_use() -> None:
    """Both were out, and each is charged."""
    life = Life(tea(budget=100.0))
    ids = [sent(life)]
    life.wait(1.1)
    ids.append(sent(life))
    for decision_id in ids:
        named = CouponUse(offer_id="tea", decision_id=decision_id, discount=3.0)
        identity = Identity(anonymous_id="v") if decision_id == ids[0] else None
        fields = {"identity": identity} if identity else {"event_name": "order_updated"}
        assert charges(life.buys("c-1", named, order_id="o-1", **fields)) == [3.0]
        logs_in(life)
    assert life.money()[0] == 6.0
