"""What becomes of one decision: used or assisted, and the row and the offer's budget with it."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.internal.leases import Reservation
from streams.contracts.outputs.effects import BudgetUsed, Effect, OutcomeName, OutcomeSeen
from streams.customer.coupons import shown_once
from streams.customer.row import (
    REDEMPTIONS_MAX,
    Customer,
    OpenDecision,
    Redeemed,
    ShownCoupon,
)
from streams.feedback.comparisons import count_use
from streams.feedback.labels import late_conversion, used
from streams.leases import Budget, units_of


class Use(Struct, frozen=True):
    """An offer was used: when, as of when it is told, what it brought, and with which order.

    `discount`: what the coupon took off, 0 where nobody says it. `budget`: the offer's, if it has
    one. `charged`: it was charged when it was not known yet whose it is, `cost` of it, in units.
    """

    at_ms: int
    now_ms: int
    amount: float
    order_id: str = ""
    discount: float = 0.0
    budget: Budget | None = None
    charged: bool = False
    cost: int = 0


CHARGED = Reservation("", 0, 0)
Changed = tuple[Customer, tuple[Effect, ...]]


def with_decision(person: Customer, changed: OpenDecision) -> Customer:
    """The person with one of the decisions changed."""
    decisions, out = (
        tuple(changed if d.decision_id == changed.decision_id else d for d in waiting)
        for waiting in (person.open_decisions, person.coupons_out)
    )
    return replace(person, open_decisions=decisions, coupons_out=out)


def redeem(person: Customer, decision: OpenDecision, use: Use) -> Changed:
    """The offer was used; of what was used already a further order is charged, and no more."""
    if decision.status == "used":
        return charge_again(person, decision.offer_id, use)
    if decision.reserved is None:
        use = charged_once(person, decision.offer_id, use)
    seen = outcome(decision, "redeemed", use.amount)
    labels = _positive(person, decision, use.now_ms)
    if decision.reserved == CHARGED:  # for a purchase that it led to
        least = 0 if use.budget is None else use.budget.least
        use = replace(use, cost=decision.cost or least)
    decision, charged = _charged(decision, use)
    changed = replace(decision, redeemed_at_ms=use.at_ms, status="used")
    person = count_use(with_decision(person, changed), decision, use.at_ms)
    person = with_redemption(person, decision.offer_id, use, charged)
    return person, (seen, *labels, *charged)


def assist(person: Customer, decision: OpenDecision, now_ms: int) -> Changed:
    """A purchase that the offer led to, without a coupon: label 1, but the offer is still there."""
    labels = used(person, decision, now_ms)
    person = count_use(person, decision, now_ms)
    decision, charged = _charged(decision, Use(now_ms, now_ms, 0.0))
    return with_decision(person, replace(decision, status="assisted")), (*labels, *charged)


def charge_again(person: Customer, offer_id: str, use: Use) -> Changed:
    """A further order with a coupon that was used before: its budget is charged, once an order.

    Nothing is learned of it, nothing else counts it. The first order after a use that was told
    without one is that use.
    """
    before = [r for r in person.redemptions if r.offer_id == offer_id]
    orders = [r.order_id for r in before]
    if use.budget is None or not use.order_id or use.order_id in orders:
        return person, ()
    if orders and not orders[-1]:
        use = replace(use, charged=True, cost=before[-1].cost)
    charged = charge(offer_id, use)
    return with_redemption(person, offer_id, use, charged, again=True), charged


def charged_once(person: Customer, offer_id: str, use: Use) -> Use:
    """The use, charged already where its order is known to have used the offer."""
    orders = {r.order_id for r in person.redemptions if r.offer_id == offer_id}
    known = bool(use.order_id) and use.order_id in orders
    return replace(use, charged=True) if known else use


def charge(offer_id: str, use: Use, reserved: Reservation | None = None) -> tuple[BudgetUsed, ...]:
    """What a use costs the offer's budget: what the coupon took off, else the most that it can.

    It costs all of the budget at most: what is told beyond that is taken for a mistake. Of one that
    was charged before, only what was reserved is reserved no longer.
    """
    if reserved is not None:
        most = reserved.units
    elif use.budget is not None and not use.charged:
        most = use.budget.least
    else:
        return ()
    cost = units_of(use.discount) if use.discount > 0.0 else most
    if use.budget is not None:
        cost = min(cost, use.budget.amount)
    return (BudgetUsed(offer_id, 0 if use.charged else cost, use.now_ms, reserved),)


def _charged(decision: OpenDecision, use: Use) -> tuple[OpenDecision, tuple[BudgetUsed, ...]]:
    """The decision whose use was charged, which happens once, and the charge."""
    if decision.reserved == CHARGED:
        return decision, ()
    charged = charge(decision.offer_id, use, decision.reserved)
    cost = sum([each.cost for each in charged])
    return (replace(decision, reserved=CHARGED, cost=cost) if charged else decision), charged


def with_redemption(
    person: Customer,
    offer_id: str,
    use: Use,
    charged: tuple[BudgetUsed, ...],
    *,
    again: bool = False,
) -> Customer:
    """The person with one more offer used, for what was `charged`; of too many the oldest goes.

    Before it the oldest second use: whoever uses a coupon often forgets no other one by that.
    """
    cost = use.cost + sum([each.cost for each in charged])
    redemptions = [*person.redemptions, Redeemed(offer_id, use.at_ms, use.order_id, again, cost)]
    while len(redemptions) > REDEMPTIONS_MAX:
        redemptions.remove(next((r for r in redemptions[:-1] if r.again), redemptions[0]))
    return replace(person, redemptions=tuple(redemptions))


def with_shown(person: Customer, shown: ShownCoupon) -> Customer:
    """The person with a coupon that may be credited later, once; at most the newest few."""
    return replace(person, coupons_shown=shown_once((*person.coupons_shown, shown)))


def without_redemptions(person: Customer, order_id: str, budgets: Mapping[str, Budget]) -> Customer:
    """The person whose coupons of an order may be used again; what was learned of them stays.

    What was charged to `budgets` stays too, and is remembered; a use by another order is charged.
    """
    of_it = [r for r in person.redemptions if r.order_id == order_id and not r.again]
    freed = {(r.offer_id, r.at_ms) for r in of_it}
    if not freed:
        return person
    for decision in (*person.open_decisions, *person.coupons_out):
        if (decision.offer_id, decision.redeemed_at_ms) in freed and decision.status == "used":
            usable = replace(
                decision, redeemed_at_ms=None, status="assisted", reserved=None, cost=0
            )
            person = with_decision(person, usable)
    rest = [replace(r, again=r.again or r in of_it) for r in person.redemptions]
    kept = tuple(r for r in rest if r.order_id != order_id or r.offer_id in budgets)
    return replace(person, redemptions=kept)


def outcome(decision: OpenDecision, kind: OutcomeName, amount: float = 0.0) -> OutcomeSeen:
    """What was seen of a decision, for the counters by arm."""
    return OutcomeSeen(decision.decision_id, decision.arm, kind, decision.offer_id, amount)


def _positive(person: Customer, decision: OpenDecision, now_ms: int) -> tuple[Effect, ...]:
    """One positive label a decision: at once, or as a correction once the window has closed."""
    if decision.status == "open":
        return used(person, decision, now_ms)
    return late_conversion(person, decision, now_ms) if decision.status == "closed" else ()
