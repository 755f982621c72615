"""When an offer may go out, and what became of it, as an event that the worker learns from."""

from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from streams import topics
from streams.contracts.ids import derive_id
from streams.contracts.outputs.encode import OutputMessage
from streams.contracts.outputs.payloads import NextBestOffer
from streams.contracts.unreadable import UNREADABLE
from streams.delivery.destinations import Destination
from streams.delivery.webhooks import Webhook

FeedbackName = Literal["offer_delivered", "delivery_failed"]
_OFFER: Final = msgspec.json.Decoder(NextBestOffer)


class Readiness(Struct, frozen=True):
    """Whether a record may go now: it is over, or it waits."""

    over: bool = False
    wait_s: float = 0.0


class Feedback(Struct, frozen=True, kw_only=True):
    """A record of `events.offer-feedback`, as we write it."""

    event_id: str
    event_name: FeedbackName
    occurred_at: datetime
    identity: dict[str, str]
    channel: str
    decision_id: str
    offer_id: str
    placement: str
    reporter: Literal["crm"] = "crm"


def readiness_of(
    webhook: Webhook, data: dict[str, Any], wanted: Destination, now_s: float
) -> Readiness:
    """Whether a record is too old, or has to wait: an offer for the end of quiet hours.

    Where delivery here is delivery to the customer, an offer that is over is not sent any more.
    """
    if wanted.max_age_s and now_s - webhook.at_ms / 1000 > wanted.max_age_s:
        return Readiness(over=True)
    if webhook.topic != topics.NEXT_BEST_OFFERS.name:
        return Readiness()
    if wanted.reports_delivery and _seconds(data, "valid_until", now_s) < now_s:
        return Readiness(over=True)
    return Readiness(wait_s=max(0.0, _seconds(data, "deliver_not_before", now_s) - now_s))


def feedback_of(webhook: Webhook, destination: str, name: FeedbackName) -> OutputMessage | None:
    """The event that tells what became of an offer; None of what is no offer.

    To the byte the same however often it is told, so that twice is once: its time is when the offer
    might go out first, not when it did.
    """
    if webhook.topic != topics.NEXT_BEST_OFFERS.name:
        return None
    try:
        offer = _OFFER.decode(webhook.value)
    except UNREADABLE:
        return None
    event = Feedback(
        event_id=derive_id("wh", destination, webhook.webhook_id, name),
        event_name=name,
        occurred_at=max(offer.deliver_not_before, offer.decided_at).astimezone(UTC),
        identity={"customer_id": offer.customer_id},
        channel=offer.channel,
        decision_id=offer.decision_id,
        offer_id=offer.offer.offer_id,
        placement=offer.placement,
    )
    key, value = offer.customer_id.encode(), msgspec.json.encode(event)
    return OutputMessage(topics.OFFER_FEEDBACK.name, key, value)


def _seconds(data: dict[str, Any], name: str, otherwise: float) -> float:
    """A time of a record, seconds since 1970."""
    try:
        return datetime.fromisoformat(data[name]).timestamp()
    except (KeyError, TypeError, ValueError):
        return otherwise
