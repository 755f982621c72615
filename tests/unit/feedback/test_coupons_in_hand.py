"""A code counts for its offer until the offer's end of redemption, whatever was decided since."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.contracts.inputs.events import CouponUse
from streams.contracts.outputs.effects import Effect
from streams.contracts.reference.structs import Policies, Reference
from streams.contracts.times import DAY_MS
from streams.customer import Customer, Sale, due_at_ms, merge_customers
from streams.customer.codec import decode_row, encode_row
from streams.customer.orders import unknown_order
from streams.customer.row import COUPONS_OUT_MAX, Contact, OpenDecision
from streams.customer.waiting import with_open_decision
from streams.decisions import compile_policy
from streams.feedback import credit, expire
from tests.support.decisions_open import MONTH_MS, T0, TEA, decision, labels, order, person, seen

POLICY = compile_policy(Reference(offers=(replace(TEA, gcn="9501101020917"),)))


def with_coupon(number: int = 1, at_ms: int = T0, **changes: Any) -> OpenDecision:
    """A decision whose coupon can be used for a month."""
    made = decision(number, decided_at_ms=at_ms, deadline_ms=at_ms + 7 * DAY_MS)
    terms = {"coupons": ("TEA-10",), "redeem_until_ms": at_ms + MONTH_MS}
    return replace(made, **(terms | changes))


def lived(row: Customer, until_ms: int) -> tuple[Customer, tuple[Effect, ...]]:
    """The row after everything that falls due, through the store, and what came of it."""
    effects: tuple[Effect, ...] = ()
    while (due := due_at_ms(row)) is not None and due <= until_ms:
        row, more = expire(row, due)
        effects += more
        stored = decode_row(encode_row(row))
        assert isinstance(stored, Customer)
        row = stored
    return row, effects


@given(st.integers(0, 30), st.sampled_from(["TEA-10", "tea-10", " Tea-10 ", "o-1"]))
def test_any_day_until_the_end_of_redemption(day: int, code: str) -> None:
    """One label 1 on every day: at once in the window, as a late conversion after it."""
    at_ms = T0 + day * DAY_MS
    row, closed = lived(person(with_coupon()), at_ms)
    row, effects = credit(row, order(at_ms, CouponUse(code=code)), at_ms, POLICY)
    assert labels(closed) == ([("o-1", 0.0)] if day >= 7 else [])
    assert labels(effects) == [("o-1", 1.0)]
    assert seen(effects) == [("d-1", "redeemed")]
    assert [r.offer_id for r in row.redemptions] == ["o-1"]
    again, more = credit(row, order(at_ms, CouponUse(code=code)), at_ms, POLICY)
    assert (again, labels(more), seen(more)) == (row, [], [])


def test_after_the_end_it_no_longer_counts() -> None:
    """A day too late the code is a stranger's, and in the end the row lets it go."""
    at_ms = T0 + 31 * DAY_MS
    row, _ = lived(person(with_coupon()), at_ms)
    after, effects = credit(row, order(at_ms, CouponUse(code="TEA-10")), at_ms, POLICY)
    assert (after.redemptions, labels(effects)) == ((), [])
    assert lived(row, T0 + 34 * DAY_MS)[0].coupons_out == ()


def test_an_order_from_before_the_decision_used_nothing() -> None:
    """It is told late: the offer that was decided after it cannot have been used by it."""
    row, _ = lived(person(with_coupon()), T0 + DAY_MS)
    early = order(T0 - 1, CouponUse(code="TEA-10"))
    after, effects = credit(row, early, T0 + DAY_MS, POLICY)
    assert (after.redemptions, labels(effects), seen(effects)) == ((), [], [])


def test_a_late_report_of_a_use_in_time_counts() -> None:
    """A till that was off line for two days after the end."""
    row, _ = lived(person(with_coupon()), T0 + 32 * DAY_MS)
    used = order(T0 + 29 * DAY_MS, CouponUse(code="TEA-10"))
    assert labels(credit(row, used, T0 + 32 * DAY_MS, POLICY)[1]) == [("o-1", 1.0)]


@pytest.mark.parametrize("younger", [1, 10, 14])
def test_younger_decisions_do_not_push_a_coupon_out(younger: int) -> None:
    """Behind the newest eight it waits on, and learns its label there, 0 or 1."""
    row = person(with_coupon())
    for number in range(2, 2 + younger):
        code = (f"C-{number}",)
        row = with_open_decision(row, with_coupon(number, T0 + number, coupons=code))
    used, effects = credit(row, order(T0 + DAY_MS, CouponUse(code="tea-10")), T0 + DAY_MS, POLICY)
    assert labels(effects) == [("o-1", 1.0)]
    assert [r.offer_id for r in used.redemptions] == ["o-1"]
    _, silent = lived(row, T0 + 8 * DAY_MS)
    assert ("o-1", 0.0) in labels(silent)
    assert len(labels(silent)) == younger + 1


