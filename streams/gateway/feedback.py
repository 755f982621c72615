"""What a person did with an offer, as the app tells it: an event of offer feedback."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from msgspec import Struct

from streams import topics
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.encode import OutputMessage
from streams.contracts.times import from_ms
from streams.gateway.intake import judge
from streams.gateway.refusals import RequestRefusedError, unreadable
from streams.gateway.splitting import Incoming

Did = Literal["seen", "clicked", "dismissed", "used"]
NAMES: Final[Mapping[Did, str]] = {
    "seen": "offer_viewed",
    "clicked": "offer_clicked",
    "dismissed": "offer_dismissed",
    "used": "offer_redeemed",
}

_ORIGINS: Final = {"$.identity.customer_id": "$.person", "$.event_id": "$.decision_id"}


class Told(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /v1/feedback`; `person` from servers only."""

    decision_id: str
    offer_id: str
    did: Did
    person: str | None = None
    channel: str = "web"
    placement: str | None = None
    occurred_at: str | None = None


_told: Final = msgspec.json.Decoder(Told)


def read_feedback(body: bytes) -> Told:
    """What is told.

    Raises:
        RequestRefusedError: nothing that can be read.
    """
    try:
        return _told.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise unreadable("bad_feedback", body, error, Told) from error


def feedback_event(told: Told, person: str, now_ms: int) -> OutputMessage:
    """The event; the same thing told twice is one event.

    Raises:
        RequestRefusedError: the worker would not take it.
    """
    event = {
        "event_id": f"{told.decision_id[:48]}.{told.did}",
        "event_name": NAMES[told.did],
        "occurred_at": told.occurred_at or from_ms(now_ms),
        "identity": {"customer_id": person},
        "channel": told.channel,
        "decision_id": told.decision_id,
        "offer_id": told.offer_id,
        "placement": told.placement,
        "reporter": "app" if told.channel == "app" else "web",
    }
    value = msgspec.json.encode(event)
    found = judge(Incoming(0, topics.OFFER_FEEDBACK.name, value), InputRules(now_ms=now_ms))
    if isinstance(found, Rejected):
        path = _ORIGINS.get(found.path, found.path)
        raise RequestRefusedError(422, found.reason, f"{path}: {found.detail}")
    return found
