"""Outcomes of churn cases: of a case that was entered, told once and in time, and true."""

from streams.audit.consent import may
from streams.audit.verdicts import Answer, Broken, Unknown, holds
from streams.audit.views import OutcomeView
from streams.contracts.times import DAY_MS, to_ms

DAYS_SLACK = 0.0015
ORDERS_REMEMBERED = 8


def right_person(at: OutcomeView) -> Answer:
    """The person stands under this id then."""
    if at.person is None:
        return holds(bool(at.known), "nothing is known of the person, or it was erased")
    return holds(at.person.id == at.outcome.customer_id, f"that was {at.person.id} by then")


def consent(at: OutcomeView) -> Answer:
    """A case is followed only while the person grants `profiling`."""
    return may(at.known, "profiling")


def of_a_case(at: OutcomeView) -> Answer:
    """The case was entered, and what is said of it is what its alert said."""
    told, alert = at.outcome, at.entered
    if alert is None and not at.world.ordered:
        return Unknown("the alert is no longer kept")
    if alert is None:
        return Broken("no alert has entered the case")
    arm = "control" if alert.experiment.holdout else "treated"
    said = (alert.raised_at, alert.horizon_days, arm, alert.risk_band, alert.risk)
    again = (told.entered_at, told.horizon_days, told.arm, told.risk_band, told.risk)
    if said != again:
        return Broken(f"the alert said {said}", (alert.alert_id,))
    lead = alert.horizon_days - (alert.days_since_last_purchase or 0.0)
    right = abs(told.lead_days - lead) <= DAYS_SLACK
    return holds(right, f"{lead:.3f} days were left", alert.alert_id)


def once(at: OutcomeView) -> Answer:
    """One case has one outcome."""
    same = [o for o in at.world.followed if o.said.case_id == at.outcome.case_id]
    return holds(same[0].moment.turn == at.turn, "its outcome was told before")


def when_over(at: OutcomeView) -> Answer:
    """An outcome is told when the case's horizon is over, or when the case has no more room."""
    if at.outcome.result == "not_followed":
        return None
    left_ms = _end_ms(at) - at.at_ms
    return holds(left_ms <= 0, f"{left_ms / DAY_MS:.3f} days of the horizon were left")


def result(at: OutcomeView) -> Answer:
    """The person bought within the horizon or did not, and the days to the purchase are right."""
    told = at.outcome
    if told.result == "not_followed":
        return None
    if not at.orders.simple:
        return Unknown("orders were changed or given back")
    begin_ms, end_ms = to_ms(told.entered_at), _end_ms(at)
    bought = sorted(a.at_ms for a in at.orders.completed if begin_ms <= a.at_ms <= end_ms)
    wrong = _wrong(told.result == "bought", told.days_to_purchase, bought, begin_ms)
    if wrong and not at.world.ordered:
        return Unknown("an order may have been read later")
    return holds(not wrong, wrong)


def _wrong(is_bought: bool, days: float | None, bought: list[int], begin_ms: int) -> str:
    """What is wrong with what is said of these orders; empty for nothing."""
    if is_bought != bool(bought):
        return f"{len(bought)} orders came within the horizon"
    if not bought or len(bought) > ORDERS_REMEMBERED:  # the first may be forgotten
        return ""
    right = (bought[0] - begin_ms) / DAY_MS
    return "" if days is not None and abs(days - right) <= DAYS_SLACK else f"{right:.3f} days"


def _end_ms(at: OutcomeView) -> int:
    return to_ms(at.outcome.entered_at) + round(at.outcome.horizon_days * DAY_MS)
