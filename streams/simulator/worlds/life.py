"""A person's organic life: what would happen if the shop made no offer and contacted nobody.

All of it is drawn before the play from the person's own generator, so it depends neither on offers
and contacts nor on other people. Orders are drawn as if nobody ever left; leaving cuts them off.
Somebody leaves when the cumulative rate of leaving reaches a threshold (exponential, mean 1): the
same threshold with and without a contact, which is what makes the two comparable.
"""

from collections.abc import Iterable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.contracts.times import DAY_MS, HOUR_MS
from streams.simulator.worlds.calendar import HALF_YEAR_DAYS, Calendar
from streams.simulator.worlds.people import MANNERS, Person, contact_shares
from streams.simulator.worlds.settings import WorldSettings
from streams.simulator.worlds.shops import Shop
from streams.simulator.worlds.truth import Incident, IncidentKind, Notice, NoticeKind, PlannedOrder

Floats = NDArray[np.float64]

THRESHOLDS = 8
ASLEEP = 1e-7
ONE_TIME_RATE = 60.0
BAD_MAX = 0.3
COMPLAINT_SHARE = 0.3
RISE_TASTE_MIN = 0.25
RISE_WEIGHT = 0.15
RETURNED = (0.3, 1.0)
LONG_SILENCE_SHARE = 0.1
SILENCE_DAYS, LONG_SILENCE_DAYS = 14.0, 45.0
SLOWS_SHARE, SLOWS_TIMES, QUICKENS_TIMES = 0.8, (1.5, 4.0), (0.5, 0.8)
DAY_HOURS = (8.0, 21.5)
BAD_KINDS: tuple[IncidentKind, ...] = ("out_of_stock", "poor_quality", "complaint")
FAREWELLS: tuple[tuple[NoticeKind, float], ...] = (
    ("cancel_page", 0.35),
    ("uninstall", 0.3),
    ("unsubscribe", 0.15),
    ("complaint", 0.1),
    ("low_nps", 0.1),
)
FAREWELL_DAYS = 2.0


class Life(Struct, frozen=True, kw_only=True):
    """A person's organic life.

    Attributes:
        orders: as if the person never left, by time.
        fade_draws: one in [0, 1) for each order: whether it is left out by somebody who fades.
        visits_ms: without an order, by time; as if the person never left.
        agrees_ms: when the person shows up first and says what they consent to.
        leaving_rate: by day, without the effect of contacts.
        thresholds: of the cumulative rate, one for each life after a return.
        notices: what looks like leaving and means nothing, by time.
        farewell: how long before leaving a sign is given, and which; None for most.
    """

    orders: tuple[PlannedOrder, ...]
    fade_draws: tuple[float, ...]
    visits_ms: tuple[int, ...]
    agrees_ms: int
    drifts_ms: int | None
    drift_factor: float
    silences: tuple[tuple[int, int], ...]
    incidents: tuple[Incident, ...]
    leaving_rate: Floats
    thresholds: tuple[float, ...]
    notices: tuple[Notice, ...]
    farewell: tuple[int, NoticeKind] | None


class _Clock:
    """The person's operational time: it runs with how active they are, and stands in silence."""

    def __init__(self, activity: Floats) -> None:
        self.days = np.arange(len(activity) + 1, dtype=np.float64)
        self.passed = np.concatenate([[0.0], np.cumsum(np.maximum(activity, ASLEEP))])

    def at(self, days: float) -> float:
        return float(np.interp(days, self.days, self.passed))

    def times(self, first: float, gaps: Floats) -> Floats:
        """Days at which the gaps end, the first at `first`, as far as the days go."""
        ends = self.at(first) + np.concatenate([[0.0], np.cumsum(gaps)])
        ends = ends[ends < self.passed[-1]]
        return np.asarray(np.interp(ends, self.passed, self.days), dtype=np.float64)


def draw_life(
    person: Person,
    shop: Shop,
    calendar: Calendar,
    settings: WorldSettings,
    play_days: float,
    rng: np.random.Generator,
) -> Life:
    """A person's life; `calendar` goes beyond the play, `play_days` is the play alone."""
    silences = _silences(calendar.days, settings, rng)
    drift_day, factor = _drift(play_days, settings, rng)
    clock = _Clock(_activity(calendar, silences, drift_day, factor))
    first, agrees = _first(person, play_days, settings, rng)
    size = int(2 * clock.passed[-1] / person.gap_days) + 12
    gaps = rng.gamma(settings.regularity, person.gap_days / settings.regularity, size)
    days = clock.times(first, gaps)
    orders = _orders(person, shop, calendar, settings, days, rng)
    incidents = _incidents(person, orders, calendar, settings, rng)
    agrees_ms = calendar.start_ms + round(agrees * DAY_MS)
    return Life(
        orders=orders,
        fade_draws=tuple(rng.random(len(orders)).tolist()),
        visits_ms=_visits(person, clock, calendar, settings, agrees, rng),
        agrees_ms=min(agrees_ms, orders[0].at_ms - HOUR_MS),
        drifts_ms=None if drift_day is None else calendar.start_ms + round(drift_day * DAY_MS),
        drift_factor=factor,
        silences=tuple(
            (calendar.start_ms + round(a * DAY_MS), calendar.start_ms + round(b * DAY_MS))
            for a, b in silences
        ),
        incidents=incidents,
        leaving_rate=_leaving_rate(person, orders[0], incidents, calendar, settings, rng),
        thresholds=tuple(rng.exponential(1.0, THRESHOLDS).tolist()),
        notices=_notices(person, calendar, settings, agrees, rng),
        farewell=_farewell(settings, rng),
    )


