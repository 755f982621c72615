"""Cases that end for another reason than the risk: consent withdrawn, or two people became one."""

from typing import Literal

from msgspec.structs import replace

from streams.alerts.messages import ended_alert
from streams.contracts.ids import derive_id
from streams.contracts.outputs.effects import AlertRaised, Effect
from streams.contracts.reference.structs import Policies
from streams.customer import Customer
from streams.customer.consents import is_granted
from streams.customer.row import AlertCase, Churn

Why = Literal["consent_withdrawn", "merged"]
NOTHING = Churn()


def end_without_consent(
    person: Customer, now_ms: int, model_version: str, policies: Policies
) -> tuple[Customer, tuple[Effect, ...]]:
    """The person without risk, stage and signals where `profiling` is not granted (any more).

    An open case ends now, and says so; nobody is scored or watched until the person grants again.
    """
    if person.churn == NOTHING and not person.signals:
        return person, ()
    if is_granted(person, "profiling"):
        return person, ()
    case = person.churn.case
    person = replace(person, churn=NOTHING, signals=())
    if case is None:
        return person, ()
    return person, (_ended(person, case, "consent_withdrawn", now_ms, model_version, policies),)


def end_merged(
    person: Customer, case: AlertCase | None, now_ms: int, model_version: str, policies: Policies
) -> tuple[Effect, ...]:
    """What is said of the case that is left over where two people with a case each became one."""
    if case is None:
        return ()
    return (_ended(person, case, "merged", now_ms, model_version, policies),)


def _ended(
    person: Customer, case: AlertCase, why: Why, now_ms: int, version: str, policies: Policies
) -> Effect:
    alert_id = derive_id("a", person.customer_id, why, str(now_ms), case.case_id)
    ended = replace(case, alert_id=alert_id)
    return AlertRaised(ended_alert(person, ended, why, now_ms, version, policies))
