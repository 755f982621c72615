"""What an offer was worth at a decision, term by term, and how sure that was."""

from msgspec import Struct

from streams.contracts.common import Block, ChannelName


class Terms(Block, frozen=True, kw_only=True):
    """The terms of the priority, in the shop's currency but shares and the channel.

    `bought_anyway`: of those who use the offer, the share that would have bought without it; None
    in records of versions that took `redeemed_at_base_rate` of the policies for everybody.
    `ordered_anyway`: P(this person places an order that satisfies the offer in its time anyway),
    which the share stands on; None of a person without orders, and in records of older versions.
    `channel`: the one chosen of several; `reach`: how far the response probability is less there
    than on the channel where this person answers best. Both None where there was no choice.
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


class Doubt(Struct, frozen=True, kw_only=True):
    """How sure the response model was, where offers are drawn by its posterior.

    Standard deviations in log odds. `shared`: of what counts in all offers, by number of an offer's
    features, a constant first: those as they are, then those through tanh(2 x). `own`: of what is
    each offer's own, of the candidates that have terms, in their order.
    """

    shared: tuple[float, ...]
    own: tuple[float, ...]
