"""The offers of a decision as its record has them: by column, or, as before, one by one.

Columns are the form that is written (version 2 of `decision_log`): names are said once, and what is
the same for all offers once too, so a record has a third of the bytes and costs a third of the
time. `CandidateLog` is what is read of either form, offer by offer.
"""

from collections.abc import Sequence
from itertools import repeat
from struct import pack, unpack
from typing import Literal, TypeVar

from msgspec import Struct

from streams.contracts.common import Block, ChannelName
from streams.contracts.outputs.terms import Terms

WhyNot = Literal[
    "paused",
    "not_live",
    "wrong_channel",
    "wrong_trigger",
    "no_consent",
    "not_in_segment",
    "wrong_store",
    "out_of_stock",
    "offer_cap",
    "person_cap",
    "min_gap",
    "quiet_hours",
    "overtaken",
    "stale",
    "already_redeemed",
    "already_open",
    "refused",
    "never_with",
    "too_soon_after",
    "holdout",
    "offer_holdout",
    "outranked",
    "budget",
]
FLOAT_BYTES = 4
T = TypeVar("T")


class CandidateLog(Struct, frozen=True, kw_only=True):
    """One offer in a decision: its terms and probability, or why it was not eligible."""

    offer_id: str
    why_not: WhyNot | None
    terms: Terms | None
    probability: float
    features: tuple[float, ...]


class TermColumns(Block, frozen=True, kw_only=True):
    """The terms of several offers, each term a list in their order; as `Terms` has them.

    `fatigue` and `order_size` are those of a decision, so of all its offers. Of the others an empty
    list says the same of every offer: `lever` 0, the others null.
    """

    response_probability: tuple[float, ...]
    value: tuple[float, ...]
    cost: tuple[float, ...]
    priority: tuple[float, ...]
    bought_anyway: tuple[float | None, ...]
    ordered_anyway: tuple[float | None, ...] = ()
    lever: tuple[float, ...] = ()
    fatigue: float = 0.0
    channel: tuple[ChannelName | None, ...] = ()
    reach: tuple[float | None, ...] = ()
    incremental_orders: tuple[float | None, ...] = ()
    orders_error: tuple[float | None, ...] = ()
    incremental_margin: tuple[float | None, ...] = ()
    margin_error: tuple[float | None, ...] = ()
    order_size: float | None = None

    def __post_init__(self) -> None:
        """Raises: ValueError: the columns are not of as many offers (so JSON is refused too)."""
        count = len(self.priority)
        fits = (
            count
            == len(self.response_probability)
            == len(self.value)
            == len(self.cost)
            == len(self.bought_anyway)
        ) and {
            len(self.ordered_anyway),
            len(self.lever),
            len(self.channel),
            len(self.reach),
            len(self.incremental_orders),
            len(self.orders_error),
            len(self.incremental_margin),
            len(self.margin_error),
        } <= {0, count}
        if not fits:
            raise ValueError("the terms of the candidates are not of as many offers each")

    def at(self, place: int) -> Terms:
        """The terms of one offer, by its place among these."""
        return Terms(
            response_probability=self.response_probability[place],
            value=self.value[place],
            cost=self.cost[place],
            lever=self.lever[place] if self.lever else 0.0,
            fatigue=self.fatigue,
            priority=self.priority[place],
            bought_anyway=self.bought_anyway[place],
            ordered_anyway=self.ordered_anyway[place] if self.ordered_anyway else None,
            channel=self.channel[place] if self.channel else None,
            reach=self.reach[place] if self.reach else None,
            incremental_orders=_at(self.incremental_orders, place),
            orders_error=_at(self.orders_error, place),
            incremental_margin=_at(self.incremental_margin, place),
            margin_error=_at(self.margin_error, place),
            order_size=self.order_size,
        )


