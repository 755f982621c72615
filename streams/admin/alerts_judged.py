"""How good the alerts were by the own log, wherever it lies, and what is said of it."""

from collections.abc import Iterator, Sequence
from typing import Final

from streams import topics
from streams.admin.log_places import LogPlace, decoded_records, records
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.payloads import CaseOutcome, ChurnAlert, SegmentChange
from streams.errors import ExampleError, OperatorError
from streams.evaluation.figures_table import counted, interval, table
from streams.evaluation.logged_alerts import (
    AlertsLogged,
    Group,
    Look,
    Looks,
    NoLooks,
    judge_logged,
    look_of,
)
from streams.evaluation.offer_logs import decoded

NO_LOOKS: Final[dict[NoLooks, str]] = {
    "horizon_runs": "the log is shorter than a horizon, so none is over",
    "nobody_grants": "a horizon has passed since the log began, but nobody grants `model_training`",
    "none_to_judge": "a horizon has passed since the log began, but nobody who grants "
    "`model_training` was looked at outside a treated case since the shop's own data carry the "
    "score",
}


def judge_alerts(place: LogPlace) -> AlertsLogged:
    """Judge the alerts whose horizon is over, and the looks.

    Raises:
        OperatorError: the log cannot be read.
    """
    return judge_logged(
        decoded_records(place, topics.CHURN_ALERTS, ChurnAlert),
        decoded_records(place, topics.CASE_OUTCOMES, CaseOutcome),
        decoded_records(place, topics.SEGMENT_CHANGES, SegmentChange),
        _examples(place),
    )


def _examples(place: LogPlace) -> Iterator[tuple[int, Look | None]]:
    """When each label became known, and the look it is of, if it is of one.

    Raises:
        OperatorError: a record is damaged; it names the file and the line.
    """
    for where, value in records(place, topics.LEARNING_EXAMPLES):
        example = decoded(value, LearningExample, where)
        try:
            yield example.observed_at_ms, look_of(example)
        except ExampleError as error:
            raise OperatorError(f"{where} is no look at a person: {error}") from error


def told_of_alerts(found: AlertsLogged) -> Iterator[str]:
    """Lines for a terminal."""
    yield f"alerts: {counted(found.transitions) or 'none'}"
    if found.cases is None:
        yield _no_cases(found)
    else:
        yield f"cases whose horizon is over: {counted(found.followed)}"
        yield ""
        yield from _told("cases", (found.cases, *found.by_band, *found.by_arm, *found.top))
    if found.leavers:
        yield ""
        yield f"recall: {interval(found.recall)} of {found.leavers:,} regulars who left"
    if found.lead_days is not None:
        yield f"lead time of true alerts, median: {found.lead_days:.1f} days"
    yield ""
    if found.looks is not None:
        yield from _looks(found.looks)
    if found.no_looks is not None:
        yield f"no labels of looks: {NO_LOOKS[found.no_looks]}"
    if found.cases is not None or found.recall is not None or found.looks is not None:
        yield ""
        yield "In brackets: 95 % intervals by bootstrap over people."


def _no_cases(found: AlertsLogged) -> str:
    """Why nothing can be said of precision, and when something can."""
    if found.first_end is None or found.until is None:
        return "no case's horizon is over yet, so nothing can be said of precision: none was opened"
    first = f"{found.first_end:%Y-%m-%d %H:%M} UTC"
    if found.first_end > found.until:
        return (
            "no case's horizon is over yet, so nothing can be said of precision: the first ends "
            f"at {first}, and the log at {found.until:%Y-%m-%d %H:%M}"
        )
    return (
        f"the first case's horizon ended at {first}, and no outcome is in the log, so nothing can "
        "be said of precision: cases are followed with `profiling`, and a few for each person"
    )


def _looks(looks: Looks) -> Iterator[str]:
    ranked = "-" if looks.auc is None else f"{looks.auc:.3f}"
    yield f"looks at {looks.people:,} people in no treated case; AUC of the stated risk {ranked}"
    yield from _told("looks", (looks.all, *looks.by_risk, *looks.by_silence))


def _told(what: str, groups: Sequence[Group]) -> Iterator[str]:
    rows = ((g.name, f"{g.many:,}", f"{g.stated:.3f}", interval(g.left)) for g in groups)
    yield from table((what, "", "stated", "left"), rows)
