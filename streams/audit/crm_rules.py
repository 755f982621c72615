"""What the CRM has said of a person holds: no case after a false alarm, or in a snooze."""

from streams.audit.arrivals import Arrival
from streams.audit.verdicts import FINE, Answer, Broken, Unknown
from streams.audit.views import AlertView
from streams.contracts.inputs.events import Profile, RetentionOutcome
from streams.contracts.reference.structs import SNOOZE_DAYS_MAX
from streams.contracts.times import DAY_MS, to_ms

HOLDING = ("false_alarm", "snoozed")


def silenced(at: AlertView) -> Answer:
    """After a false alarm no case opens, and in a snooze none opens or grows, until it is over."""
    if at.alert.transition not in ("entered", "escalated"):
        return None
    reports = [a for a in at.known if (o := outcome_in(a.event)) and o.result in HOLDING]
    if at.alert.transition == "escalated":
        reports = [a for a in reports if _result(a) == "snoozed"]
    if not reports:
        return None
    snoozes = [a for a in reports if _result(a) == "snoozed"]
    for report in reports:
        if report in snoozes[:-1] or _held_until_ms(report, at) <= at.at_ms:
            continue  # the newest word on a snooze counts
        if any(_speaks_of_consent(a) for a in at.known if a.place > report.place):
            return Unknown("consent was told again since: a withdrawal forgets what the CRM said")
        return Broken(f"the CRM had said {_result(report)}", (report.event_id,))
    return FINE


def _result(arrival: Arrival) -> str | None:
    outcome = outcome_in(arrival.event)
    return outcome.result if outcome is not None else None


def _held_until_ms(report: Arrival, at: AlertView) -> float:
    """Until when a report holds at least: it may have come later than it says."""
    outcome, rules = outcome_in(report.event), at.world.policies.churn
    if outcome is None:
        return 0.0
    if outcome.result == "false_alarm":
        return report.at_ms + rules.false_alarm_days * DAY_MS
    if outcome.snooze_until is None:
        return report.at_ms + rules.snooze_days * DAY_MS
    return min(to_ms(outcome.snooze_until), report.at_ms + SNOOZE_DAYS_MAX * DAY_MS)


def _speaks_of_consent(arrival: Arrival) -> bool:
    event = arrival.event
    return event.context.consent is not None or (
        isinstance(event, Profile) and event.purposes is not None
    )


def outcome_in(event: object) -> RetentionOutcome | None:
    """What the CRM reports in an event."""
    return event.outcome if isinstance(event, Profile) else None
