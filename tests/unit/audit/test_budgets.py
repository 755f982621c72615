"""What a budget holds at a moment, as the auditor counts it from sends, uses and times."""

import pytest
from msgspec.structs import replace

from tests.support.told import (
    Fields,
    Story,
    a_shop,
    an_offer,
    broken,
    feedback,
    said,
    told,
    view,
)
from tests.unit.audit.stories import COUPON, DAY, RESERVED, YES, twice, used, viewed

LATER = 8 * DAY
LATE = view(2 * DAY)["occurred_at"]


def budgeted(budget: float, **fields: float | str) -> Fields:
    """A shop with one offer of five euros, with a coupon that holds for a day."""
    more = {"coupon_code": "TEA-10", "redeem_within_days": 1.0, "discount": 5.0} | fields
    return a_shop(an_offer(budget=budget, **more))


def sent_twice(shop: Fields, minutes: float, *between: Fields) -> Story:
    """Two sends, each with its reservation."""
    second = {"minutes": minutes, **RESERVED, **COUPON}
    return twice(shop, {**RESERVED, **COUPON}, second, *between)


@pytest.mark.parametrize(("minutes", "found"), [(LATER, {"budget"}), (LATER + 1, set())])
def test_a_coupon_holds_its_money_until_a_week_after_its_end(
    minutes: float, found: set[str]
) -> None:
    """A day of validity and a week for late reports: then the same money is there again."""
    assert broken(told(sent_twice(budgeted(9.0), minutes))) == found


@pytest.mark.parametrize(("budget", "found"), [(7.99, {"budget"}), (8.0, set())])
def test_a_use_holds_what_it_cost_for_ever(budget: float, found: set[str]) -> None:
    """Three of the five euros that were reserved: the other two are free again."""
    bought = used("TEA-10")
    bought["coupons"][0]["discount"] = 3.0
    story = sent_twice(budgeted(budget), LATER + 100, bought)
    assert broken(told(story)) == found
    in_time = sent_twice(budgeted(budget), 2 * DAY, bought)
    assert broken(told(in_time)) == found


@pytest.mark.parametrize("name", [{"code": "TEA-10"}, {"decision_id": "d-v0"}])
@pytest.mark.parametrize(("order_id", "found"), [("another", {"budget"}), ("o", set())])
def test_an_order_that_is_told_anew_uses_up_no_coupon_that_was_sent_since(
    order_id: str, found: set[str], name: Fields
) -> None:
    """Its coupon was the first; the second that is out counts as used by another order alone."""
    bought, again = (
        {
            **used("TEA-10"),
            "order_id": of,
            "event_id": id_,
            "occurred_at": view(minutes)["occurred_at"],
        }
        for of, id_, minutes in (("o", "first", 10), (order_id, "again", 2 * DAY + 10))
    )
    bought["coupons"] = [name]
    views = [view(minutes, f"v{n}") for n, minutes in enumerate((0, 2 * DAY, 30 * DAY))]
    sends = [
        said(minutes, f"v{n}", **RESERVED, **COUPON)
        for n, minutes in enumerate((0, 2 * DAY, 30 * DAY))
    ]
    events = [YES, views[0], bought, views[1], again, views[2]]
    assert broken(told(Story(events, sends, shop=budgeted(14.0)))) == found


@pytest.mark.parametrize(("orders", "found"), [(1, set()), (2, {"budget"})])
def test_one_order_uses_one_send_of_an_offer(orders: int, found: set[str]) -> None:
    """Two coupons are out, and orders that name the code alone: as many were used as orders came.

    The send of day 30 finds 5 used, or 10, of 14.
    """
    views = [view(minutes, f"v{n}") for n, minutes in enumerate((0, 10, 30 * DAY))]
    sends = [
        said(minutes, f"v{n}", **RESERVED, **COUPON) for n, minutes in enumerate((0, 10, 30 * DAY))
    ]
    bought = [{**used("TEA-10"), "event_id": f"b{n}", "order_id": f"o{n}"} for n in range(orders)]
    for order in bought:
        order["occurred_at"] = view(20)["occurred_at"]
    report = told(Story([YES, *views[:2], *bought, views[2]], sends, shop=budgeted(14.0)))
    assert broken(report) - {"already_open"} == found


