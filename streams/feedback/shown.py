"""Coupons that were shown before it was known whose they are, credited as soon as it is.

An anonymous visitor shows the coupon of an offer that the customer was sent, and logs in later; an
update names the coupon of an order that has not been told yet. The row remembers the coupon
(`coupons_shown`), and looks again after a merge and when the order is told.
"""

from msgspec.structs import replace

from streams.contracts.inputs.events import CouponUse
from streams.contracts.outputs.effects import BudgetUsed, Effect
from streams.customer import Places
from streams.customer.orders import was_counted
from streams.customer.row import Customer, Order, ShownCoupon
from streams.feedback.closing import Changed, Use, charge
from streams.feedback.purchases import (
    Named,
    credit_use,
    label_use,
    named_by,
    offer_shown,
    paid_before,
    paid_for,
)
from streams.feedback.raising import charge_raised, is_charged, units_told
from streams.feedback.rules import CreditRules


def credit_shown(person: Customer, now_ms: int, rules: CreditRules) -> Changed:
    """The person with every remembered coupon credited whose decision or offer is known now."""
    effects: list[Effect] = []
    for shown in person.coupons_shown:
        changed = _credited(person, shown, now_ms, rules)
        if changed is not None:
            rest = tuple(c for c in person.coupons_shown if c is not shown)
            person = replace(changed[0], coupons_shown=rest)
            effects.extend(changed[1])
    person, charged = charge_shown(person, now_ms, rules)
    return person, (*effects, *charged)


def charge_shown(person: Customer, now_ms: int, rules: CreditRules) -> Changed:
    """The person with every coupon that is nobody's yet charged to its offer's budget, once.

    The money is gone, whoever was sent the coupon; nothing was reserved for it here. Of what is
    charged already, here or with the order's use, the difference to the most that was told.
    """
    effects: list[Effect] = []
    for number in range(len(person.coupons_shown)):
        shown = person.coupons_shown[number]  # as an earlier one may have raised it
        offer_id = offer_shown(person, shown, rules.places)
        told = units_told(shown.discount, rules.budgets.get(offer_id))
        if is_charged(person, offer_id, shown.order_id):
            person, more = charge_raised(person, shown.order_id, {offer_id: told}, now_ms)
            effects.extend(more)
            continue
        if shown.counted:
            continue
        paid = shown if shown.charged else _paid(person, shown, offer_id, rules)
        if paid is not None:
            charged = _difference(offer_id, told - paid.cost if paid.cost else 0, now_ms)
        else:
            paid, charged = shown, _first(person, shown, offer_id, now_ms, rules)
        if charged:
            cost = paid.cost + sum([each.cost for each in charged])
            now = replace(paid, charged=True, cost=cost)
            coupons = tuple(now if c is paid else c for c in person.coupons_shown)
            person = replace(person, coupons_shown=coupons)
            effects.extend(charged)
    return person, tuple(effects)


def _paid(
    person: Customer, shown: ShownCoupon, offer_id: str, rules: CreditRules
) -> ShownCoupon | None:
    """The same coupon of the order by another of its names, if that is charged."""
    return paid_for(person, offer_id, shown.decision_id, shown.order_id, rules.places)


def _difference(offer_id: str, units: int, now_ms: int) -> tuple[BudgetUsed, ...]:
    return (BudgetUsed(offer_id, units, now_ms, None),) if units > 0 else ()


def _first(
    person: Customer, shown: ShownCoupon, offer_id: str, now_ms: int, rules: CreditRules
) -> tuple[BudgetUsed, ...]:
    if not _is_used(person, shown, rules):
        return ()
    budget = rules.budgets.get(offer_id)
    return charge(offer_id, Use(shown.at_ms, now_ms, 0.0, discount=shown.discount, budget=budget))


def _is_used(person: Customer, shown: ShownCoupon, rules: CreditRules) -> bool:
    """Whether the coupon was used: its order was told and stands."""
    order = next((o for o in person.orders if o.order_id == shown.order_id), None)
    if order is None:
        return was_counted(person.order_digests, shown.order_id)
    return not (order.cancelled and rules.places.coupon_after_cancel == "free")


def _credited(
    person: Customer, shown: ShownCoupon, now_ms: int, rules: CreditRules
) -> Changed | None:
    """The person after the coupon was credited, or is no longer of interest; None: it waits on."""
    order = next((o for o in person.orders if o.order_id == shown.order_id), None)
    if order is None and shown.order_id and not was_counted(person.order_digests, shown.order_id):
        return None
    if order is not None and order.cancelled and rules.places.coupon_after_cancel == "free":
        return person, ()
    at_ms = shown.at_ms if order is None else order.at_ms
    named = _named(person, shown, at_ms, rules.places)
    if named is None or not named.offer_id:
        return None
    told = {named.offer_id: units_told(shown.discount, rules.budgets.get(named.offer_id))}
    if not shown.counted and is_charged(person, named.offer_id, shown.order_id):
        return charge_raised(person, shown.order_id, told, now_ms)
    use = Use(
        at_ms,
        now_ms,
        _amount(order, shown),
        shown.order_id,
        discount=shown.discount,
        budget=rules.budgets.get(named.offer_id),
        charged=shown.charged or shown.counted,
        cost=shown.cost,
    )
    if shown.counted:
        return label_use(person, named, use, rules.policies)
    person, use = paid_before(person, named, use, rules.places)
    person, effects = credit_use(person, named, use, rules.policies)
    person, raised = charge_raised(person, shown.order_id, told, now_ms)
    return person, (*effects, *raised)


def _named(person: Customer, shown: ShownCoupon, at_ms: int, places: Places) -> Named | None:
    """What the coupon names among what had been decided when it was shown."""
    use = CouponUse(
        code=shown.code or None,
        gcn=shown.gcn or None,
        offer_id=shown.offer_id or None,
        decision_id=shown.decision_id or None,
    )
    decided = replace(
        person,
        open_decisions=tuple(d for d in person.open_decisions if d.decided_at_ms <= at_ms),
        coupons_out=tuple(d for d in person.coupons_out if d.decided_at_ms <= at_ms),
    )
    return named_by(decided, use, at_ms, places)


def _amount(order: Order | None, shown: ShownCoupon) -> float:
    return 0.0 if order is None else order.completed / max(shown.shares, 1)
