"""How good alerts were, by the truth of the worlds they were raised in.

An alert is true if the person had left, or left within the horizon, had nobody acted on it. Lags
are in the person's own gaps at that time, from the day of leaving to the alert; below 0 is early.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.churn_play import Alarm, Case, Moment, Play, true_gap_ms
from benchmarks.churn_saved import (
    LeftAlone,
    Mean,
    left_alone,
    offers_by_arm,
    saved,
    saved_less_cost,
)
from benchmarks.churn_saved_entries import WAYS, Estimate, best_of, entries_of
from streams.alerts.moves import CLEAR_BY, NEAR_BY, SETTLES_MS
from streams.contracts.times import DAY_MS
from streams.simulator.worlds import PersonTruth

GAPS = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0)
RISKS = tuple(n / 50 for n in range(1, 50))
FINE_RISKS = tuple(n / 100 for n in range(1, 100))
ORDERS_MIN = 2
FINDABLE_GAPS = 2.0
IN_TIME_GAPS = 0.5
OVERDUE_GAPS = 1.5
BANDS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.000001)


class Point(Struct, frozen=True, kw_only=True):
    """A rule at one threshold; precision, recall and lag are None where there is nothing."""

    threshold: float
    alerts: int
    alerts_per_leaver: float | None
    precision: float | None
    recall: float | None
    lag_gaps: float | None


class Compared(Struct, frozen=True, kw_only=True):
    """The rule of thumb at one threshold, and the product's risk where it finds as many.

    `looks_precision`: where the risk warns as a case opens, at once if the score is clear of the
    threshold and else when the risk has stood for more than a week.
    """

    gaps: float
    recall: float
    rule_precision: float
    risk_precision: float | None
    looks_precision: float | None


class Curve(Struct, frozen=True, kw_only=True):
    """The comparison at every threshold of the rule, and at how many the risk is better."""

    points: tuple[Compared, ...]
    beaten_by_risk: int
    beaten_by_looks: int


class Calibration(Struct, frozen=True, kw_only=True):
    """Stated P(no purchase within the horizon) beside what came of it without a contact.

    `error`: the standard error of their distance; what one person is told is one observation.
    """

    band: str
    cases: int
    stated: float
    came: float
    error: float


class Figures(Struct, frozen=True, kw_only=True):
    """All figures of one kind of shop, over its seeds."""

    kind: str
    seeds: tuple[int, ...]
    people: int
    leavers: int
    leavers_findable: int
    events: int
    decisions: int
    cpu_s: float
    alerts: Point
    before_own_data: int
    before_own_data_without_signal: int
    cold: int
    on_purchase_day: int
    false_by_cause: dict[str, int]
    bands: tuple[Calibration, ...]
    risks: tuple[Calibration, ...]
    rule: tuple[Point, ...]
    rule_in_horizon: tuple[Point, ...]
    by_risk: tuple[Point, ...]
    oracle: tuple[Point, ...]
    compared: Curve
    compared_of_scored: Curve
    compared_in_horizon: Curve
    scored: int
    recall_of_scored: float | None
    rule_of_same_precision: Point | None
    recall_in_time: float | None
    saved_a_case: Mean
    saved_a_case_with_later: Mean
    saved_less_cost: float
    saved_by_way: dict[str, Estimate | None]
    saved_at_best: dict[str, Estimate | None]
    contacted_by_type: dict[str, int]
    contacted_by_action: dict[str, int]
    left_alone: LeftAlone
    offers_by_arm: dict[str, tuple[int, float]]
    currency: str


def figures(plays: Sequence[Play]) -> Figures:
    """The figures of plays of one kind."""
    alarms = [Alarm(p, c.moment) for p in plays for c in p.cases]
    cases = [(p, c) for p in plays for c in p.cases]
    early = [c for p, c in cases if c.moment.at_ms < p.own_ms]
    product = _point(plays, alarms, 0.0)
    rule = tuple(_point(plays, _by_rule(plays, k), k) for k in GAPS)
    by_risk = tuple(_point(plays, _by_risk(plays, r), r) for r in RISKS)
    same = next((r for r in rule if _at_least(r.precision, product.precision)), None)
    left = [leaver for p in plays for leaver in leavers(p.people, p.end_ms)]
    entries = [entry for p in plays for entry in entries_of(p)]
    scored = [_of_scored(p) for p in plays]
    return Figures(
        kind=plays[0].kind,
        seeds=tuple(p.seed for p in plays),
        people=sum(len(p.people) for p in plays),
        leavers=len(left),
        leavers_findable=sum(findable for *_, findable in left),
        events=sum(p.records for p in plays),
        decisions=sum(p.decisions for p in plays),
        cpu_s=sum(p.cpu_s for p in plays),
        alerts=product,
        before_own_data=len(early),
        before_own_data_without_signal=sum(not c.signal for c in early),
        cold=sum(c.cold for _, c in cases),
        on_purchase_day=sum(_bought_today(c.moment) for _, c in cases),
        false_by_cause=dict(Counter(_cause(p, c) for p, c in cases if not _is_true(p, c.moment))),
        bands=tuple(_calibrations(((c.band, p, c.moment) for p, c in cases))),
        risks=tuple(_calibrations((_risk_band(m), p, m) for p in plays for m in p.samples)),
        rule=rule,
        rule_in_horizon=tuple(_point(plays, _by_rule(plays, k, in_horizon=True), k) for k in GAPS),
        by_risk=by_risk,
        oracle=tuple(_point(plays, _by_rule(plays, k, oracle=True), k) for k in GAPS),
        compared=_curve(plays, in_horizon=False),
        compared_of_scored=_curve(scored, in_horizon=False),
        compared_in_horizon=_curve(scored, in_horizon=True),
        scored=sum(len(p.people) for p in scored),
        recall_of_scored=_point(
            scored, [Alarm(p, c.moment) for p in scored for c in p.cases], 0.0
        ).recall,
        rule_of_same_precision=same,
        recall_in_time=None if same is None else _in_time(plays, alarms, same.threshold),
        saved_a_case=saved(plays, later=0.0),
        saved_a_case_with_later=saved(plays, later=1.0),
        saved_less_cost=saved_less_cost(plays),
        saved_by_way={way: measure(entries) for way, measure in WAYS.items()},
        saved_at_best={way: measure(best_of(entries)) for way, measure in WAYS.items()},
        contacted_by_type=dict(Counter(e.contact_type for p in plays for e in p.contacts)),
        contacted_by_action=dict(Counter(e.action for p in plays for e in p.contacts)),
        left_alone=left_alone(alarms, (_by_risk(plays, r) for r in RISKS)),
        offers_by_arm=offers_by_arm(plays),
        currency=plays[0].currency,
    )


def _is_true(play: Play, moment: Moment) -> bool:
    return moment.leaves_ms <= moment.at_ms + play.horizon_ms


def leavers(people: Iterable[PersonTruth], end_ms: int) -> Iterator[tuple[str, int, float, bool]]:
    """Who left by nature: id, when, own gap in milliseconds, and whether there was time to see it.

    Those who only ever meant to buy once, or had bought once, are a track of their own.
    """
    for person in people:
        left_ms = person.organic_leaves_ms
        made = sum(order.at_ms < left_ms for order in person.organic_orders)
        if person.one_time or left_ms >= end_ms or made < ORDERS_MIN:
            continue
        gap_ms = true_gap_ms(person, left_ms)
        yield person.customer_id, left_ms, gap_ms, left_ms + FINDABLE_GAPS * gap_ms < end_ms


def _point(plays: Sequence[Play], alarms: Sequence[Alarm], threshold: float) -> Point:
    true = [a for a in alarms if _is_true(a.play, a.moment)]
    first: dict[tuple[int, str], int] = {}
    for alarm in true:
        key = id(alarm.play), alarm.moment.customer_id
        first[key] = min(alarm.moment.at_ms, first.get(key, alarm.moment.at_ms))
    found, lags, many = [], [], 0
    for play in plays:
        for customer_id, left_ms, gap_ms, findable in leavers(play.people, play.end_ms):
            many += 1
            at_ms = first.get((id(play), customer_id))
            if at_ms is not None:
                lags.append((at_ms - left_ms) / gap_ms)
            if findable:
                found.append(at_ms is not None)
    return Point(
        threshold=threshold,
        alerts=len(alarms),
        alerts_per_leaver=len(alarms) / many if many else None,
        precision=len(true) / len(alarms) if alarms else None,
        recall=float(np.mean(found)) if found else None,
        lag_gaps=float(np.median(lags)) if lags else None,
    )


def _by_rule(
    plays: Sequence[Play], gaps: float, *, oracle: bool = False, in_horizon: bool = False
) -> list[Alarm]:
    """Silent for more than so many own gaps, without offers and contacts, from own data on.

    The own gap is the mean so far; `oracle` knows the true one, which nobody can do better than
    by silence alone. `in_horizon`: only while the silence is shorter than the horizon; after it the
    person has left by what leaving means in this shop, and there is nothing left to foretell.
    """
    alarms = []
    for play in plays:
        for person in play.people:
            at = [order.at_ms for order in person.organic_orders]
            for n in range(ORDERS_MIN - 1, len(at)):
                mean_ms = max((at[n] - at[0]) / n, DAY_MS)
                gap_ms = true_gap_ms(person, at[n]) if oracle else mean_ms
                due_ms = max(at[n] + round(gaps * gap_ms), play.own_ms)
                next_ms = at[n + 1] if n + 1 < len(at) else None
                late = in_horizon and due_ms >= at[n] + play.horizon_ms
                if not late and due_ms < play.end_ms and (next_ms is None or due_ms < next_ms):
                    moment = Moment(
                        customer_id=person.customer_id,
                        at_ms=due_ms,
                        risk=0.0,
                        gap_ms=gap_ms,
                        last_ms=at[n],
                        orders=n + 1,
                        leaves_ms=person.organic_leaves_ms,
                        buys_ms=next_ms,
                    )
                    alarms.append(Alarm(play, moment))
    return alarms


def _of_scored(play: Play) -> Play:
    """The play of those of whom a risk was ever said.

    Of who does not grant `profiling` nothing may be said, by no rule at all.
    """
    told = {moment.customer_id for moment in play.samples}
    return replace(play, people=tuple(p for p in play.people if p.customer_id in told))


def _curve(plays: Sequence[Play], *, in_horizon: bool) -> Curve:
    rule = (_point(plays, _by_rule(plays, k, in_horizon=in_horizon), k) for k in GAPS)
    by_risk = [_point(plays, _by_risk(plays, r), r) for r in FINE_RISKS]
    by_looks = [_point(plays, _by_looks(plays, r), r) for r in FINE_RISKS]
    points = tuple(
        Compared(
            gaps=point.threshold,
            recall=point.recall,
            rule_precision=point.precision,
            risk_precision=_most_precise(by_risk, point.recall),
            looks_precision=_most_precise(by_looks, point.recall),
        )
        for point in rule
        if point.recall is not None and point.precision is not None
    )
    return Curve(
        points=points,
        beaten_by_risk=sum((p.risk_precision or 0.0) > p.rule_precision for p in points),
        beaten_by_looks=sum((p.looks_precision or 0.0) > p.rule_precision for p in points),
    )


def _most_precise(points: Iterable[Point], recall: float) -> float | None:
    """The best precision of those that find as many."""
    as_many = (p.precision for p in points if _at_least(p.recall, recall))
    return max((p for p in as_many if p is not None), default=None)


def _by_looks(plays: Sequence[Play], risk: float) -> list[Alarm]:
    """As `_by_risk`, but when it has stood so near for so long, unless the score is clear of it."""
    alarms = []
    for play in plays:
        since: dict[tuple[str, int], int] = {}
        seen: set[tuple[str, int]] = set()
        for moment in play.samples:
            silence = moment.customer_id, moment.last_ms
            if moment.risk < risk - NEAR_BY or moment.at_ms < play.own_ms:
                since.pop(silence, None)
                continue
            stood_ms = moment.at_ms - since.setdefault(silence, moment.at_ms)
            settled = stood_ms >= SETTLES_MS or moment.score >= risk + CLEAR_BY
            if moment.risk >= risk and settled and silence not in seen:
                seen.add(silence)
                alarms.append(Alarm(play, moment))
    return alarms


def _by_risk(plays: Sequence[Play], risk: float) -> list[Alarm]:
    """The first sample of each silence at which the risk is so high, from own data on."""
    alarms = []
    for play in plays:
        seen: set[tuple[str, int]] = set()
        for moment in play.samples:
            silence = moment.customer_id, moment.last_ms
            if moment.risk >= risk and moment.at_ms >= play.own_ms and silence not in seen:
                seen.add(silence)
                alarms.append(Alarm(play, moment))
    return alarms


def _in_time(plays: Sequence[Play], alarms: Sequence[Alarm], gaps: float) -> float | None:
    """Leavers alerted at most half an own gap after the rule would; of whom that is in the play."""
    alerted = defaultdict(list)
    for alarm in alarms:
        if _is_true(alarm.play, alarm.moment):
            alerted[id(alarm.play), alarm.moment.customer_id].append(alarm.moment.at_ms)
    found = []
    for play in plays:
        people = {person.customer_id: person for person in play.people}
        for customer_id, left_ms, gap_ms, _ in leavers(play.people, play.end_ms):
            orders = people[customer_id].organic_orders
            last_ms = max(order.at_ms for order in orders if order.at_ms < left_ms)
            latest_ms = last_ms + (gaps + IN_TIME_GAPS) * gap_ms
            if latest_ms < play.end_ms:
                found.append(any(at <= latest_ms for at in alerted[id(play), customer_id]))
    return float(np.mean(found)) if found else None


def _bought_today(moment: Moment) -> bool:
    return moment.at_ms - moment.last_ms < DAY_MS


def _cause(play: Play, case: Case) -> str:
    """Why a false alert came, the plainest first."""
    moment = case.moment
    causes = (
        ("on the day of a purchase", _bought_today(moment)),
        ("before own data", moment.at_ms < play.own_ms),
        ("away: holiday or illness", case.silent),
        ("slower for good, still there", case.drifted),
        ("a strong signal without a meaning", case.signal),
        ("not overdue", moment.at_ms - moment.last_ms < OVERDUE_GAPS * moment.gap_ms),
    )
    return next((name for name, holds in causes if holds), "a long gap by chance")


def _calibrations(told: Iterable[tuple[str, Play, Moment]]) -> Iterator[Calibration]:
    groups = defaultdict(list)
    for band, play, moment in told:
        silent = moment.buys_ms is None or moment.buys_ms > moment.at_ms + play.horizon_ms
        groups[band].append((moment.risk, silent, (play.seed, moment.customer_id)))
    for band, told_of in sorted(groups.items()):
        stated, came = (float(np.mean(each)) for each in list(zip(*told_of, strict=True))[:2])
        apart: dict[tuple[int, str], float] = defaultdict(float)
        for risk, silent, person in told_of:
            apart[person] += risk - silent - (stated - came)
        yield Calibration(
            band=band,
            cases=len(told_of),
            stated=stated,
            came=came,
            error=float(np.sqrt(sum(one**2 for one in apart.values()))) / len(told_of),
        )


def _risk_band(moment: Moment) -> str:
    n = int(np.searchsorted(BANDS, moment.risk, side="right")) - 1
    whose = "" if moment.carried else ", before own data"
    return f"{BANDS[n]:.1f} to {BANDS[n + 1]:.1f}{whose}"


def _at_least(a: float | None, b: float | None) -> bool:
    return a is not None and b is not None and a >= b
