"""Many offers are computed at once, to the bits that they have one by one."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.contracts.reference.structs import Conditions, Offer
from streams.contracts.times import to_ms
from streams.customer.row import Affinity, Spend, View, new_customer
from streams.decisions.arbitration import Response, prices_of, to_nano, weigh, weigh_many
from streams.features import card_of, offer_matrix, table_of
from streams.features.offer_table import FEW

NOW = datetime(2026, 5, 16, 18, tzinfo=UTC)
NOW_MS = to_ms(NOW)
CATEGORIES = ("tea", "pet", "wine")
amounts = st.floats(0, 1e6) | st.sampled_from([0.0, 1e-9, 2.5, 40.0])
shares = st.floats(0, 1)
pulls = st.floats(-1e6, 1e6).map(to_nano)
several = st.lists(st.sampled_from(CATEGORIES), max_size=3).map(tuple)
offers = st.builds(
    Offer,
    offer_id=st.just("o"),
    kind=st.sampled_from(["percent", "amount", "bogo", "points"]),
    value=st.floats(0, 100),
    title=st.just({"en": "o"}),
    valid_from=st.just(NOW - timedelta(days=9)),
    valid_until=st.integers(0, 40).map(lambda days: NOW + timedelta(days=days, hours=1)),
    redeem_within_days=st.floats(0.1, 30),
    margin=amounts,
    discount=amounts,
    contact_cost=amounts,
    expected_rate=shares,
    conditions=st.builds(Conditions, categories=several, product_ids=several, min_spend=amounts),
)
catalogs = st.lists(offers, min_size=FEW + 1, max_size=FEW + 9)


@given(catalogs, st.lists(st.tuples(st.sampled_from(CATEGORIES), amounts)), st.integers(0, 9))
def test_the_features_of_many_are_those_of_each(
    catalog: list[Offer], looks: list[tuple[str, float]], orders: int
) -> None:
    """As a matrix of all offers, or as the matrices of one each: the same bytes."""
    person = replace(
        new_customer("c-1", NOW_MS),
        affinities=tuple(Affinity(c, score, NOW_MS) for c, score in dict(looks).items()),
        views=tuple(View(c, c, 1.0, NOW_MS) for c, _ in looks[:5]),
        spend=Spend(NOW_MS, total=31.5 * orders, orders=orders),
    )
    table = table_of([card_of(offer) for offer in catalog])
    places = range(len(catalog))
    one_by_one = [offer_matrix(table, [place], person, NOW_MS).tobytes() for place in places]
    assert offer_matrix(table, list(places), person, NOW_MS).tobytes() == b"".join(one_by_one)


@given(st.lists(st.tuples(offers, shares, shares, pulls), min_size=1), amounts)
def test_the_terms_of_many_are_those_of_each(
    asked: list[tuple[Offer, float, float, float]], fatigue: float
) -> None:
    """Weighed at once or one by one, with levers or without, the log says the same bytes."""
    made, used, anyway, levers = zip(*asked, strict=True)
    prices, none = prices_of(made), (0.0,) * len(made)
    for pulled, told in ((levers, levers), (none, None)):
        at_once = weigh_many(prices, np.array(used), anyway, fatigue, told)
        each = zip(made, used, anyway, pulled, strict=True)
        one_by_one = [weigh(o, Response(p, s, (), lever), fatigue) for o, p, s, lever in each]
        assert msgspec.json.encode(at_once) == msgspec.json.encode(one_by_one)
