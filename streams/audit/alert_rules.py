"""Churn alerts: allowed, about somebody, one case a person, and true as far as events can tell."""

from math import prod

from streams.audit.consent import may
from streams.audit.crm_rules import outcome_in
from streams.audit.verdicts import FINE, Answer, Broken, Unknown, holds
from streams.audit.views import AlertView
from streams.audit.world import Alert
from streams.contracts.times import DAY_MS, to_ms

RANK = {"low": 0, "medium": 1, "high": 2}
DAYS_SLACK = 0.001
LIFT_MAX, LIFT_SLACK, EDGE = 8.0, 0.01, 0.001


def about_somebody(at: AlertView) -> Answer:
    """Something is known of the person: an erasure leaves nobody to warn of."""
    return holds(bool(at.known), "nothing is known of the person, or it was erased")


def right_person(at: AlertView) -> Answer:
    """The person stands under this id then."""
    if at.person is None:
        return None
    return holds(at.person.id == at.alert.customer_id, f"that was {at.person.id} by then")


def consent(at: AlertView) -> Answer:
    """Nobody is warned of without consent to `profiling`; only the end of a case may be told."""
    return None if at.alert.transition == "resolved" else may(at.known, "profiling")


def one_case(at: AlertView) -> Answer:
    """A person as merged has one open case."""
    if at.alert.transition == "resolved":
        return None
    others = [a for a in _open_cases(at.earlier) if a.said.case_id != at.alert.case_id]
    return holds(not others, "another case of the person is open", *_proof(others))


def legal(at: AlertView) -> Answer:
    """A case is entered, moves up or down, and is resolved, once and in this order."""
    alert = at.alert
    case = [
        a.said
        for a in at.world.alerts
        if a.said.case_id == alert.case_id and a.moment.turn < at.turn
    ]
    if any(a.alert_id == alert.alert_id for a in case):
        return None  # the same alert again, which another rule says
    last = case[-1] if case else None
    if (alert.transition == "entered") != (last is None):
        return Broken(f"{alert.transition} after {last.transition if last else 'nothing'}")
    if last is None:
        return holds(alert.risk_band != "low", "entered with a low risk")
    if last.transition == "resolved":
        return Broken(f"{alert.transition} after resolved", (last.alert_id,))
    if alert.previous_band != last.risk_band:
        return Broken(f"was {alert.previous_band}, the alert before says {last.risk_band}")
    step = RANK[alert.risk_band] - RANK[last.risk_band]
    if alert.transition == "escalated":
        return holds(step > 0, "escalated to no higher band")
    return holds(alert.transition != "deescalated" or step < 0, "deescalated to no lower band")


def once(at: AlertView) -> Answer:
    """One alert goes out once."""
    same = [a for a in at.world.alerts if a.said.alert_id == at.alert.alert_id]
    return holds(same[0].moment.turn == at.turn, "the same alert went out before")


def enough_orders(at: AlertView) -> Answer:
    """A case is opened for who has bought on `min_purchases` days."""
    if at.alert.transition != "entered":
        return None
    least, (_, many) = at.world.policies.churn.min_purchases, at.days
    if many < least and not at.orders.simple:
        return Unknown("orders were changed or given back")
    return holds(many >= least, f"bought on {many} days, {least} are needed")


def armed(at: AlertView) -> Answer:
    """After a case was entered, only a purchase arms the next."""
    if at.alert.transition != "entered":
        return None
    before = [
        a
        for a in at.earlier
        if a.said.transition == "entered" and a.said.customer_id == at.alert.customer_id
    ]
    if not before:
        return FINE
    bought = any(o.place >= before[-1].moment.places[0] for o in at.orders.completed)
    return holds(bought, "nothing was bought since the last case", before[-1].said.alert_id)


