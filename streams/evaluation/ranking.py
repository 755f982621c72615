"""Whom a list would name first: precision among the top of each tick, and over all thresholds."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from streams.evaluation.moments import Flags, Floats, Ints, Moments
from streams.evaluation.scores import Interval, mean_interval

SHARES = (0.01, 0.05, 0.10)
POINTS = 60


class AtTop(Struct, frozen=True, kw_only=True):
    """The first of each tick's list.

    Attributes:
        by: what the list is sorted by.
        share: how much of the list, 0 to 1; of each tick one score at least.
        scores: how many that are.
        precision: those of them without a purchase within the horizon.
        found: of all that were without one, the share that stands there.
        value_found: the same in what these customers spend in a horizon.
    """

    by: str
    share: float
    scores: int
    precision: Interval
    found: float
    value_found: float


class Curve(Struct, frozen=True, kw_only=True):
    """Precision at every recall of one score; `average` is the mean precision over recall."""

    name: str
    recall: tuple[float, ...]
    precision: tuple[float, ...]
    average: float


def at_top(moments: Moments, lists: Mapping[str, Floats]) -> tuple[AtTop, ...]:
    """Precision at the top 1, 5 and 10 % of each list, sorted by `[scores]`, the highest first."""
    return tuple(
        _at_top(moments, name, scores, share) for name, scores in lists.items() for share in SHARES
    )


def _at_top(moments: Moments, name: str, scores: Floats, share: float) -> AtTop:
    rows = top_rows(moments.tick, scores, share)
    gone = moments.gone[rows]
    lost = float(moments.value[moments.gone].sum())
    return AtTop(
        by=name,
        share=share,
        scores=len(rows),
        precision=mean_interval(gone, [moments.customers[n] for n in rows.tolist()]),
        found=float(gone.sum() / max(moments.gone.sum(), 1)),
        value_found=float(moments.value[rows][gone].sum() / lost) if lost > 0.0 else 0.0,
    )


def top_rows(tick: Ints, scores: Floats, share: float) -> Ints:
    """The rows at the top of each tick, rounded up; of equal scores the earlier rows.

    >>> top_rows(np.array([1, 1, 1, 2]), np.array([0.2, 0.9, 0.4, 0.1]), 0.5).tolist()
    [1, 2, 3]
    """
    order = np.lexsort((-scores, tick))
    _, starts, counts = np.unique(tick[order], return_index=True, return_counts=True)
    place = np.arange(len(order)) - np.repeat(starts, counts)
    taken = place < np.repeat(np.ceil(share * counts - 1e-9), counts)
    return np.asarray(order[taken], dtype=np.int64)


def curve_of(name: str, gone: Flags, scores: Floats) -> Curve:
    """Precision and recall at each threshold, thinned out to `POINTS`; both of shape `[scores]`.

    `average` is the area under it by steps: the mean of the precision at each one found (average
    precision), ties counted as one threshold.
    """
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(gone[order])
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0.0, True))  # of equal scores
    if not len(order) or not found[-1]:
        return Curve(name=name, recall=(), precision=(), average=0.0)
    precision = found[last] / (last + 1.0)
    recall = found[last] / found[-1]
    steps = np.diff(recall, prepend=0.0)
    wanted = np.searchsorted(recall, np.linspace(1.0 / POINTS, 1.0, POINTS))
    kept = np.unique(np.minimum(wanted, len(recall) - 1))
    return Curve(
        name=name,
        recall=tuple(recall[kept].tolist()),
        precision=tuple(precision[kept].tolist()),
        average=float(precision @ steps),
    )
