"""An offer in eight numbers, some of them as this person sees it.

What is the same for everybody is on the offer's card, computed when the offers are read; what is
the same for all offers is the person's taste, computed once a decision.

Owners may say more under `features` of an offer: `own_brand` (0 or 1) is read here.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from streams.contracts.reference.structs import Offer, Reference
from streams.contracts.times import DAY_MS, to_ms
from streams.customer.row import VIEWS_MAX, Customer, View
from streams.features.expected import expected_rates
from streams.features.liking import About, assortment_of, lasting_of
from streams.features.scaling import LIMIT, bounded, log_scale, logit

OFFER_NAMES = (
    "affinity",
    "looked_at",
    "price_cut",
    "depth",
    "min_spend",
    "duration",
    "own_brand",
    "expected_rate",
)
DURATION = OFFER_NAMES.index("duration")
SHARES = tuple(0.5**place for place in range(1, VIEWS_MAX + 1))
"""For how much a view counts: the newest 1/2, the one before it 1/4, and so on."""
PRICE_CUTS = frozenset({"percent", "amount", "bogo"})
TYPICAL_DEPTH = 0.15
TYPICAL_BASKET = 40.0
scaled_days = log_scale(7.0)
RATE_LOGITS = 3.0
LOG_REACH = "log_reach"
"""Of an example of response: log of the reach of its channel, which is given and not learned."""
scaled_min_spend = log_scale(1.0)


class OfferCard(Struct, frozen=True, kw_only=True):
    """An offer as its features see it, as far as they are the same for everybody.

    `depth` is None for an amount off (`amount_off`), whose depth depends on the basket;
    `duration` holds until fewer than `days` are left before `end_ms`.
    """

    categories: tuple[str, ...]
    about: About
    product_ids: frozenset[str]
    min_spend: float
    amount_off: float
    days: float
    end_ms: int
    price_cut: float
    depth: float | None
    duration: float
    own_brand: float
    expected_rate: float


class Taste(Struct, frozen=True):
    """A person as offers see them: what they like, views by category, the last views, the basket.

    A view counts by its place from the end (`SHARES`); `views` are as the row has them. `likings`
    are of what the offers are about, by `About.place`.
    """

    likings: Sequence[float]
    viewed: Mapping[str, float]
    views: Sequence[View]
    basket: float
    now_ms: int


def card_of(offer: Offer, rate: float, about: About) -> OfferCard:
    """The card of an offer that is about these categories, and is used as often as `rate` says.

    `expected_rate` is that rate in units of three logits: with it the learner finds the
    offer's prior again.
    """
    depth = {"percent": offer.value / 100.0, "bogo": 0.5, "amount": None}.get(offer.kind, 0.0)
    return OfferCard(
        categories=tuple(dict.fromkeys(offer.conditions.categories)),
        about=about,
        product_ids=frozenset(offer.conditions.product_ids),
        min_spend=offer.conditions.min_spend,
        amount_off=offer.value,
        days=offer.redeem_within_days,
        end_ms=to_ms(offer.valid_until),
        price_cut=float(offer.kind in PRICE_CUTS),
        depth=None if depth is None else _scaled_depth(depth),
        duration=scaled_days(offer.redeem_within_days),
        own_brand=bounded(offer.features.get("own_brand", 0.0)),
        expected_rate=scaled_rate(rate),
    )


def scaled_rate(rate: float) -> float:
    """The feature `expected_rate` of a share: log odds over `RATE_LOGITS`, within [-3, 3]."""
    return bounded(logit(rate) / RATE_LOGITS)


def cards_of(reference: Reference) -> list[OfferCard]:
    """The cards of all offers of the reference data, in their order."""
    assortment = assortment_of(reference)
    rates = expected_rates(reference)
    return [
        card_of(offer, rate, assortment.about(offer))
        for offer, rate in zip(reference.offers, rates, strict=True)
    ]


def taste_of(person: Customer, now_ms: int, abouts: Sequence[About]) -> Taste:
    """The taste of a person at this moment; `abouts` as `liking.abouts_of` has them."""
    viewed: dict[str, float] = {}
    for view, share in zip(reversed(person.views), SHARES, strict=False):
        viewed[view.category] = viewed.get(view.category, 0.0) + share
    likings = lasting_of(person, now_ms).likings(abouts)
    return Taste(likings, viewed, person.views, basket(person), now_ms)


def alike(card: OfferCard) -> tuple[object, ...]:
    """What a person sees of an offer: offers with the same have the same `personal_numbers`."""
    amount_off = card.amount_off if card.depth is None else None
    return card.categories, card.about, card.product_ids, card.min_spend, card.depth, amount_off


def fixed_numbers(card: OfferCard) -> tuple[float, ...]:
    """What is the same for everybody, in the order of `OFFER_NAMES`; 0 where it is not."""
    fixed = (card.duration, card.own_brand, card.expected_rate)
    return 0.0, 0.0, card.price_cut, 0.0, 0.0, *fixed


def personal_numbers(cards: Sequence[OfferCard], taste: Taste) -> list[float]:
    """Of each card affinity, what was looked at, depth, least spend: each within [-3, 3].

    The four of one card stand together, card after card. `affinity` is the log of a share
    (`liking`): .7 for who likes it twice as much as others do. `looked_at` says how much of what
    was looked at last belongs to the offer: the newest counts 1, all less than 2.
    """
    viewed_of = taste.viewed
    told: list[float] = []
    likings, whole = taste.likings, taste.basket
    for card in cards:
        liking, viewed = likings[card.about.place], 0.0
        for category in card.categories:
            viewed += viewed_of.get(category, 0.0)
        if card.product_ids:
            for view, share in zip(reversed(taste.views), SHARES, strict=False):
                if view.product_id in card.product_ids and view.category not in card.categories:
                    viewed += share
        depth, least = card.depth, card.min_spend
        told += (
            liking if -LIMIT <= liking <= LIMIT else bounded(liking),
            bounded(2.0 * viewed) if viewed else 0.0,
            depth if depth is not None else _scaled_depth(card.amount_off / max(least, whole)),
            scaled_min_spend(least / whole) if least else -1.0,
        )
    return told


def offer_numbers(cards: Sequence[OfferCard], taste: Taste) -> list[float]:
    """All numbers of the offers, card after card, in the order of `OFFER_NAMES`: in [-3, 3]."""
    personal = iter(personal_numbers(cards, taste))
    told: list[float] = []
    for card, affinity, looked_at, depth, min_spend in zip(
        cards, personal, personal, personal, personal, strict=True
    ):
        days_left = (card.end_ms - taste.now_ms) / DAY_MS
        duration = card.duration if days_left >= card.days else scaled_days(days_left)
        fixed = (duration, card.own_brand, card.expected_rate)
        told += (affinity, looked_at, card.price_cut, depth, min_spend, *fixed)
    return told


def basket(person: Customer) -> float:
    """What the person spends on an order, shrunk to a typical basket; above 0.

    >>> from streams.customer.row import new_customer
    >>> basket(new_customer("c-1", 0))
    40.0
    """
    spend = person.spend
    if spend is None or spend.orders <= 0:
        return TYPICAL_BASKET
    return (TYPICAL_BASKET + max(spend.total, 0.0)) / (1 + spend.orders)


def _scaled_depth(depth: float) -> float:
    """What the offer takes off as a share of the basket that it is used on, against 15 %."""
    return bounded(depth / TYPICAL_DEPTH - 1.0)
