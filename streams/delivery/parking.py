"""What a destination did not get goes to `delivery-failures`, with its reason; then it is done."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from streams import topics
from streams.contracts.outputs.encode import OutputMessage
from streams.contracts.outputs.payloads import DeliveryFailure
from streams.delivery.webhooks import Webhook, webhook_id_of

MARK: Final = "os_"
REDRIVEN: Final = "os_redriven"
Headers = Sequence[tuple[str, bytes]]


def parked(webhook: Webhook, failure: DeliveryFailure) -> OutputMessage:
    """The record of `delivery-failures`: raw bytes and key untouched, the facts in headers."""
    facts = msgspec.structs.asdict(failure).items()
    added = tuple((MARK + name, str(fact).encode()) for name, fact in facts)
    headers = (*webhook.headers, *added)
    return OutputMessage(topics.DELIVERY_FAILURES.name, webhook.key, webhook.value, headers)


def failure_of(headers: Headers) -> DeliveryFailure | None:
    """The facts of a parked record; None where it is none of ours."""
    found = {
        name.removeprefix(MARK): (text or b"").decode("utf-8", "replace")
        for name, text in headers
        if name.startswith(MARK) and name != REDRIVEN
    }
    try:
        return msgspec.convert(found, DeliveryFailure, strict=False)
    except msgspec.ValidationError:
        return None


def webhook_of(message: Any, topic: str, destination: str) -> Webhook | None:
    """The webhook of a record that was read; None of a parked one that is not for `destination`.

    Of `delivery-failures` a destination gets what was driven again for it. `topic` is the
    catalogue's name of the message's topic.
    """
    headers = tuple((name, value or b"") for name, value in message.headers() or ())
    own = tuple((name, value) for name, value in headers if not name.startswith(MARK))
    place = (message.topic(), message.partition())
    origin = (topic, message.partition(), message.offset())
    id_ = dict(own).get("ce_id", b"").decode("utf-8", "replace")
    webhook_id = webhook_id_of(topic, id_ or f"{message.partition()}@{message.offset()}")
    if topic == topics.DELIVERY_FAILURES.name:
        facts = failure_of(headers)
        if facts is None or facts.destination != destination or REDRIVEN not in dict(headers):
            return None
        origin = (facts.source_topic, facts.source_partition, facts.source_offset)
        webhook_id = facts.webhook_id
    return Webhook(
        webhook_id=webhook_id,
        topic=origin[0],
        place=place,
        offset=message.offset(),
        at_ms=message.timestamp()[1],
        key=message.key() or b"",
        value=message.value() or b"",
        headers=own,
        origin=origin,
        again=topic == topics.DELIVERY_FAILURES.name,
    )
