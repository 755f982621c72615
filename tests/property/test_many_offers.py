"""Many offers are asked for and computed at once, to what is found of them one by one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.contracts.common import Purpose
from streams.contracts.outputs.candidates import columns_of
from streams.contracts.reference.structs import (
    Conditions,
    FrequencyCap,
    Offer,
    ProductInfo,
    Reference,
    StockLevel,
    TriggerRule,
)
from streams.contracts.times import DAY_MS, to_ms
from streams.customer import TriggerEvent
from streams.customer.row import (
    Affinity,
    Contact,
    Redeemed,
    Refused,
    Spend,
    View,
    new_customer,
)
from streams.decisions import DecisionRequest, compile_policy
from streams.decisions.arbitration import FEW as FEW_TERMS
from streams.decisions.arbitration import Response, prices_of, to_nano, weigh, weigh_many
from streams.decisions.eligibility import RULES, objected_of, situation_of
from streams.features import abouts_of, cards_of, offer_matrix, table_of, taste_of

NOW = datetime(2026, 5, 16, 18, tzinfo=UTC)
NOW_MS = to_ms(NOW)
CATEGORIES = ("tea", "pet", "wine")
PRODUCTS = tuple(ProductInfo(product_id=c, category=c) for c in (*CATEGORIES, "baby"))
amounts = st.floats(0, 1e6) | st.sampled_from([0.0, 1e-9, 2.5, 40.0])
shares = st.floats(0, 1)
anyway_shares = st.tuples(shares, st.none() | shares)
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
catalogs = st.lists(offers, min_size=1, max_size=25)


@given(catalogs, st.lists(st.tuples(st.sampled_from(CATEGORIES), amounts)), st.integers(0, 9))
def test_the_features_of_many_are_those_of_each(
    catalog: list[Offer], looks: list[tuple[str, float]], orders: int
) -> None:
    """As a matrix of all offers, or as those of one each: the same bytes."""
    person = replace(
        new_customer("c-1", NOW_MS),
        affinities=tuple(Affinity(c, score, NOW_MS) for c, score in dict(looks).items()),
        views=tuple(View(c, c, 1.0, NOW_MS) for c, _ in looks[:5]),
        spend=Spend(NOW_MS, total=31.5 * orders, orders=orders),
    )
    reference = Reference(offers=tuple(catalog), products=PRODUCTS)
    table = table_of(cards_of(reference))
    places = range(len(catalog))
    taste = taste_of(person, NOW_MS, abouts_of(reference))
    one_by_one = [offer_matrix(table, [place], taste).tobytes() for place in places]
    assert offer_matrix(table, places, taste).tobytes() == b"".join(one_by_one)
    shuffled = [*places][::-1]
    told = offer_matrix(table, shuffled, taste)
    assert told.tobytes() == b"".join(reversed(one_by_one))
    some = list(places)[::2]
    told = offer_matrix(table, some, taste)
    assert told.tobytes() == b"".join([one_by_one[place] for place in some])


weighed = st.tuples(offers, shares, anyway_shares, pulls)


@given(st.lists(weighed, min_size=1) | st.lists(weighed, min_size=FEW_TERMS + 1), amounts)
def test_the_terms_of_many_are_those_of_each(
    asked: list[tuple[Offer, float, tuple[float, float | None], float]], fatigue: float
) -> None:
    """Weighed at once or one by one, with levers or without, the log says the same bytes."""
    made, used, anyway, levers = zip(*asked, strict=True)
    told_anyway = ([share for share, _ in anyway], [ordered for _, ordered in anyway])
    prices, none = prices_of(made), (0.0,) * len(made)
    for pulled, told in ((levers, levers), (none, None)):
        at_once = weigh_many(prices, np.array(used), told_anyway, fatigue, told)
        each = zip(made, used, anyway, pulled, strict=True)
        one_by_one = columns_of(
            [weigh(o, Response(p, s[0], (), lever, s[1]), fatigue) for o, p, s, lever in each]
        )
        assert msgspec.json.encode(at_once) == msgspec.json.encode(one_by_one)


ids = st.sampled_from(["o0", "o1", "o2", "o3", "o4"])
moments = st.integers(1, 9).map(lambda days: NOW_MS - days * DAY_MS)
ruled = st.fixed_dictionaries(
    {
        "paused": st.booleans(),
        "channels": st.sampled_from([("app",), ("push", "app"), ("web",)]),
        "triggers": st.sampled_from([(), ("product_viewed",), ("application_opened",)]),
        "purpose": st.sampled_from(["personalization", "profiling"]),
        "segment": st.sampled_from(["true", "person.known", 'trigger.category == "tea"']),
        "class_": st.sampled_from(["standard", "tea"]),
        "once_per_person": st.booleans(),
        "cap": st.sampled_from([None, FrequencyCap(count=1, days=3.0)]),
        "not_after": st.dictionaries(ids, st.just(2.0), max_size=1),
        "stock_product_id": st.sampled_from([None, "gone", "there"]),
    }
)


@given(
    st.lists(st.tuples(offers, ruled), min_size=5, max_size=5),
    st.lists(st.tuples(ids, moments), max_size=3),
    st.lists(st.tuples(ids, moments), max_size=3),
    st.lists(st.tuples(ids, moments), max_size=2),
)
def test_a_rule_asked_for_several_offers_says_what_it_says_of_each(
    asked: list[tuple[Offer, dict[str, Any]]],
    sent: list[tuple[str, int]],
    used: list[tuple[str, int]],
    refused: list[tuple[str, int]],
) -> None:
    """The first of all rules that objects to an offer alone is what is found of it among others."""
    made = [replace(o, offer_id=f"o{n}", **fields) for n, (o, fields) in enumerate(asked)]
    stock = (StockLevel(product_id="gone", store_id="*", quantity=0),)
    policy = compile_policy(Reference(offers=tuple(made), inventory=stock))
    person = replace(
        new_customer("c-1", NOW_MS - 99 * DAY_MS, known=bool(sent)),
        contacts=tuple(Contact(at, name, "app", "d") for name, at in sent),
        redemptions=tuple(Redeemed(name, at) for name, at in used),
        refusals=tuple(Refused(name, at) for name, at in refused),
    )
    rule = TriggerRule(rule_id="r", kind="product_viewed", channel="app", placement="home")
    event = TriggerEvent(kind=rule.kind, at_ms=NOW_MS, event_id="e", channel="app", category="tea")
    request = DecisionRequest(rule, event)
    agreed = frozenset[Purpose](("personalization",))
    situation = situation_of(person, request, NOW_MS, policy, agreed)
    alone = [
        next((r.code for r in RULES if r.concerns(c) and r.objects(c, situation)), None)
        for c in policy.offers
    ]
    assert objected_of(policy, situation) == alone
