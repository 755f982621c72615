"""Precision at k: of each week's cases those with the most at stake, and how many of them left.

Who works a list of cases begins at the top, by stated risk times value at risk, and has time for so
many a week. Whether the top was right is known when the horizon of its cases is over; so each week
here is one in which cases were entered, and the newest, of which more is to come, does not count.
The order in which outcomes are told changes nothing, as long as they are not `WEEKS` late. Cases
with as much at stake come by lot, a hash of the case's id: whoever works the list knows no outcome.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

TOPS: Final = (10, 25, 50, 100)
ALL: Final = "all"
WEEKS: Final = 13
WEEK, AT_STAKE, LOT = "week", "at_stake", "lot"
NORMAL_95: Final = 1.959964


class Week(Struct, frozen=True, array_like=True):
    """The cases that were entered in one week.

    `number`: of the week since 1970; `many`, `left`: all of them, and those who left; `top`: at
    most `max(TOPS)` as (at stake, lot, 1 for who left), the most at stake first.
    """

    number: int
    many: int = 0
    left: int = 0
    top: tuple[tuple[float, int, int], ...] = ()

    def plus(self, at_stake: float, lot: int, gone: bool) -> "Week":
        """The same with one case more."""
        top = sorted((*self.top, (at_stake, lot, int(gone))), reverse=True)[: max(TOPS)]
        return Week(self.number, self.many + 1, self.left + int(gone), tuple(top))


Weeks = tuple[Week, ...]
"""By number, the newest last."""


def with_case(weeks: Weeks, features: Mapping[str, float], gone: bool) -> Weeks:
    """The weeks after one outcome more; an example that names no week changes nothing."""
    if not features.keys() >= {WEEK, AT_STAKE, LOT}:
        return weeks
    number = int(features[WEEK])
    known = {week.number: week for week in weeks}
    known[number] = known.get(number, Week(number)).plus(
        features[AT_STAKE], int(features[LOT]), gone
    )
    oldest = max(known) - WEEKS
    return tuple(known[n] for n in sorted(known) if n >= oldest)


def figures_of(weeks: Weeks) -> dict[str, float]:
    """By k: how many cases, the share that left, and its 95 % interval; nothing of no case.

    >>> figures_of((Week(1, 2, 1, ((9.0, 7, 1), (5.0, 3, 0))), Week(2)))["top_10_value"]
    0.5
    """
    over = weeks[:-1]
    counts = {ALL: (sum(week.many for week in over), sum(week.left for week in over))}
    for k in TOPS:
        first = [gone for week in over for *_, gone in week.top[:k]]
        counts[str(k)] = (len(first), sum(first))
    return dict(_named(counts.items()))


def _named(counts: Iterable[tuple[str, tuple[int, int]]]) -> Iterable[tuple[str, float]]:
    for k, (many, left) in counts:
        if many:
            low, high = share_interval(left, many)
            yield f"top_{k}_cases", float(many)
            yield f"top_{k}_value", round(left / many, 6)
            yield f"top_{k}_low", round(low, 6)
            yield f"top_{k}_high", round(high, 6)


def share_interval(hits: int, many: int) -> tuple[float, float]:
    """The 95 % interval of a share, 0 to 1, by Wilson (1927); `many` above 0.

    >>> low, high = share_interval(30, 50)
    >>> round(low, 3), round(high, 3)
    (0.462, 0.724)
    """
    z2, share = NORMAL_95**2, hits / many
    middle = (share + z2 / (2 * many)) / (1 + z2 / many)
    spread = math.sqrt(share * (1 - share) / many + z2 / (4 * many * many))
    half = NORMAL_95 * spread / (1 + z2 / many)
    return max(middle - half, 0.0), min(middle + half, 1.0)
