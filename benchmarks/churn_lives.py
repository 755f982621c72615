"""Lives of a world by nature, as numbers: what may be known of a person, and whether they leave.

Everything is a function of kind, people, days and seed. Times are in days of the play. Who bought
once is left out, and so are silences longer than the horizon, as the product does.
"""

import math
from collections.abc import Iterator

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from benchmarks.churn_figures import leavers
from benchmarks.churn_play import OWN_GAPS, OWN_TICKS
from streams.contracts.times import DAY_MS
from streams.simulator.worlds import World, WorldKind
from streams.simulator.worlds.course import FADE_GAPS, Course
from streams.simulator.worlds.truth import NoticeKind

Floats = NDArray[np.float64]
EVERY_DAYS: dict[WorldKind, int] = {"grocery": 1, "drugstore": 3, "fashion": 3, "wholesaler": 3}
SIGNS: tuple[NoticeKind, ...] = ("cancel_page", "uninstall", "unsubscribe", "complaint", "low_nps")
LONG_AGO = 99.0
MONTH, QUARTER = 30.0, 90.0

SEEN_ORDERS, TRUE_ORDERS, VISITS, SEEN_VISITS, TRUE_VISITS = 11, 9, 9, 4, 3
_ENDS = np.cumsum([SEEN_ORDERS, TRUE_ORDERS, VISITS, SEEN_VISITS, TRUE_VISITS]).tolist()
_SEEN, _TRUE, _VISITS, _SEEN_VISITS, _TRUE_VISITS = (
    tuple(range(begin, end)) for begin, end in zip([0, *_ENDS], _ENDS, strict=False)
)
GROUPS: dict[str, tuple[int, ...]] = {
    "purchases": _SEEN,
    "purchases, visits and signs": _SEEN + _VISITS + _SEEN_VISITS,
    "purchases, true gap and rate": _TRUE,
    "all, true gap and rate": _TRUE + _VISITS + _TRUE_VISITS,
}


class Leaver(Struct, frozen=True):
    """Who left, when, with which own gap, and whether there was time to see it."""

    customer_id: str
    day: float
    gap_days: float
    findable: bool


class Looks(Struct, frozen=True, kw_only=True):
    """People of one world at many moments: `x[n]` is what may be known, `leaves[n]` the truth.

    A silence is named by the person and by how many orders they have made.
    """

    x: Floats
    leaves: NDArray[np.bool_]
    silences: tuple[tuple[str, int], ...]
    days: Floats
    leavers: tuple[Leaver, ...]


