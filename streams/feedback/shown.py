"""Coupons that were shown before it was known whose they are, credited as soon as it is.

An anonymous visitor shows the coupon of an offer that the customer was sent, and logs in later; an
update names the coupon of an order that has not been told yet. The row remembers the coupon
(`coupons_shown`), and looks again after a merge and when the order is told.
"""

from msgspec.structs import replace

from streams.contracts.inputs.events import CouponUse
from streams.contracts.outputs.effects import Effect, OutcomeSeen
from streams.contracts.reference.structs import Policies
from streams.customer import Places
from streams.customer.orders import was_counted
from streams.customer.row import Customer, Order, ShownCoupon
from streams.feedback.closing import Changed, Use, charge
from streams.feedback.purchases import Named, credit_use, named_by
from streams.feedback.rules import CreditRules
from streams.leases import Budget


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

    The money is gone, whoever was sent the coupon; nothing was reserved for it here.
    """
    if not rules.budgets:
        return person, ()
    coupons, effects = list[ShownCoupon](), list[Effect]()
    for shown in person.coupons_shown:
        budget = None if shown.charged or shown.counted else _budget(person, shown, rules)
        coupons.append(shown if budget is None else replace(shown, charged=True))
        if budget is not None:
            use = Use(shown.at_ms, now_ms, 0.0, discount=shown.discount, budget=budget)
            effects.extend(charge(_offer_id(shown, rules), use))
    return replace(person, coupons_shown=tuple(coupons)) if effects else person, tuple(effects)


def _budget(person: Customer, shown: ShownCoupon, rules: CreditRules) -> Budget | None:
    """What a coupon is charged to where it was used: its order was told and stands."""
    order = next((o for o in person.orders if o.order_id == shown.order_id), None)
    if order is None and not was_counted(person.order_digests, shown.order_id):
        return None
    if order is not None and order.cancelled and rules.places.coupon_after_cancel == "free":
        return None
    return rules.budgets.get(_offer_id(shown, rules))


def _offer_id(shown: ShownCoupon, rules: CreditRules) -> str:
    known = rules.places.coupon(shown.code or None, shown.gcn or None)
    return shown.offer_id or ("" if known is None else known.offer_id)


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
    if not shown.counted and _is_known(person, named, shown):
        return person, ()
    use = Use(
        at_ms,
        now_ms,
        _amount(order, shown),
        shown.order_id,
        discount=shown.discount,
        budget=rules.budgets.get(named.offer_id),
        charged=shown.charged or shown.counted,
    )
    if shown.counted:
        return _labeled(person, named, use, rules.policies)
    return credit_use(person, named, use, rules.policies)


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


def _labeled(person: Customer, named: Named, use: Use, policies: Policies) -> Changed | None:
    """The decision's label, where the offer counts as used already."""
    if named.decision is None:
        return None
    after, effects = credit_use(person, named, use, policies)
    labels = tuple(effect for effect in effects if not isinstance(effect, OutcomeSeen))
    return replace(after, redemptions=person.redemptions), labels


def _is_known(person: Customer, named: Named, shown: ShownCoupon) -> bool:
    """Whether this order's use of the offer was credited already, when it was told elsewhere."""
    return bool(shown.order_id) and any(
        used.order_id == shown.order_id and used.offer_id == named.offer_id
        for used in person.redemptions
    )


def _amount(order: Order | None, shown: ShownCoupon) -> float:
    return 0.0 if order is None else order.completed / max(shown.shares, 1)
