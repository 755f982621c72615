"""The offers' numbers for one person at a time: what is the same for everybody is kept.

Those that look alike to any person (the same categories, products, least spend and amount off) are
computed once, and numpy does the rest; of a few of a larger catalog that costs more than it saves.
Both ways give the same bits.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.contracts.times import DAY_MS
from streams.features.offers import (
    DURATION,
    OFFER_NAMES,
    OfferCard,
    Taste,
    alike,
    fixed_numbers,
    offer_numbers,
    personal_numbers,
    scaled_days,
)
from streams.features.packing import Vector, vector_of

Places = NDArray[np.intp]
Where = Places | None
"""The places in a catalog of the offers that are asked for; None: all of them."""
PERSONAL = 4
FEW = 16


class OfferTable(Struct, frozen=True):
    """All offers of a catalog in their order.

    Attributes:
        cards: one for each.
        fixed: their numbers, shape `[n, len(OFFER_NAMES)]`; the personal ones are 0.
        kinds: one card for each sort of offers that are alike to a person.
        kind_of: which of them each offer is.
        days: how long each may be used, and `end_ms` until when at the most.
        steady_until_ms: until then nothing is shorter than its days.
    """

    cards: tuple[OfferCard, ...]
    fixed: Vector
    kinds: tuple[OfferCard, ...]
    kind_of: Places
    days: NDArray[np.float64]
    end_ms: NDArray[np.int64]
    steady_until_ms: float


def table_of(cards: Sequence[OfferCard]) -> OfferTable:
    """The table of a catalog's cards."""
    kinds: dict[object, OfferCard] = {}
    for card in cards:
        kinds.setdefault(alike(card), card)
    where = {key: number for number, key in enumerate(kinds)}
    return OfferTable(
        cards=tuple(cards),
        fixed=np.array([fixed_numbers(card) for card in cards], np.float32).reshape(
            len(cards), len(OFFER_NAMES)
        ),
        kinds=tuple(kinds.values()),
        kind_of=np.array([where[alike(card)] for card in cards], np.intp),
        days=np.array([card.days for card in cards], np.float64),
        end_ms=np.array([card.end_ms for card in cards], np.int64),
        steady_until_ms=min([c.end_ms - (c.days + 1.0) * DAY_MS for c in cards], default=0.0),
    )


def numbers_of(table: OfferTable, places: Sequence[int], taste: Taste) -> Vector:
    """What offers are to a person: shape `[len(places), len(OFFER_NAMES)]`, each in [-3, 3].

    Args:
        table: the catalog's.
        places: which offers, by their place in it; all of them are a `range`.
        taste: the person's, at the moment that is asked of.
    """
    where: Places | slice = slice(None)
    if places == range(len(table.cards)):
        told, found = table.fixed.copy(), _personal(table.kinds, taste)
        if len(found) < len(told):  # else each is of a kind of its own, in the order of the kinds
            found = found.take(table.kind_of, 0)
    elif len(places) <= FEW:
        few = offer_numbers([table.cards[place] for place in places], taste)
        return vector_of(few).reshape(len(places), len(OFFER_NAMES))
    else:
        where = np.array(places, np.intp)
        told, kinds = table.fixed.take(where, 0), table.kind_of.take(where)
        present = list(set(kinds.tolist()))
        by_kind = np.empty((len(table.kinds), PERSONAL), np.float32)
        by_kind[present] = _personal([table.kinds[kind] for kind in present], taste)
        found = by_kind.take(kinds, 0)
    told[:, :2] = found[:, :2]
    told[:, 3:5] = found[:, 2:]
    if taste.now_ms > table.steady_until_ms:
        _end(table, where, taste.now_ms, told)
    return told


def _personal(cards: Sequence[OfferCard], taste: Taste) -> Vector:
    """`personal_numbers` of each card: shape `[len(cards), PERSONAL]`."""
    return vector_of(personal_numbers(cards, taste)).reshape(len(cards), PERSONAL)


def _end(table: OfferTable, places: Places | slice, now_ms: int, told: Vector) -> None:
    """Write how long those can be used that end sooner than their days."""
    days_left = (table.end_ms[places] - now_ms) / DAY_MS
    for row in np.flatnonzero(days_left < table.days[places]).tolist():
        told[row, DURATION] = scaled_days(float(days_left[row]))
