"""What the CRM reports of a case: it closes, goes on, or waits; a false alarm silences."""

from typing import cast

from msgspec.structs import replace

from streams.alerts.messages import Ended, ended_alert
from streams.contracts.inputs.events import InputEvent, Profile, RetentionOutcome
from streams.contracts.outputs.effects import AlertRaised, Effect
from streams.contracts.outputs.payloads import CrmResult
from streams.contracts.reference.structs import SNOOZE_DAYS_MAX, Policies
from streams.contracts.times import DAY_MS, to_ms
from streams.customer import Customer
from streams.customer.row import AlertCase

CLOSING = ("saved", "lost", "false_alarm")


def hear_outcome(
    person: Customer, event: InputEvent, now_ms: int, model_version: str, policies: Policies
) -> tuple[Customer, tuple[Effect, ...]]:
    """The person after a `retention_outcome`; another event changes nothing.

    `saved`, `lost` and `false_alarm` close the open case, if the alert is one of its own;
    `contacted`, `no_answer` and `snoozed` leave it open. A false alarm silences, and a snooze
    holds, whether it is open or not.
    """
    outcome = event.outcome if isinstance(event, Profile) else None
    if outcome is None:
        return person, ()
    churn = person.churn
    if outcome.result == "snoozed":
        until_ms = _snoozed_until_ms(outcome, now_ms, policies)
        return replace(person, churn=replace(churn, snoozed_until_ms=until_ms)), ()
    if outcome.result not in CLOSING:
        return person, ()
    if outcome.result == "false_alarm":
        until_ms = now_ms + round(policies.churn.false_alarm_days * DAY_MS)
        churn = replace(churn, silenced_until_ms=max(churn.silenced_until_ms, until_ms))
    case = churn.case
    if case is None or not _is_of(outcome, case):
        return replace(person, churn=churn), ()
    person = replace(person, churn=replace(churn, case=None, band="low"))
    result = cast("CrmResult", outcome.result)
    ended = Ended(case, "closed_by_crm", now_ms, model_version, result)
    return person, (AlertRaised(ended_alert(person, ended, policies)),)


def _snoozed_until_ms(outcome: RetentionOutcome, now_ms: int, policies: Policies) -> int:
    """The newest word counts: a time that has passed ends a snooze. Nobody is snoozed for good."""
    if outcome.snooze_until is None:
        return now_ms + round(policies.churn.snooze_days * DAY_MS)
    asked_ms = to_ms(outcome.snooze_until)
    return min(max(asked_ms, now_ms), now_ms + SNOOZE_DAYS_MAX * DAY_MS)


def _is_of(outcome: RetentionOutcome, case: AlertCase) -> bool:
    return outcome.alert_id in (case.alert_id, *case.alert_ids)
