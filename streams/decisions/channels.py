"""By which channel: what a contact costs there, and how this person answers there.

    P(answer on c) = (answered + 4 * rate) / (contacts + 4)

The mean of a Beta-Binomial: contacts and answers of this person by the channel, faded with a half
life of 90 days, and the shop's `contact.answer_rates` as if it were four contacts. Of the channels
that may be used now, an offer goes by the one where

    (value - discount) * P(answer on c) / P(answer where this person answers best) - cost of c

is greatest (the first of equals), so a channel that costs more must be answered more.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from streams.contracts.common import ChannelName
from streams.contracts.reference.structs import ContactPolicy, Offer, TriggerRule
from streams.customer import Customer
from streams.customer.answers import counted
from streams.decisions.consent import may_reach
from streams.decisions.limits import quiet_until_ms

ANSWER_RATE: Final = 0.2
"""Where the shop says none."""
PRIOR_CONTACTS: Final = 4.0


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


class Ways(Struct, frozen=True):
    """What may be used now. `options`: where the rule lets choose. `quiet_until_ms`: all wait."""

    options: tuple[Option, ...] = ()
    quiet_until_ms: int | None = None


NO_CHOICE: Final = Ways()


def channels_of(rule: TriggerRule) -> tuple[ChannelName, ...]:
    """The channels that a rule may use."""
    return rule.channels or (rule.channel,)


def ways_of(person: Customer, rule: TriggerRule, now_ms: int, contact: ContactPolicy) -> Ways:
    """The channels that the person allows and that are not quiet, with what is known of them."""
    quiet = [c for c in channels_of(rule) if c in contact.quiet_channels]
    if not quiet and not rule.channels:
        return NO_CHOICE
    until_ms = quiet_until_ms(person, contact.quiet_hours, now_ms) if quiet else None
    if not rule.channels:
        return NO_CHOICE if until_ms is None else Ways((), until_ms)
    allowed = [c for c in rule.channels if may_reach(person, c)]
    loud = [c for c in allowed if until_ms is None or c not in quiet]
    options = tuple([_option(person, c, now_ms, contact) for c in loud])
    return Ways(options, until_ms if allowed and not loud else None)


def _option(person: Customer, channel: ChannelName, now_ms: int, contact: ContactPolicy) -> Option:
    contacts, answered = counted(person.answers, channel, now_ms)
    prior = PRIOR_CONTACTS * contact.answer_rates.get(channel, ANSWER_RATE)
    answers = (answered + prior) / (contacts + PRIOR_CONTACTS)
    return Option(channel, answers, contact.channel_costs.get(channel, 0.0))


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
    return max(ways, key=lambda way: gain * way.reach - way.cost)
