"""An offer in eight numbers, some of them as this person sees it.

Owners may say more under `features` of an offer: `own_brand` (0 or 1) is read here.
"""

from datetime import datetime

from streams.contracts.reference import Offer
from streams.contracts.times import DAY_MS
from streams.customer.row import Customer
from streams.features.liking import TYPICAL_SCORE, interest
from streams.features.scaling import bounded, log_scaled, logit

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
PRICE_CUTS = frozenset({"percent", "amount", "bogo"})
TYPICAL_DEPTH = 0.15
TYPICAL_BASKET = 40.0
TYPICAL_DAYS = 7.0
RATE_LOGITS = 3.0


def offer_numbers(offer: Offer, person: Customer, now_ms: int) -> tuple[float, ...]:
    """The numbers in the order of `OFFER_NAMES`, each within [-3, 3].

    `expected_rate` is the owner's rate in units of three logits: with it the learner finds the
    offer's prior again.
    """
    conditions = offer.conditions
    affinity = 0.0
    if conditions.categories:
        score = interest(person.affinities, conditions.categories, now_ms)
        affinity = log_scaled(score, TYPICAL_SCORE)
    days_left = (_end_ms(offer.valid_until) - now_ms) / DAY_MS
    return (
        affinity,
        _looked_at(offer, person),
        float(offer.kind in PRICE_CUTS),
        bounded(_depth(offer, person) / TYPICAL_DEPTH - 1.0),
        log_scaled(conditions.min_spend / basket(person), 1.0) if conditions.min_spend else -1.0,
        log_scaled(min(days_left, offer.redeem_within_days), TYPICAL_DAYS),
        bounded(offer.features.get("own_brand", 0.0)),
        bounded(logit(offer.expected_rate) / RATE_LOGITS),
    )


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


def _depth(offer: Offer, person: Customer) -> float:
    """What the offer takes off, as a share of the basket it is used on."""
    if offer.kind == "percent":
        return offer.value / 100.0
    if offer.kind == "bogo":
        return 0.5
    if offer.kind == "amount":
        return offer.value / max(offer.conditions.min_spend, basket(person))
    return 0.0


def _looked_at(offer: Offer, person: Customer) -> float:
    """How much of what was looked at last belongs to the offer: the newest counts 1, all < 2."""
    conditions, share = offer.conditions, 0.5
    total = 0.0
    for view in reversed(person.views):
        if view.product_id in conditions.product_ids or view.category in conditions.categories:
            total += share
        share /= 2.0
    return bounded(2.0 * total)


def _end_ms(moment: datetime) -> float:
    return moment.timestamp() * 1000.0
