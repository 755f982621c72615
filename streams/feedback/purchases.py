"""Which decision an order belongs to: its coupons say so, else the offer that was viewed last.

Explicit wins. A coupon that names a decision credits it; one that names an offer (by `offer_id`, or
by its code or GCN) credits the newest unused decision for it. Only an order without such a coupon
is attributed: to the offer that was viewed last inside the window and whose categories the order
meets. That is an *assisted purchase*: it is label 1, but no redemption. An offer with a coupon of
its own is never assisted: who had the coupon and did not show it would have bought anyway. One
order credits one decision a coupon, or one by attribution; one decision is credited once.
"""

from typing import NamedTuple

from streams.contracts.coupons import folded
from streams.contracts.inputs.events import CouponUse, Purchase
from streams.contracts.outputs.effects import Effect
from streams.contracts.reference.structs import Policies
from streams.contracts.times import DAY_MS
from streams.customer import Places
from streams.customer.row import Customer, OpenDecision
from streams.feedback.closing import Changed, assist, redeem
from streams.feedback.outcomes import find, redeem_unknown

GCN_DIGITS_MIN = 13


def credit_order(
    person: Customer,
    event: Purchase,
    now_ms: int,
    policies: Policies,
    places: Places,
    *,
    is_new: bool,
) -> Changed:
    """The person after an order was told, and what it was credited to.

    Coupons count whenever they are told; an order is attributed to a view only when it `is_new`.
    """
    at_ms = min(event.at_ms, now_ms)
    coupons = [c for c in event.coupons if _named(person, c, at_ms, places) is not None]
    effects: list[Effect] = []
    for coupon in coupons:
        named = _named(person, coupon, at_ms, places)
        if named is None or not named.offer_id:
            continue
        person, used = _used(person, named, event, at_ms, now_ms, len(coupons), policies)
        effects.extend(used)
    if not coupons and is_new:
        person, assisted = _attribute(person, event, now_ms, policies)
        effects.extend(assisted)
    return person, tuple(effects)


class Named(NamedTuple):
    """What a coupon names: an offer, and the decision that made it, where the row holds it."""

    offer_id: str
    decision_id: str
    decision: OpenDecision | None


def _named(person: Customer, coupon: CouponUse, at_ms: int, places: Places) -> Named | None:
    """The decision or offer of a coupon; None: it is none of ours."""
    decision = find(person, coupon.decision_id) if coupon.decision_id else None
    if decision is None and coupon.decision_id is None:
        decision = _newest(person, coupon, at_ms)
    if decision is not None:
        return Named(decision.offer_id, decision.decision_id, decision)
    if coupon.decision_id or coupon.offer_id:
        return Named(coupon.offer_id or "", coupon.decision_id or "", None)
    return _sent_before(person, coupon, at_ms, places)


def _sent_before(person: Customer, coupon: CouponUse, at_ms: int, places: Places) -> Named | None:
    """The offer whose coupon it is, if it was sent to the person and may still be used."""
    terms = places.coupon(coupon.code, coupon.gcn)
    if terms is None:
        return None
    for contact in reversed(person.contacts):
        until_ms = min(contact.at_ms + terms.redeem_within_ms, terms.until_ms)
        if contact.offer_id == terms.offer_id and contact.at_ms <= at_ms <= until_ms:
            return Named(contact.offer_id, contact.decision_id, None)
    return None


def _used(
    person: Customer,
    named: Named,
    event: Purchase,
    at_ms: int,
    now_ms: int,
    coupons: int,
    policies: Policies,
) -> Changed:
    amount = event.total.value / coupons
    if named.decision is not None:
        return redeem(person, named.decision, at_ms, now_ms, amount, event.order_id)
    return redeem_unknown(
        person, named.decision_id, named.offer_id, at_ms, amount, policies, event.order_id
    )


def _newest(person: Customer, coupon: CouponUse, at_ms: int) -> OpenDecision | None:
    """The newest decision for the coupon's offer that is not used yet and may be at `at_ms`."""
    waiting = (*person.open_decisions, *person.coupons_out)
    unused = (d for d in waiting if d.status != "used" and _is_of(coupon, d, at_ms))
    return max(unused, key=lambda d: (d.decided_at_ms, d.decision_id), default=None)


def _is_of(coupon: CouponUse, decision: OpenDecision, at_ms: int) -> bool:
    """Whether it is this offer's coupon. A GCN may carry a serial number behind the offer's own."""
    if coupon.offer_id is not None:
        return coupon.offer_id == decision.offer_id
    if decision.redeem_until_ms and at_ms > decision.redeem_until_ms:
        return False
    if coupon.code is not None:
        code = folded(coupon.code)
        if any(code == folded(own) for own in (decision.offer_id, *decision.coupons)):
            return True
    gcn = coupon.gcn or ""
    return any(len(own) >= GCN_DIGITS_MIN and gcn.startswith(own) for own in decision.coupons)


def _attribute(person: Customer, event: Purchase, now_ms: int, policies: Policies) -> Changed:
    """Label 1 for the offer viewed last before the order, if the order is of its categories."""
    at_ms = min(event.at_ms, now_ms)
    since_ms = at_ms - round(policies.arbitration.attribution_window_days * DAY_MS)
    bought = {item.category for item in event.items if item.category}
    viewed = [
        (d.viewed_at_ms, d.decision_id, d)
        for d in person.open_decisions
        if d.viewed_at_ms is not None
        and since_ms <= d.viewed_at_ms <= at_ms
        and d.status == "open"
        and d.dismissed_at_ms is None
        and not d.coupons
        and (not d.categories or bought.intersection(d.categories))
    ]
    return assist(person, max(viewed)[-1], now_ms) if viewed else (person, ())
