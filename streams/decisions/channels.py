"""By which channel: what a contact costs there, and how this person answers there.

    P(answer on c) = (answered + 4 * rate) / (contacts + 4)

The mean of a Beta-Binomial: contacts and answers of this person by the channel, faded with a half
life of 90 days, and the shop's `contact.answer_rates` as if it were four contacts. Of the channels
that may be used now, an offer goes by the one where

    (value - discount) * P(answer on c) / P(answer where this person answers best) - cost of c

is greatest (the first of equals), so a channel that costs more must be answered more. An offer
whose value is below its discount goes where the person answers best, the cheapest of equals.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from streams.contracts.common import ChannelName
from streams.contracts.reference.structs import ContactPolicy, Offer, TriggerRule


class Option(NamedTuple):
    """A channel that may be used now: P(this person answers there), and what a contact costs."""

    channel: ChannelName
    answers: float
    cost: float


class Way(NamedTuple):
    """The channel of an offer, its cost, and how far less it is answered than the best one."""

    channel: ChannelName
    reach: float
    cost: float


def channels_of(rule: TriggerRule) -> tuple[ChannelName, ...]:
    """The channels that a rule may use."""
    return rule.channels or (rule.channel,)


def logged_options(
    answers: Mapping[ChannelName, float], contact: ContactPolicy
) -> tuple[Option, ...]:
    """The options of a decision as its record has them."""
    costs = contact.channel_costs
    return tuple(Option(c, p, costs.get(c, 0.0)) for c, p in answers.items())


def way_of(offer: Offer, gain: float, options: Sequence[Option]) -> Way | None:
    """How the offer goes out; `gain`: what it brings where the person answers best.

    None where the rule names one channel, and there is nothing to choose.
    """
    own = [option for option in options if option.channel in offer.channels]
    if not own:
        return None
    best = max([option.answers for option in own])
    ways = [Way(o.channel, o.answers / best if best > 0.0 else 1.0, o.cost) for o in own]
    if gain < 0.0:  # then the channel answered least would lose least: no reason to use it
        return max(ways, key=lambda way: (way.reach, -way.cost))
    return max(ways, key=lambda way: gain * way.reach - way.cost)
