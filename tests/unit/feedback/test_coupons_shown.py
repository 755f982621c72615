"""A coupon that is shown before it is known whose it is counts for its decision in the end."""

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import pytest
from msgspec.structs import replace

from streams.contracts.common import Identity, Money
from streams.contracts.inputs.events import App, CouponUse, InputEvent, Purchase
from streams.contracts.outputs.effects import Effect
from streams.contracts.reference.structs import Policies, Reference
from streams.contracts.times import DAY_MS, HOUR_MS, from_ms
from streams.customer import Customer
from streams.customer.row import Contact, Row
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.models import initial_models
from tests.support.decisions_open import (
    MONTH_MS,
    T0,
    TEA,
    decision,
    labels,
    order,
    person,
    report,
    seen,
)

VISITOR = Identity(anonymous_id="x")
LOGIN = Identity(customer_id="c-1", anonymous_id="x")
USED_MS = T0 + DAY_MS


def customer(**changes: Any) -> Customer:
    """Who was sent the offer at T0."""
    sent = decision(1, coupons=("TEA-10",), redeem_until_ms=T0 + MONTH_MS)
    contact = Contact(T0, "o-1", "app", "d-1")
    return person(sent, known=True, contacts=(contact,), **changes)


def opened(at_ms: int, identity: Identity) -> App:
    """The app is opened by who has these ids."""
    return App(
        event_id=f"open-{at_ms}",
        event_name="application_opened",
        occurred_at=from_ms(at_ms),
        identity=identity,
        channel="app",
    )


def lived(
    events: Sequence[InputEvent],
    policies: Policies | None = None,
    rows: Mapping[str, Row] | None = None,
) -> tuple[Customer, tuple[Effect, ...]]:
    """The customer after these events, and all that was said."""
    reference = Reference(offers=(TEA,), policies=policies or Policies())
    driver = Driver(compile_policy(reference), initial_models())
    driver.rows.update({"c-1": customer(), **(rows or {})})
    effects: list[Effect] = []
    for event in events:
        effects.extend(driver.handle(event))
    row = driver.rows["c-1"]
    assert isinstance(row, Customer)
    return row, tuple(effects)


def shown(coupon: CouponUse, **changes: Any) -> Purchase:
    """The visitor's order with a coupon."""
    return replace(order(USED_MS, coupon), identity=VISITOR, **changes)


BY = [
    CouponUse(code="tea-10"),
    CouponUse(code=" TEA-10 "),
    CouponUse(offer_id="o-1"),
    CouponUse(decision_id="d-1"),
    CouponUse(decision_id="d-1", offer_id="o-1"),
]


@pytest.mark.parametrize("coupon", BY)
@pytest.mark.parametrize("login_ms", [USED_MS + 1_000, USED_MS + 20 * DAY_MS])
def test_a_coupon_of_a_visitor_is_credited_at_login(coupon: CouponUse, login_ms: int) -> None:
    """Label 1 and one use, as a late conversion where the window has closed; no open decision."""
    row, effects = lived([shown(coupon), opened(login_ms, LOGIN)])
    late = login_ms > T0 + 7 * DAY_MS
    assert labels(effects) == [("o-1", 0.0)] * late + [("o-1", 1.0)]
    assert [what for _, what in seen(effects) if what != "expired"] == ["redeemed"]
    assert {r.offer_id for r in row.redemptions} == {"o-1"}
    waiting = (*row.open_decisions, *row.coupons_out)
    assert [d.status for d in waiting] == ["used"] * len(waiting)
    assert row.coupons_shown == ()


def test_a_report_of_a_visitor_is_credited_at_login() -> None:
    """`offer_redeemed` under the visitor's id: one use, one label."""
    used = replace(report("offer_redeemed", 1, USED_MS), identity=VISITOR)
    row, effects = lived([used, opened(USED_MS + 1, LOGIN)])
    assert labels(effects) == [("o-1", 1.0)]
    assert [what for _, what in seen(effects)] == ["redeemed"]
    assert [d.status for d in row.open_decisions] == ["used"]


