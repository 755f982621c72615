"""The truth about offers, which only the simulator knows: how probably a shopper uses one."""

import math

from streams.contracts.reference.structs import Offer
from streams.simulator.shoppers import Shopper

BASE_LOGIT = -3.1
TASTE_LOGITS = 1.15
NO_CATEGORY_LOGIT = -0.2
TASTE_MIN, TASTE_MAX = -2.5, 1.8


def redeem_probability(shopper: Shopper, offer: Offer, at_ms: int) -> float:
    """P(the shopper uses the offer within its window), 0 for who has left.

    A log-odds of taste for the offer's category, the depth of the discount times how much deals
    move the person, and the basket against the minimum spend.
    """
    if at_ms >= shopper.leaves_at_ms:
        return 0.0
    categories = offer.conditions.categories
    taste = max((shopper.likes(c) for c in categories), default=NO_CATEGORY_LOGIT)
    logit = BASE_LOGIT + TASTE_LOGITS * min(max(taste, TASTE_MIN), TASTE_MAX)
    logit += shopper.deals * _depth(offer, shopper)
    if offer.conditions.min_spend > shopper.basket:
        logit -= 0.8 * math.log(offer.conditions.min_spend / shopper.basket)
    return 1.0 / (1.0 + math.exp(-logit))


def _depth(offer: Offer, shopper: Shopper) -> float:
    if offer.kind == "percent":
        return offer.value / 100.0
    if offer.kind == "bogo":
        return 0.5
    if offer.kind == "amount":
        return min(0.6, offer.value / max(shopper.basket, offer.conditions.min_spend, 1.0))
    return 0.08
