"""What an offer was worth at a decision, term by term."""

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
