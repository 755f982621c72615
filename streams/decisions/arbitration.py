"""What an offer is worth to the shop at this moment, and in which terms."""

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.contracts.outputs.candidates import TermColumns
from streams.contracts.outputs.terms import EffectColumns, EffectRow, Terms
from streams.contracts.reference.structs import Offer
from streams.contracts.times import WEEK_MS
from streams.customer import Customer
from streams.decisions.channels import Option, on_channel, way_of
from streams.decisions.order_size import goes_with_orders

NANO = 1e9
NANOS, HALF, ZERO, ONE = np.array(NANO), np.array(0.5), np.array(0.0), np.array(1.0)
"""As arrays: numpy asks of a plain number how to take it, which is half of an operation's time."""
Floats = NDArray[np.float64]
FEW = 12
"""From so many offers on arrays are faster than one offer after the other."""


class Response(Struct, frozen=True):
    """What is expected of an offer: P(used), and of the uses the share bought anyway.

    `options`: the channels to choose from; none where there is no choice. `lever`: what the owner
    adds by hand, in the shop's currency. `ordered_anyway`: P(an order that the offer fits comes
    anyway), None where an older record does not say; `effect`: what sending it changes, None where
    it is not known; `order_size`: what the person spends on an order against the mean.
    """

    probability: float
    bought_anyway: float
    options: tuple[Option, ...] = ()
    lever: float = 0.0
    ordered_anyway: float | None = None
    effect: EffectRow | None = None
    order_size: float | None = None


def prices_of(offers: Sequence[Offer]) -> Floats:
    """Margins, discounts and contact costs, in the shop's currency: shape `[4, n]`.

    The last row is 1 where the margin goes with the size of orders.
    """
    told = [(o.margin, o.discount, o.contact_cost, float(goes_with_orders(o))) for o in offers]
    return np.array(told, np.float64).reshape(len(offers), 4).T


def margin_for(offer: Offer, order_size: float | None) -> float:
    """What a use by somebody who spends so much on an order brings, in the shop's currency."""
    if order_size is None or not goes_with_orders(offer):
        return offer.margin
    return offer.margin * math.sqrt(order_size)


def weigh(offer: Offer, response: Response, fatigue: float) -> Terms:
    """The terms of the priority, in the shop's currency.

    priority = margin * response_probability * (1 - bought_anyway)
             - discount * response_probability - contact cost - fatigue + lever

    Redemption by somebody who would have bought anyway costs the discount and brings nothing, so
    the cost counts every redemption and the value only the incremental ones. Where channels may be
    chosen from, the response probability is that on the channel, whose cost is added.
    """
    used, lever, way = response.probability, response.lever, None
    effect = response.effect or (None, None, None, None)
    margin = margin_for(offer, response.order_size)
    if response.options:
        gain = margin * (1.0 - response.bought_anyway) - offer.discount
        way = way_of(offer, used, gain, response.options)
    if way is not None:
        used, lever = on_channel(used, way.reach), way.lever
    value = margin * (used * (1.0 - response.bought_anyway))
    cost = offer.discount * used + offer.contact_cost
    if way is not None:
        cost += way.cost
    return Terms(
        response_probability=used,
        value=to_nano(value),
        cost=to_nano(cost),
        lever=lever,
        fatigue=fatigue,
        priority=to_nano(value - cost - fatigue + lever),
        bought_anyway=response.bought_anyway,
        ordered_anyway=response.ordered_anyway,
        channel=None if way is None else way.channel,
        reach=None if way is None else way.reach,
        incremental_orders=effect[0],
        orders_error=effect[1],
        incremental_margin=effect[2],
        margin_error=effect[3],
        order_size=response.order_size,
    )


