"""Consent as decisions ask for it: unknown means denied, the most restrictive wins."""

from streams.contracts.common import ChannelName, Purpose
from streams.customer import Customer
from streams.customer.consents import is_granted, is_push_refused

CHANNEL_PURPOSES: dict[ChannelName, Purpose] = {
    "push": "marketing_push",
    "email": "marketing_email",
    "sms": "marketing_sms",
}
NONE: frozenset[Purpose] = frozenset()


def may_reach(person: Customer, channel: ChannelName) -> bool:
    """Whether the person may be reached over `channel` at all.

    A phone that refuses push messages outweighs any consent to them.
    """
    needed = CHANNEL_PURPOSES.get(channel)
    if channel == "push" and is_push_refused(person):
        return False
    return needed is None or is_granted(person, needed)


def agreed_purposes(
    person: Customer, purposes: frozenset[Purpose], channel: ChannelName
) -> frozenset[Purpose]:
    """Those of the purposes for which an offer may reach the person over `channel`."""
    if not may_reach(person, channel):
        return NONE
    return frozenset([p for p in purposes if is_granted(person, p)])
