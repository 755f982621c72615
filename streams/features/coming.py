"""P(an order that an offer fits comes anyway), by the person's own rhythm of orders.

Orders come as in the NBD model of repeat buying (Ehrenberg, Applied Statistics 1959): by chance, at
a rate of the person's own, which has a gamma distribution. It begins at one order in `PRIOR_DAYS`,
and every purchase day after the first and every day since then move it, so silence does as well.
Of the orders a share fits the offer: with s that share, t the time and x repeats in T days,

    P(one comes) = 1 - (1 + s t / (PRIOR_DAYS + T)) ^ -(x + 1)

The time is twice that in which the offer may be used: an order that it only brings forward would
have come anyway, and comparisons of people with an offer and without last as long. Less than a
week counts as a week: in less time fewer orders come anyway, and the offer brings fewer as well.
"""

import math
from collections.abc import Collection

from msgspec import Struct

from streams.contracts.reference.structs import Offer, Reference
from streams.contracts.times import DAY_MS
from streams.customer.offer_goods import categories_for
from streams.customer.row import Customer

PRIOR_DAYS = 30.0
WINDOWS, WEEK_DAYS = 2, 7.0
BASKET_SPREAD = 0.6
"""Standard deviation of the log of what one person spends on an order."""
LEAST_SHARE = 0.1
"""At least so many of all orders fit: who an offer for a narrow category reaches are its buyers."""


class Fit(Struct, frozen=True):
    """What an offer wants of an order, and for how many days an order counts.

    `share`: of all orders of the shop, those that hold what it wants.
    """

    share: float
    min_spend: float
    days: float


class FitTable(Struct, frozen=True):
    """Each different `Fit` of a catalog once, and which of them each offer has, by its place."""

    kinds: tuple[Fit, ...] = ()
    kind_of: tuple[int, ...] = ()


def fits_of(reference: Reference) -> FitTable:
    """How the offers of the reference data fit orders, in their order.

    Orders are taken to spread evenly over the categories that the reference data names, for the
    shop's sales are not known here. A product counts as its category: fewer orders hold it, and the
    offer brings fewer as well. For the same reason a person's own interest does not count: who
    likes a category buys more of it anyway, and is brought to buy more of it.
    """
    products = {product.product_id: product for product in reference.products}
    named = {c for offer in reference.offers for c in offer.conditions.categories}
    many = len(named.union(product.category for product in reference.products))

    def fit(offer: Offer) -> Fit:
        wanted, days = offer.conditions, max(offer.redeem_within_days, WEEK_DAYS)
        share = 1.0
        if wanted.categories or wanted.product_ids:
            categories = len(categories_for(wanted, products)) or 1
            share = min(max(categories / max(many, 1), LEAST_SHARE), 1.0)
        return Fit(share, wanted.min_spend, WINDOWS * days)

    fits = [fit(offer) for offer in reference.offers]
    kinds = tuple(dict.fromkeys(fits))
    where = {kind: number for number, kind in enumerate(kinds)}
    return FitTable(kinds, tuple([where[one] for one in fits]))


def ordered_anyway(
    table: FitTable, kinds: Collection[int], person: Customer, now_ms: int
) -> dict[int, float | None]:
    """P(an order that fits comes though no offer is made), 0 to 1, to six decimals, by kind.

    Args:
        table: the catalog's.
        kinds: which kinds of offers, as `FitTable.kind_of` has them.
        person: whose row it is; None of one who has never ordered.
        now_ms: the moment of the decision; epoch milliseconds.
    """
    rhythm = person.rhythm
    if rhythm is None:
        return dict.fromkeys(kinds)
    age = PRIOR_DAYS + max((now_ms - rhythm.first_ms) / DAY_MS, rhythm.gap_days_sum)
    power = -(rhythm.repeats + 1.0)
    found: dict[int, float | None] = {}
    for kind in kinds:
        fit = table.kinds[kind]
        share = fit.share
        if fit.min_spend > 0.0:
            share *= _is_large_enough(rhythm.log_amount_mean, fit.min_spend)
        p = 1.0 - (1.0 + share * fit.days / age) ** power
        found[kind] = int(p * 1e6 + 0.5) / 1e6
    return found


def _is_large_enough(log_amount_mean: float, min_spend: float) -> float:
    """P(an order of the person's reaches the minimum spend); its amount is log-normal."""
    short = (math.log1p(min_spend) - log_amount_mean) / BASKET_SPREAD
    return 0.5 * math.erfc(short / math.sqrt(2.0))