def test_a_row_that_forgot_the_decision_still_knows_what_was_sent() -> None:
    """Beyond the maximum the use counts, by the contact; only the label is lost."""
    contact = Contact(T0, "o-1", "app", "d-1")
    row = person(contacts=(contact,))
    at_ms = T0 + 20 * DAY_MS
    for coupon in (CouponUse(code="tea-10"), CouponUse(gcn="9501101020917000123")):
        after, effects = credit(row, order(at_ms, coupon), at_ms, POLICY)
        assert [r.offer_id for r in after.redemptions] == ["o-1"]
        assert seen(effects) == [("d-1", "redeemed")]
    stranger = person()
    used = order(at_ms, CouponUse(code="tea-10"))
    assert credit(stranger, used, at_ms, POLICY)[0].redemptions == ()


def test_a_merge_keeps_the_coupons_of_both() -> None:
    """Sixteen decisions of two rows: eight are open, the others wait as coupons in hand."""
    rows = []
    for first in (0, 20):
        row = person()
        for number in range(first, first + 8):
            row = with_open_decision(row, with_coupon(number, T0 + number))
        rows.append(row)
    merged = merge_customers(rows[0], replace(rows[1], customer_id="a-1"), T0 + DAY_MS)
    assert (len(merged.open_decisions), len(merged.coupons_out)) == (8, 8)
    assert COUPONS_OUT_MAX == 16


@pytest.mark.parametrize(("setting", "used"), [("used", ["o-1"]), ("free", [])])
@pytest.mark.parametrize("cancelled_first", [False, True])
def test_the_coupon_of_a_cancelled_order(
    setting: str, used: list[str], cancelled_first: bool
) -> None:
    """The shop's choice, in either order; label 1 stays, and is given once."""
    policies = msgspec.convert({"coupon_after_cancel": setting}, Policies)
    policy = compile_policy(Reference(policies=policies))
    at_ms = T0 + DAY_MS
    bought = order(at_ms, CouponUse(code="TEA-10"))
    gone = replace(bought, event_id="gone", event_name="order_cancelled", coupons=())
    paid = replace(unknown_order(bought.order_id), at_ms=at_ms, amount=40.0, completed=40.0)
    back = replace(paid, refunded=40.0, cancelled=True)
    told = [(bought, Sale(None, paid)), (gone, Sale(paid, back))]
    if cancelled_first:
        told = [(bought, Sale(None, back))]
    row = person(with_coupon())
    effects: tuple[Effect, ...] = ()
    for event, sale in told:
        row, more = credit(row, event, at_ms, policy, sale)
        effects += more
    assert [r.offer_id for r in row.redemptions] == used
    assert labels(effects) == [("o-1", 1.0)]
    again = replace(order(at_ms + 1, CouponUse(code="TEA-10")), order_id="second")
    row, more = credit(row, again, at_ms + 1, policy)
    assert labels(more) == []
    assert [r.offer_id for r in row.redemptions] == ["o-1"]


@pytest.mark.parametrize("cancelled", ["first", "second"])
def test_a_coupon_on_two_orders_stays_used_when_one_is_cancelled(cancelled: str) -> None:
    """Under `free` only the cancelled order's use is taken back, not that of the other order."""
    policies = Policies(coupon_after_cancel="free")
    policy = compile_policy(Reference(policies=policies, offers=(TEA,)))
    sent = Contact(T0, "o-1", "app", "d-1")
    row = replace(person(with_coupon()), contacts=(sent,))
    for minute, order_id in enumerate(("first", "second")):
        event = replace(order(T0 + minute, CouponUse(code="TEA-10")), order_id=order_id)
        row, _ = credit(row, event, T0 + minute, policy)
    paid = replace(unknown_order(cancelled), at_ms=T0, amount=40.0, completed=40.0)
    sale = Sale(paid, replace(paid, refunded=40.0, cancelled=True))
    gone = replace(order(T0 + 9), event_id="gone", event_name="order_cancelled", order_id=cancelled)
    row, _ = credit(row, gone, T0 + 9, policy, sale)
    assert [r.offer_id for r in row.redemptions] == ["o-1"]
