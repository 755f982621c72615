"""What an offer was worth at a decision, term by term, and how sure that was."""

from collections.abc import Sequence

from msgspec import Struct

from streams.contracts.common import Block, ChannelName


class Terms(Block, frozen=True, kw_only=True):
    """The terms of the priority, in the shop's currency but shares and the channel.

    `bought_anyway`: of those who use the offer, the share that would have bought without it; None
    in records of versions that took `redeemed_at_base_rate` of the policies for everybody.
    `ordered_anyway`: P(this person places an order that satisfies the offer in its time anyway),
    which the share stands on; None in records of older versions.
    `channel`: the one chosen of several; `reach`: how far the response probability is less there
    than on the channel where this person answers best. Both None where there was no choice.
    `incremental_orders` and `incremental_margin`: what sending it to this person changes over the
    time of a comparison, with their standard errors; None while too little was compared. The
    priority does not hold them.
    `order_size`: what this person spends on an order against what people spend on the mean; None
    while that is not known, and in records of older versions: as if it were 1.
    """

    response_probability: float
    value: float
    cost: float
    lever: float
    fatigue: float
    priority: float
    bought_anyway: float | None = None
    ordered_anyway: float | None = None
    channel: ChannelName | None = None
    reach: float | None = None
    incremental_orders: float | None = None
    orders_error: float | None = None
    incremental_margin: float | None = None
    margin_error: float | None = None
    order_size: float | None = None

    @property
    def effect(self) -> "EffectRow | None":
        """What sending it changes, in the order of the fields; None: it is not known."""
        told = (
            self.incremental_orders,
            self.orders_error,
            self.incremental_margin,
            self.margin_error,
        )
        orders, orders_error, margin, margin_error = told
        if orders is None or orders_error is None or margin is None or margin_error is None:
            return None
        return orders, orders_error, margin, margin_error


EffectRow = tuple[float, float, float, float]
"""Of one offer: orders more, their standard error, margin more, its standard error."""
EffectColumns = tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...], tuple[float, ...]]
"""The same of several, in their order."""


def rows_of(effects: EffectColumns | None, count: int) -> Sequence[EffectRow | None]:
    """Offer by offer, of so many."""
    return [None] * count if effects is None else list(zip(*effects, strict=True))


class Doubt(Struct, frozen=True, kw_only=True):
    """How sure the response model was, where offers are drawn by its posterior.

    Standard deviations in log odds. `shared`: of what counts in all offers, by number of an offer's
    features, a constant first: those as they are, then those through tanh(2 x). `own`: of what is
    each offer's own, of the candidates that have terms, in their order.
    """

    shared: tuple[float, ...]
    own: tuple[float, ...]
