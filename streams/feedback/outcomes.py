"""What the offer's channel reports of a decision: delivered, viewed, clicked, dismissed, used.

A report names its decision; one whose offer is another than the decision's is not believed.
"""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from streams.contracts.inputs.events import App, Event, OfferFeedback
from streams.contracts.outputs.effects import OutcomeSeen
from streams.contracts.reference.structs import Policies
from streams.contracts.times import DAY_MS
from streams.customer.row import (
    REFUSALS_MAX,
    Contact,
    Customer,
    OpenDecision,
    Refused,
    ShownCoupon,
)
from streams.feedback.closing import (
    Changed,
    Use,
    charge,
    charge_again,
    charged_once,
    outcome,
    redeem,
    with_decision,
    with_redemption,
    with_shown,
)
from streams.feedback.rules import CreditRules
from streams.identity.arms import arm_of

Report = Callable[[Customer, OpenDecision, Any, int], Changed]


def report(person: Customer, event: OfferFeedback, now_ms: int, rules: CreditRules) -> Changed:
    """The person after a report on an offer.

    A decision that the row no longer holds can still be used: the offer then counts as used, and
    nothing is learned of it.
    """
    decision = find(person, event.decision_id)
    take, is_use = REPORTS.get(event.event_name), event.event_name == "offer_redeemed"
    if not (take or is_use) or (decision is not None and decision.offer_id != event.offer_id):
        return person, ()
    if event.event_name == "offer_refused_not_relevant":
        person = _without_interest(person, event.offer_id, min(event.at_ms, now_ms))
    elif event.event_name == "delivery_failed" and not _was_viewed(decision):
        person = _without_contact(person, event)
    if is_use:
        use, before = _use(event, now_ms, rules), person
        if decision is not None:
            return redeem(person, decision, use)
        known = (event.decision_id, event.offer_id)
        person, seen = redeem_unknown(person, *known, use, rules.policies)
        if person is not before:
            shown = ShownCoupon(
                "", use.at_ms, offer_id=event.offer_id, decision_id=event.decision_id, counted=True
            )
            person = with_shown(person, shown)
        return person, seen
    if decision is None or take is None:
        return person, ()
    return take(person, decision, event, now_ms)


def opened_push(person: Customer, event: App, now_ms: int) -> Changed:
    """`push_opened` that names its decision: who opens a push has seen the offer."""
    decision = find(person, event.push.decision_id) if event.push is not None else None
    return (person, ()) if decision is None else _viewed(person, decision, event, now_ms)


def find(person: Customer, decision_id: str | None) -> OpenDecision | None:
    """The decision of that id, if the row still holds it."""
    waiting = (*person.open_decisions, *person.coupons_out)
    return next((d for d in waiting if d.decision_id == decision_id), None)


def redeem_unknown(
    person: Customer, decision_id: str, offer_id: str, use: Use, policies: Policies
) -> Changed:
    """An offer used without a decision in the row; again within the window it is the same use.

    Where a cancelled order frees its coupon, a second order with it is remembered all the same:
    the coupon stays used when the first is cancelled.
    """
    window_ms = round(policies.arbitration.attribution_window_days * DAY_MS)
    same = [
        redeemed
        for redeemed in person.redemptions
        if redeemed.offer_id == offer_id
        and not redeemed.again
        and abs(redeemed.at_ms - use.at_ms) <= window_ms
    ]
    if same:
        told = any(redeemed.order_id in ("", use.order_id) for redeemed in same)
        if told or not use.order_id or policies.coupon_after_cancel == "used":
            return charge_again(person, offer_id, use)
        charged = charge(offer_id, use)
        return with_redemption(person, offer_id, use, charged), charged
    arm = arm_of(policies.experiment, person.customer_id).name
    seen = OutcomeSeen(decision_id, arm, "redeemed", offer_id, use.amount)
    charged = charge(offer_id, charged_once(person, offer_id, use))
    return with_redemption(person, offer_id, use, charged), (seen, *charged)


def _delivered(person: Customer, d: OpenDecision, event: OfferFeedback, now_ms: int) -> Changed:
    return person, (outcome(d, "delivered"),)


def _viewed(person: Customer, d: OpenDecision, event: Event, now_ms: int) -> Changed:
    """The first view counts, also when it is reported after a later one."""
    if d.status != "open":
        return person, ()
    at_ms = min(event.at_ms, now_ms)
    if d.viewed_at_ms is not None:
        first = replace(d, viewed_at_ms=min(at_ms, d.viewed_at_ms))
        return with_decision(person, first), ()
    return with_decision(person, replace(d, viewed_at_ms=at_ms)), (outcome(d, "viewed"),)


def _clicked(person: Customer, d: OpenDecision, event: OfferFeedback, now_ms: int) -> Changed:
    """Who clicks has seen."""
    person, viewed = _viewed(person, d, event, now_ms)
    return person, (*viewed, outcome(d, "clicked"))


def _dismissed(person: Customer, d: OpenDecision, event: OfferFeedback, now_ms: int) -> Changed:
    """No label yet: the coupon is good until its window closes."""
    if d.dismissed_at_ms is not None:
        return person, ()
    changed = replace(d, dismissed_at_ms=min(event.at_ms, now_ms))
    return with_decision(person, changed), (outcome(d, "dismissed"),)


def _use(event: OfferFeedback, now_ms: int, rules: CreditRules) -> Use:
    budget = rules.budgets.get(event.offer_id)
    return Use(min(event.at_ms, now_ms), now_ms, event.reward or 0.0, budget=budget)


def _not_delivered(person: Customer, d: OpenDecision, event: OfferFeedback, now_ms: int) -> Changed:
    """An offer that nobody got is neither label; what was labeled or viewed stays."""
    if d.status != "open" or d.viewed_at_ms is not None:
        return person, ()
    rest, out = (
        tuple(other for other in waiting if other is not d)
        for waiting in (person.open_decisions, person.coupons_out)
    )
    person = replace(person, open_decisions=rest, coupons_out=out)
    return person, (outcome(d, "undelivered"),)


def _was_viewed(decision: OpenDecision | None) -> bool:
    return decision is not None and decision.viewed_at_ms is not None


def _without_contact(person: Customer, event: OfferFeedback) -> Customer:
    """Nobody was reached: the contact counts for no cap and no gap."""
    contacts = tuple(c for c in person.contacts if not _is_of(c, event))
    return person if contacts == person.contacts else replace(person, contacts=contacts)


def _is_of(contact: Contact, event: OfferFeedback) -> bool:
    return contact.decision_id == event.decision_id and contact.offer_id == event.offer_id


def _without_interest(person: Customer, offer_id: str, at_ms: int) -> Customer:
    """The offer is not wanted; the newest word of each offer is kept."""
    known = next((r for r in person.refusals if r.offer_id == offer_id), None)
    if known is not None and known.at_ms >= at_ms:
        return person
    others = (r for r in person.refusals if r.offer_id != offer_id)
    refusals = sorted((*others, Refused(offer_id, at_ms)), key=lambda r: r.at_ms)
    return replace(person, refusals=tuple(refusals)[-REFUSALS_MAX:])


REPORTS: Final[dict[str, Report]] = {
    "offer_delivered": _delivered,
    "offer_presented": _viewed,
    "offer_viewed": _viewed,
    "offer_clicked": _clicked,
    "offer_accepted": _clicked,
    "offer_dismissed": _dismissed,
    "offer_refused_not_relevant": _dismissed,
    "delivery_failed": _not_delivered,
}
