"""What a destination would get of a record: rendered as the courier does, and sent nowhere."""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from streams.contracts.catalogue import CONTRACTS
from streams.contracts.times import to_ms
from streams.delivery.bodies import BodyError
from streams.delivery.destinations import Target
from streams.delivery.webhooks import Webhook, data_of, signed_headers, webhook_id_of
from streams.errors import OperatorError

_IDS = ("decision_id", "alert_id", "change_id", "case_id", "visit_id", "request_id")


def tried(target: Target, topic: str, value: bytes) -> Iterator[str]:
    """Line by line: whether the filter takes the record, the request's head, and its body.

    Raises:
        OperatorError: the record is no JSON object, or the template makes nothing of it.
    """
    now = datetime.now(UTC)
    webhook = _webhook(topic, value, to_ms(now))
    data = data_of(webhook)
    if data is None:
        raise OperatorError("the record is no JSON object")
    if not target.filter.takes(topic, data):
        yield "the filter does not take it: nothing would be sent"
        return
    try:
        body, media = target.shape.body_of(webhook, data)
    except BodyError as error:
        raise OperatorError(
            f"the template makes nothing of it that can be sent: {error}"
        ) from error
    signed = signed_headers(webhook.webhook_id, body, target.signing_secrets, now)
    secret = target.destination.secret_headers
    yield f"POST {target.destination.url}"
    for name, text in {**target.headers, **signed, "Content-Type": media}.items():
        yield f"{name}: {'(secret)' if name in secret else text}"
    yield ""
    yield msgspec.json.format(body, indent=2).decode()


def _webhook(topic: str, value: bytes, at_ms: int) -> Webhook:
    type_name = next(c.type_name for c in CONTRACTS if c.topic.name == topic)
    try:
        told = msgspec.json.decode(value, type=dict[str, object])
    except msgspec.DecodeError as error:
        raise OperatorError("the record is no JSON object") from error
    id_ = next((str(told[name]) for name in _IDS if name in told), "tried")
    key = str(told.get("customer_id", ""))
    return Webhook(
        webhook_id=webhook_id_of(topic, id_),
        topic=topic,
        place=(topic, 0),
        offset=0,
        at_ms=at_ms,
        key=key.encode(),
        value=value,
        headers=(
            ("ce_id", id_.encode()),
            ("ce_type", type_name.encode()),
            ("ce_subject", key.encode()),
        ),
        origin=(topic, 0, 0),
    )