class _Life:
    """One person's life by nature."""

    def __init__(self, course: Course, world: World, rng: np.random.Generator) -> None:
        person, life, activity = course.person, course.life, world.calendar.activity
        self.start_ms = world.start_ms
        self.person, self.leaves = person, self.day(course.organic_leaves_ms)
        self.orders = np.array([self.day(order.at_ms) for order in course.organic])
        self.known = self.day(life.agrees_ms)
        own = activity.copy()
        if life.drifts_ms is not None:
            own[int(self.day(life.drifts_ms)) :] /= life.drift_factor
        self.shop_clock, self.own_clock = _cumulated(activity), _cumulated(own)
        self.leaving = _cumulated(life.leaving_rate)
        unheard = person.channels[2] * (1.0 - world.settings.heard_share)
        often = person.gap_days / max(person.visits_per_gap, 0.02)
        self.visit_rate = (1.0 - unheard) / max(often, 1.0 / world.settings.visits_per_day_max)
        self.visits = self._visits(np.array(life.visits_ms, dtype=np.float64), unheard, rng)
        told = [(n.kind, self.day(n.at_ms)) for n in life.notices if n.at_ms > life.agrees_ms]
        if life.farewell is not None and self.leaves < LONG_AGO * 1_000:
            early_ms, kind = life.farewell
            told.append((kind, max(self.leaves - early_ms / DAY_MS, self.known + 1.0)))
        told += [("complaint", self.day(i.at_ms)) for i in life.incidents if i.complained]
        self.signs = {k: [d for kind, d in told if kind == k and d < self.leaves] for k in SIGNS}

    def day(self, at_ms: float) -> float:
        return (at_ms - self.start_ms) / DAY_MS

    def _visits(self, at_ms: Floats, unheard: float, rng: np.random.Generator) -> Floats:
        """Those that the shop hears of; who fades leaves out every other one."""
        at, number = (at_ms - self.start_ms) / DAY_MS, np.arange(len(at_ms))
        heard = rng.random(len(at)) >= unheard
        fading = at >= self.leaves - FADE_GAPS * self.person.gap_days
        skipped = fading & (number % 2 == 1) if self.person.fades else np.zeros(len(at), bool)
        return np.asarray(at[heard & (at < self.leaves) & ~skipped])

    def at(self, day: float, horizon: float) -> list[float] | None:
        """What may be known on this day; None for who is not looked at."""
        made = int(np.searchsorted(self.orders, day, side="right"))
        if made < 2 or day - self.orders[made - 1] > horizon:
            return None
        last = float(self.orders[made - 1])
        came = self.visits[: int(np.searchsorted(self.visits, day, side="right"))]
        unseen = max(float(came[-1]) if len(came) else 0.0, last)
        return [
            *self._seen_orders(day, self.orders[:made], last),
            *self._true_orders(day, self.orders[:made], last, horizon),
            *self._seen(day, came, unseen, last),
            *self._seen_visits(day, came, unseen),
            *self._true_visits(day, unseen),
        ]

    def _seen_orders(self, day: float, orders: Floats, last: float) -> Iterator[float]:
        gaps = np.diff(orders)
        mean, longest, silent = max(float(gaps.mean()), 0.5), float(gaps.max()), day - last
        shop_time = _between(self.shop_clock, last, day)
        yield from (day, silent, shop_time, silent / mean, shop_time / mean, mean)
        yield from (float(gaps.std()), float(len(orders)), float(gaps[-1]) / mean)
        yield from (longest / mean, silent / max(longest, 0.5))

    def _true_orders(
        self, day: float, orders: Floats, last: float, horizon: float
    ) -> Iterator[float]:
        gap, passed = self.person.gap_days, np.array([_at(self.own_clock, d) for d in orders[-3:]])
        gaps = np.diff(passed) / gap
        yield from (day, day - last, _between(self.own_clock, last, day) / gap, gap)
        yield from (_between(self.leaving, last, day), float(self.person.fades))
        yield from (_between(self.leaving, day, day + horizon), gaps[-1], gaps[0])

    def _seen(self, day: float, came: Floats, unseen: float, last: float) -> Iterator[float]:
        month = float((came > day - MONTH).sum())
        yield from (day - unseen, month, float((came > last).sum()))
        for times in self.signs.values():
            newest = max((d for d in times if last < d <= day), default=None)
            yield LONG_AGO if newest is None else day - newest
        complained = max((d for d in self.signs["complaint"] if d <= day), default=None)
        yield LONG_AGO if complained is None else min(day - complained, LONG_AGO)

    def _seen_visits(self, day: float, came: Floats, unseen: float) -> Iterator[float]:
        known = max(day - self.known, 1.0)
        rate = len(came) / known
        before = ((came > day - QUARTER) & (came <= day - MONTH)).sum() / 2.0
        yield from (rate, rate * (day - unseen), float(before), known)

    def _true_visits(self, day: float, unseen: float) -> Iterator[float]:
        away = _between(self.own_clock, unseen, day)
        month = _between(self.own_clock, max(day - MONTH, 0.0), day)
        yield from (self.visit_rate, self.visit_rate * away, self.visit_rate * month)


def looks_of(kind: WorldKind, people: int, days: int, seed: int) -> Looks:
    """A world whose people are looked at every so many days, from own data on."""
    world, rng = World(kind, people, days, seed), np.random.default_rng([seed, 3])
    definition = world.reference.policies.churn
    horizon = definition.horizon_ms / DAY_MS
    truth = [world.person(customer_id) for customer_id in world.customer_ids]
    gaps = sorted(person.gap_days for person in truth)
    ticks = OWN_TICKS * definition.tick_ms / DAY_MS
    own = math.ceil(max(ticks, OWN_GAPS * gaps[len(gaps) // 2]))
    rows, leaves, silences, at = [], [], [], []
    for person in truth:
        if person.one_time:
            continue
        life = _Life(world.course(person.customer_id), world, rng)
        for day in range(own, days, EVERY_DAYS[kind]):
            if (row := life.at(float(day), horizon)) is not None:
                rows.append(row)
                leaves.append(life.leaves <= day + horizon)
                made = int(np.searchsorted(life.orders, day, side="right"))
                silences.append((person.customer_id, made))
                at.append(float(day))
    return Looks(
        x=np.array(rows),
        leaves=np.array(leaves),
        silences=tuple(silences),
        days=np.array(at),
        leavers=tuple(
            Leaver(who, (left_ms - world.start_ms) / DAY_MS, gap_ms / DAY_MS, findable)
            for who, left_ms, gap_ms, findable in leavers(truth, world.end_ms)
        ),
    )


def _cumulated(by_day: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(by_day)])


def _at(cumulated: Floats, day: float) -> float:
    return float(np.interp(day, np.arange(len(cumulated)), cumulated))


def _between(cumulated: Floats, begin: float, end: float) -> float:
    return _at(cumulated, end) - _at(cumulated, begin)
