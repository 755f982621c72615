"""How much is bought on each day of a world: season, weekday, payday; and when prices rise."""

import math
from datetime import datetime, timedelta

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.contracts.times import DAY_MS, from_ms
from streams.simulator.worlds.shops import Shop

YEAR_DAYS = 365.25
PAYDAY_DAYS = 3
RISE_MIN, RISE_MAX = 0.05, 0.12
HALF_YEAR_DAYS = 180.0


class PriceRise(Struct, frozen=True):
    """From this day on a department costs so much more (`times`, above 1)."""

    day: int
    department: int
    times: float


class Calendar(Struct, frozen=True):
    """A shop's days from the first on.

    `activity[d]` is how much is bought on day d relative to an average day.
    """

    start_ms: int
    activity: NDArray[np.float64]
    rises: tuple[PriceRise, ...]

    @property
    def days(self) -> int:
        """How many."""
        return len(self.activity)


def calendar_of(
    shop: Shop, start_ms: int, days: int, rises_in_180_days: float, rng: np.random.Generator
) -> Calendar:
    """The days of a shop; `days` includes those after the play for which the truth is known."""
    first = from_ms(start_ms + shop.utc_offset_h * DAY_MS // 24)
    activity = np.array([_activity(shop, first + timedelta(days=d)) for d in range(days)])
    count = int(rng.poisson(rises_in_180_days * days / HALF_YEAR_DAYS))
    rises = sorted(
        (int(rng.integers(days)), int(rng.integers(len(shop.departments))), float(rng.random()))
        for _ in range(count)
    )
    told = tuple(PriceRise(d, k, 1.0 + RISE_MIN + (RISE_MAX - RISE_MIN) * u) for d, k, u in rises)
    return Calendar(start_ms, activity / activity.mean(), told)


def _activity(shop: Shop, day: datetime) -> float:
    season = 1.0 + sum(
        height * math.exp(-0.5 * (_days_apart(day, peak) / width) ** 2)
        for peak, height, width in shop.season
    )
    weekday = shop.weekdays[day.weekday()]
    paid = any(0 <= (day - _payday(day, on)).days < PAYDAY_DAYS for on in shop.paydays)
    return season * weekday * (shop.payday_times if paid else 1.0)


def _payday(day: datetime, on: int) -> datetime:
    """The newest payday at or before the day."""
    if day.day >= on:
        return day.replace(day=on)
    return (day.replace(day=1) - timedelta(days=1)).replace(day=on)


def _days_apart(day: datetime, peak: float) -> float:
    """Days between a day and a peak of the year, the shorter way round."""
    apart = abs(day.timetuple().tm_yday / YEAR_DAYS - peak) % 1.0
    return min(apart, 1.0 - apart) * YEAR_DAYS
