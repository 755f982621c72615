"""P(an order that fits comes anyway): by rhythm, by what the offer wants, always a probability."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.contracts.reference.structs import Conditions, Offer, ProductInfo, Reference
from streams.contracts.times import DAY_MS, to_ms
from streams.customer import Customer, new_customer
from streams.customer.rhythm import record_purchase
from streams.customer.row import Affinity
from streams.features import abouts_of, fits_of, ordered_anyway, taste_of

NOW = to_ms(datetime(2026, 5, 16, 18, tzinfo=UTC))
PRODUCTS = tuple(
    ProductInfo(product_id=f"{category}-{n}", category=category)
    for category in ("tea", "wine", "pet", "baby")
    for n in range(2)
)
days_before = st.lists(st.integers(0, 400), max_size=30)


def offer(days: float = 7.0, **wanted: object) -> Offer:
    """Ten percent off what satisfies the conditions, for some days."""
    return Offer(
        offer_id="o",
        kind="percent",
        value=10.0,
        title={"en": "o"},
        valid_from=datetime(2026, 5, 1, tzinfo=UTC),
        valid_until=datetime(2027, 6, 15, tzinfo=UTC),
        redeem_within_days=days,
        margin=5.0,
        conditions=Conditions(**wanted),  # type: ignore[arg-type]
    )


def buyer(*days: int, amount: float = 40.0) -> Customer:
    """Who ordered so many days ago."""
    rhythm = None
    for ago in sorted(days, reverse=True):
        rhythm = record_purchase(rhythm, NOW - ago * DAY_MS, amount)
    return replace(new_customer("c-1", NOW), rhythm=rhythm)


def p(person: Customer, of: Offer) -> float:
    """P(an order that the offer fits comes anyway)."""
    reference = Reference(offers=(of,), products=PRODUCTS)
    return anyway_in(reference, person)


def anyway_in(reference: Reference, person: Customer) -> float:
    """The same of the first offer of the reference data."""
    taste = taste_of(person, NOW, abouts_of(reference))
    return ordered_anyway(fits_of(reference), [0], person, taste)[0]


def test_who_never_ordered_is_as_who_did_once_and_the_longer_the_less() -> None:
    """As of the first event; half of their orders are taken to be large enough."""
    new, seen = new_customer("c-1", NOW), new_customer("c-1", NOW - 90 * DAY_MS)
    assert p(new, offer()) == p(buyer(0), offer())
    assert p(seen, offer()) == p(buyer(90), offer()) < p(new, offer())
    assert p(new, offer(min_spend=1.0)) < p(new, offer())
    assert p(new, offer(min_spend=1.0)) == p(new, offer(min_spend=1e6))


def test_who_likes_a_category_orders_more_of_it_anyway() -> None:
    """More than others, and less than others of what they do not like; the rest stays."""
    looks = (Affinity("tea", 1.0, NOW, 9.0),)
    likes = replace(buyer(5, 20, 40, 70), affinities=looks)
    tea, wine = offer(categories=("tea",)), offer(categories=("wine",))
    assert p(likes, tea) > p(buyer(5, 20, 40, 70), tea) > 0.0
    assert p(likes, wine) < p(buyer(5, 20, 40, 70), wine)
    assert p(likes, offer()) == p(buyer(5, 20, 40, 70), offer())


def test_who_orders_weekly_comes_anyway_and_who_is_silent_does_not() -> None:
    """Weekly for half a year; three times in it; weekly, but silent since half a year."""
    weekly, rare = buyer(*range(3, 180, 7)), buyer(10, 90, 175)
    gone = buyer(*range(183, 360, 7))
    assert p(weekly, offer()) > 0.7
    assert p(rare, offer()) < 0.3
    assert p(gone, offer()) < p(weekly, offer()) - 0.2


def test_a_silence_of_one_gap_tells_nothing_and_a_longer_one_does() -> None:
    """Monthly for half a year, seen a day after the last order, in the middle of a gap, late."""
    days = range(0, 180, 30)
    after_a_day, between, late, later = (
        buyer(*(day + silence for day in days)) for silence in (1, 15, 45, 90)
    )
    assert p(after_a_day, offer()) == p(between, offer()) > p(late, offer()) > p(later, offer())


@pytest.mark.parametrize(
    ("wider", "narrower"),
    [
        (offer(), offer(categories=("tea",))),
        (offer(categories=("tea", "wine")), offer(categories=("tea",))),
        (offer(), offer(product_ids=("tea-1", "tea-2"))),
        (offer(product_ids=("tea-1", "wine-1")), offer(product_ids=("tea-1",))),
        (offer(), offer(min_spend=60.0)),
        (offer(min_spend=60.0), offer(min_spend=90.0)),
        (offer(14.0), offer(9.0)),
    ],
)
def test_what_wants_less_is_satisfied_more_often(wider: Offer, narrower: Offer) -> None:
    """Categories, products, the least spend against the own basket, the time."""
    person = buyer(5, 20, 40, 70)
    assert p(person, wider) > p(person, narrower) > 0.0


def test_a_product_counts_as_its_category() -> None:
    """One of it or both; of products that nobody knows, one category is thought."""
    person = buyer(5, 20, 40, 70)
    tea = p(person, offer(categories=("tea",)))
    for products in (("tea-1",), ("tea-0", "tea-1"), ("unknown",)):
        assert p(person, offer(product_ids=products)) == tea


def test_products_of_a_category_are_what_is_both() -> None:
    """An offer for tea-1 and wine-1 among tea is one for tea, as its words and features say."""
    person = buyer(5, 20, 40, 70)
    both = offer(categories=("tea",), product_ids=("tea-1", "wine-1"))
    assert p(person, both) == p(person, offer(categories=("tea",)))


def test_a_narrow_category_counts_as_a_tenth() -> None:
    """In a shop of twenty categories an offer for one of them is as one in a shop of ten."""
    person, tea = buyer(5, 20, 40), offer(categories=("tea",))
    found = []
    for many in (10, 20):
        products = [ProductInfo(product_id=f"p-{n}", category=f"c-{n}") for n in range(many - 1)]
        found.append(anyway_in(Reference(offers=(tea,), products=tuple(products)), person))
    assert found[0] == found[1]


@given(days_before, st.floats(0.1, 365), st.floats(0, 1e6), st.floats(0, 1e5))
def test_it_is_a_probability(ago: list[int], days: float, spend: float, amount: float) -> None:
    """Whatever the rhythm and the offer, with an order or without."""
    person = buyer(*ago, amount=amount)
    found = anyway_in(Reference(offers=(offer(days, min_spend=spend),)), person)
    assert 0.0 <= found <= 1.0
