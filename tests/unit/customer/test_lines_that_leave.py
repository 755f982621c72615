"""What was ordered is no longer in the cart, whichever event of the order says so."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from streams.contracts.common import Identity, LineItem, Money, Product
from streams.contracts.inputs.events import App, InputEvent, Purchase, PurchaseName
from streams.contracts.times import HOUR_MS, from_ms
from streams.customer import Customer, Places, apply, merge_customers, new_customer

T0 = 1_770_000_000_000


def added(hours: float, name: str, quantity: int = 1) -> App:
    """A product is put into the cart."""
    return App(
        event_id=f"add-{name}-{hours}",
        event_name="product_added",
        occurred_at=from_ms(T0 + round(hours * HOUR_MS)),
        identity=Identity(customer_id="c-1"),
        channel="app",
        product=Product(product_id=name, category="c", quantity=quantity),
    )


def told(
    number: int, name: PurchaseName, hours: float, total: str = "10.00", **pieces: int
) -> Purchase:
    """One thing that is said of the order `o-1`, and its lines."""
    lines = [
        LineItem(product_id=product, category="c", unit_price=1.0, quantity=count)
        for product, count in pieces.items()
    ]
    return Purchase(
        event_id=f"o-1-{number}",
        event_name=name,
        occurred_at=from_ms(T0 + round(hours * HOUR_MS)),
        identity=Identity(customer_id="c-1"),
        channel="web",
        order_id="o-1",
        total=Money(amount=total, currency="EUR"),
        items=tuple(lines),
    )


def lived(events: Sequence[InputEvent]) -> Customer:
    """The person after these events."""
    person = new_customer("c-1", T0)
    for event in events:
        person = apply(person, event, Places()).person
    return person


def pieces(person: Customer) -> dict[str, int]:
    """What is in the cart."""
    items = person.cart.items if person.cart is not None else ()
    return {line.product_id: line.quantity for line in items}


CART = [added(0, "tea", 2), added(0.5, "tv"), added(0.6, "hat")]
ORDER = [
    told(1, "order_completed", 1, tea=1),
    told(2, "order_updated", 2, tea=1, tv=1),
    told(3, "order_updated", 3, tea=2, tv=1),
]


@pytest.mark.parametrize("arrival", [*permutations(ORDER)])
def test_lines_that_only_an_update_names_leave_the_cart(arrival: tuple[Purchase, ...]) -> None:
    """Each line once, as of the order's moment, in every order of arrival, also told again."""
    assert pieces(lived([*CART, *arrival])) == {"hat": 1}
    twice: list[InputEvent] = [*arrival, told(9, "order_updated", 4, tea=2, tv=1)]
    assert pieces(lived([*CART, *twice])) == {"hat": 1}


def test_what_is_put_in_after_the_order_stays() -> None:
    """The update comes later, but its lines were ordered with the order."""
    events: list[InputEvent] = [*CART, ORDER[0], added(1.5, "tv"), added(1.6, "tea"), ORDER[2]]
    assert pieces(lived(events)) == {"hat": 1, "tv": 1, "tea": 1}


def test_a_second_system_that_tells_more_lines() -> None:
    """The till knows the tea, the web shop both."""
    again = told(2, "order_completed", 1.1, tea=2, tv=1)
    assert pieces(lived([*CART, ORDER[0], again])) == {"hat": 1}


def test_an_update_of_an_order_that_never_came_takes_nothing() -> None:
    """There is no order until it is completed; the lines wait with its other facts."""
    person = lived([*CART, ORDER[1]])
    assert pieces(person) == {"tea": 2, "tv": 1, "hat": 1}
    assert [line.product_id for line in person.loose_orders[0].lines] == ["tea", "tv"]


def test_an_update_that_another_row_was_told() -> None:
    """The visitor's row has the update, the customer's the order: the merge takes the lines."""
    customer, visitor = lived([*CART, ORDER[0]]), lived([ORDER[2]])
    for into, other in ((customer, visitor), (visitor, customer)):
        assert pieces(merge_customers(into, other, T0 + 4 * HOUR_MS)) == {"hat": 1}


@pytest.mark.parametrize("again", [[], [told(7, "order_completed", 1, "0.00", tea=2)]])
def test_an_order_of_zero_takes_its_lines_out_and_is_no_purchase(again: list[Any]) -> None:
    """No money, no order, no recency; and without lines nothing leaves the cart."""
    person = lived([*CART, told(6, "order_completed", 1, "0.00", tea=2), *again])
    assert pieces(person) == {"tv": 1, "hat": 1}
    assert (person.orders, person.spend, person.rhythm) == ((), None, None)
    assert pieces(lived([*CART, told(6, "order_completed", 1, "0.00")])) == pieces(lived(CART))
