"""What a person looks at and likes: products seen lately, and categories with fading scores."""

from streams.contracts.common import Product
from streams.contracts.times import DAY_MS
from streams.customer.decay import add_faded, faded
from streams.customer.row import AFFINITIES_MAX, VIEWS_MAX, Affinity, View

HALF_LIFE_MS = 14 * DAY_MS
LASTING_HALF_LIFE_MS = 365 * DAY_MS
WEIGHT_VIEWED = 1.0
WEIGHT_ADDED = 3.0
WEIGHT_BOUGHT = 5.0
ONCE = 1.0
"""Of `lasting`: a taste shows alike in what is looked at and in what is bought."""


def liked(
    affinities: tuple[Affinity, ...], category: str, weight: float, at_ms: int
) -> tuple[Affinity, ...]:
    """The affinities after one more signal of interest; above the maximum the weakest goes.

    >>> once = liked((), "shoes", 4.0, 0)
    >>> once[0].score, once[0].lasting
    (4.0, 1.0)
    >>> liked(once, "shoes", 1.0, HALF_LIFE_MS)[0].score
    3.0
    """
    for place, old in enumerate(affinities):
        if old.category == category:
            return (*affinities[:place], _stronger(old, weight, at_ms), *affinities[place + 1 :])
    return strongest((*affinities, Affinity(category, weight, at_ms, ONCE)))


def strongest(affinities: tuple[Affinity, ...]) -> tuple[Affinity, ...]:
    """At most `AFFINITIES_MAX`, the weakest left out; the order of the rest stays."""
    if len(affinities) <= AFFINITIES_MAX:
        return affinities
    at_ms = max(a.at_ms for a in affinities)
    ranked = sorted(affinities, key=lambda a: (-score_at(a, at_ms), a.category))
    kept = {a.category for a in ranked[:AFFINITIES_MAX]}
    return tuple(a for a in affinities if a.category in kept)


def score_at(affinity: Affinity, at_ms: int) -> float:
    """The score at a later moment (the stored one at an earlier)."""
    return faded(affinity.score, max(at_ms - affinity.at_ms, 0), HALF_LIFE_MS)


def known_lasting(affinity: Affinity) -> float:
    """`lasting` as of the affinity's time; of a row from before it was counted, the score."""
    return affinity.lasting if affinity.lasting >= 0.0 else affinity.score


def both(one: Affinity, other: Affinity) -> Affinity:
    """The interest of two rows in one category, as of the later of their times."""
    score = add_faded(one.score, one.at_ms, other.score, other.at_ms, HALF_LIFE_MS)
    lasting = add_faded(
        known_lasting(one), one.at_ms, known_lasting(other), other.at_ms, LASTING_HALF_LIFE_MS
    )
    return Affinity(one.category, score, max(one.at_ms, other.at_ms), lasting)


def looked_at(views: tuple[View, ...], product: Product, at_ms: int) -> tuple[View, ...]:
    """The last `VIEWS_MAX` different products, the newest last."""
    view = View(product.product_id, product.category, product.price or 0.0, at_ms)
    if not views or at_ms >= views[-1].at_ms:
        others = [v for v in views if v.product_id != view.product_id]
        return (*others, view)[-VIEWS_MAX:]
    return newest_views((*views, view))


def newest_views(views: tuple[View, ...]) -> tuple[View, ...]:
    """One view a product, its newest; the newest `VIEWS_MAX` of them, the newest last."""
    by_product: dict[str, View] = {}
    for view in sorted(views, key=lambda v: (v.at_ms, v.product_id)):
        by_product.pop(view.product_id, None)
        by_product[view.product_id] = view
    return tuple(by_product.values())[-VIEWS_MAX:]


def _stronger(old: Affinity, weight: float, at_ms: int) -> Affinity:
    return both(old, Affinity(old.category, weight, at_ms, ONCE))
