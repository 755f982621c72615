"""Events in the shop's own terms: one currency, known products and stores, money in one form."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.contracts.inputs.decode import decode, decode_routed
from streams.contracts.inputs.events import Clickstream, Purchase
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.internal.routing import RoutedEvent
from streams.contracts.outputs.effects import EventRefused
from streams.contracts.outputs.encode import encode_routed
from streams.contracts.reference.check import check_reference
from streams.contracts.reference.structs import ExchangeRate, Policies, ProductInfo, Reference
from streams.contracts.times import from_ms, to_ms
from streams.customer import Customer, in_shop_terms, places_of
from streams.customer.consents import is_refused
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.models import initial_models

RULES = InputRules(now_ms=2**42)
GTIN, GLN = "4006381333931", "4012345000009"
DAY = to_ms(from_ms(1_772_323_200_000))  # 2026-03-01
REFERENCE = Reference(
    policies=Policies(
        exchange_rates=(
            ExchangeRate(currency="JPY", from_=from_ms(DAY), rate=0.006),
            ExchangeRate(currency="JPY", from_=from_ms(DAY + 86_400_000), rate=0.007),
        ),
        stores={"s-1": GLN},
    ),
    products=(ProductInfo(product_id="tea", category="drinks", gtin=GTIN),),
)
PLACES = places_of(REFERENCE)


def order(**changes: Any) -> Purchase | Rejected:
    """An order as a till sends it, decoded."""
    told = {
        "event_id": "e-1",
        "event_name": "order_completed",
        "occurred_at": "2026-03-01T10:00:00Z",
        "identity": {"customer_id": "c-1"},
        "channel": "store",
        "order_id": "o-1",
        "total": {"amount": "10.00", "currency": "EUR"},
        "items": [],
    }
    event = decode("events.purchase", json.dumps(told | changes).encode(), (), RULES)
    assert isinstance(event, Purchase | Rejected)
    return event


def told(**changes: Any) -> Purchase:
    """The same, in the shop's terms."""
    event = order(**changes)
    assert isinstance(event, Purchase)
    event = in_shop_terms(event, PLACES)  # type: ignore[assignment]
    assert isinstance(event, Purchase)
    return event


LINE = {"product_id": "p", "category": "c", "quantity": 1, "unit_price": 5}


@given(st.decimals(0, 99_999, places=2))
def test_an_amount_means_the_same_in_every_form(amount: Any) -> None:
    """Decimal string, number and object are one event, and routed on they are still the same."""
    forms: list[Any] = [str(amount), float(amount), {"amount": str(amount)}]
    forms += [{"amount": float(amount), "currency": "EUR"}]
    events = [
        order(total=form, currency="EUR", items=[LINE | {"unit_price": form, "discount": form}])
        for form in forms
    ]
    first = events[0]
    assert isinstance(first, Purchase)
    assert first.total.amount == f"{amount:.2f}"
    assert first.items[0].unit_price == float(amount)
    for event in events:
        assert isinstance(event, Purchase)
        assert in_shop_terms(event, PLACES) == in_shop_terms(first, PLACES)
        wire = encode_routed(RoutedEvent(key="c-1", topic="events.purchase", event=event))
        assert decode_routed(wire) == RoutedEvent(key="c-1", topic="events.purchase", event=event)


def test_what_has_no_currency_has_the_orders_then_the_shops() -> None:
    """A yen order's lines are yen; a total without a currency is the shop's."""
    yen = told(total=1_000, currency="JPY", items=[LINE | {"unit_price": 500}])
    assert (yen.total.amount, yen.total.currency, yen.items[0].unit_price) == ("6.00", "EUR", 3.0)
    assert told(total="7.5").total.amount == "7.50"
    assert told(total="7.5").total.currency == "EUR"


def test_a_rate_holds_from_its_day_on() -> None:
    """The newest rate at or before the event; before the first there is none."""
    amounts = [
        told(total={"amount": "1000", "currency": "JPY"}, occurred_at=at).total.amount
        for at in ("2026-03-01T00:00:00Z", "2026-03-01T23:59:59Z", "2026-03-02T00:00:00Z")
    ]
    assert amounts == ["6.00", "6.00", "7.00"]
    early = order(total={"amount": "1", "currency": "JPY"}, occurred_at="2026-02-28T23:59:59Z")
    assert isinstance(early, Purchase)
    refused = in_shop_terms(early, PLACES)
    assert isinstance(refused, EventRefused)
    assert (refused.reason, refused.path) == ("wrong_currency", "$.total.currency")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"total": {"amount": "5", "currency": "USD"}}, "$.total.currency"),
        (
            {"items": [LINE, LINE | {"unit_price": {"amount": "5", "currency": "USD"}}]},
            "$.items[1].currency",
        ),
        (
            {"coupons": [{"discount": {"amount": 1, "currency": "USD"}}]},
            "$.coupons[0].currency",
        ),
    ],
)
def test_another_currency_is_refused(changes: dict[str, Any], path: str) -> None:
    """Wherever it stands, it is not added as it is."""
    event = order(**changes)
    assert isinstance(event, Purchase)
    refused = in_shop_terms(event, PLACES)
    assert isinstance(refused, EventRefused)
    assert (refused.reason, refused.path) == ("wrong_currency", path)


