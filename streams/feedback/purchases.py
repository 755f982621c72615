"""Which decision an order belongs to: its coupons say so, else the offer that was viewed last.

Explicit wins. A coupon that names a decision credits it; one that names an offer (by `offer_id`, or
by its code or GCN) credits the newest unused decision for it. Only an order without such a coupon
is attributed: to the offer that was viewed last inside the window and whose categories the order
meets. That is an *assisted purchase*: it is label 1, but no redemption. An offer with a coupon of
its own is never assisted: who had the coupon and did not show it would have bought anyway. One
order credits one decision a coupon, or one by attribution; one decision is credited once.
"""

from streams.contracts.inputs.events import CouponUse, Purchase
from streams.contracts.outputs.effects import Effect
from streams.contracts.reference.structs import Policies
from streams.contracts.times import DAY_MS
from streams.customer.row import Customer, OpenDecision
from streams.feedback.closing import Changed, assist, redeem
from streams.feedback.outcomes import find, redeem_unknown

GCN_DIGITS_MIN = 13


def credit_order(
    person: Customer, event: Purchase, now_ms: int, policies: Policies, *, is_new: bool
) -> Changed:
    """The person after an order was told, and what it was credited to.

    Coupons count whenever they are told; an order is attributed to a view only when it `is_new`.
    """
    coupons = [coupon for coupon in event.coupons if _names_an_offer(person, coupon)]
    effects: list[Effect] = []
    for coupon in coupons:
        amount = event.total.value / len(coupons)
        person, used = _credit_coupon(person, coupon, event, amount, now_ms, policies)
        effects.extend(used)
    if not coupons and is_new:
        person, assisted = _attribute(person, event, now_ms, policies)
        effects.extend(assisted)
    return person, tuple(effects)


def _names_an_offer(person: Customer, coupon: CouponUse) -> bool:
    return bool(coupon.decision_id or coupon.offer_id) or _newest(person, coupon) is not None


def _credit_coupon(
    person: Customer,
    coupon: CouponUse,
    event: Purchase,
    amount: float,
    now_ms: int,
    policies: Policies,
) -> Changed:
    at_ms = min(event.at_ms, now_ms)
    decision = find(person, coupon.decision_id)
    if coupon.decision_id is None:
        decision = _newest(person, coupon)
    if decision is not None:
        return redeem(person, decision, at_ms, now_ms, amount)
    if coupon.offer_id is None:
        return person, ()
    decision_id = coupon.decision_id or ""
    return redeem_unknown(person, decision_id, coupon.offer_id, at_ms, amount, policies)


def _newest(person: Customer, coupon: CouponUse) -> OpenDecision | None:
    """The newest decision for the coupon's offer that is not used yet."""
    unused = (d for d in person.open_decisions if d.status != "used" and _is_of(coupon, d))
    return max(unused, key=lambda d: (d.decided_at_ms, d.decision_id), default=None)


def _is_of(coupon: CouponUse, decision: OpenDecision) -> bool:
    """Whether it is this offer's coupon. A GCN may carry a serial number behind the offer's own."""
    if coupon.offer_id is not None:
        return coupon.offer_id == decision.offer_id
    if coupon.code is not None:
        return coupon.code in (decision.offer_id, *decision.coupons)
    gcn = coupon.gcn or ""
    return any(len(own) >= GCN_DIGITS_MIN and gcn.startswith(own) for own in decision.coupons)


def _attribute(person: Customer, event: Purchase, now_ms: int, policies: Policies) -> Changed:
    """Label 1 for the offer viewed last before the order, if the order is of its categories."""
    at_ms = min(event.at_ms, now_ms)
    since_ms = at_ms - round(policies.arbitration.attribution_window_days * DAY_MS)
    bought = {item.category for item in event.items}
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
