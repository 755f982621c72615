"""The fold: every step becomes the right measurements, and every effect is folded."""

from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
import pytest

from streams.contracts.common import Identity, LifecycleStage
from streams.contracts.inputs.events import App, Profile, RetentionOutcome
from streams.contracts.internal.learning import LearningExample
from streams.contracts.internal.routing import LinkRequested, RoutedEvent, Tick
from streams.contracts.outputs.effects import (
    AlertRaised,
    CaseFollowed,
    CustomerWatched,
    Effect,
    EventIgnored,
    EventLate,
    EventRouted,
    OutcomeLabeled,
    OutcomeSeen,
    PurchaseSeen,
    SegmentChanged,
)
from streams.contracts.outputs.payloads import (
    CaseOutcome,
    ChurnAlert,
    ResolvedBy,
    SegmentChange,
)
from streams.contracts.times import from_ms
from streams.pipeline import Step
from streams.telemetry import fold
from streams.telemetry.fold import measure
from tests.support.told import followed, warned

AT = datetime(2026, 1, 1, tzinfo=UTC)
OPENED = App(
    event_id="e1",
    event_name="application_opened",
    occurred_at=AT,
    identity=Identity(customer_id="c1"),
    channel="app",
)
LINK = LinkRequested(customer_id="c1", other_id="a1", method="login", requested_at_ms=0)


def folded(message: Any, *effects: Any) -> list[tuple[str, tuple[str, ...], float]]:
    """The measurements of a step without a row, names without their prefix."""
    step = Step(None, effects)
    return [
        (m.metric.name.removeprefix("offerstream_"), m.labels, m.value)
        for m in measure(message, step)
    ]


def test_an_event_counts_by_topic_and_name() -> None:
    """Also when it came by another way."""
    assert folded(OPENED) == [("events_total", ("events.app", "application_opened"), 1.0)]
    routed = RoutedEvent(key="c1", topic="events.app", event=OPENED)
    assert folded(routed) == [("events_total", ("customer-events", "application_opened"), 1.0)]
    assert folded(Tick("c1", 5)) == [("ticks_total", (), 1.0)]
    assert folded(LINK) == []


@pytest.mark.parametrize("how", get_args(ResolvedBy))
def test_an_ending_counts_by_how(how: ResolvedBy) -> None:
    """Saved and lost are not one number, and treated is told from control."""
    told = warned(0, "a1", "resolved", resolved_by=how, risk_band="low")
    alert = msgspec.convert(told, ChurnAlert)
    assert folded(Tick("c1", 5), AlertRaised(alert))[1:] == [
        ("churn_alerts_total", ("resolved", "low", "treated"), 1.0),
        ("churn_cases_resolved_total", (how, "treated"), 1.0),
    ]


@pytest.mark.parametrize(
    ("result", "more"),
    [
        (
            "left",
            [
                ("churn_cases_stated_risk_total", ("high", "treated"), 0.8),
                ("churn_case_lead_seconds", (), 31 * 86_400.0),
            ],
        ),
        ("bought", [("churn_cases_stated_risk_total", ("high", "treated"), 0.8)]),
        ("not_followed", []),
    ],
)
def test_a_case_counts_by_what_became_of_it(result: str, more: list[Any]) -> None:
    """Stated risk beside what came, and the time to act where it came true."""
    outcome = msgspec.convert(followed(0, result=result), CaseOutcome)
    assert folded(Tick("c1", 5), CaseFollowed(outcome))[1:] == [
        ("churn_cases_followed_total", ("high", "treated", result), 1.0),
        *more,
    ]


def test_time_watched_counts_in_seconds() -> None:
    """What alerts per customer and year are counted by."""
    told = folded(Tick("c1", 5), CustomerWatched(90_500))
    assert told[1:] == [("churn_watched_seconds_total", (), 90.5)]


