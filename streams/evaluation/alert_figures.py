"""How good alerts were by what came afterwards: precision, recall, lead time, and how many.

The words are those of docs/evaluate.md. A warning is true if no purchase followed within the
horizon. It cannot be judged yet if the file ends before its horizon does, whatever was bought.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from msgspec import Struct

from streams.contracts.times import DAY_MS, from_ms
from streams.evaluation.alerts_played import AlertPlay, PlayedAlert
from streams.evaluation.histories import Histories
from streams.evaluation.moments import Flags, Floats, Moments
from streams.evaluation.scores import Interval, mean_interval
from streams.evaluation.warned import (
    THUMB_GAPS,
    Silence,
    Warned,
    by_product,
    by_score,
    by_thumb,
    silences_of,
)

USEFUL_GAPS = 4.0  # silent for longer, a customer is taken for lost by the usual rule of thumb
YEAR_MS = 365.25 * DAY_MS
WARNING = ("entered", "escalated")
ALL = "all"


class RuleFigures(Struct, frozen=True, kw_only=True):
    """One way to warn; None where there is nothing to take a mean of.

    Attributes:
        warnings: all of them; `judged` of these can be judged.
        precision: true warnings of those judged.
        recall: silences longer than the horizon that were warned of; of `lapses`.
        in_time: of the true warnings, those up to the last useful day.
        lead_days: from a true warning to the last useful day, the median; below 0 is too late.
        a_customer_year: warnings per customer and year.
    """

    name: str
    warnings: int
    judged: int
    precision: Interval | None
    recall: Interval | None
    lapses: int
    in_time: float | None
    lead_days: float | None
    a_customer_year: Interval | None


class BandFigures(Struct, frozen=True, kw_only=True):
    """Alerts of one kind and band: the mean of the stated risk beside what came."""

    transition: str
    band: str
    alerts: int
    judged: int
    stated: float | None
    came: Interval | None


class MonthFigures(Struct, frozen=True):
    """Cases that were opened in a month (`2011-03`): true, false, and not judged yet."""

    month: str
    true: int
    false: int
    open: int


class AlertFigures(Struct, frozen=True, kw_only=True):
    """All figures of a play.

    Attributes:
        rules: the product first, then what it is compared with.
        base_rate: the share of scores without a purchase within the horizon, of the people and
            the time that warnings are about.
        bands: by transition and band.
        on_purchase_day: warnings less than 24 hours after a purchase of the same person.
        lead_days: of each true alert, in the order of time.
        transitions: how many alerts of each kind; `resolved_by`: how cases ended.
        own_from: the day on which the shop's own data first carried a score.
    """

    horizon_days: float
    customers: int
    customer_years: float
    own_from: str | None
    ends: str
    passed: Mapping[str, int]
    transitions: Mapping[str, int]
    resolved_by: Mapping[str, int]
    base_rate: Interval | None
    rules: tuple[RuleFigures, ...]
    bands: tuple[BandFigures, ...]
    on_purchase_day: int
    lead_days: tuple[float, ...]
    months: tuple[MonthFigures, ...]


class _Judge:
    """What came of warnings, by the purchases that the product took."""

    def __init__(self, play: AlertPlay, histories: Histories) -> None:
        self.play, self.histories = play, histories
        self.horizon_ms = play.definition.horizon_ms
        self.silences = tuple(silences_of(histories, play.definition.min_purchases))

    def is_judged(self, at_ms: int) -> bool:
        return at_ms + self.horizon_ms <= self.play.end_ms

    def is_true(self, warned: Warned | PlayedAlert) -> bool:
        return self.histories.is_gone(warned.customer_id, warned.at_ms, self.horizon_ms)

    def useful_ms(self, last_ms: int, gap_ms: float) -> int:
        """The last useful day: four own gaps of silence, or the horizon where that is sooner."""
        return last_ms + min(round(USEFUL_GAPS * gap_ms), self.horizon_ms)

    def lead_days(self, warned: Warned) -> float | None:
        """From the warning to the last useful day; None for who has no own gap."""
        known = self.histories.known(warned.customer_id, warned.at_ms)
        if known is None or known.gap_ms is None:
            return None
        return (self.useful_ms(known.last_ms, known.gap_ms) - warned.at_ms) / DAY_MS

    def lapses(self) -> list[Silence]:
        """Silences longer than the horizon that somebody could have warned of in time."""
        own_ms = self.play.own_ms
        return [
            s
            for s in self.silences
            if own_ms is not None
            and self.is_judged(s.last_ms)
            and (s.next_ms is None or s.next_ms > s.last_ms + self.horizon_ms)
            and self.useful_ms(s.last_ms, s.gap_ms) >= own_ms
        ]

    def rule(self, name: str, warned: Sequence[Warned]) -> RuleFigures:
        judged = [w for w in warned if self.is_judged(w.at_ms)]
        true = [w for w in judged if self.is_true(w)]
        leads = [lead for w in true if (lead := self.lead_days(w)) is not None]
        lapses = self.lapses()
        starts = {(w.customer_id, self._last_ms(w)) for w in warned}
        found = [(s.customer_id, s.last_ms) in starts for s in lapses]
        return RuleFigures(
            name=name,
            warnings=len(warned),
            judged=len(judged),
            precision=_mean([self.is_true(w) for w in judged], [w.customer_id for w in judged]),
            recall=_mean(found, [s.customer_id for s in lapses]),
            lapses=len(lapses),
            in_time=float(np.mean([lead >= 0.0 for lead in leads])) if leads else None,
            lead_days=float(np.median(leads)) if leads else None,
            a_customer_year=self._a_year(warned),
        )

    def _last_ms(self, warned: Warned) -> int | None:
        known = self.histories.known(warned.customer_id, warned.at_ms)
        return None if known is None else known.last_ms

    def _a_year(self, warned: Sequence[Warned]) -> Interval | None:
        count = Counter(w.customer_id for w in warned)
        customers = self.histories.customers
        years = np.array([self.years(who) for who in customers])
        if not years.sum():
            return None
        return mean_interval(np.array([float(count[c]) for c in customers]), customers, years)

    def years(self, customer_id: str) -> float:
        """From the first purchase to the end of the file."""
        return (self.play.end_ms - self.histories.times_ms(customer_id)[0]) / YEAR_MS


def alert_figures(play: AlertPlay, moments: Moments, others: Mapping[str, Floats]) -> AlertFigures:
    """The figures of a play.

    Args:
        play: the alerts, and the purchases that judge them.
        moments: all ticks that can be judged.
        others: by name, P(no purchase) of other models at `moments`; each warns as often as the
            product does.
    """
    histories = Histories(play.taken)
    judge = _Judge(play, histories)
    product = judge.rule("product", by_product(play))
    about = moments.take(_could_warn(moments, play))
    leads = (judge.lead_days(w) for w in by_product(play) if _is_true_for_sure(judge, w))
    return AlertFigures(
        horizon_days=play.definition.horizon_ms / DAY_MS,
        customers=len(histories.customers),
        customer_years=sum(judge.years(who) for who in histories.customers),
        own_from=None if play.own_ms is None else _day(play.own_ms),
        ends=_day(play.end_ms),
        passed=play.passed,
        transitions=_counts(play.alerts, lambda a: a.transition),
        resolved_by=_counts(play.alerts, lambda a: a.resolved_by),
        base_rate=_mean(about.gone.tolist(), about.customers),
        rules=(
            product,
            *(
                judge.rule(f"silent > {k:g} own gaps", by_thumb(judge.silences, play, k))
                for k in THUMB_GAPS
            ),
            *_by_others(judge, moments, others, product.judged),
        ),
        bands=tuple(_bands(judge)),
        on_purchase_day=sum(_bought_before(histories, a) for a in play.alerts),
        lead_days=tuple(round(lead, 3) for lead in leads if lead is not None),
        months=tuple(_months(judge)),
    )


def _could_warn(moments: Moments, play: AlertPlay) -> Flags:
    """The ticks at which the product may open a case: own data carry, bought on two days."""
    early = play.end_ms if play.own_ms is None else play.own_ms
    enough = moments.repeats + 1 >= max(play.definition.min_purchases, 2)
    return np.asarray((moments.at_ms >= early) & enough)


def _by_others(
    judge: _Judge, moments: Moments, others: Mapping[str, Floats], many: int
) -> list[RuleFigures]:
    rows = _could_warn(moments, judge.play)
    days_min = judge.play.definition.min_purchases
    about = moments.take(rows)
    return [
        judge.rule(name, by_score(about, judge.histories, scores[rows], many, days_min))
        for name, scores in others.items()
    ]


def _bands(judge: _Judge) -> list[BandFigures]:
    groups: dict[tuple[str, str], list[PlayedAlert]] = {}
    for alert in judge.play.alerts:
        if alert.transition in WARNING and alert.risk is not None:
            for band in (alert.band, ALL) if alert.transition == "entered" else (alert.band,):
                groups.setdefault((alert.transition, band), []).append(alert)
    told = []
    for (transition, band), alerts in sorted(groups.items()):
        judged = [a for a in alerts if judge.is_judged(a.at_ms)]
        stated = [a.risk for a in judged if a.risk is not None]
        told.append(
            BandFigures(
                transition=transition,
                band=band,
                alerts=len(alerts),
                judged=len(judged),
                stated=float(np.mean(stated)) if stated else None,
                came=_mean([judge.is_true(a) for a in judged], [a.customer_id for a in judged]),
            )
        )
    return told


def _months(judge: _Judge) -> list[MonthFigures]:
    counts: dict[str, Counter[str]] = {}
    for warned in by_product(judge.play):
        kind = "open"
        if judge.is_judged(warned.at_ms):
            kind = "true" if judge.is_true(warned) else "false"
        counts.setdefault(_day(warned.at_ms)[:7], Counter())[kind] += 1
    return [
        MonthFigures(month, c["true"], c["false"], c["open"]) for month, c in sorted(counts.items())
    ]


def _is_true_for_sure(judge: _Judge, warned: Warned) -> bool:
    return judge.is_judged(warned.at_ms) and judge.is_true(warned)


def _bought_before(histories: Histories, alert: PlayedAlert) -> bool:
    """Whether the alert warns less than 24 hours after a purchase."""
    known = histories.known(alert.customer_id, alert.at_ms)
    fresh = known is not None and alert.at_ms - known.last_ms < DAY_MS
    return fresh and alert.transition in WARNING


def _counts(
    alerts: Sequence[PlayedAlert], kind: Callable[[PlayedAlert], str | None]
) -> dict[str, int]:
    return dict(sorted(Counter(k for a in alerts if (k := kind(a)) is not None).items()))


def _mean(flags: Sequence[bool], customers: Sequence[str]) -> Interval | None:
    return mean_interval(np.array(flags, dtype=np.bool_), customers) if flags else None


def _day(at_ms: int) -> str:
    return from_ms(at_ms).date().isoformat()
