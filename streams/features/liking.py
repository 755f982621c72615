"""How much more than others a person likes what an offer is about: the log of a share of interest.

Of all that a person has looked at and bought a share belongs to the offer's categories. Against an
even share of the shop's categories its log says how much more they like it than somebody of no
taste. Little is known of most people, so it is as if they had come upon `BEFOREHAND` things before,
evenly spread: the posterior mean under a Dirichlet prior.
"""

import math
from collections.abc import Iterable, Mapping

from msgspec import Struct

from streams.contracts.reference.structs import Offer, ProductInfo, Reference
from streams.contracts.sums import sum_of
from streams.customer.interests import LASTING_HALF_LIFE_MS
from streams.customer.offer_goods import categories_for
from streams.customer.row import Customer

BEFOREHAND = 6.0


class About(Struct, frozen=True):
    """Which categories an offer is about, and their share where interest spreads evenly.

    `categories` is empty for an offer that is about anything. `place`: its own among all that the
    offers of the reference data are about (`abouts_of`).
    """

    categories: tuple[str, ...] = ()
    even: float = 1.0
    place: int = 0


class Assortment(Struct, frozen=True):
    """How many categories the reference data names, and what its offers are about.

    `abouts`: one for each set of categories, in the order of the offers.
    """

    products: Mapping[str, ProductInfo]
    many: int
    abouts: Mapping[tuple[str, ...], About]

    def about(self, offer: Offer) -> About:
        """A product counts as its category, where that is known."""
        return self.abouts[_categories(offer, self.products)]


class Lasting(Struct, frozen=True):
    """How often a person came upon each category, faded to now, and in all."""

    by_category: Mapping[str, float]
    total: float

    def likings(self, abouts: Iterable[About]) -> list[float]:
        """Of each the log of the share of its categories against an even one; 0 of anything.

        >>> lasting, tea = Lasting({"tea": 6.0}, 6.0), About(("tea",), 0.25)
        >>> [round(math.exp(liking), 6) for liking in lasting.likings([tea, About()])]
        [2.5, 1.0]
        """
        by_category, whole, log = self.by_category, self.total + BEFOREHAND, math.log
        told = []
        for about in abouts:
            even = about.even
            if even >= 1.0:
                told.append(0.0)
                continue
            own = BEFOREHAND * even
            for category in about.categories:
                own += by_category.get(category, 0.0)
            told.append(log(own / (even * whole)))
        return told


def assortment_of(reference: Reference) -> Assortment:
    """Of the reference data."""
    products = {product.product_id: product for product in reference.products}
    named = {c for offer in reference.offers for c in offer.conditions.categories}
    named.update(product.category for product in reference.products)
    wanted = dict.fromkeys([_categories(offer, products) for offer in reference.offers])
    many = max(len(named), 1)
    abouts = [
        About(categories, min(len(categories) / many, 1.0) if categories else 1.0, place)
        for place, categories in enumerate(wanted)
    ]
    return Assortment(products, len(named), {about.categories: about for about in abouts})


def abouts_of(reference: Reference) -> tuple[About, ...]:
    """What the offers of the reference data are about, each once, by `About.place`."""
    return tuple(assortment_of(reference).abouts.values())


def _categories(offer: Offer, products: Mapping[str, ProductInfo]) -> tuple[str, ...]:
    return tuple(sorted(categories_for(offer.conditions, products)))


def lasting_of(person: Customer, now_ms: int) -> Lasting:
    """How often the person came upon each category, faded to `now_ms` (as stored before that).

    As `customer.interests` has it, without the calls: every decision asks for all.
    """
    by_category: dict[str, float] = {}
    for a in person.affinities:
        lasting, age_ms = a.lasting, now_ms - a.at_ms
        if lasting < 0.0:
            lasting = a.score
        if age_ms > 0:
            lasting *= 2.0 ** (-age_ms / LASTING_HALF_LIFE_MS)
        by_category[a.category] = lasting
    return Lasting(by_category, sum_of(by_category.values()))
