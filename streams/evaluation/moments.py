"""Judged scores as columns: what was said at each moment, what was known then, and what came."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.evaluation.churn import Prediction
from streams.evaluation.histories import Histories

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]


class Moments(Struct, frozen=True, kw_only=True):
    """Columns of shape `[scores]`, in the order of time.

    Attributes:
        customers: whose score it is.
        at_ms: when.
        tick: the tick it falls into, counted from 1970: one list of people to contact.
        gone: no purchase within the horizon: what came.
        risk: the product's.
        bgnbd: P(no purchase within the horizon) by BG/NBD.
        repeats: purchase days after the first, so far.
        t_x: from the first purchase to the newest, in ticks.
        age: from the first purchase to now, in ticks.
        gaps: silence in own gaps; not a number for who bought on one day only.
        value: what the customer spends in a horizon at their own pace, in the file's currency.
    """

    customers: tuple[str, ...]
    at_ms: Ints
    tick: Ints
    gone: Flags
    risk: Floats
    bgnbd: Floats
    repeats: Ints
    t_x: Floats
    age: Floats
    gaps: Floats
    value: Floats

    def __len__(self) -> int:
        """How many scores."""
        return len(self.customers)

    def take(self, rows: Flags | Ints) -> "Moments":
        """Some of the rows: flags of shape `[scores]`, or their numbers."""
        numbers = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return Moments(
            customers=tuple(self.customers[n] for n in numbers),
            **{
                name: getattr(self, name)[numbers]
                for name in self.__struct_fields__
                if name != "customers"
            },
        )


def moments_of(
    judged: Sequence[Prediction], histories: Histories, horizon_ms: int, tick_ms: int
) -> Moments:
    """The columns of the scores that can be judged."""
    columns = [_row(p, histories, horizon_ms, tick_ms) for p in judged]
    table = np.array(columns, dtype=np.float64).reshape(-1, 5)
    at_ms = np.array([p.at_ms for p in judged], dtype=np.int64)
    gone = [histories.is_gone(p.customer_id, p.at_ms, horizon_ms) for p in judged]
    return Moments(
        customers=tuple(p.customer_id for p in judged),
        at_ms=at_ms,
        tick=at_ms // tick_ms,
        gone=np.array(gone, dtype=np.bool_),
        risk=np.array([p.risk for p in judged], dtype=np.float64),
        bgnbd=np.array([p.bgnbd for p in judged], dtype=np.float64),
        repeats=table[:, 0].astype(np.int64),
        t_x=table[:, 1],
        age=table[:, 2],
        gaps=table[:, 3],
        value=table[:, 4],
    )


def _row(
    said: Prediction, histories: Histories, horizon_ms: int, tick_ms: int
) -> tuple[float, ...]:
    known = histories.known(said.customer_id, said.at_ms)
    if known is None:  # nobody is scored before the first purchase
        return 0.0, 0.0, 0.0, np.nan, 0.0
    lived_ms = max(known.last_ms - known.first_ms, tick_ms)
    gap_ms = known.gap_ms
    return (
        known.repeats,
        (known.last_ms - known.first_ms) / tick_ms,
        (said.at_ms - known.first_ms) / tick_ms,
        np.nan if gap_ms is None else (said.at_ms - known.last_ms) / gap_ms,
        known.spent * min(1.0, horizon_ms / lived_ms),
    )
