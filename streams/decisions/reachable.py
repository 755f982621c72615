"""Over which channels a person may be reached now, and how they answer there."""

from typing import Final

from msgspec import Struct

from streams.contracts.common import ChannelName
from streams.contracts.reference.structs import ContactPolicy, TriggerRule
from streams.customer import Customer
from streams.customer.answers import counted
from streams.decisions.channels import Option, channels_of
from streams.decisions.consent import may_reach
from streams.decisions.limits import quiet_until_ms

ANSWER_RATE: Final = 0.2
"""Where the shop says none."""
PRIOR_CONTACTS: Final = 4.0


class Ways(Struct, frozen=True):
    """What may be used now. `options`: where the rule lets choose. `quiet_until_ms`: all wait."""

    options: tuple[Option, ...] = ()
    quiet_until_ms: int | None = None


NO_CHOICE: Final = Ways()


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
