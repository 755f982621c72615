"""An offer as a page or an app is told of it: what to show, and nothing of how it was chosen."""

from typing import Literal

from msgspec import Struct

from streams.contracts.common import ChannelName, Zoned
from streams.contracts.outputs.payloads import Coupon, Creative, NextBestOffer, OfferShown, Texts
from streams.contracts.outputs.wallet import Wallet


class ShownOffer(Struct, frozen=True, kw_only=True):
    """An offer for the person who may see it.

    `valid_until`: show it until then. `offer.valid_until`: it can be used until then. `wallet`: its
    fields as a pass, unsigned; None where the offer has none.
    """

    decision_id: str
    placement: str
    channel: ChannelName
    decided_at: Zoned
    valid_until: Zoned
    offer: OfferShown
    coupon: Coupon | None
    creative: Creative
    text: Texts
    reason_codes: tuple[str, ...]
    wallet: Wallet | None = None


class Decided(Struct, frozen=True, kw_only=True):
    """The answer to `POST /v1/decide`."""

    verdict: Literal["offer", "no_offer", "timeout"]
    reason_codes: tuple[str, ...] = ()
    decision_id: str | None = None
    offer: ShownOffer | None = None


def shown(offer: NextBestOffer) -> ShownOffer:
    """What of an offer leaves the house."""
    return ShownOffer(
        decision_id=offer.decision_id,
        placement=offer.placement,
        channel=offer.channel,
        decided_at=offer.decided_at,
        valid_until=offer.valid_until,
        offer=offer.offer,
        coupon=offer.coupon,
        creative=offer.creative,
        text=offer.text,
        reason_codes=offer.reason_codes,
        wallet=offer.wallet,
    )