def test_the_word_of_the_crm_counts_beside_what_came() -> None:
    """Once the horizon is over: how often a false alarm was one."""
    outcome = msgspec.convert(followed(0, reported=["false_alarm", "lost"]), CaseOutcome)
    words = [m for m in folded(Tick("c1", 5), CaseFollowed(outcome)) if "case_reports" in m[0]]
    assert words == [
        ("churn_case_reports_total", ("false_alarm", "left"), 1.0),
        ("churn_case_reports_total", ("lost", "left"), 1.0),
    ]


def test_a_retention_outcome_counts_by_its_result() -> None:
    """What became of an alert is seen on the dashboard."""
    event = Profile(
        event_id="e2",
        event_name="retention_outcome",
        occurred_at=AT,
        identity=Identity(customer_id="c1"),
        channel="call_center",
        outcome=RetentionOutcome(alert_id="a1", result="saved"),
    )
    assert ("retention_outcomes_total", ("saved",), 1.0) in folded(event)


def stage(segment: LifecycleStage, previous: LifecycleStage | None, **fields: Any) -> Effect:
    """A change of stage, or of the track of a new customer."""
    return SegmentChanged(
        SegmentChange(
            change_id="s",
            customer_id="c",
            changed_at=from_ms(0),
            segment=segment,
            previous=previous,
            **fields,
        )
    )


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (EventIgnored("duplicate", "e1"), [("events_ignored_total", ("duplicate",), 1.0)]),
        (
            EventLate("e1", 90_000),
            [("events_late_total", (), 1.0), ("event_lateness_seconds", (), 90.0)],
        ),
        (
            stage("lapsed", "at_risk", warned=False),
            [
                ("segment_changes_total", ("lapsed",), 1.0),
                ("churn_leavers_total", ("no",), 1.0),
            ],
        ),
        (EventRouted("a1", LINK), [("events_routed_total", ("link_requested",), 1.0)]),
        (
            OutcomeSeen("d1", "policy", "redeemed", "o1", 30.0),
            [
                ("outcomes_total", ("policy", "redeemed"), 1.0),
                ("redeemed_amount_currency_total", ("policy",), 30.0),
            ],
        ),
        (
            OutcomeSeen("d1", "holdout", "viewed", "o1"),
            [("outcomes_total", ("holdout", "viewed"), 1.0)],
        ),
        (
            PurchaseSeen("holdout", True, 20.0, 6.0, is_new=True),
            [
                ("purchase_margin_currency_total", ("holdout",), 6.0),
                ("purchases_total", ("holdout",), 1.0),
                ("purchase_amount_currency_total", ("holdout",), 20.0),
            ],
        ),
        (
            PurchaseSeen("policy", False, -20.0, -6.0),
            [
                ("margin_lost_currency_total", ("policy",), 6.0),
                ("refund_amount_currency_total", ("policy",), 20.0),
            ],
        ),
        (
            OutcomeLabeled(
                LearningExample(
                    example_id="x", model="churn", observed_at_ms=0, label=1.0, features={}
                )
            ),
            [("labels_total", ("churn", "positive"), 1.0)],
        ),
        (stage("new", None), [("segment_changes_total", ("new",), 1.0)]),
        (
            stage("new", None, track="first_purchase"),
            [
                ("segment_changes_total", ("new",), 1.0),
                ("new_customers_total", ("first_purchase", "begun"), 1.0),
            ],
        ),
        (
            stage("new", "new", track="second_purchase", track_due=True),
            [("new_customers_total", ("second_purchase", "due"), 1.0)],
        ),
        (stage("active", "new"), [("segment_changes_total", ("active",), 1.0)]),
    ],
)
def test_an_effect_counts(effect: Any, expected: list[tuple[str, tuple[str, ...], float]]) -> None:
    """Amounts rise in counters of their own, what is given back too."""
    assert folded(OPENED, effect)[1:] == expected


def test_no_effect_is_forgotten() -> None:
    """A new effect without a fold fails here and at import."""
    assert set(fold._FOLDS) == set(get_args(Effect))
