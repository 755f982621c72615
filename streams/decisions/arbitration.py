"""What an offer is worth to the shop at this moment, and in which terms."""

from msgspec import Struct

from streams.contracts.outputs.payloads import Terms
from streams.contracts.reference.structs import Offer, Policies
from streams.contracts.times import WEEK_MS
from streams.customer import Customer

NANO = 1e9


class Response(Struct, frozen=True):
    """What is expected of an offer: P(used), and of the uses the share bought anyway."""

    probability: float
    bought_anyway: float


def weigh(offer: Offer, response: Response, fatigue: float) -> Terms:
    """The terms of the priority, in the shop's currency.

    priority = margin * response_probability * (1 - bought_anyway)
             - discount * response_probability - contact cost - fatigue

    Redemption by somebody who would have bought anyway costs the discount and brings nothing, so
    the cost counts every redemption and the value only the incremental ones.
    """
    used = response.probability
    value = offer.margin * (used * (1.0 - response.bought_anyway))
    cost = offer.discount * used + offer.contact_cost
    return Terms(
        response_probability=used,
        value=to_nano(value),
        cost=to_nano(cost),
        lever=0.0,
        fatigue=fatigue,
        priority=to_nano(value - cost - fatigue),
        bought_anyway=response.bought_anyway,
    )


def fatigue_of(person: Customer, now_ms: int, policies: Policies) -> float:
    """The price of one more contact: it rises with every contact of the last seven days."""
    recent = sum([now_ms - c.at_ms < WEEK_MS for c in person.contacts])
    return to_nano(policies.contact.fatigue_price * recent)


def to_nano(amount: float) -> float:
    """The amount to nine decimals; three are rounded for each offer, and `round` goes over text.

    >>> to_nano(0.1 + 0.2), to_nano(-1.5e-9)
    (0.3, -2e-09)
    """
    return int(amount * NANO + (0.5 if amount >= 0.0 else -0.5)) / NANO
