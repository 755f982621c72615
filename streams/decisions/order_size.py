"""How large a person's orders are beside those of others, and of which offers that says the margin.

An offer of a fixed discount on any order (free delivery, 5 off) costs the same for everybody, and
brings more where more is bought. Its owner states the mean. A percentage costs more there too, and
with a least spend orders are topped up to it, whoever uses it: those stand as they are stated. The
margin goes with the square root of the size: what was spent so far tells a part of what will be
spent, and who spends much uses such an offer oftener for an order that comes anyway.
"""

from streams.contracts.reference.structs import Offer
from streams.customer import Customer

SIZE_LEAST, SIZE_MOST = 0.25, 4.0
FIXED = frozenset({"amount", "service"})


def goes_with_orders(offer: Offer) -> bool:
    """Whether the margin of a use goes with what is spent: a fixed discount on any order."""
    wanted = offer.conditions
    narrow = wanted.categories or wanted.product_ids or wanted.min_spend > 0.0
    return offer.kind in FIXED and not narrow


def order_size_of(person: Customer, order_margin: float, margin_share: float) -> float | None:
    """What the person spends on an order against the mean, 1/4 to 4, to six decimals.

    None: it is not known.

    Args:
        person: whose orders so far count, and one more of the mean size.
        order_margin: what an order brings on the mean, in the shop's currency; 0: not known.
        margin_share: of what is paid the share that is margin.
    """
    spend = person.spend
    if order_margin <= 0.0 or margin_share <= 0.0 or spend is None or spend.orders <= 0:
        return None
    own = margin_share * max(spend.total, 0.0) / order_margin
    size = min(max((1.0 + own) / (1.0 + spend.orders), SIZE_LEAST), SIZE_MOST)
    return int(size * 1e6 + 0.5) / 1e6
