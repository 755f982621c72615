"""Levers: what the owner adds to a priority by hand, within bounds and until a day.

A lever is one term of the priority. It is asked of eligible offers alone, so it never outweighs
consent, limits, stock or a holdout; what an offer is expected to bring is not changed by it.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.common import ChannelName
from streams.contracts.reference.structs import Lever, Offer, Policies
from streams.contracts.sums import sum_of
from streams.contracts.times import to_ms
from streams.decisions.arbitration import Response, to_nano

ALWAYS_MS = -(2**62)


class OwnLever(Struct, frozen=True):
    """A lever of one offer: from when until when, on which channel (None: any), and how much."""

    from_ms: int
    until_ms: int
    channel: ChannelName | None
    amount: float


class OwnLevers(Struct, frozen=True):
    """All levers of one offer; their sum is never beyond `most`."""

    each: tuple[OwnLever, ...] = ()
    most: float = 0.0

    def at(self, now_ms: int, channel: ChannelName) -> float:
        """What they add now on this channel, in the shop's currency."""
        if not self.each:
            return 0.0
        live = [lever.amount for lever in self.each if _is_live(lever, now_ms, channel)]
        return to_nano(min(max(sum_of(live), -self.most), self.most))

    def on(self, response: Response, now_ms: int, channel: ChannelName) -> Response:
        """The response with what they add: by channel, where one may be chosen."""
        if not self.each:
            return response
        options = [o._replace(lever=self.at(now_ms, o.channel)) for o in response.options]
        return replace(response, lever=self.at(now_ms, channel), options=tuple(options))


def levers_of(offer: Offer, policies: Policies) -> OwnLevers:
    """The levers that concern this offer at some time on some channel."""
    own = tuple(_own(lever) for lever in _concerning(offer, policies.levers))
    return OwnLevers(own, policies.arbitration.lever_max)


def _concerning(offer: Offer, levers: Sequence[Lever]) -> Iterable[Lever]:
    for lever in levers:
        if lever.offer_id in (None, offer.offer_id) and lever.class_ in (None, offer.class_):
            yield lever


def _own(lever: Lever) -> OwnLever:
    from_ms = ALWAYS_MS if lever.valid_from is None else to_ms(lever.valid_from)
    return OwnLever(from_ms, to_ms(lever.valid_until), lever.channel, lever.amount)


def _is_live(lever: OwnLever, now_ms: int, channel: ChannelName) -> bool:
    return lever.from_ms <= now_ms < lever.until_ms and lever.channel in (None, channel)