def bought_today(at: AlertView) -> Answer:
    """Within a day of a purchase no case opens or grows, but by an event since then."""
    if at.alert.transition not in ("entered", "escalated") or not at.orders.completed:
        return None
    since = [s for s in at.alert.signals if to_ms(s.observed_at) > at.orders.newest_ms]
    if at.at_ms - at.orders.newest_ms >= DAY_MS or any(s.evidence_event_ids for s in since):
        return FINE
    if not at.orders.simple:
        return Unknown("orders were changed or given back")
    return Broken("the newest purchase is less than a day old", _last(at))


def band(at: AlertView) -> Answer:
    """The band is that of the risk that is stated."""
    said = at.alert.risk
    if said is None:
        return None
    reached = [b.name for b in at.world.policies.churn.bands if said >= b.from_risk]
    right = reached[-1] if reached else "low"
    return holds(at.alert.risk_band == right, f"{said} is {right}")


def stated(at: AlertView) -> Answer:
    """The odds stated are the model's, times the lifts of the signals, at most eight times."""
    said, score = at.alert.risk, at.alert.score
    if said is None or score is None or min(said, 1 - said, score, 1 - score) < EDGE:
        return None
    times = said / (1.0 - said) / (score / (1.0 - score))
    right = min(prod(sign.lift for sign in at.alert.signals), LIFT_MAX)
    return holds(abs(times / right - 1.0) <= LIFT_SLACK, f"{times:.3f} times, {right:.3f} is right")


def news(at: AlertView) -> Answer:
    """A case escalates by a signal that has not moved it before, or by a score never so high."""
    if at.alert.transition != "escalated":
        return None
    before = [
        a.said
        for a in at.world.alerts
        if a.said.case_id == at.alert.case_id
        and a.moment.turn < at.turn
        and a.said.transition in ("entered", "escalated")
    ]
    told = {sign.code for a in before for sign in a.signals}
    if any(sign.code not in told for sign in at.alert.signals):
        return FINE
    highest = max((a.score or 0.0 for a in before), default=0.0)
    return holds((at.alert.score or 0.0) > highest, "nothing is new since the last time")


def ending(at: AlertView) -> Answer:
    """A case that is resolved says how, and of a purchase or the CRM only what came."""
    how = at.alert.resolved_by
    if (how is None) != (at.alert.transition != "resolved"):
        return Broken(f"{at.alert.transition}, resolved by {how}")
    opened = next(a for a in at.world.alerts if a.said.case_id == at.alert.case_id)
    if how == "bought":
        bought = any(o.at_ms >= opened.moment.at_ms for o in at.orders.completed)
        return holds(bought, "nothing was bought since the case opened", opened.said.alert_id)
    if how == "closed_by_crm":
        ids = {a.said.alert_id for a in at.world.alerts if a.said.case_id == at.alert.case_id}
        told = any(outcome_of(a.event) in ids for a in at.known)
        return holds(told, "the CRM has said nothing of the case")
    return FINE if how is not None else None


def outcome_of(event: object) -> str | None:
    """The alert that an event of the CRM is about."""
    outcome = outcome_in(event)
    return outcome.alert_id if outcome is not None else None


def untreated(at: AlertView) -> Answer:
    """A case that is left untreated comes with no recommendation."""
    if not at.alert.experiment.holdout:
        return None
    return holds(at.alert.recommended is None, "it recommends to act")


def offered(at: AlertView) -> Answer:
    """An alert that names an offer names one that went out to this person because of it."""
    step = at.alert.recommended
    if step is None or not (step.action == "offer" or step.offer_id or step.decision_id):
        return None
    made = [c.said for c in at.world.contacts_by_id.get(step.decision_id or "", ())]
    named = (at.alert.customer_id, at.alert.alert_id, step.offer_id, step.channel)
    same = any(
        named == (o.customer_id, o.trigger.event_id, o.offer.offer_id, o.channel) for o in made
    )
    return holds(same and step.action == "offer", f"no such offer: {step.decision_id}")