def _silences(
    days: int, settings: WorldSettings, rng: np.random.Generator
) -> list[tuple[float, float]]:
    found = []
    for _ in range(int(rng.poisson(settings.silences * days / HALF_YEAR_DAYS))):
        begins = float(rng.uniform(0, days))
        usual = LONG_SILENCE_DAYS if rng.random() < LONG_SILENCE_SHARE else SILENCE_DAYS
        found.append((begins, begins + float(rng.gamma(4.0, usual / 4.0))))
    return sorted(found)


def _drift(
    play_days: float, settings: WorldSettings, rng: np.random.Generator
) -> tuple[float | None, float]:
    """When the rhythm changes for good, and how many times longer gaps are then."""
    drifts, slows = rng.random() < settings.drift_share, rng.random() < SLOWS_SHARE
    day, factor = (
        float(rng.uniform(0.1, 0.9)),
        rng.uniform(*(SLOWS_TIMES if slows else QUICKENS_TIMES)),
    )
    return (day * play_days, float(factor)) if drifts else (None, 1.0)


def _activity(
    calendar: Calendar, silences: list[tuple[float, float]], drift: float | None, factor: float
) -> Floats:
    activity = calendar.activity.copy()
    if drift is not None:
        activity[int(drift) :] /= factor
    for begins, ends in silences:
        activity[int(begins) : max(int(ends), int(begins) + 1)] = 0.0
    return activity


def _first(
    person: Person, play_days: float, settings: WorldSettings, rng: np.random.Generator
) -> tuple[float, float]:
    """The day of the first order, and the day on which the person shows up."""
    joins, u, before = rng.random() < settings.joining_share, float(rng.random()), rng.random()
    span = 0.6 * play_days if joins or person.one_time else min(person.gap_days, 0.6 * play_days)
    first = 0.1 + u * span
    return first, max(0.0, first - float(before) * min(person.gap_days, 14.0))


def _orders(
    person: Person,
    shop: Shop,
    calendar: Calendar,
    settings: WorldSettings,
    days: Floats,
    rng: np.random.Generator,
) -> tuple[PlannedOrder, ...]:
    n = len(days)
    departments = rng.choice(len(person.tastes), size=n, p=_normal(person.tastes))
    hours = np.clip(rng.normal(14.5, 3.5, n), *DAY_HOURS) - shop.utc_offset_h
    amounts = person.basket * rng.lognormal(0.0, settings.basket_spread / 2**0.5, n)
    in_store = rng.random(n) < person.channels[2]
    returned = np.where(rng.random(n) < settings.returns_share, rng.uniform(*RETURNED, n), 0.0)
    at_ms, found = calendar.start_ms + HOUR_MS, []
    for k, moment_ms in enumerate(sorted(np.floor(days) * DAY_MS + np.rint(hours * HOUR_MS))):
        at_ms = max(calendar.start_ms + int(moment_ms), at_ms + HOUR_MS)
        dearer = _price_times(calendar, int(days[k]), int(departments[k]))
        found.append(
            PlannedOrder(
                at_ms=at_ms,
                amount=round(float(amounts[k]) * dearer, shop.decimals),
                department=int(departments[k]),
                in_store=bool(in_store[k]),
                organic=k,
                returned=round(float(returned[k]), 2),
            )
        )
    return tuple(found)


def _normal(shares: tuple[float, ...]) -> Floats:
    told = np.array(shares)
    return np.asarray(told / told.sum(), dtype=np.float64)


def _price_times(calendar: Calendar, day: int, department: int) -> float:
    times = 1.0
    for rise in calendar.rises:
        if rise.day <= day and rise.department == department:
            times *= rise.times
    return times


