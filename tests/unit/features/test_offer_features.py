"""Context and offer features: bounded, named, pure, and what they say of plain cases."""

import math
import zlib
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from numpy.typing import NDArray

from streams.contracts.reference.structs import Conditions, Offer, ProductInfo, Reference
from streams.contracts.times import DAY_MS, HOUR_MS, MINUTE_MS, to_ms
from streams.customer.rhythm import Rhythm
from streams.customer.row import (
    Affinity,
    Cart,
    CartItem,
    ChannelActivity,
    Churn,
    Contact,
    Customer,
    Redeemed,
    Session,
    Spend,
    View,
    ZoneVisit,
    new_customer,
)
from streams.customer.trigger_events import TriggerEvent
from streams.features import (
    CONTEXT_FEATURES,
    FEATURES_VERSION,
    OFFER_FEATURES,
    abouts_of,
    cards_of,
    context_vector,
    offer_matrix,
    pack,
    table_of,
    taste_of,
    unpack,
)
from streams.features.registry import FAMILIES

NOW = to_ms(datetime(2026, 5, 16, 18, tzinfo=UTC))  # a Saturday evening
PRODUCTS = tuple(
    ProductInfo(product_id=f"p-{category}", category=category)
    for category in ("tea", "rice", "shoes", "wine")
)
TRIGGER_EVENT = TriggerEvent(kind="product_viewed", at_ms=NOW, event_id="e-1", channel="app")


def offer(**changes: object) -> Offer:
    """Ten percent off, for a month from now."""
    made = Offer(
        offer_id="tea-10",
        kind="percent",
        value=10.0,
        title={"en": "Tea"},
        valid_from=datetime(2026, 5, 1, tzinfo=UTC),
        valid_until=datetime(2026, 6, 15, tzinfo=UTC),
        margin=5.0,
    )
    return replace(made, **changes)


def context(
    person: Customer, trigger_event: TriggerEvent = TRIGGER_EVENT, now_ms: int = NOW
) -> dict[str, float]:
    """The context by name."""
    vector = context_vector(person, trigger_event, now_ms)
    return dict(zip(CONTEXT_FEATURES, vector.tolist(), strict=True))


def vector_of(made: Offer, person: Customer) -> NDArray[np.float32]:
    """What one offer is to the person."""
    reference = Reference(offers=(made,), products=PRODUCTS)
    taste = taste_of(person, NOW, abouts_of(reference))
    matrix = offer_matrix(table_of(cards_of(reference)), [0], taste)
    assert matrix.shape == (1, len(OFFER_FEATURES))
    vector: NDArray[np.float32] = matrix[0]
    return vector


def of_offer(made: Offer, person: Customer) -> dict[str, float]:
    """The offer's features by name."""
    return dict(zip(OFFER_FEATURES, vector_of(made, person).tolist(), strict=True))


def test_names_are_unique_and_the_order_is_a_contract() -> None:
    """Whoever changes a name or the order raises FEATURES_VERSION, and this test with it."""
    assert len(set(CONTEXT_FEATURES)) == len(CONTEXT_FEATURES) == 26
    assert len(set(OFFER_FEATURES)) == len(OFFER_FEATURES) == 8
    names = ",".join((*CONTEXT_FEATURES, *OFFER_FEATURES))
    assert (FEATURES_VERSION, zlib.crc32(names.encode())) == (3, 3818710146)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.names[0])
def test_every_family_gives_a_number_a_name(family: object) -> None:
    """As many numbers as names, for somebody of whom nothing is known."""
    numbers = family.compute(new_customer("c-1", NOW), TRIGGER_EVENT, NOW)  # type: ignore[attr-defined]
    assert len(numbers) == len(family.names)  # type: ignore[attr-defined]


amounts = st.floats(0, 1e9)
counts = st.integers(0, 10**6)
times = st.integers(0, 2 * NOW)


@st.composite
def people(draw: st.DrawFn) -> Customer:
    """Rows with anything in them, times before and after now included."""
    return replace(
        new_customer("c-1", draw(times)),
        channels={"web": ChannelActivity(draw(times), draw(amounts), draw(amounts))},
        session=Session("s-1", "web", NOW, draw(times), draw(counts), 0, draw(counts)),
        cart=Cart("k-1", NOW, (CartItem("p-1", "tea", draw(counts), draw(amounts)),)),
        affinities=(Affinity("tea", draw(amounts), draw(times)),),
        views=(View("p-1", "tea", draw(amounts), draw(times)),),
        spend=Spend(
            draw(times), 0.0, draw(amounts), draw(amounts), draw(amounts), draw(amounts), 3
        ),
        rhythm=Rhythm(0, 0, draw(times), 0, 0, 0, 1, 1, 1, 0, 0),
        visits=(ZoneVisit("v-1", "s", "z", "tea", draw(times), draw(times)),),
        contacts=(Contact(draw(times), "o-1", "app", "d-1"),),
        redemptions=(Redeemed("o-1", draw(times)),),
        churn=Churn(risk=draw(st.floats(0, 1))),
        timezone=draw(st.sampled_from(["UTC", "Asia/Tokyo", "nowhere", "", "../etc"])),
    )


