"""P(an order that an offer fits comes anyway), by the person's own rhythm of orders.

Orders come as in the NBD model of repeat buying (Ehrenberg, Applied Statistics 1959): by chance, at
a rate of the person's own, which has a gamma distribution. It begins at one order in `PRIOR_DAYS`,
and every purchase day after the first moves it, in T days from the first to the last. People who
come steadily are silent for one gap of their own again and again, so the first such gap of a
silence tells nothing of the rate; what is longer does. Of the orders a share fits the offer: with s
that share, t the time, x repeats and z days since the last,

    gap          = (PRIOR_DAYS + T) / (x + 1)
    known        = PRIOR_DAYS + T + max(z - gap, 0)
    P(one comes) = 1 - (1 + s t / known) ^ -(x + 1)

The time is twice that in which the offer may be used: an order that it only brings forward would
have come anyway, and comparisons of people with an offer and without last as long. Less than a
week counts as a week: in less time fewer orders come anyway, and the offer brings fewer as well.

Who likes a category buys more of it anyway, and is brought nearly as much more of it: for a share
of interest of e times an even one, e ^ `BY_LIKING` times the even share of orders counts.
"""

import math
from collections.abc import Collection

from msgspec import Struct

from streams.contracts.reference.structs import Offer, Reference
from streams.contracts.times import DAY_MS
from streams.customer.rhythm import Rhythm
from streams.customer.row import Customer
from streams.features.liking import About, assortment_of
from streams.features.offers import Taste

PRIOR_DAYS = 20.0
WINDOWS, WEEK_DAYS = 2, 7.0
BASKET_SPREAD = 0.6
"""Standard deviation of the log of what one person spends on an order."""
UNKNOWN_IS_LARGE = 0.5
"""P(an order is large enough for a least spend) of a person who has never ordered."""
BY_LIKING = 0.3
LEAST_SHARE = 0.1
"""At least so many of all orders fit: who an offer for a narrow category reaches are its buyers."""


class Fit(Struct, frozen=True):
    """What an offer wants of an order, and for how many days an order counts.

    `share`: of all orders of the shop, those that hold what it wants, which is of `about`.
    """

    about: About
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
    offer brings fewer as well.
    """
    assortment = assortment_of(reference)

    def fit(offer: Offer) -> Fit:
        wanted, days = offer.conditions, max(offer.redeem_within_days, WEEK_DAYS)
        about = assortment.about(offer)
        special = bool(wanted.categories or wanted.product_ids)
        one = 1.0 / max(assortment.many, 1)  # a product that nobody knows is of some category
        even = about.even if about.categories else one
        share = max(even, LEAST_SHARE) if special else 1.0
        return Fit(about, share, wanted.min_spend, WINDOWS * days)

    fits = [fit(offer) for offer in reference.offers]
    kinds = tuple(dict.fromkeys(fits))
    where = {kind: number for number, kind in enumerate(kinds)}
    return FitTable(kinds, tuple([where[one] for one in fits]))


def ordered_anyway(
    table: FitTable, kinds: Collection[int], person: Customer, taste: Taste
) -> dict[int, float]:
    """P(an order that fits comes though no offer is made), 0 to 1, to six decimals, by kind.

    Args:
        table: the catalog's.
        kinds: which kinds of offers, as `FitTable.kind_of` has them.
        person: whose row it is; for one who has never ordered the silence begins with the first
            event.
        taste: the person's, at the moment of the decision.
    """
    rhythm, now_ms = person.rhythm, taste.now_ms
    if rhythm is None:
        known, orders, since_ms = PRIOR_DAYS, 1.0, person.created_at_ms
    else:
        known, orders = PRIOR_DAYS + rhythm.gap_days_sum, rhythm.repeats + 1.0
        since_ms = rhythm.last_ms
    known += max((now_ms - since_ms) / DAY_MS - known / orders, 0.0)
    found: dict[int, float] = {}
    fits, likings, exp, floor, fewer = table.kinds, taste.likings, math.exp, math.floor, -orders
    for kind in kinds:
        fit = fits[kind]
        share, least = fit.share, fit.min_spend
        if liking := likings[fit.about.place]:
            share *= exp(BY_LIKING * liking)
        if share > 1.0:
            share = 1.0
        if least > 0.0:
            share *= UNKNOWN_IS_LARGE if rhythm is None else _is_large_enough(rhythm, least)
        p = 1.0 - (1.0 + share * fit.days / known) ** fewer
        found[kind] = floor(p * 1e6 + 0.5) / 1e6
    return found


def _is_large_enough(rhythm: Rhythm, min_spend: float) -> float:
    """P(an order of the person's reaches the minimum spend); its amount is log-normal."""
    short = (math.log1p(min_spend) - rhythm.log_amount_mean) / BASKET_SPREAD
    return 0.5 * math.erfc(short / math.sqrt(2.0))
