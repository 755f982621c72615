"""How often an offer is expected to be used before anything is learned of it.

Its owner says so. Where no rate is stated, offers for the same category tell: the mean of those
that state one, else the mean of all that do, else 5 %. A rate of 0 counts for nothing there: so
says who wants an offer never drawn, or sends it whatever it is worth.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache

from streams.contracts.reference.structs import Offer, ProductInfo, Reference
from streams.contracts.sums import sum_of
from streams.customer.offer_goods import categories_for

UNSTATED = 0.05
"""Of a shop where no owner says anything; what every offer without a rate began at before."""
ANY_GOODS = ""
"""The category of an offer for everything: no category has an empty name."""


def expected_rates(reference: Reference) -> list[float]:
    """The rate of each offer, a share, in their order.

    An offer of several categories is told of by all that share one of them, each counting once.
    """
    offers = reference.offers
    products = {product.product_id: product for product in reference.products}
    telling = {place: o.expected_rate for place, o in enumerate(offers) if o.expected_rate}
    of_category: defaultdict[str, set[int]] = defaultdict(set)
    for place in telling:
        for category in _goods(offers[place], products):
            of_category[category].add(place)
    anything = _mean(list(telling.values()), UNSTATED)

    @cache
    def mean_of(goods: frozenset[str]) -> float:
        alike = {place for category in goods for place in of_category.get(category, ())}
        return _mean([telling[place] for place in alike], anything)

    return [
        mean_of(_goods(o, products)) if o.expected_rate is None else o.expected_rate for o in offers
    ]


def _goods(offer: Offer, products: Mapping[str, ProductInfo]) -> frozenset[str]:
    return frozenset(categories_for(offer.conditions, products) or {ANY_GOODS})


def _mean(rates: Sequence[float], otherwise: float) -> float:
    """To the same bits in whatever order the offers stand."""
    return sum_of(sorted(rates)) / len(rates) if rates else otherwise
