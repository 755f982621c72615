"""What was said beside what came: by deciles of the risk, and by silence in own gaps."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from msgspec import Struct

from streams.evaluation.moments import Ints, Moments
from streams.evaluation.scores import Interval, mean_interval

DECILES = 10
GAPS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, np.inf)
BOUGHT_ONCE = "bought on one day only"


class Calibrated(Struct, frozen=True, kw_only=True):
    """Scores of one group: from and to which risk, its mean, and the share without a purchase."""

    group: str
    scores: int
    lowest: float
    highest: float
    said: float
    came: Interval


def by_risk(moments: Moments) -> tuple[Calibrated, ...]:
    """Ten groups of the same size by risk, the lowest first; equal risks may be in two of them."""
    order = np.argsort(moments.risk, kind="stable")
    parts = np.array_split(order, min(DECILES, max(len(order), 1)))
    names = (str(number) for number in range(1, DECILES + 1))
    return tuple(_groups(moments, zip(names, parts, strict=False)))


def by_silence(moments: Moments) -> tuple[Calibrated, ...]:
    """Groups by how long the silence is, in own gaps; those who have none stand last."""
    groups: list[tuple[str, Ints]] = []
    for low, high in pairwise(GAPS):
        name = f"{low:g} to {high:g}" if np.isfinite(high) else f"over {low:g}"
        rows = np.flatnonzero((moments.gaps >= low) & (moments.gaps < high))
        groups.append((name, rows))
    groups.append((BOUGHT_ONCE, np.flatnonzero(np.isnan(moments.gaps))))
    return tuple(_groups(moments, groups))


def largest_gap(groups: Sequence[Calibrated]) -> float:
    """The largest difference between what was said and what came; 0 without groups."""
    return max((abs(group.said - group.came.mean) for group in groups), default=0.0)


def _groups(moments: Moments, groups: Iterable[tuple[str, Ints]]) -> Iterator[Calibrated]:
    for name, rows in groups:
        if not len(rows):
            continue
        risk = moments.risk[rows]
        yield Calibrated(
            group=name,
            scores=len(rows),
            lowest=float(risk.min()),
            highest=float(risk.max()),
            said=float(risk.mean()),
            came=mean_interval(moments.gone[rows], [moments.customers[n] for n in rows.tolist()]),
        )
