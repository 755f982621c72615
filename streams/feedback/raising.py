"""A later word of an order that its coupon took off more: the offer's budget pays the difference.

The first word of a coupon is charged. What a later one says beyond, an update as a rule, nothing
was reserved for: it is taken from what is free, and may be more than that. Less is given back to
nobody. Only what was charged is raised, with the sum of all that is known of the order, so words
may come in any order, late and often.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from streams.contracts.outputs.effects import BudgetUsed
from streams.customer.row import Customer
from streams.feedback.closing import Changed
from streams.leases import Budget, units_of


def units_told(discount: float, budget: Budget | None) -> int:
    """What a coupon took off, in units, at most all of its budget; 0 where nobody says it."""
    units = units_of(max(discount, 0.0))
    return units if budget is None else min(units, budget.amount)


def is_charged(person: Customer, offer_id: str, order_id: str) -> bool:
    """Whether this order's use of the offer is known."""
    return bool(order_id) and any(
        used.order_id == order_id and used.offer_id == offer_id for used in person.redemptions
    )


def charge_raised(person: Customer, order_id: str, told: Mapping[str, int], now_ms: int) -> Changed:
    """The person with what an order's coupons took off beyond what was charged, and the charges.

    Args:
        person: the row, with all uses of the order credited.
        order_id: which order.
        told: by offer, what one event says that all its coupons took off, in units.
        now_ms: the row's time.
    """
    charged: list[BudgetUsed] = []
    for offer_id, units in told.items():
        uses = [r for r in person.redemptions if (r.offer_id, r.order_id) == (offer_id, order_id)]
        cost = sum([use.cost for use in uses])
        if not 0 < cost < units:
            continue
        last = uses[-1]
        more = replace(last, cost=last.cost + units - cost)
        rest = tuple(more if r is last else r for r in person.redemptions)
        person = replace(person, redemptions=rest)
        charged.append(BudgetUsed(offer_id, units - cost, now_ms, None))
    return person, tuple(charged)