@given(people(), st.integers(0, 10**7), amounts)
def test_every_feature_is_bounded(person: Customer, dwell_ms: int, price: float) -> None:
    """All numbers are float32 within [-3, 3], whatever is in the row."""
    trigger_event = replace(TRIGGER_EVENT, dwell_ms=dwell_ms, price=price, category="tea")
    conditions = Conditions(min_spend=price, categories=("tea",))
    vectors = (
        context_vector(person, trigger_event, NOW),
        vector_of(offer(conditions=conditions, value=price), person),
        vector_of(offer(kind="amount", value=price, expected_rate=1.0), person),
    )
    for vector in vectors:
        assert vector.dtype == np.float32
        assert np.isfinite(vector).all()
        assert np.abs(vector).max() <= 3.0


def test_packed_vectors_come_back_the_same() -> None:
    """Bytes and back: what a model sees from the log is what it saw."""
    vector = context_vector(new_customer("c-1", NOW - DAY_MS), TRIGGER_EVENT, NOW)
    assert pack(unpack(pack(vector))) == pack(vector)
    assert (unpack(pack(vector)) == vector).all()
    assert len(pack(vector)) == 4 * len(CONTEXT_FEATURES)


def test_somebody_of_whom_nothing_is_known() -> None:
    """Amounts are at their least, recency at its most, flags tell the occasion."""
    found = context(new_customer("c-1", NOW))
    assert (found["recency"], found["orders"], found["cart_value"]) == (3.0, -1.0, -1.0)
    assert (found["at_product"], found["at_cart"], found["on_app"]) == (1.0, 0.0, 1.0)
    assert (found["in_store"], found["churn_risk"]) == (0.0, 0.0)


def test_silence_changes_the_numbers_although_the_row_stands_still() -> None:
    """Decay is applied when the numbers are read."""
    person = replace(
        new_customer("c-1", NOW),
        spend=Spend(NOW, 30.0, 30.0, 30.0, 30.0, 0.0, 1),
        channels={"web": ChannelActivity(NOW, 1.0, 20.0, 1.0)},
        affinities=(Affinity("tea", 20.0, NOW),),
    )
    now, later = context(person), context(person, now_ms=NOW + 14 * DAY_MS)
    assert now["spend_week"] == 0.0
    assert now["visits_week"] == 0.0
    assert now["total_affinity"] == 0.0
    for name in ("spend_week", "visits_week", "total_affinity"):
        assert later[name] < now[name]


def test_hours_are_the_persons_own() -> None:
    """18:00 UTC on Saturday is 03:00 on Sunday in Tokyo."""
    utc = context(new_customer("c-1", NOW))
    tokyo = context(replace(new_customer("c-1", NOW), timezone="Asia/Tokyo"))
    assert (utc["hour_sin"], utc["weekend"]) == (-1.0, 1.0)
    assert tokyo["hour_sin"] == pytest.approx(0.7071, abs=1e-4)
    monday_early = context(
        replace(new_customer("c-1", NOW), timezone="Asia/Tokyo"), now_ms=NOW + DAY_MS
    )
    assert (monday_early["weekend"], tokyo["weekend"]) == (0.0, 1.0)


def test_a_visit_is_over_after_half_an_hour() -> None:
    """Views of this morning are not views of this visit."""
    session = Session("s-1", "web", NOW - HOUR_MS, NOW - 20 * MINUTE_MS, 5, 0, 120_000)
    person = replace(new_customer("c-1", NOW), session=session)
    assert context(person)["session_views"] == 0.0
    assert context(person, now_ms=NOW + 11 * MINUTE_MS)["session_views"] == -1.0


def test_in_store_by_beacon() -> None:
    """Seen a minute ago and not gone: in the store, with the dwell so far."""
    visit = ZoneVisit("v-1", "s-1", "z-1", "tea", NOW - 2 * MINUTE_MS, NOW - MINUTE_MS)
    person = replace(new_customer("c-1", NOW), visits=(visit,))
    assert context(person)["in_store"] == 1.0
    assert context(person)["zone_dwell"] == 0.0
    gone = replace(visit, exited_at_ms=NOW)
    assert context(replace(person, visits=(gone,)))["in_store"] == 0.0


