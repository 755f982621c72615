"""How good the alerts of a running shop were, by its own log: case outcomes, leavers and labels.

The same words as in docs/evaluate.md, of what was really said and done: contacts were made, so a
case that a contact saved counts as one that bought. Intervals are by bootstrap over people.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Literal

import numpy as np
from msgspec import Struct

from streams.contracts.ids import lot
from streams.contracts.internal.learning import CUSTOMER_KEY, LearningExample
from streams.contracts.outputs.payloads import CaseOutcome, ChurnAlert, SegmentChange
from streams.contracts.times import DAY_MS, from_ms, monday_week, to_ms
from streams.errors import ExampleError
from streams.evaluation.scores import Interval, mean_interval
from streams.features.calibration import CALIBRATION_MODEL
from streams.models.measures import auc
from streams.models.reliability import SILENCES, TENTHS, silence_of, tenth_of
from streams.models.top_cases import TOPS

NoLooks = Literal["horizon_runs", "nobody_grants", "none_to_judge"]
"""Why there is no label of a look.

`horizon_runs`: the log is shorter than a horizon, or holds no alert, which says how long one is.
`nobody_grants`: it is longer, and nobody lets learn. `none_to_judge`: some do, and there was no
look at one of them, outside a treated case, since the shop's own data carry the score.
"""


class Group(Struct, frozen=True, kw_only=True):
    """Cases, or looks, of one kind: how many, the mean of the stated risk, and who left."""

    name: str
    many: int
    stated: float
    left: Interval


class Looks(Struct, frozen=True, kw_only=True):
    """Looks whose horizon is over, each with the risk that was stated, of no treated case.

    `auc`: the chance that the risk of one who left is above that of one who did not; None where
    all came out alike.
    """

    people: int
    all: Group
    auc: float | None
    by_risk: tuple[Group, ...]
    by_silence: tuple[Group, ...]


class AlertsLogged(Struct, frozen=True, kw_only=True):
    """What a log says of its alerts; None where there is nothing to take a mean of.

    Attributes:
        transitions: how many alerts of each kind.
        followed: cases by result, those that were not followed to the end among them.
        cases: all that were; then by band and by arm.
        recall: of regulars who left, those of whom a case was open in that silence.
        lead_days: from a true alert until the person counted as lost, the median.
        top: the first k cases of each week that is over, by what was at stake.
        first_end: when the first case's horizon is over; None without a case.
        until: the newest time in the log; None where it is empty.
        looks: of who grants `model_training`; None without labels.
        no_looks: why there are none; None where there are.
    """

    transitions: dict[str, int]
    followed: dict[str, int]
    cases: Group | None
    by_band: tuple[Group, ...]
    by_arm: tuple[Group, ...]
    recall: Interval | None
    leavers: int
    lead_days: float | None
    top: tuple[Group, ...]
    first_end: datetime | None
    until: datetime | None
    looks: Looks | None
    no_looks: NoLooks | None


class _Judged(Struct, frozen=True):
    """A stated risk, whether the person left, and who it is."""

    risk: float
    left: bool
    who: str


class Look(_Judged, frozen=True):
    """A look whose horizon is over; `own_gaps`: the silence in units of the own usual gap."""

    own_gaps: float


class _Told(Struct):
    """What stays of records that are not kept: their number, the first and the last time."""

    transitions: Counter[str]
    first_ms: int | None = None
    last_ms: int | None = None
    taught: bool = False
    horizon_days: float | None = None
    first_end: datetime | None = None

    def at(self, at_ms: int) -> None:
        """Something is of this time."""
        self.first_ms = at_ms if self.first_ms is None else min(self.first_ms, at_ms)
        self.last_ms = at_ms if self.last_ms is None else max(self.last_ms, at_ms)

    def alert(self, alert: ChurnAlert) -> None:
        """An alert was raised."""
        self.at(to_ms(alert.raised_at))
        self.transitions[alert.transition] += 1
        horizon, end = alert.horizon_days, alert.raised_at + timedelta(days=alert.horizon_days)
        self.horizon_days = min(self.horizon_days or horizon, horizon)
        if alert.transition == "entered":
            self.first_end = end if self.first_end is None else min(self.first_end, end)


def look_of(example: LearningExample) -> Look | None:
    """The look that a labeled example is of; None: it is of something else.

    Raises:
        ExampleError: it lacks the stated risk or the silence.
    """
    features = example.features
    if example.model != CALIBRATION_MODEL or CUSTOMER_KEY not in features:
        return None
    for name in ("risk", "own_gaps"):
        if name not in features:
            raise ExampleError(name)
    who = str(features[CUSTOMER_KEY])
    return Look(features["risk"], example.label > 0.5, who, features["own_gaps"])


def judge_logged(
    alerts: Iterable[ChurnAlert],
    outcomes: Iterable[CaseOutcome],
    changes: Iterable[SegmentChange],
    examples: Iterable[tuple[int, Look | None]],
) -> AlertsLogged:
    """Judge what a log holds; each argument is read once, in any order.

    Of alerts and of changes that tell of no leaver only counts and times are kept.

    Args:
        alerts: every one that was raised.
        outcomes: of cases.
        changes: of segments.
        examples: of each that was learned, when its label became known, and the look it is of.
    """
    told, leavers, looked = _Told(Counter()), list[SegmentChange](), list[Look]()
    for alert in alerts:
        told.alert(alert)
    every = list(outcomes)
    for one in every:
        told.at(to_ms(one.known_at))
    for change in changes:
        told.at(to_ms(change.changed_at))
        if change.warned is not None:
            leavers.append(change)
    for known_ms, look in examples:
        told.at(known_ms)
        told.taught = True
        if look is not None:
            looked.append(look)
    known = [one for one in every if one.result != "not_followed"]
    leads = [one.lead_days for one in known if one.result == "left"]
    return AlertsLogged(
        transitions=dict(sorted(told.transitions.items())),
        followed=dict(sorted(Counter(one.result for one in every).items())),
        cases=_group("all cases", known),
        by_band=_groups({band: [o for o in known if o.risk_band == band] for band in BANDS}),
        by_arm=_groups({arm: [o for o in known if o.arm == arm] for arm in ("treated", "control")}),
        recall=_mean([bool(one.warned) for one in leavers], [one.customer_id for one in leavers]),
        leavers=len(leavers),
        lead_days=median(leads) if leads else None,
        top=tuple(_top(known)),
        first_end=told.first_end,
        until=None if told.last_ms is None else from_ms(told.last_ms),
        looks=_looks(looked),
        no_looks=None if looked else _no_looks(told),
    )


def _no_looks(told: _Told) -> NoLooks:
    if told.horizon_days is None or told.first_ms is None or told.last_ms is None:
        return "horizon_runs"
    if told.last_ms - told.first_ms < told.horizon_days * DAY_MS:
        return "horizon_runs"
    return "none_to_judge" if told.taught else "nobody_grants"


BANDS = ("low", "medium", "high")


def _top(known: Sequence[CaseOutcome]) -> Iterator[Group]:
    weeks: dict[int, list[CaseOutcome]] = {}
    for one in known:
        weeks.setdefault(monday_week(to_ms(one.entered_at)), []).append(one)
    over = [sorted(weeks[week], key=_at_stake, reverse=True) for week in sorted(weeks)[:-1]]
    for k in TOPS:
        group = _group(f"first {k}", [one for week in over for one in week[:k]])
        if group is not None:
            yield group


def _at_stake(one: CaseOutcome) -> tuple[float, int]:
    """With the lot behind it, so that the same cases come first as live."""
    return round(one.risk * float(one.value_at_risk.amount), 6), lot(one.case_id)


def _looks(judged: Sequence[Look]) -> Looks | None:
    whole = _group_of("all looks", judged)
    if whole is None:
        return None
    tenths = {f"{n / TENTHS:.1f} to {(n + 1) / TENTHS:.1f}": list[Look]() for n in range(TENTHS)}
    silences = {f"{name} own gaps": list[Look]() for name in SILENCES}
    names, gaps = tuple(tenths), tuple(silences)
    for one in judged:
        tenths[names[tenth_of(one.risk)]].append(one)
        silences[gaps[silence_of(one.own_gaps)]].append(one)
    return Looks(
        people=len({one.who for one in judged}),
        all=whole,
        auc=auc([one.left for one in judged], [one.risk for one in judged]),
        by_risk=_found(_group_of(name, ones) for name, ones in tenths.items()),
        by_silence=_found(_group_of(name, ones) for name, ones in silences.items()),
    )


def _groups(by_name: dict[str, list[CaseOutcome]]) -> tuple[Group, ...]:
    return _found(_group(name, cases) for name, cases in by_name.items())


def _group(name: str, cases: Sequence[CaseOutcome]) -> Group | None:
    return _group_of(name, [_Judged(o.risk, o.result == "left", o.customer_id) for o in cases])


def _group_of(name: str, ones: Sequence[_Judged]) -> Group | None:
    left = _mean([one.left for one in ones], [one.who for one in ones])
    if left is None:
        return None
    stated = float(np.mean([one.risk for one in ones]))
    return Group(name=name, many=len(ones), stated=stated, left=left)


def _found(groups: Iterable[Group | None]) -> tuple[Group, ...]:
    return tuple(group for group in groups if group is not None)


def _mean(flags: Sequence[bool], people: Sequence[str]) -> Interval | None:
    return mean_interval(np.array(flags, dtype=np.bool_), people) if flags else None