@pytest.mark.parametrize(("more", "found"), [({}, {"budget"}), ({"offer_id": "another"}, set())])
def test_a_coupon_that_names_two_offers_costs_neither(more: Fields, found: set[str]) -> None:
    """By decision it is this offer, by its name another: what it cost whom, nobody knows."""
    bought = used("TEA-10")
    bought["coupons"] = [{"decision_id": "d-v1", **more}]
    story = sent_twice(budgeted(9.0), LATER + 100, bought)
    assert broken(told(story)) == found


@pytest.mark.parametrize(("offer_id", "found"), [("a", {"budget"}), ("another", set())])
def test_a_report_that_names_another_offer_than_its_decision_is_no_use(
    offer_id: str, found: set[str]
) -> None:
    """Nobody knows which of the two is meant, so neither is charged."""
    report = feedback(10, "offer_redeemed", "d-v1", offer_id)
    assert broken(told(sent_twice(budgeted(9.0), LATER + 100, report))) == found


@pytest.mark.parametrize(("budget", "found"), [(7.99, {"budget"}), (8.0, set())])
@pytest.mark.parametrize("raised", [3.0, 1.0])
def test_an_update_that_says_more_was_taken_off_holds_the_difference(
    budget: float, found: set[str], raised: float
) -> None:
    """1, and later 3 of the five euros: three are gone. What is said of another order is not."""
    bought, updated = used("TEA-10"), {**used("TEA-10"), "event_id": "more", "occurred_at": LATE}
    bought["coupons"][0]["discount"] = 4.0 - raised
    updated |= {"event_name": "order_updated", "coupons": [{"code": "TEA-10", "discount": raised}]}
    story = sent_twice(budgeted(budget), LATER + 100, bought, updated)
    assert broken(told(story)) == found
    other = updated | {"order_id": "another"}
    assert broken(told(sent_twice(budgeted(7.0), LATER + 100, bought, other))) == (
        {"budget"} if raised == 1.0 else set()
    )


def test_what_came_by_several_topics_is_held_to_what_is_certain() -> None:
    """The use may have been known before the send that its time precedes."""
    bought = used("TEA-10")
    bought["coupons"][0]["discount"] = 3.0
    late = {**bought, "event_id": "late", "occurred_at": view(3 * DAY)["occurred_at"]}
    shop = budgeted(8.0, redeem_within_days=30.0)
    story = sent_twice(shop, 2 * DAY)
    story = replace(story, events=[*story.events, late])
    assert "budget" in broken(told(story))
    assert "budget" not in broken(told(story, ordered=False))
    assert "budget" in broken(told(sent_twice(shop, 2 * DAY), ordered=False))


def test_a_send_reserves_the_most_that_one_use_can_cost() -> None:
    """Less, or nothing, is not enough."""
    shop = budgeted(100.0, discount_max=8.0)
    for reserved, found in (("8.00", set()), ("5.00", {"budget"}), (None, {"budget"})):
        assert broken(told(viewed(shop, reserved=reserved, **COUPON))) == found
    assert broken(told(Story([YES, view()], []))) == set()


@pytest.mark.parametrize(
    ("most", "budget", "found"), [(3.3334, 6.66679, {"budget"}), (3.33333, 6.66681, set())]
)
def test_parts_of_a_unit_are_rounded_as_they_are_reserved(
    most: float, budget: float, found: set[str]
) -> None:
    """The most up, the budget down: two times 3.3334 are 6.6668, and no more than there is."""
    shop = budgeted(budget, discount_max=most, discount=3.0)
    reserved = {"reserved": "3.3334", **COUPON}
    story = twice(shop, reserved, {"minutes": 2 * DAY, **reserved})
    assert broken(told(story)) == found