def test_offers_so_far() -> None:
    """An offer two days ago, one used just now."""
    person = replace(
        new_customer("c-1", NOW),
        contacts=(Contact(NOW - 2 * DAY_MS, "o-1", "app", "d-1"),),
        redemptions=(Redeemed("o-1", NOW),),
    )
    found = context(person)
    assert (found["since_offer"], found["offers_used"]) == (0.0, 0.0)
    assert found["offers_sent"] < 0.0


def test_affinity_is_the_persons_to_the_offers_categories() -> None:
    """A tea drinker sees a tea offer otherwise than one on shoes; an offer on all is neutral.

    Of six things seen, and six more as if evenly spread over four categories, tea has 7.5 of 12.
    """
    person = replace(new_customer("c-1", NOW), affinities=(Affinity("tea", 0.1, NOW, 6.0),))
    tea = offer(conditions=Conditions(categories=("tea",)))
    leaves = offer(conditions=Conditions(product_ids=("p-tea",)))
    both = offer(conditions=Conditions(categories=("tea", "rice")))
    shoes = offer(conditions=Conditions(categories=("shoes",)))
    assert of_offer(tea, person)["affinity"] == pytest.approx(math.log(7.5 / 12 * 4))
    assert of_offer(leaves, person)["affinity"] == of_offer(tea, person)["affinity"]
    assert of_offer(both, person)["affinity"] == pytest.approx(math.log(9 / 12 * 2))
    assert of_offer(shoes, person)["affinity"] == pytest.approx(math.log(1.5 / 12 * 4))
    assert of_offer(offer(), person)["affinity"] == 0.0
    assert of_offer(offer(conditions=Conditions(product_ids=("x",))), person)["affinity"] == 0.0


def test_a_taste_lasts_longer_than_interest() -> None:
    """In a year half of it is left; a row that did not count it has the score for it."""
    tea = offer(conditions=Conditions(categories=("tea",)))
    rows = (
        Affinity("tea", 0.0, NOW, 3.0),
        Affinity("tea", 50.0, NOW - 365 * DAY_MS, 6.0),
        Affinity("tea", 3.0, NOW),
    )
    people = [replace(new_customer("c-1", NOW), affinities=(row,)) for row in rows]
    found = {of_offer(tea, person)["affinity"] for person in people}
    assert len(found) == 1
    assert found.pop() > 0.4


def test_what_was_looked_at_last_counts_most() -> None:
    """The newest view counts 1, the one before it half."""
    views = (View("p-1", "tea", 5.0, NOW - 1), View("p-2", "shoes", 5.0, NOW))
    person = replace(new_customer("c-1", NOW), views=views)
    by_category = offer(conditions=Conditions(categories=("tea",)))
    by_product = offer(conditions=Conditions(product_ids=("p-2",)))
    assert of_offer(by_category, person)["looked_at"] == 0.5
    assert of_offer(by_product, person)["looked_at"] == 1.0
    assert of_offer(offer(), person)["looked_at"] == 0.0
    either = offer(conditions=Conditions(categories=("tea",), product_ids=("p-1", "p-2")))
    assert of_offer(either, person)["looked_at"] == 1.5


def test_an_offer_that_ends_soon_is_short() -> None:
    """The days that are left count where they are fewer than the days to use it in."""
    ends_soon = offer(valid_until=datetime(2026, 5, 17, 18, tzinfo=UTC), redeem_within_days=7.0)
    short = offer(redeem_within_days=1.0)
    found = of_offer(ends_soon, new_customer("c-1", NOW))["duration"]
    assert found == of_offer(short, new_customer("c-1", NOW))["duration"]
    assert found == pytest.approx(-0.6667, abs=1e-4)


def test_the_offer_itself() -> None:
    """Kind, depth, the days that are left, whose brand, and the owner's rate in three logits."""
    found = of_offer(
        offer(value=30.0, features={"own_brand": 1.0}, expected_rate=0.5),
        new_customer("c-1", NOW),
    )
    assert (found["price_cut"], found["depth"], found["min_spend"]) == (1.0, 1.0, -1.0)
    assert (found["duration"], found["own_brand"], found["expected_rate"]) == (0.0, 1.0, 0.0)
    points = of_offer(offer(kind="points"), new_customer("c-1", NOW))
    assert (points["price_cut"], points["depth"]) == (0.0, -1.0)


def test_the_row_is_not_changed() -> None:
    """Features are read from a row, never written to it."""
    person = replace(new_customer("c-1", NOW), affinities=(Affinity("tea", 4.0, NOW),))
    before = repr(person)
    context_vector(person, TRIGGER_EVENT, NOW)
    vector_of(offer(), person)
    assert repr(person) == before
