"""By which channel: what a contact costs there, and how this person answers there.

    P(answer on c) = (answered + 4 * rate) / (contacts + 4)

The mean of a Beta-Binomial: contacts and answers of this person by the channel, faded with a half
life of 90 days, and the shop's `contact.answer_rates` as if it were four contacts. Of the channels
that may be used now, an offer goes by the one where

    (margin * (1 - bought anyway) - discount) * P(used on c) - cost of c + lever on c

is greatest (the first of equals), so a channel that costs more must be answered more. An offer
that loses by each use goes where the person answers best, the cheapest of equals.

    odds(used on c) = odds(used where this person answers best) * reach
    reach           = P(answer on c) / P(answer there)

In log odds reach is a number to add, so the learner takes it out of what it learns from labels.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from streams.contracts.common import ChannelName
from streams.contracts.reference.structs import ContactPolicy, Offer, TriggerRule

REACH_MIN = 1e-3


class Option(NamedTuple):
    """A channel that may be used now: P(this person answers there), and what a contact costs.

    `lever`: what the owner adds by hand to the offer in question there.
    """

    channel: ChannelName
    answers: float
    cost: float
    lever: float = 0.0


class Way(NamedTuple):
    """The channel of an offer, its cost, and how far less it is answered than the best one."""

    channel: ChannelName
    reach: float
    cost: float
    lever: float


def channels_of(rule: TriggerRule) -> tuple[ChannelName, ...]:
    """The channels that a rule may use."""
    return rule.channels or (rule.channel,)


def logged_options(
    answers: Mapping[ChannelName, float], contact: ContactPolicy
) -> tuple[Option, ...]:
    """The options of a decision as its record has them."""
    costs = contact.channel_costs
    return tuple(Option(c, p, costs.get(c, 0.0)) for c, p in answers.items())


def on_channel(used: float, reach: float) -> float:
    """P(used) where the odds are `reach` times as great.

    >>> on_channel(0.1, 1.0), round(on_channel(0.5, 0.5), 4)
    (0.1, 0.3333)
    """
    return used if reach == 1.0 else used * reach / (1.0 - used + used * reach)


def way_of(offer: Offer, used: float, gain: float, options: Sequence[Option]) -> Way | None:
    """How the offer goes out; None where the rule names one channel, with nothing to choose.

    Args:
        offer: the offer.
        used: P(used) where the person answers best.
        gain: what a use brings, in the shop's currency.
        options: the channels that may be used.
    """
    own = [option for option in options if option.channel in offer.channels]
    if not own:
        return None
    best = max([option.answers for option in own])
    ways = [Way(o.channel, _reach(o.answers, best), o.cost, o.lever) for o in own]
    if gain < 0.0:  # then the channel answered least would lose least: no reason to use it
        return max(ways, key=lambda way: (way.reach, -way.cost))
    return max(ways, key=lambda way: gain * on_channel(used, way.reach) - way.cost + way.lever)


def _reach(answers: float, best: float) -> float:
    return max(answers / best, REACH_MIN) if best > 0.0 else 1.0