def recovery(at: AlertView) -> Answer:
    """Beside a complaint that no purchase has answered, the next step is to settle it: no offer."""
    step = at.alert.recommended
    if step is None:
        return None
    if step.action != "service_recovery":
        complaints = [s for s in at.alert.signals if s.code == "complaint" and s.lift > 1.0]
        shown = [e for sign in complaints for e in sign.evidence_event_ids]
        return holds(not complaints, f"{step.action} beside a complaint", *shown)
    made = [] if at.person is None else at.world.contacts_of(at.person, len(at.world.arrivals))
    by_it = [c.said.decision_id for c in made if c.said.trigger.event_id == at.alert.alert_id]
    return holds(not by_it, "an offer was made because of it", *by_it)


def silence(at: AlertView) -> Answer:
    """The days since the last purchase are those since the last purchase."""
    said = at.alert.days_since_last_purchase
    # A case that ends without a risk (consent withdrawn, or merged) tells no days either.
    ended = at.alert.transition == "resolved" and at.alert.risk is None
    if not at.known or (ended and said is None):
        return None
    if not at.orders.simple:
        return Unknown("orders were changed or given back")
    if said is None:
        return holds(not at.orders.completed, "it says that nothing was bought")
    right = (at.at_ms - at.orders.newest_ms) / DAY_MS
    if not at.world.ordered and _is_since_one(at, said) and abs(said - right) > DAYS_SLACK:
        return Unknown("the newest order may have been read later")
    return holds(
        abs(said - right) <= DAYS_SLACK, f"it says {said} days, {right:.3f} are right", *_last(at)
    )


def _is_since_one(at: AlertView, days: float) -> bool:
    """Whether so many days have passed since any of the orders."""
    since = ((at.at_ms - order.at_ms) / DAY_MS for order in at.orders.completed)
    return any(abs(days - one) <= DAYS_SLACK for one in since)


def evidence(at: AlertView) -> Answer:
    """The events that show a sign are the person's own, and had come."""
    named = [e for sign in at.alert.signals for e in sign.evidence_event_ids]
    if not named:
        return None
    known = {a.event_id for a in at.known}
    missing = [e for e in named if e not in known]
    return holds(not missing, "a sign is shown by what is not of this person", *missing)


def risk(at: AlertView) -> Answer:
    """The risk itself is the model's: it is not told anew."""
    return Unknown("the model's risk")


def left_open(at: AlertView) -> Answer:
    """A case whose person has withdrawn `profiling` or has merged into another case is ended."""
    if at.alert.transition == "resolved" or _ended_later(at):
        return None
    end = len(at.world.arrivals)
    person = at.world.people.at(at.alert.customer_id, end)
    if person is None or person is not (at.person and at.person.top(end)):
        return None  # erased since
    allowed = may(person.known_events(end), "profiling")
    if isinstance(allowed, Broken):
        return Broken(f"the case was left open: {allowed.why}", allowed.proof)
    others = [
        a
        for a in _open_cases(at.world.alerts_of(person, end))
        if a.said.case_id != at.alert.case_id
    ]
    return holds(not others, "two cases of one person were left open", *_proof(others))


def _ended_later(at: AlertView) -> bool:
    """Whether a later alert of the case speaks for it."""
    return any(
        a.said.case_id == at.alert.case_id and a.moment.turn > at.turn for a in at.world.alerts
    )


def _open_cases(alerts: list[Alert]) -> list[Alert]:
    """The last alert of each case that was not resolved."""
    last = {a.said.case_id: a for a in alerts}
    return [a for a in last.values() if a.said.transition != "resolved"]


def _proof(alerts: list[Alert]) -> tuple[str, ...]:
    return tuple(a.said.alert_id for a in alerts)


def _last(at: AlertView) -> tuple[str, ...]:
    newest = max(at.orders.completed, key=lambda a: a.at_ms, default=None)
    return () if newest is None else (newest.event_id,)
