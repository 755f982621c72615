"""Who spends more on an order: of which offers that raises the worth, and that the log has it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.reference.structs import Conditions, Offer
from streams.customer.row import Spend
from streams.decisions import Basis, decide, redecide
from streams.decisions.order_size import goes_with_orders, order_size_of
from streams.models import ResponseModel, UpliftModel
from tests.unit.decisions.people import T0, offer, request, shop, someone

ORDER_MARGIN = 9.0
DELIVERY = offer("delivery", kind="service", margin=10.0, discount=3.0)
COFFEE = offer("coffee", kind="percent", value=10.0, margin=10.0, discount=3.0)


def spender(total: float, orders: int) -> Spend:
    """Who has paid so much on so many orders."""
    return Spend(T0, total=total, orders=orders)


def decided(spend: Spend | None, order_margin: float, *offers: Offer) -> DecisionLog:
    """The record of a decision for such a person."""
    policy, uplift = shop(*offers, chooser="policy"), UpliftModel("u", order_margin=order_margin)
    basis = Basis(ResponseModel(), policy, uplift=uplift)
    _, effects = decide(someone(spend=spend), request(), T0, basis)
    entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
    again = redecide(entry, ResponseModel(), policy, UpliftModel("u"))
    assert msgspec.json.encode(again) == msgspec.json.encode(entry)
    return entry


def values(entry: DecisionLog) -> dict[str, float]:
    """What a use of each offer brings there."""
    told = [(c.offer_id, c.terms) for c in entry.offers]
    return {
        name: t.value / t.response_probability / (1.0 - (t.bought_anyway or 0.0))
        for name, t in told
        if t is not None
    }


def test_free_delivery_brings_more_where_more_is_bought() -> None:
    """Three orders of 120 where 30 is usual: 3.25 times as much, in the record once; the root."""
    entry = decided(spender(360.0, 3), ORDER_MARGIN, DELIVERY, COFFEE)
    assert {c.terms.order_size for c in entry.offers if c.terms} == {3.25}
    told = values(entry)
    assert told["delivery"] == pytest.approx(10.0 * 3.25**0.5)
    assert told["coffee"] == pytest.approx(10.0)
    assert msgspec.json.encode(entry).count(b"order_size") == 1


@pytest.mark.parametrize(
    ("spend", "order_margin"), [(None, ORDER_MARGIN), (spender(360.0, 3), 0.0)]
)
def test_where_nothing_is_known_it_is_as_it_was(spend: Spend | None, order_margin: float) -> None:
    """Of who has never ordered, and of a shop that has compared nobody: no word in the record."""
    entry = decided(spend, order_margin, DELIVERY, COFFEE)
    assert b"order_size" not in msgspec.json.encode(entry)
    assert values(entry) == pytest.approx({"delivery": 10.0, "coffee": 10.0})


@pytest.mark.parametrize(
    ("fields", "goes"),
    [
        ({"kind": "service"}, True),
        ({"kind": "amount", "value": 5.0}, True),
        ({"kind": "percent", "value": 10.0}, False),
        ({"kind": "bogo"}, False),
        ({"kind": "content"}, False),
        ({"kind": "amount", "value": 5.0, "conditions": Conditions(min_spend=60.0)}, False),
        ({"kind": "amount", "value": 1.0, "conditions": Conditions(categories=("tea",))}, False),
        ({"kind": "amount", "value": 1.0, "conditions": Conditions(product_ids=("t",))}, False),
    ],
)
def test_a_fixed_discount_on_any_order(fields: dict[str, object], goes: bool) -> None:
    """And nothing else."""
    assert goes_with_orders(offer("o", **fields)) is goes


@given(st.floats(-1e9, 1e9), st.integers(0, 10_000), st.floats(0, 1e6), st.floats(0, 1))
def test_the_size_is_bounded(total: float, orders: int, order_margin: float, share: float) -> None:
    """Whatever was bought and given back."""
    size = order_size_of(someone(spend=spender(total, orders)), order_margin, share)
    assert size is None or 0.25 <= size <= 4.0


def test_the_more_is_spent_the_larger_and_few_orders_say_less() -> None:
    """Twice the mean on one order is 1.5 times, on nine 1.9 times."""
    sizes = [order_size_of(someone(spend=spender(60.0 * n, n)), ORDER_MARGIN, 0.3) for n in (1, 9)]
    assert sizes == [1.5, 1.9]