class Candidates(Block, frozen=True, kw_only=True):
    """All offers of a decision, in the order of the catalog.

    Attributes:
        offer_ids: their names.
        why_not: of each what stood in its way, null where nothing did; empty: of none anything.
        places: which of `offer_ids` were weighed, from 0 on; null: all of them, where there are
            terms. What follows is of these, in their order.
        terms: what they were worth; null where nothing was weighed.
        probabilities: with which each was drawn.
        features: what the model saw of them: float32, little-endian, offer after offer; base64 in
            JSON.
    """

    offer_ids: tuple[str, ...]
    why_not: tuple[WhyNot | None, ...] = ()
    places: tuple[int, ...] | None = None
    terms: TermColumns | None = None
    probabilities: tuple[float, ...] = ()
    features: bytes = b""

    def __post_init__(self) -> None:
        """Raises: ValueError: the columns are not of the same offers (so JSON is refused too)."""
        count, terms, places = len(self.offer_ids), self.terms, self.places
        weighed = 0 if terms is None else count if places is None else len(places)
        told = len(self.probabilities), 0 if terms is None else len(terms.priority)
        if told != (weighed, weighed) or len(self.why_not) not in (0, count):
            raise ValueError("the columns of the candidates are not of the same offers")
        if places and not (places[0] >= 0 and places[-1] < count and _rises(places)):
            raise ValueError("the places of the candidates are not some of theirs, in their order")
        if len(self.features) % (FLOAT_BYTES * weighed or 1):
            raise ValueError("the features of the candidates are not of so many offers")

    def rows(self) -> tuple[CandidateLog, ...]:
        """The same, offer by offer."""
        count = len(self.offer_ids)
        weighed: dict[int, int] = {}
        if self.terms is not None:
            places = range(count) if self.places is None else self.places
            weighed = {place: row for row, place in enumerate(places)}
        numbers = _unpacked(self.features, len(weighed))
        return tuple(
            [
                CandidateLog(
                    offer_id=offer_id,
                    why_not=why_not,
                    terms=None if self.terms is None or row is None else self.terms.at(row),
                    probability=0.0 if row is None else self.probabilities[row],
                    features=() if row is None else numbers[row],
                )
                for offer_id, why_not, row in zip(
                    self.offer_ids,
                    self.why_not or repeat(None, count),
                    map(weighed.get, range(count)),
                    strict=True,
                )
            ]
        )


def packed(rows: Sequence[CandidateLog]) -> Candidates:
    """Offers one by one as columns: `Candidates.rows` back again."""
    weighed = [(place, c, c.terms) for place, c in enumerate(rows) if c.terms is not None]
    numbers = [number for _, c, _ in weighed for number in c.features]
    return Candidates(
        offer_ids=tuple([c.offer_id for c in rows]),
        why_not=_or_empty(tuple([c.why_not for c in rows]), None),
        places=None if len(weighed) in (0, len(rows)) else tuple([n for n, _, _ in weighed]),
        terms=columns_of([terms for _, _, terms in weighed]) if weighed else None,
        probabilities=tuple([c.probability for _, c, _ in weighed]),
        features=pack(f"<{len(numbers)}f", *numbers),
    )


def columns_of(terms: Sequence[Terms]) -> TermColumns:
    """Terms of the offers of one decision as columns."""
    return TermColumns(
        response_probability=tuple([t.response_probability for t in terms]),
        value=tuple([t.value for t in terms]),
        cost=tuple([t.cost for t in terms]),
        priority=tuple([t.priority for t in terms]),
        bought_anyway=tuple([t.bought_anyway for t in terms]),
        ordered_anyway=_or_empty(tuple([t.ordered_anyway for t in terms]), None),
        lever=_or_empty(tuple([t.lever for t in terms]), 0.0),
        fatigue=terms[0].fatigue if terms else 0.0,
        channel=_or_empty(tuple([t.channel for t in terms]), None),
        reach=_or_empty(tuple([t.reach for t in terms]), None),
        incremental_orders=_or_empty(tuple([t.incremental_orders for t in terms]), None),
        orders_error=_or_empty(tuple([t.orders_error for t in terms]), None),
        incremental_margin=_or_empty(tuple([t.incremental_margin for t in terms]), None),
        margin_error=_or_empty(tuple([t.margin_error for t in terms]), None),
        order_size=terms[0].order_size if terms else None,
    )


def _at(column: tuple[float | None, ...], place: int) -> float | None:
    return column[place] if column else None


def _rises(places: tuple[int, ...]) -> bool:
    """Whether each is above the one before."""
    # of the ways to ask it of hundreds the one that takes least time: 3 us for 200
    return [*places] == sorted(places) and len({*places}) == len(places)


def _or_empty(column: tuple[T, ...], usual: T) -> tuple[T, ...]:
    return () if column.count(usual) == len(column) else column


def _unpacked(packed: bytes, rows: int) -> list[tuple[float, ...]]:
    """Float32 by row, as Python has them."""
    size = len(packed) // rows if rows else 0
    form = f"<{size // FLOAT_BYTES}f"
    return [unpack(form, packed[row * size : (row + 1) * size]) for row in range(rows)]