def _incidents(
    person: Person,
    orders: tuple[PlannedOrder, ...],
    calendar: Calendar,
    settings: WorldSettings,
    rng: np.random.Generator,
) -> tuple[Incident, ...]:
    """Bad experiences: some with an order, and prices of what the person likes."""
    chance = min(BAD_MAX, settings.bad_experiences * person.gap_days / HALF_YEAR_DAYS)
    draws = rng.random((len(orders), 4))
    found = [
        Incident(
            order.at_ms,
            kind := BAD_KINDS[int(draw[1] * len(BAD_KINDS))],
            0.5 + float(draw[2]),
            kind == "complaint" or bool(draw[3] < COMPLAINT_SHARE),
        )
        for order, draw in zip(orders, draws, strict=True)
        if draw[0] < chance
    ]
    for rise in calendar.rises:
        taste = person.tastes[rise.department]
        if taste >= RISE_TASTE_MIN:
            at_ms = calendar.start_ms + rise.day * DAY_MS
            found.append(Incident(at_ms, "price_rise", taste))
    return tuple(sorted(found, key=lambda incident: incident.at_ms))


def _leaving_rate(
    person: Person,
    first: PlannedOrder,
    incidents: tuple[Incident, ...],
    calendar: Calendar,
    settings: WorldSettings,
    rng: np.random.Generator,
) -> Floats:
    """By day: the person's own rate, times what bad experiences add for a while.

    The cumulative rate of 180 days is such that `leavers_share` of people leave, given that rates
    are gamma over people: 1 - (1 + H / k) ** -k = share.
    """
    k, share = settings.frailty, settings.leavers_share
    total = k * ((1.0 - share) ** (-1.0 / k) - 1.0)
    bad = settings.bad_experiences + RISE_WEIGHT * settings.price_rises
    added = bad * settings.bad_times * settings.bad_days / HALF_YEAR_DAYS
    usual = sum(MANNERS[t].leaves * s for t, s in contact_shares(settings).items())
    rate = total / HALF_YEAR_DAYS / (1.0 + added) * person.manner.leaves / usual
    rate *= float(rng.gamma(k, 1.0 / k))
    day = np.arange(calendar.days, dtype=np.float64)
    times = times_of_bad(incidents, calendar.start_ms, calendar.days, settings)
    begins = (first.at_ms - calendar.start_ms) // DAY_MS + 1
    rates = np.asarray(np.where(day >= begins, rate * times, 0.0), dtype=np.float64)
    if person.one_time:
        rates[begins : begins + 1] = ONE_TIME_RATE
    return rates


def times_of_bad(
    incidents: Iterable[Incident], start_ms: int, days: int, settings: WorldSettings
) -> Floats:
    """By day: how many times the leaving rate is what it would be without these experiences."""
    day, times = np.arange(days, dtype=np.float64), np.ones(days)
    for incident in incidents:
        age = day - (incident.at_ms - start_ms) // DAY_MS
        faded = np.exp(-np.maximum(age, 0.0) / settings.bad_days)
        times += np.where(age >= 0, settings.bad_times * incident.strength * faded, 0.0)
    return times


def _visits(
    person: Person,
    clock: _Clock,
    calendar: Calendar,
    settings: WorldSettings,
    agrees: float,
    rng: np.random.Generator,
) -> tuple[int, ...]:
    gap = max(person.gap_days / max(person.visits_per_gap, 0.02), 1 / settings.visits_per_day_max)
    gaps = rng.exponential(gap, int(1.6 * clock.passed[-1] / gap) + 12)
    days = clock.times(agrees + 0.02, gaps)[1:]
    return tuple((calendar.start_ms + np.rint(days * DAY_MS).astype(np.int64)).tolist())


def _notices(
    person: Person,
    calendar: Calendar,
    settings: WorldSettings,
    agrees: float,
    rng: np.random.Generator,
) -> tuple[Notice, ...]:
    rates: dict[NoticeKind, float] = {
        "cancel_page": settings.cancel_page,
        "uninstall": settings.uninstall,
        "unsubscribe": settings.unsubscribe * person.manner.opts_out,
        "complaint": settings.complaint,
        "low_nps": settings.low_nps,
    }
    span = calendar.days - agrees - 1.0
    found = [
        Notice(calendar.start_ms + round((agrees + 1.0 + u * span) * DAY_MS), kind)
        for kind, rate in rates.items()
        for u in rng.random(int(rng.poisson(rate * span / HALF_YEAR_DAYS)))
    ]
    return tuple(sorted(found, key=lambda notice: notice.at_ms))


def _farewell(settings: WorldSettings, rng: np.random.Generator) -> tuple[int, NoticeKind] | None:
    says, pick, early = rng.random(), rng.random(), float(rng.exponential(FAREWELL_DAYS))
    if says >= settings.farewell_share:
        return None
    for kind, share in FAREWELLS:
        pick -= share
        if pick < 0:
            return round(early * DAY_MS), kind
    return round(early * DAY_MS), FAREWELLS[-1][0]
