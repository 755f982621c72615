"""How often an offer is expected to be used before anything is learned of it.

Its owner says so. Where no rate is stated, offers for the same category tell: the mean of those
that state one, else the mean of all that do, else 5 %.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

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
    if all(offer.expected_rate is not None for offer in offers):
        return [offer.expected_rate for offer in offers if offer.expected_rate is not None]
    products = {product.product_id: product for product in reference.products}
    stated = {
        place: offer.expected_rate
        for place, offer in enumerate(offers)
        if offer.expected_rate is not None
    }
    of_category: defaultdict[str, set[int]] = defaultdict(set)
    for place in stated:
        for category in _goods(offers[place], products):
            of_category[category].add(place)
    anything = _mean(list(stated.values()), UNSTATED)
    found = []
    for place, offer in enumerate(offers):
        if place in stated:
            found.append(stated[place])
            continue
        alike = {other for name in _goods(offer, products) for other in of_category.get(name, ())}
        found.append(_mean([stated[other] for other in alike], anything))
    return found


def _goods(offer: Offer, products: Mapping[str, ProductInfo]) -> set[str]:
    return categories_for(offer.conditions, products) or {ANY_GOODS}


def _mean(rates: Sequence[float], otherwise: float) -> float:
    """To the same bits in whatever order the offers stand."""
    return sum_of(sorted(rates)) / len(rates) if rates else otherwise
