"""How a person answers on each channel: contacts and answers that fade, as the row keeps them."""

from collections.abc import Iterable

from streams.contracts.common import ChannelName
from streams.contracts.times import DAY_MS
from streams.customer.decay import add_faded, faded
from streams.customer.parts import Answers

HALF_LIFE_MS = 90 * DAY_MS


def with_contact_over(
    known: tuple[Answers, ...], channel: ChannelName, at_ms: int, *, answered: bool
) -> tuple[Answers, ...]:
    """With one more contact whose time is over."""
    return answers_of_both(known, (Answers(channel, 1.0, float(answered), at_ms),))


def answers_of_both(mine: Iterable[Answers], others: Iterable[Answers]) -> tuple[Answers, ...]:
    """Contacts and answers of both added up, by channel."""
    by_channel = {one.channel: one for one in mine}
    for one in others:
        other = by_channel.get(one.channel)
        by_channel[one.channel] = one if other is None else _sum(other, one)
    return tuple(by_channel[name] for name in sorted(by_channel))


def counted(known: Iterable[Answers], channel: ChannelName, at_ms: int) -> tuple[float, float]:
    """Contacts by the channel and answers to them, as much as is left of both by now."""
    one = next((a for a in known if a.channel == channel), None)
    if one is None:
        return 0.0, 0.0
    age_ms = max(at_ms - one.at_ms, 0)
    return faded(one.contacts, age_ms, HALF_LIFE_MS), faded(one.answered, age_ms, HALF_LIFE_MS)


def _sum(a: Answers, b: Answers) -> Answers:
    return Answers(
        a.channel,
        add_faded(a.contacts, a.at_ms, b.contacts, b.at_ms, HALF_LIFE_MS),
        add_faded(a.answered, a.at_ms, b.answered, b.at_ms, HALF_LIFE_MS),
        max(a.at_ms, b.at_ms),
    )
