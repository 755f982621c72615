"""Rules that say of whom to be afraid, as lists of warnings: the product's, and rules of thumb.

All are asked of the same people at the same time: those who bought twice or more, from when the
shop's own data carry a score, until they have been silent for the horizon. Each warns once in a
silence.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
from msgspec import Struct

from streams.evaluation.alerts_played import AlertPlay
from streams.evaluation.histories import Histories
from streams.evaluation.moments import Floats, Moments

THUMB_GAPS = (2.0, 3.0, 4.0, 6.0)


class Warned(Struct, frozen=True):
    """Somebody was warned of at a moment."""

    customer_id: str
    at_ms: int


class Silence(Struct, frozen=True):
    """A purchase and what came of it: `next_ms` None where nothing followed in the file."""

    customer_id: str
    last_ms: int
    next_ms: int | None
    gap_ms: float


def silences_of(histories: Histories, days_min: int) -> Iterator[Silence]:
    """Every silence after the second purchase day (and the `days_min`th) of every customer."""
    for who in histories.customers:
        times: list[int | None] = [*histories.times_ms(who), None]
        for last_ms, next_ms in pairwise(times):
            known = None if last_ms is None else histories.known(who, last_ms)
            if known is None or last_ms == next_ms or known.repeats + 1 < days_min:
                continue
            if known.gap_ms is not None:
                yield Silence(who, known.last_ms, next_ms, known.gap_ms)


def by_product(play: AlertPlay) -> list[Warned]:
    """Cases that the product opened."""
    return [Warned(a.customer_id, a.at_ms) for a in play.alerts if a.transition == "entered"]


def by_thumb(silences: Iterable[Silence], play: AlertPlay, gaps: float) -> list[Warned]:
    """Silent for more than so many own gaps, the mean so far, and not yet for the horizon."""
    warned, own_ms = list[Warned](), play.own_ms
    for silence in silences if own_ms is not None else ():
        due_ms = max(silence.last_ms + round(gaps * silence.gap_ms), own_ms or 0)
        end_ms = min(play.end_ms, silence.last_ms + play.definition.horizon_ms)
        if due_ms <= end_ms and (silence.next_ms is None or due_ms < silence.next_ms):
            warned.append(Warned(silence.customer_id, due_ms))
    return sorted(warned, key=lambda w: (w.at_ms, w.customer_id))


def by_score(
    moments: Moments, histories: Histories, scores: Floats, many: int, days_min: int
) -> list[Warned]:
    """The first tick of a silence at which a score is so high that it warns `many` times.

    `moments` are the ticks at which the shop's own data carry a score.
    """
    groups: dict[tuple[str, int], list[int]] = {}
    for row in np.flatnonzero(moments.repeats + 1 >= max(days_min, 2)).tolist():
        known = histories.known(moments.customers[row], int(moments.at_ms[row]))
        if known is not None:
            groups.setdefault((moments.customers[row], known.last_ms), []).append(row)
    highest = sorted((float(scores[rows].max()) for rows in groups.values()), reverse=True)
    if not highest or many <= 0:
        return []
    threshold = highest[min(many, len(highest)) - 1]
    warned = []
    for (who, _), rows in groups.items():
        reached = next((n for n in rows if scores[n] >= threshold), None)
        warned.extend([] if reached is None else [Warned(who, int(moments.at_ms[reached]))])
    return sorted(warned, key=lambda w: (w.at_ms, w.customer_id))
