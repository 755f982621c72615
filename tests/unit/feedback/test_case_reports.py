"""What the CRM's word on a case teaches of its signals: half at once, half when truth is known."""

from typing import cast

import pytest
from msgspec.structs import replace

from streams.contracts.common import Identity
from streams.contracts.inputs.events import InputEvent, Profile, RetentionOutcome
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.effects import Effect, OutcomeLabeled
from streams.contracts.outputs.payloads import CrmResult
from streams.contracts.times import DAY_MS, WEEK_MS, from_ms
from streams.customer.merge import merge_customers
from streams.customer.row import CASE_ALERTS_MAX, Customer, Said
from streams.feedback import follow_cases, hear_report, tell_outcomes
from tests.support.decisions_open import T0, person
from tests.unit.feedback.test_case_follow_up import OVER, POLICIES, alert, bought, outcomes

SAID = Said(0.4, 0.6, 1.5, (("cancel_page", 0.9), ("purchase_overdue", 0.2)))
CONTROL = {"id": "e", "arm": "control", "holdout": True}
Report = tuple[str, str]


def treated(**fields: str) -> Customer:
    """Somebody whose case was entered at T0 by alert `a-0`."""
    return follow_cases(person(**fields), (alert(),), POLICIES, SAID)[0]


def report(alert_id: str, result: str, at_ms: int = T0) -> InputEvent:
    """What the CRM says of an alert."""
    return Profile(
        event_id=f"e-{alert_id}-{result}",
        event_name="retention_outcome",
        occurred_at=from_ms(at_ms),
        identity=Identity(customer_id="c-1"),
        channel="call_center",
        outcome=RetentionOutcome(alert_id=alert_id, result=cast("CrmResult", result)),
    )


def heard(row: Customer, *reports: Report) -> tuple[Customer, list[LearningExample]]:
    """The row after these reports, a day after the case was entered, and what they teach."""
    effects: tuple[Effect, ...] = ()
    for alert_id, result in reports:
        row, more = hear_report(row, report(alert_id, result), T0 + DAY_MS)
        effects += more
    return row, lifts(effects)


def lifts(effects: tuple[Effect, ...]) -> list[LearningExample]:
    """The examples of what signals are worth."""
    examples = [e.example for e in effects if isinstance(e, OutcomeLabeled)]
    return [example for example in examples if example.model == "signal_lifts"]


def told(row: Customer) -> list[tuple[float, float]]:
    """Label and weight of what the end of the horizon teaches of signals."""
    _, effects = tell_outcomes(row, OVER, POLICIES)
    return [(example.label, example.weight) for example in lifts(effects)]


def test_a_false_alarm_is_half_a_label_at_once() -> None:
    """Of the signals, score and silence at the opening: 0, not leaving. `lost` says 1."""
    for result, label in (("false_alarm", 0.0), ("lost", 1.0)):
        _, (example,) = heard(treated(), ("a-0", result))
        assert (example.label, example.weight) == (label, 0.5)
        assert example.observed_at_ms == T0 + DAY_MS
        assert example.features == {
            "score": 0.4,
            "own_gaps": 1.5,
            "horizon_ms": 4.0 * WEEK_MS,
            "signal_cancel_page": 0.9,
            "reported": 1.0,
        }


@pytest.mark.parametrize("result", ["false_alarm", "lost"])
def test_the_other_half_is_what_came(result: str) -> None:
    """Together one label where both agree; where they disagree, one takes back the other."""
    row, _ = heard(treated(), ("a-0", result))
    assert told(row) == [(1.0, 0.5)]
    assert told(bought(row, T0 + 2 * DAY_MS)) == [(0.0, 0.5)]


def test_the_two_halves_are_two_examples() -> None:
    """The learner takes one id once."""
    row, halves = heard(treated(), ("a-0", "false_alarm"), ("a-0", "lost"))
    halves += lifts(tell_outcomes(row, OVER, POLICIES)[1])
    assert len({half.example_id for half in halves}) == len(halves) == 3


@pytest.mark.parametrize("result", ["saved", "contacted", "no_answer", "snoozed"])
def test_where_the_contact_may_have_done_it_nothing_is_taught(result: str) -> None:
    """What a contacted person does is what the contact did as well."""
    row, halves = heard(treated(), ("a-0", result))
    assert halves == []
    assert told(row) == told(treated()) == []


def test_a_person_who_was_saved_was_no_false_alarm_after_all() -> None:
    """What the words contradict is not settled by what came."""
    row, _ = heard(treated(), ("a-0", "false_alarm"), ("a-0", "saved"))
    assert told(row) == []


def test_each_word_counts_once_a_case_by_any_of_its_alerts() -> None:
    """Also once it is closed; the oldest alerts but the first are forgotten."""
    row = treated()
    for number in range(1, CASE_ALERTS_MAX + 2):
        grown = alert(number, transition="escalated")
        grown = replace(grown, alert=replace(grown.alert, case_id="case-0"))
        row, _ = follow_cases(row, (grown,), POLICIES, SAID)
    assert len(heard(row, ("a-0", "false_alarm"), ("a-5", "false_alarm"))[1]) == 1
    assert heard(row, ("a-1", "false_alarm"))[1] == []
    assert heard(row, ("of-another", "false_alarm"))[0] == row


def test_a_control_is_taught_by_its_horizon_alone() -> None:
    """Nobody contacts it, and a moment of its own waits for what comes."""
    row, _ = follow_cases(person(), (alert(experiment=CONTROL),), POLICIES, SAID)
    row, halves = heard(row, ("a-0", "false_alarm"))
    assert not halves
    assert not told(row)
    assert outcomes(tell_outcomes(row, OVER, POLICIES)[1])[0].reported == ("false_alarm",)


def test_nothing_is_taught_before_own_data_carry_the_score() -> None:
    """What was said then was said of another shop."""
    row, _ = follow_cases(person(), (alert(),), POLICIES)
    row, halves = heard(row, ("a-0", "lost"))
    assert not halves
    assert not told(row)


def test_without_consent_to_training_a_word_is_told_and_not_learned() -> None:
    """`case-outcomes` has it, the learner has not."""
    row, halves = heard(treated(training="denied"), ("a-0", "false_alarm"))
    assert not halves
    assert not told(row)
    assert outcomes(tell_outcomes(row, OVER, POLICIES)[1])[0].reported == ("false_alarm",)


def test_without_consent_at_the_opening_nothing_is_kept_to_teach_later() -> None:
    """As with moments and comparisons: consent that comes later starts with what comes later."""
    row = treated(training="denied")
    assert row.churn.followed[0].said is None
    row = replace(row, consents=person().consents)
    row, halves = heard(row, ("a-0", "false_alarm"))
    assert not halves
    assert not told(row)


def test_the_case_of_somebody_who_became_another_is_reported_on() -> None:
    """By the alert of then."""
    row = merge_customers(person(), replace(treated(), customer_id="a-1"), T0)
    assert len(heard(row, ("a-0", "false_alarm"))[1]) == 1
