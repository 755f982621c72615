"""Cancellations at any rate, and which of many refunds are known again."""

from msgspec.structs import replace

from streams.contracts.common import Identity, LineItem, Money
from streams.contracts.inputs.events import CouponUse, Purchase, PurchaseName
from streams.contracts.outputs.effects import EventRefused
from streams.contracts.times import from_ms
from streams.customer import Customer, Places, apply, in_shop_terms, new_customer
from streams.customer.orders import joined, unknown_order, with_completion, with_return
from streams.customer.row import REFUND_MARKS_MAX, Order

T0 = 1_770_000_000_000
EUROS = Places(currency="EUR")


def told(name: PurchaseName, total: str, currency: str, number: int = 1) -> Purchase:
    """One thing that is said of the order, with a line and a coupon in its currency."""
    return Purchase(
        event_id=f"e-{number}",
        event_name=name,
        occurred_at=from_ms(T0 + number),
        identity=Identity(customer_id="c-1"),
        channel="web",
        order_id="o-1",
        total=Money(amount=total, currency=currency),
        items=(LineItem(product_id="p", category="c", unit_price=5.0, quantity=1),),
        coupons=(CouponUse(code="A", discount=1.0, currency=currency),),
    )


def lived(*events: Purchase) -> Customer:
    """The person after these events, in the shop's terms."""
    person = new_customer("c-1", T0)
    for event in events:
        here = in_shop_terms(event, EUROS)
        assert not isinstance(here, EventRefused)
        person = apply(person, here, EUROS).person
    return person


def test_a_cancellation_counts_in_a_currency_without_a_rate() -> None:
    """All of the order is taken back; any other event in that currency is refused."""
    order = told("order_completed", "10.00", "EUR")
    gone = told("order_cancelled", "1700", "JPY", 2)
    for events in ((order, gone), (gone, order)):
        (bought,) = lived(*events).orders
        assert (bought.cancelled, bought.net, bought.amount) == (True, 0.0, 10.0)
    for name in ("order_completed", "order_updated", "order_refunded"):
        assert isinstance(in_shop_terms(told(name, "1700", "JPY"), EUROS), EventRefused)


def refunded(order: Order, numbers: range) -> Order:
    """The order after one cent each came back, by event time."""
    for number in numbers:
        order = with_return(order, f"r-{number}", T0 + number, 0.01)
    return order


def test_the_newest_refunds_are_known_again() -> None:
    """Of twenty refunds the newest eight by event time, in whatever order they came."""
    order = with_completion(unknown_order("o-1"), T0, 10.0, "web")
    for numbers in (range(20), range(19, -1, -1)):
        after = refunded(order, numbers)
        assert after.refunded == 0.2
        assert len(after.returns) == REFUND_MARKS_MAX
        assert refunded(after, range(12, 20)) == after
        assert refunded(after, range(12)).refunded > after.refunded


def test_refunds_of_a_row_of_before_are_known_again() -> None:
    """A row that kept hashes without their times still knows them."""
    order = with_completion(unknown_order("o-1"), T0, 10.0, "web")
    after = refunded(order, range(3))
    old = replace(after, returns=(), marks=tuple(mark for _, mark in after.returns))
    assert refunded(old, range(3)) == old
    assert joined(old, after).refunded == after.refunded
