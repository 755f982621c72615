"""Cases that end for another reason than the risk: consent withdrawn, or two people became one."""

from msgspec.structs import replace

from streams.alerts.messages import Ended, ended_alert
from streams.contracts.outputs.effects import AlertRaised, Effect
from streams.contracts.reference.structs import Policies
from streams.customer import Customer
from streams.customer.consents import is_granted
from streams.customer.row import AlertCase, Churn

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
    ended = Ended(case, "consent_withdrawn", now_ms, model_version)
    return person, (AlertRaised(ended_alert(person, ended, policies)),)


def end_merged(
    person: Customer, case: AlertCase | None, now_ms: int, model_version: str, policies: Policies
) -> tuple[Effect, ...]:
    """What is said of the case that is left over where two people with a case each became one."""
    if case is None:
        return ()
    ended = Ended(case, "merged", now_ms, model_version)
    return (AlertRaised(ended_alert(person, ended, policies)),)