def test_a_price_that_is_looked_at_is_converted_too() -> None:
    """A product page in yen is a view in the shop's currency."""
    page = {
        "event_id": "e-2",
        "event_name": "product_viewed",
        "occurred_at": "2026-03-01T10:00:00Z",
        "identity": {"customer_id": "c-1"},
        "channel": "web",
        "page": {"path": "/"},
        "product": {
            "product_id": "p",
            "category": "c",
            "price": {"amount": "500", "currency": "JPY"},
        },
    }
    event = decode("events.clickstream", json.dumps(page).encode(), (), RULES)
    assert isinstance(event, Clickstream)
    seen = in_shop_terms(event, PLACES)
    assert isinstance(seen, Clickstream)
    assert seen.product is not None
    assert (seen.product.price, seen.product.currency) == (3.0, None)


@pytest.mark.parametrize(
    ("line", "known"),
    [
        ({"product_id": "tea"}, ("tea", "drinks", GTIN)),
        ({"gtin": GTIN}, ("tea", "drinks", GTIN)),
        ({"gtin": "0" + GTIN}, ("tea", "drinks", "0" + GTIN)),
        ({"product_id": "own", "gtin": GTIN}, ("own", "drinks", GTIN)),
        ({"product_id": "tea", "category": "hot"}, ("tea", "hot", GTIN)),
        ({"product_id": "tea", "category": None}, ("tea", "drinks", GTIN)),
        ({"product_id": "strange"}, ("strange", "", None)),
        ({"gtin": "96385074"}, ("", "", "96385074")),
    ],
)
def test_lines_are_filled_from_the_products(
    line: dict[str, Any], known: tuple[str, str, str | None]
) -> None:
    """By id or GTIN; what the event says stays; what is not known stays as it came."""
    (item,) = told(items=[{"quantity": 1, "unit_price": "2", **line}]).items
    assert (item.product_id, item.category, item.gtin) == known


def test_a_line_needs_some_name() -> None:
    """Neither product id nor GTIN: nobody can say what was bought."""
    event = order(items=[{"quantity": 1, "unit_price": 1}])
    assert isinstance(event, Rejected)
    assert (event.reason, event.path) == ("missing_field", "$.items[0].product_id")


def test_a_gln_finds_its_store() -> None:
    """`policies.stores` names it; the event's own store id wins."""
    assert told(gln=GLN).store_id == "s-1"
    assert told(gln=GLN, store_id="s-2").store_id == "s-2"


@pytest.mark.parametrize("code", ["tea 10%", 10, None, ["x"], "y" * 500, "a\u0000b", True, {}])
def test_an_odd_code_never_loses_the_order(code: Any) -> None:
    """Whatever a till writes as a code, the order is read."""
    assert isinstance(order(coupons=[{"code": code}]), Purchase)


def test_rates_and_stores_are_checked_before_they_are_published() -> None:
    """A rate twice, of the shop's own currency, and a mistyped GLN are faults."""
    rate = ExchangeRate(currency="EUR", from_=from_ms(DAY), rate=1.5)
    policies = Policies(exchange_rates=(rate, rate), stores={"s-1": "4012345000008"})
    assert check_reference(REFERENCE) == []
    assert check_reference(Reference(policies=policies)) == [
        "policies: EUR from 2026-03-01T00:00:00+00:00: $.exchange_rates: is given 2 times",
        "policies: $.exchange_rates: EUR is the shop's own currency",
        "policies: $.stores.s-1: length or check digit is wrong",
    ]


@pytest.mark.parametrize(
    "refused",
    [
        {"total": {"amount": "10.00", "currency": "USD"}},
        {"items": [{"product_id": "tea", "quantity": 1, "unit_price": 1.0, "currency": "USD"}]},
    ],
)
def test_a_refused_event_loses_no_denial(refused: dict[str, Any]) -> None:
    """No money of it counts, but what the browser says against being followed does."""
    event = order(context={"consent": {"gpc": True}}, **refused)
    assert isinstance(event, Purchase)
    driver = Driver(compile_policy(REFERENCE), initial_models())
    effects = driver.handle(event)
    assert [type(e) for e in effects] == [EventRefused]
    person = driver.rows["c-1"]
    assert isinstance(person, Customer)
    assert (person.orders, person.spend) == ((), None)
    assert is_refused(person, "personalization")