def test_the_customers_coupon_for_a_visitors_decision() -> None:
    """The other way round: the visitor was sent the offer, the customer showed it at the till."""
    visitor = replace(customer(), customer_id="x", known=False)
    at_till = order(USED_MS, CouponUse(code="TEA-10"))
    row, effects = lived(
        [at_till, opened(USED_MS + 1, LOGIN)], rows={"c-1": person(known=True), "x": visitor}
    )
    assert labels(effects) == [("o-1", 1.0)]
    assert [r.offer_id for r in row.redemptions] == ["o-1"]


def test_an_order_that_both_were_told_of_is_one_use() -> None:
    """The web shop tells it of the visitor, the till of the customer."""
    told = [order(USED_MS, CouponUse(code="TEA-10")), shown(CouponUse(code="TEA-10"))]
    row, effects = lived([*told, opened(USED_MS + 1, LOGIN)])
    assert labels(effects) == [("o-1", 1.0)]
    assert len(row.redemptions) == 1


@pytest.mark.parametrize("at_ms", [T0 - 1, T0 + MONTH_MS + 1])
def test_what_was_shown_before_the_offer_or_after_its_end(at_ms: int) -> None:
    """It is no use of this offer."""
    early = replace(order(at_ms, CouponUse(code="TEA-10")), identity=VISITOR)
    row, effects = lived([early, opened(at_ms + 2, LOGIN)])
    assert ("o-1", 1.0) not in labels(effects)
    assert row.redemptions == ()


@pytest.mark.parametrize(("setting", "uses"), [("used", 1), ("free", 0)])
def test_a_cancelled_order_of_a_visitor(setting: Any, uses: int) -> None:
    """What becomes of its coupon is the shop's choice."""
    bought = shown(CouponUse(code="TEA-10"))
    gone = replace(bought, event_id="gone", event_name="order_cancelled", coupons=())
    policies = Policies(coupon_after_cancel=setting)
    row, _ = lived([bought, gone, opened(USED_MS + 1, LOGIN)], policies)
    assert len(row.redemptions) == uses


def updated(number: int, hours: int, *coupons: CouponUse) -> Purchase:
    """An update of the customer's order, with coupons that only it names."""
    at_ms = USED_MS + hours * HOUR_MS
    made = order(at_ms, *coupons)
    return replace(
        made, event_id=f"u-{number}", event_name="order_updated", order_id=f"order-{USED_MS}"
    )


TOLD = [
    order(USED_MS),
    updated(1, 1, CouponUse(code="TEA-10", discount=4.0)),
    updated(2, 2, CouponUse(code="TEA-10", discount=4.0)),
]


@pytest.mark.parametrize("events", [*permutations(TOLD)])
def test_a_coupon_that_only_updates_name(events: tuple[Purchase, ...]) -> None:
    """One use and one label in every order of arrival; its discount is one of the order's."""
    row, effects = lived([*events])
    assert labels(effects) == [("o-1", 1.0)]
    assert seen(effects) == [("d-1", "redeemed")]
    assert [(r.offer_id, r.at_ms) for r in row.redemptions] == [("o-1", USED_MS)]
    assert [(o.discount, o.coupon_discount) for o in row.orders] == [(4.0, 4.0)]
    assert row.coupons_shown == ()


def test_an_update_of_an_order_that_never_came_uses_nothing() -> None:
    """Until the order is completed there is no order, and no use."""
    row, effects = lived([updated(1, 1, CouponUse(code="TEA-10"))])
    assert (labels(effects), row.redemptions) == ([], ())


def test_a_coupon_that_pays_for_all_is_used() -> None:
    """An order of zero is no purchase, but its coupon was shown."""
    free = replace(
        order(USED_MS, CouponUse(code="TEA-10")), total=Money(amount="0.00", currency="EUR")
    )
    row, effects = lived([free])
    assert labels(effects) == [("o-1", 1.0)]
    assert [r.offer_id for r in row.redemptions] == ["o-1"]
    assert row.spend is None
