"""A later event of an order that says its coupon took off more: the budget pays the difference."""

from itertools import permutations
from typing import Any

import pytest

from streams.contracts.common import Identity
from streams.contracts.inputs.events import App, CouponUse, OfferFeedback
from streams.contracts.outputs.effects import Effect
from streams.contracts.times import from_ms
from tests.unit.decisions.test_budget_charges import NAMES, freeing, row_of, sent, shown, told
from tests.unit.decisions.test_budgets import Life, charges, tea

UPDATE: dict[str, Any] = {"event_name": "order_updated"}


def update(life: Life, coupon: CouponUse, who: str = "c-1", order_id: str = "o-1") -> list[Effect]:
    """The order's till says it anew."""
    return life.buys(who, coupon, order_id=order_id, **UPDATE)


@pytest.mark.parametrize("name", NAMES)
def test_a_raised_discount_is_charged_the_difference_once(name: str) -> None:
    """3, then 5.5 twice, then 4: 5.5 in all; nothing else is learned or counted."""
    life = Life(tea(budget=100.0))
    decision_id = sent(life)
    assert charges(life.buys("c-1", shown(name, decision_id, 3.0), order_id="o-1")) == [3.0]
    raised = update(life, shown(name, decision_id, 5.5))
    assert (charges(raised), told(raised)) == ([2.5], [])
    assert charges(update(life, shown(name, decision_id, 5.5))) == []
    assert charges(update(life, shown(name, decision_id, 4.0))) == []
    assert life.money() == (5.5, 0.0, 94.5, 0.0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("first", [2.0, 5.5])
def test_an_update_before_its_order_is_charged_with_it(name: str, first: float) -> None:
    """The most of both, when the order is told; before that it is nobody's purchase."""
    life = Life(tea(budget=100.0))
    decision_id = sent(life)
    assert charges(update(life, shown(name, decision_id, first))) == []
    done = life.buys("c-1", shown(name, decision_id, 4.0), order_id="o-1")
    assert sum(charges(done)) == max(first, 4.0)
    assert life.money()[0] == max(first, 4.0)


def test_an_update_of_an_order_that_names_no_coupon_is_charged_at_what_it_says() -> None:
    """The order came without it, and the update before."""
    life = Life(tea(budget=100.0))
    decision_id = sent(life)
    update(life, shown("code", decision_id, 4.0))
    assert charges(life.buys("c-1", CouponUse(), coupons=(), order_id="o-1")) == [4.0]


@pytest.mark.parametrize("days", [3.0, 9.0, 40.0])
@pytest.mark.parametrize("name", NAMES)
def test_late_the_decision_is_gone_and_the_difference_is_charged(name: str, days: float) -> None:
    """Also by the decision's id alone, and never the whole use again."""
    life = Life(tea(budget=100.0))
    decision_id = sent(life)
    life.buys("c-1", shown(name, decision_id, 3.0), order_id="o-1")
    life.wait(days)
    assert charges(update(life, shown(name, decision_id, 5.5))) == [2.5]
    both = CouponUse(code="TEA", decision_id=decision_id, discount=6.0)
    assert charges(update(life, both)) == [0.5]
    assert life.money() == (6.0, 0.0, 94.0, 0.0)


@pytest.mark.parametrize("days", [3.0, 9.0, 40.0])
@pytest.mark.parametrize("name", NAMES)
def test_all_is_told_late_by_two_names_and_charged_once(name: str, days: float) -> None:
    """An order by code and decision, anew by one of its names; the decision has left the row."""
    life = Life(tea(budget=100.0))
    decision_id, at_ms = sent(life), life.now_ms + 1
    life.wait(days)
    both = CouponUse(code="TEA", decision_id=decision_id, discount=3.0)
    at = {"occurred_at": from_ms(at_ms), "order_id": "o-1"}
    assert charges(life.buys("c-1", both, **at))[-1] == 3.0
    assert sum(charges(life.buys("c-1", shown(name, decision_id, 3.0), **at))) == 0.0
    assert charges(update(life, shown(name, decision_id, 4.5))) == [1.5]
    assert life.money()[0] == 4.5


@pytest.mark.parametrize("days", [3.0, 9.0, 40.0])
def test_late_a_decision_alone_says_whose_offer_it_is(days: float) -> None:
    """It was sent: the use is charged and counted, as one by the code is; also a second order's."""
    life = Life(tea(budget=100.0))
    decision_id, at_ms = sent(life), life.now_ms + 1
    life.wait(days)
    by_decision, at = shown("decision_id", decision_id, 3.0), {"occurred_at": from_ms(at_ms)}
    assert sum(charges(life.buys("c-1", by_decision, order_id="o-1", **at))) == 3.0
    assert sum(charges(life.buys("c-1", by_decision, order_id="o-2", **at))) == 3.0
    assert sum(charges(update(life, shown("decision_id", decision_id, 5.5), order_id="o-2"))) == 2.5
    assert [(r.order_id, r.again) for r in row_of(life).redemptions] == [
        ("o-1", False),
        ("o-2", True),
    ]


def test_a_decision_that_was_sent_to_somebody_else_uses_nothing_of_theirs() -> None:
    """Whose id is told is not sent it: nothing says which offer it is."""
    life = Life(tea(budget=100.0))
    decision_id, at_ms = sent(life), life.now_ms + 1
    life.wait(9.0)
    coupon = shown("decision_id", decision_id, 3.0)
    assert charges(life.buys("c-2", coupon, occurred_at=from_ms(at_ms))) == []


@pytest.mark.parametrize("days", [3.0, 9.0, 40.0])
def test_late_two_lines_of_one_coupon_cost_what_both_took_off(days: float) -> None:
    """One by its code, one by its decision."""
    life = Life(tea(budget=100.0))
    decision_id, at_ms = sent(life), life.now_ms + 1
    life.wait(days)
    lines = (shown("code", decision_id, 3.1), shown("decision_id", decision_id, 4.2))
    late = life.buys("c-1", CouponUse(), coupons=lines, occurred_at=from_ms(at_ms))
    assert sum(charges(late)) == 7.3


def test_beyond_the_budget_the_difference_is_overdrawn() -> None:
    """The rest of the reservation went to the next coupon: the money is gone all the same."""
    life = Life(tea(budget=16.0))
    decision_id = sent(life)
    life.buys("c-1", shown("code", decision_id, 3.0), order_id="o-1")
    assert life.opens("c-2") == ("offer", None)
    assert life.money() == (3.0, 8.0, 5.0, 0.0)
    assert charges(update(life, shown("code", decision_id, 9.0))) == [6.0]
    assert life.money() == (9.0, 8.0, 0.0, 1.0)
    assert life.opens("c-3") == ("nothing_eligible", "budget")


def test_a_use_costs_the_whole_budget_at_most_also_raised() -> None:
    """A till that says a milliard is mistaken."""
    life = Life(tea(budget=100.0))
    decision_id = sent(life)
    life.buys("c-1", shown("code", decision_id, 3.0), order_id="o-1")
    assert charges(update(life, shown("code", decision_id, 1e9))) == [97.0]
    assert charges(update(life, shown("code", decision_id, 2e9))) == []


def test_what_was_charged_is_raised_also_where_the_budget_was_removed() -> None:
    """It was put back by then, or not; what was never charged is not raised."""
    life = Life(tea(budget=100.0))
    decision_id = sent(life)
    life.buys("c-1", shown("code", decision_id, 3.0), order_id="o-1")
    life.driver.policy = tea(budget=None, discount_max=None)
    assert charges(update(life, shown("code", decision_id, 5.0))) == [2.0]
    assert charges(life.buys("c-1", shown("code", decision_id, 3.0), order_id="o-2")) == []
    life.driver.policy = tea(budget=100.0)
    assert charges(update(life, shown("code", decision_id, 6.0))) == [1.0]


def test_an_order_from_before_the_budget_is_not_raised() -> None:
    """Nothing was counted of it."""
    life = Life(tea(budget=None, discount_max=None))
    decision_id = sent(life)
    life.buys("c-1", shown("code", decision_id, 3.0), order_id="o-1")
    life.driver.policy = tea(budget=100.0)
    assert charges(update(life, shown("code", decision_id, 6.0))) == []


def test_the_order_after_a_report_of_the_app_pays_what_it_took_off_beyond() -> None:
    """The report cost 8, the most; the order tells of 9."""
    life = Life(tea(budget=100.0))
    used = OfferFeedback(
        event_id="used",
        event_name="offer_redeemed",
        occurred_at=from_ms(life.now_ms + 3_600_000),
        identity=Identity(customer_id="c-1"),
        channel="app",
        decision_id=sent(life),
        offer_id="tea",
    )
    assert charges(life.take(used)) == [8.0]
    code = CouponUse(code="TEA", discount=9.0)
    assert charges(life.buys("c-1", code, order_id="o-1")) == [1.0]
    assert charges(update(life, CouponUse(code="TEA", discount=9.5))) == [0.5]


@pytest.mark.parametrize("frees", [False, True])
def test_a_cancelled_order_is_raised_before_and_after(frees: bool) -> None:
    """A cancellation gives nothing back, and hides nothing."""
    life = Life(freeing(budget=100.0) if frees else tea(budget=100.0))
    decision_id = sent(life)
    life.buys("c-1", shown("code", decision_id, 3.0), order_id="o-1")
    assert charges(update(life, shown("code", decision_id, 4.0))) == [1.0]
    life.buys("c-1", CouponUse(), coupons=(), order_id="o-1", event_name="order_cancelled")
    assert charges(update(life, shown("code", decision_id, 6.0))) == [2.0]


def test_an_update_uses_up_no_other_coupon_in_hand() -> None:
    """Two coupons, one order: the newer is used, whatever else is told of the order by its code."""
    life = Life(tea(budget=100.0))
    sent(life)
    life.wait(1.1)
    decision_id = sent(life)
    life.buys("c-1", shown("code", decision_id, 3.0), order_id="o-1")
    for name in ("code", "offer_id"):
        again = update(life, shown(name, decision_id, 3.0))
        assert (charges(again), told(again)) == ([], [])
    row = row_of(life)
    used = [d.status == "used" for d in (*row.open_decisions, *row.coupons_out)]
    assert sorted(used) == [False, True]


def test_a_code_that_nobody_was_sent_is_raised_too() -> None:
    """It is charged though nothing was reserved; so is what is told beyond."""
    life = Life(tea(budget=100.0))
    sent(life)
    assert charges(life.buys("c-2", shown("code", "", 3.0), order_id="o-1")) == [3.0]
    assert charges(update(life, shown("code", "", 5.0), "c-2")) == [2.0]
    assert charges(update(life, shown("code", "", 5.0), "c-2")) == []
    assert life.money()[0] == 5.0


def test_two_coupons_of_one_offer_in_an_order_are_raised_together() -> None:
    """What both took off is what the offer cost."""
    life = Life(tea(budget=100.0))
    ids = [sent(life)]
    life.wait(1.1)
    ids.append(sent(life))
    for taken_off, cost in ((2.0, [2.0, 2.0]), (3.5, [3.0]), (3.5, [])):
        lines = [CouponUse(code="TEA", decision_id=each, discount=taken_off) for each in ids]
        told_now = life.buys(
            "c-1",
            CouponUse(),
            coupons=tuple(lines),
            order_id="o-1",
            event_name="order_completed" if taken_off == 2.0 else "order_updated",
        )
        assert charges(told_now) == cost


@pytest.mark.parametrize("logs_in", range(4))
@pytest.mark.parametrize("turn", list(permutations((2.0, 5.0, 3.0))))
def test_whoever_shows_it_and_whenever_they_log_in_the_most_is_charged(
    turn: tuple[float, ...], logs_in: int
) -> None:
    """The order and its updates are a visitor's, who turns out to be who was sent the coupon."""
    life = Life(tea(budget=100.0))
    decision_id = sent(life)
    spent, last = 0.0, len(turn) - 1
    for number in range(last + 2):
        if number == logs_in:
            life.now_ms += 60_000
            both = Identity(customer_id="c-1", anonymous_id="v")
            opened = App(
                event_id="login",
                event_name="application_opened",
                occurred_at=from_ms(life.now_ms),
                identity=both,
                channel="app",
            )
            spent += sum(charges(life.take(opened)))
        if number <= last:
            known = number > logs_in
            who = Identity(customer_id="c-1") if known else Identity(anonymous_id="v")
            fields: dict[str, Any] = {} if number == 0 else UPDATE
            coupon = shown("code", decision_id, turn[number])
            fields |= {"order_id": "o-1", "identity": who}
            spent += sum(charges(life.buys("c-1", coupon, **fields)))
    assert spent == 5.0
    assert life.money()[:1] == (5.0,)
    assert [r.order_id for r in row_of(life).redemptions] == ["o-1"]
