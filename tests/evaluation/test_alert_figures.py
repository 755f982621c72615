"""The figures of alerts are what a person would count by hand."""

import numpy as np
import pytest

from streams.contracts.reference.structs import ChurnDefinition
from streams.contracts.times import DAY_MS, WEEK_MS
from streams.evaluation.alert_figures import AlertFigures, alert_figures
from streams.evaluation.alerts_played import AlertPlay, PlayedAlert
from streams.evaluation.churn import Prediction
from streams.evaluation.histories import Histories
from streams.evaluation.moments import Moments, moments_of
from streams.evaluation.purchases import Purchase
from streams.evaluation.warned import Warned, by_score, by_thumb, silences_of

HORIZON = 4  # weeks


def bought(customer_id: str, *days: float) -> list[Purchase]:
    """Purchases of 10 on these days."""
    return [Purchase(customer_id, round(day * DAY_MS), 10.0) for day in days]


# Everybody buys every 7 days at first. `lost` stops at day 14, `back` comes back after 25 days,
# `late` stops at day 84, so near the end that nobody can tell.
PURCHASES = sorted(
    [
        *bought("lost", 0, 7, 14),
        *bought("back", 0, 7, 14, 39, 46, 53, 60, 67, 74, 81, 88, 95),
        *bought("late", 63, 70, 77, 84),
        *bought("regular", *range(0, 100, 7)),
        *bought("end", 100),
    ],
    key=lambda purchase: purchase.at_ms,
)


def alert(
    customer_id: str, day: float, risk: float = 0.6, band: str = "medium", kind: str = "entered"
) -> PlayedAlert:
    """One alert."""
    return PlayedAlert(
        customer_id=customer_id,
        case_id=f"{customer_id}-{day}",
        at_ms=round(day * DAY_MS),
        transition=kind,  # type: ignore[arg-type]
        resolved_by="bought" if kind == "resolved" else None,
        risk=risk,
        band=band,  # type: ignore[arg-type]
    )


def play(*alerts: PlayedAlert) -> AlertPlay:
    """A play with these alerts; own data carry from day 10 on."""
    return AlertPlay(
        alerts=alerts,
        taken=tuple(PURCHASES),
        passed={},
        own_ms=10 * DAY_MS,
        end_ms=100 * DAY_MS,
        definition=ChurnDefinition(horizon_ticks=HORIZON),
    )


def moments() -> Moments:
    """Everybody who bought twice is scored each week; the risk is the silence in weeks / 10."""
    histories = Histories(PURCHASES)
    said = []
    for week in range(2, 11):
        at_ms = week * WEEK_MS + 1
        for who in ("lost", "back", "regular"):
            known = histories.known(who, at_ms)
            assert known is not None
            silent = (at_ms - known.last_ms) / WEEK_MS
            if silent <= HORIZON:
                said.append(Prediction(who, at_ms, silent / 10, 0.5, 0.5))
    return moments_of(said, histories, HORIZON * WEEK_MS, WEEK_MS)


ALERTS = (
    alert("lost", 30, 0.8, "high"),
    alert("back", 30, 0.6),
    alert("back", 39, 0.1, "low", "resolved"),
    alert("late", 99, 0.7),
)


@pytest.fixture(scope="module")
def figures() -> AlertFigures:
    """One true alert, one false one, and one that cannot be judged."""
    told = moments()
    return alert_figures(play(*ALERTS), told, {"same": told.risk})


def test_precision_is_of_those_that_can_be_judged(figures: AlertFigures) -> None:
    """`lost` is true, `back` is false, and 28 days after `late` the file has ended."""
    product = figures.rules[0]
    assert (product.warnings, product.judged) == (3, 2)
    assert product.precision is not None
    assert product.precision.mean == 0.5
    assert [(m.month, m.true, m.false, m.open) for m in figures.months] == [
        ("1970-01", 1, 1, 0),
        ("1970-04", 0, 0, 1),
    ]


def test_recall_is_of_silences_longer_than_the_horizon(figures: AlertFigures) -> None:
    """Only `lost` was silent for 28 days within the file; the alert was 16 days into it."""
    product = figures.rules[0]
    assert product.lapses == 1
    assert product.recall is not None
    assert product.recall.mean == 1.0


def test_lead_is_up_to_four_own_gaps_or_the_horizon(figures: AlertFigures) -> None:
    """`lost` bought every 7 days until day 14: useful until day 42, 12 days after the alert."""
    assert figures.lead_days == (12.0,)
    assert (figures.rules[0].lead_days, figures.rules[0].in_time) == (12.0, 1.0)


def test_alerts_a_year_are_per_customer_from_the_first_purchase_on(figures: AlertFigures) -> None:
    """Five customers, 100 + 100 + 37 + 100 + 0 days until the end."""
    assert figures.customer_years == pytest.approx(337 / 365.25)
    assert figures.rules[0].a_customer_year is not None
    assert figures.rules[0].a_customer_year.mean == pytest.approx(3 / (337 / 365.25))


def test_stated_risk_stands_beside_what_came_by_band(figures: AlertFigures) -> None:
    """High: said .8, came 1. Medium: said .6, came 0, with one that cannot be judged."""
    told = {(b.transition, b.band): b for b in figures.bands}
    assert set(told) == {("entered", "high"), ("entered", "medium"), ("entered", "all")}
    high, medium = told["entered", "high"], told["entered", "medium"]
    assert (high.alerts, high.judged, high.stated) == (1, 1, 0.8)
    assert (medium.alerts, medium.judged, medium.stated) == (2, 1, 0.6)
    assert high.came is not None
    assert medium.came is not None
    assert (high.came.mean, medium.came.mean) == (1.0, 0.0)
    assert figures.transitions == {"entered": 3, "resolved": 1}
    assert figures.resolved_by == {"bought": 1}


def test_an_alert_within_24_hours_after_a_purchase_is_counted() -> None:
    """At noon of the day of a purchase, and not on the next day."""
    told = moments()
    same_day = alert_figures(play(alert("back", 39.5), alert("back", 40.5)), told, {})
    assert same_day.on_purchase_day == 1


def test_the_rule_of_thumb_warns_once_in_a_silence_until_the_horizon() -> None:
    """Two gaps of 7 days after the last purchase: day 28, for `lost` and for `back`."""
    silences = list(silences_of(Histories(PURCHASES), 2))
    assert by_thumb(silences, play(), 2.0) == [
        Warned("back", 28 * DAY_MS),
        Warned("lost", 28 * DAY_MS),
        Warned("late", 98 * DAY_MS),
    ]
    assert by_thumb(silences, play(), 6.0) == []  # 42 days are over the horizon


def test_a_score_warns_as_often_as_it_is_told() -> None:
    """The two silences with the highest risk, at the first tick that reaches it."""
    found = by_score(moments(), Histories(PURCHASES), moments().risk, 2, 2)
    assert [w.customer_id for w in found] == ["back", "lost"]
    assert by_score(moments(), Histories(PURCHASES), moments().risk, 0, 2) == []


def test_no_alerts_and_nothing_to_judge_are_no_error() -> None:
    """An empty play has no precision, and says so by None."""
    empty = AlertPlay(
        alerts=(), taken=(), passed={}, own_ms=None, end_ms=0, definition=ChurnDefinition()
    )
    told = alert_figures(empty, moments().take(np.zeros(len(moments()), np.bool_)), {})
    assert told.rules[0].precision is None
    assert told.base_rate is None
    assert (told.bands, told.months, told.lead_days) == ((), (), ())
