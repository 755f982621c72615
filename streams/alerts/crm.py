"""What the CRM reports of a case: it closes, or goes on; a false alarm silences for a while."""

from typing import cast

from msgspec.structs import replace

from streams.alerts.messages import CrmResult, Ended, ended_alert
from streams.contracts.inputs.events import InputEvent, Profile, RetentionOutcome
from streams.contracts.outputs.effects import AlertRaised, Effect
from streams.contracts.reference.structs import Policies
from streams.contracts.times import DAY_MS
from streams.customer import Customer
from streams.customer.row import AlertCase

CLOSING = ("saved", "lost", "false_alarm")


def hear_outcome(
    person: Customer, event: InputEvent, now_ms: int, model_version: str, policies: Policies
) -> tuple[Customer, tuple[Effect, ...]]:
    """The person after a `retention_outcome`; another event changes nothing.

    `saved`, `lost` and `false_alarm` close the open case, if the alert is one of its own;
    `contacted` and `no_answer` leave it open. A false alarm silences whether it is open or not.
    """
    outcome = event.outcome if isinstance(event, Profile) else None
    if outcome is None or outcome.result not in CLOSING:
        return person, ()
    churn = person.churn
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


def _is_of(outcome: RetentionOutcome, case: AlertCase) -> bool:
    return outcome.alert_id in (case.alert_id, *case.alert_ids)
