"""What an offer is worth to the shop at this moment, and in which terms."""

from streams.contracts.outputs.payloads import Terms
from streams.contracts.reference.structs import Offer, Policies
from streams.contracts.times import WEEK_MS
from streams.customer import Customer

DECIMALS = 9


def weigh(offer: Offer, propensity: float, fatigue: float, policies: Policies) -> Terms:
    """The terms of the priority, in the shop's currency.

    priority = margin * propensity * (1 - share who would have bought anyway)
             - discount * propensity - contact cost - fatigue

    Redemption by somebody who would have bought anyway costs the discount and brings nothing, so
    the cost counts every redemption and the value only the incremental ones.
    """
    incremental = propensity * (1.0 - policies.arbitration.redeemed_at_base_rate)
    value = offer.margin * incremental
    cost = offer.discount * propensity + offer.contact_cost
    return Terms(
        propensity=propensity,
        value=round(value, DECIMALS),
        cost=round(cost, DECIMALS),
        lever=0.0,
        fatigue=fatigue,
        priority=round(value - cost - fatigue, DECIMALS),
    )


def fatigue_of(person: Customer, now_ms: int, policies: Policies) -> float:
    """The price of one more contact: it rises with every contact of the last seven days."""
    recent = sum(now_ms - c.at_ms < WEEK_MS for c in person.contacts)
    return round(policies.contact.fatigue_price * recent, DECIMALS)
