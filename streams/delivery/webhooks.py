"""A record as a webhook: its id, its body, its signature (Standard Webhooks, CloudEvents)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct
from standardwebhooks.webhooks import Webhook as Signer

from streams.contracts.ids import derive_id
from streams.contracts.unreadable import UNREADABLE

CLOUDEVENTS_JSON: Final = "application/cloudevents+json"
ATTEMPT_HEADER: Final = "offerstream-attempt"
SOURCE: Final = "offerstream"
_DATA: Final = msgspec.json.Decoder(dict[str, Any])


class Webhook(Struct, frozen=True, kw_only=True):
    """A record that one destination is to get.

    Attributes:
        webhook_id: the same for every try, after every restart and redrive.
        topic: the catalogue's name of the topic that it came to first.
        place, offset: where it was read.
        at_ms: the record's timestamp.
        headers: the record's own, without `os_`.
        origin: topic, partition and offset that it came to first.
        again: whether it was parked and is driven again.
    """

    webhook_id: str
    topic: str
    place: tuple[str, int]
    offset: int
    at_ms: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    origin: tuple[str, int, int]
    again: bool = False

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return 500 + len(self.value) + sum(len(name) + len(text) for name, text in self.headers)


class CloudEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a webhook, where no template says otherwise: CloudEvents 1.0, structured."""

    specversion: str
    id: str
    source: str
    type: str
    time: str
    subject: str
    data: msgspec.Raw
    datacontenttype: str = ""
    traceparent: str = ""


def webhook_id_of(topic: str, id_: str) -> str:
    """The id of what is told, from its topic and the id of its event.

    >>> webhook_id_of("churn-alerts", "a_1")
    'msg_-ellElrLUQXhG35QSeogdA'
    """
    return derive_id("msg", topic, id_)


def data_of(webhook: Webhook) -> dict[str, Any] | None:
    """What the record says; None where it is no JSON object."""
    try:
        return _DATA.decode(webhook.value)
    except UNREADABLE:
        return None


def cloud_event(webhook: Webhook) -> bytes:
    """The record as a CloudEvent."""
    found = {name: text.decode("utf-8", "replace") for name, text in webhook.headers}
    written = datetime.fromtimestamp(webhook.at_ms / 1000, UTC)
    event = CloudEvent(
        specversion="1.0",
        id=found.get("ce_id") or webhook.webhook_id,
        source=found.get("ce_source") or SOURCE,
        type=found.get("ce_type") or webhook.topic,
        time=found.get("ce_time") or written.isoformat().replace("+00:00", "Z"),
        subject=found.get("ce_subject") or webhook.key.decode("utf-8", "replace"),
        datacontenttype="application/json",
        traceparent=found.get("traceparent", ""),
        data=msgspec.Raw(webhook.value),
    )
    return msgspec.json.encode(event)


def signed_headers(
    webhook_id: str, body: bytes, secrets: Sequence[str], now: datetime
) -> Mapping[str, str]:
    """The headers of Standard Webhooks; each secret signs, the newest first.

    `now` is when this request is sent, with its zone: each try has a timestamp of its own.
    """
    text = body.decode()
    headers = {"webhook-id": webhook_id, "webhook-timestamp": str(int(now.timestamp()))}
    if secrets:
        signatures = (Signer(secret).sign(webhook_id, now, text) for secret in secrets)
        headers["webhook-signature"] = " ".join(signatures)
    return headers
