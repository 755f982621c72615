"""What a decision computes in a form written for speed has the bits of its plain form."""

import math
from base64 import urlsafe_b64encode
from hashlib import blake2b

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.contracts.ids import derive_id
from streams.contracts.reference.structs import Conditions, Offer, ProductInfo, Reference
from streams.contracts.sums import sum_of
from streams.contracts.times import from_ms
from streams.customer import TriggerEvent
from streams.customer.interests import LASTING_HALF_LIFE_MS, known_lasting, score_at
from streams.customer.row import Affinity, Customer, new_customer
from streams.decisions.anyway import share_expected, shares_expected
from streams.features import abouts_of, taste_of
from streams.features.affinity import affinity, scaled_score, scaled_total
from streams.features.liking import BEFOREHAND, assortment_of
from streams.features.packing import Vector
from streams.models.pairs import products_of
from streams.models.pool import on_bases
from streams.models.response import (
    CONTEXT_AXIS,
    LOGIT_MAX,
    OFFER_AXIS,
    ResponseModel,
)

NOW_MS = 2**40
CATEGORIES = ("tea", "pet", "wine")
PRODUCTS = tuple(ProductInfo(product_id=c, category=c) for c in (*CATEGORIES, "baby"))
features = st.floats(-3, 3, width=32)
shares = st.floats(0, 1)
several = st.lists(st.sampled_from((*CATEGORIES, "new")), max_size=3).map(tuple)
liked = st.dictionaries(
    st.sampled_from(CATEGORIES),
    st.tuples(st.floats(0, 50), st.integers(-(10**9), 10**11), st.floats(-1, 50)),
)


def person_who(likes: dict[str, tuple[float, int, float]]) -> Customer:
    """Who came upon these categories: score, how long ago, lasting score."""
    told = [Affinity(c, score, NOW_MS - ago, last) for c, (score, ago, last) in likes.items()]
    return replace(new_customer("c-1", NOW_MS), affinities=tuple(told))


@given(st.lists(shares), shares | st.sampled_from([0.0, 1.0]))
def test_shares_of_several_are_those_of_each(ordered: list[float], prior: float) -> None:
    """Whoever orders anyway, and whatever the shop thinks of it."""
    assert shares_expected(ordered, prior) == [share_expected(p, prior) for p in ordered]


@given(liked, st.sampled_from([None, *CATEGORIES]))
def test_interests_fade_as_the_row_has_them(
    likes: dict[str, tuple[float, int, float]], wanted: str | None
) -> None:
    """In the trigger event's category, and in all."""
    person = person_who(likes)
    event = TriggerEvent(kind="product_viewed", at_ms=NOW_MS, event_id="e-1", channel="web")
    faded = {a.category: score_at(a, NOW_MS) for a in person.affinities}
    own = 0.0 if wanted is None else scaled_score(faded.get(wanted, 0.0))
    told = affinity(person, replace(event, category=wanted or ""), NOW_MS)
    assert told == (own, scaled_total(sum_of(faded.values())))


@given(liked, st.lists(several, min_size=1))
def test_likings_are_told_once_for_all_that_offers_are_about(
    likes: dict[str, tuple[float, int, float]], wanted: list[tuple[str, ...]]
) -> None:
    """Of each offer that of its own categories, found by its place."""
    made = [
        Offer(
            offer_id=f"o-{n}",
            kind="percent",
            value=10.0,
            title={"en": "o"},
            valid_from=from_ms(0),
            valid_until=from_ms(NOW_MS),
            redeem_within_days=7.0,
            margin=1.0,
            conditions=Conditions(categories=categories),
        )
        for n, categories in enumerate(wanted)
    ]
    reference, person = Reference(offers=tuple(made), products=PRODUCTS), person_who(likes)
    assortment, taste = assortment_of(reference), taste_of(person, NOW_MS, abouts_of(reference))
    lasting = {
        a.category: known_lasting(a) * 2.0 ** (-max(NOW_MS - a.at_ms, 0) / LASTING_HALF_LIFE_MS)
        for a in person.affinities
    }
    for offer in made:
        about = assortment.about(offer)
        assert about.categories == tuple(sorted(set(offer.conditions.categories)))
        even, whole = about.even, sum_of(lasting.values()) + BEFOREHAND
        own = sum_of([BEFOREHAND * even, *(lasting.get(c, 0.0) for c in about.categories)])
        assert taste.likings[about.place] == (
            0.0 if even >= 1.0 else math.log(own / (even * whole))
        )


@given(st.lists(features, min_size=1, max_size=60))
def test_tanh_with_the_bias_is_tanh_of_each(numbers: list[float]) -> None:
    """Wherever a number stands, and whatever stands beside it."""
    told = np.array(numbers, np.float32)
    alone = [float(np.tanh(np.float32(2.0) * told[n : n + 1])[0]) for n in range(len(told))]
    assert on_bases(told).tolist() == [[1.0, *told.tolist()], [1.0, *alone]]


@given(st.integers(0, 2**32 - 1), st.integers(1, 70))
def test_the_odds_against_are_the_odds_for_turned_round(seed: int, count: int) -> None:
    """P(used) by the log odds of using it, as the formula has it."""
    draw = np.random.default_rng(seed)
    width = len(CONTEXT_AXIS)

    def some(*shape: int) -> Vector:
        return draw.normal(0.0, 0.4, shape).astype(np.float32)

    model = ResponseModel(
        weights=some(2, len(OFFER_AXIS) + 1, width + 1),
        own=some(count + 1, 2, width + 1),
        rows={f"o-{n}": n for n in range(count)},
        pairs=some(len(OFFER_AXIS) + 1, width * (width - 1) // 2),
    )
    context, offers, priors = some(width), some(count, len(OFFER_AXIS)), draw.normal(-3, 2, count)
    ids = tuple(model.rows)
    x, f = on_bases(context), on_bases(offers)
    logits = offers.dot(model.beliefs)
    logits += priors
    by_offer = model.weights[0].dot(x[0])
    by_offer += model.pairs.dot(products_of(context))
    logits += f[0].dot(by_offer) + f[1].dot(model.weights[1].dot(x[1]))
    logits += model.own[:count].reshape(count, -1).dot(x.ravel())
    plain = 1.0 / (1.0 + np.exp(-np.minimum(np.maximum(logits, -LOGIT_MAX), LOGIT_MAX)))
    told = model.response_probabilities(context, offers, ids, priors)
    assert told.tobytes() == plain.tobytes()


@given(st.text(), st.text(max_size=9))
def test_ids_are_base64_for_urls(part: str, other: str) -> None:
    """As RFC 4648 has it, without its end."""
    digest = blake2b(f"{part}\x1f{other}".encode(), digest_size=16).digest()
    assert derive_id("d", part, other) == f"d_{urlsafe_b64encode(digest).decode()[:22]}"