def weigh_many(
    prices: Floats,
    used: Floats,
    anyway: tuple[Sequence[float], Sequence[float | None]],
    fatigue: float,
    levers: Sequence[float] | None = None,
    effects: EffectColumns | None = None,
    order_size: float | None = None,
) -> TermColumns:
    """`weigh` for many offers at once, to the same bits.

    Args:
        prices: `prices_of` the offers, shape `[4, n]`.
        used: P(used) of each, shape `[n]`.
        anyway: the share of the uses of each that is bought anyway, and `Response.ordered_anyway`.
        fatigue: the price of one more contact.
        levers: what the owner adds to each by hand; None: nothing to any.
        effects: what sending each changes; None: it is not known.
        order_size: `Response.order_size`.
    """
    if order_size is not None:
        margins = prices[0] * np.where(prices[3] > ZERO, math.sqrt(order_size), ONE)
        prices = np.array((margins, prices[1], prices[2], prices[3]))
    (shares, ordered), probabilities = anyway, used.tolist()
    if len(probabilities) <= FEW:
        value, cost, priority = _amounts_of_few(prices, probabilities, shares, fatigue, levers)
    else:
        value, cost, priority = _amounts(prices, used, shares, fatigue, levers)
    effects = effects or ((), (), (), ())
    return TermColumns(
        response_probability=tuple(probabilities),
        value=tuple(value),
        cost=tuple(cost),
        priority=tuple(priority),
        bought_anyway=tuple(shares),
        ordered_anyway=() if ordered.count(None) == len(ordered) else tuple(ordered),
        lever=tuple(levers) if levers is not None and any(levers) else (),
        fatigue=fatigue,
        incremental_orders=effects[0],
        orders_error=effects[1],
        incremental_margin=effects[2],
        margin_error=effects[3],
        order_size=order_size,
    )


def _amounts(
    prices: Floats,
    used: Floats,
    shares: Sequence[float],
    fatigue: float,
    levers: Sequence[float] | None,
) -> list[list[float]]:
    """Values, costs and priorities."""
    amounts = np.empty((3, len(used)))
    values, costs, priorities = amounts[0], amounts[1], amounts[2]
    np.multiply(prices[0], used * (ONE - np.array(shares)), out=values)
    np.multiply(prices[1], used, out=costs)
    costs += prices[2]
    np.subtract(values, costs, out=priorities)
    priorities -= fatigue
    if levers is not None:
        priorities += levers
    return list(_to_nanos(amounts).tolist())


def _amounts_of_few(
    prices: Floats,
    used: Sequence[float],
    shares: Sequence[float],
    fatigue: float,
    levers: Sequence[float] | None,
) -> list[list[float]]:
    """The same to the same bits: to enter numpy twenty times takes longer than so few offers."""
    each = zip(*prices[:3].tolist(), used, shares, levers or (0.0,) * len(used), strict=True)
    amounts: list[float] = []
    for margin, discount, contact_cost, p, share, lever in each:
        value, cost = margin * (p * (1.0 - share)), discount * p + contact_cost
        amounts += (value, cost, value - cost - fatigue + lever)
    # as `to_nano` has it, without thirty calls
    floor = math.floor
    told = [
        floor(x * NANO + 0.5) / NANO if x >= 0.0 else -floor(0.5 - x * NANO) / NANO for x in amounts
    ]
    return [told[0::3], told[1::3], told[2::3]]


def fatigue_of(person: Customer, now_ms: int, price: float) -> float:
    """What one more contact costs: it rises with every contact of the last seven days."""
    if not person.contacts:
        return 0.0
    recent = sum([now_ms - c.at_ms < WEEK_MS for c in person.contacts])
    return to_nano(price * recent)


def to_nano(amount: float) -> float:
    """The amount to nine decimals; three are rounded for each offer, and `round` goes over text.

    >>> to_nano(0.1 + 0.2), to_nano(-1.5e-9)
    (0.3, -2e-09)
    """
    return int(amount * NANO + (0.5 if amount >= 0.0 else -0.5)) / NANO


def _to_nanos(amounts: Floats) -> Floats:
    """The same of many; adding 0 makes a zero of -0, which JSON would tell apart."""
    rounded: Floats = amounts * NANOS
    rounded += np.copysign(HALF, amounts)
    np.trunc(rounded, out=rounded)
    rounded += ZERO
    rounded /= NANOS
    return rounded
