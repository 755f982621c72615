"""`POST /v1/outcomes`: what a CRM did about alerts, as `retention_outcome` events."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from litestar import Response, post
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler

from streams import topics
from streams.contracts.ids import derive_id
from streams.contracts.inputs.rules import Rejected
from streams.contracts.unreadable import UNREADABLE
from streams.gateway.described import OUTCOME_ANSWERS, OutcomesBody
from streams.gateway.intake import Taken
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.splitting import Incoming, array_of
from streams.gateway.ways import (
    AnyRequest,
    Ways,
    body_of,
    count,
    headers_of,
    query_of,
    status_of,
    take,
)

_TOLD: Final = ("alert_id", "result", "snooze_until")
_ORIGINS: Final = {
    "$.event_id": "$.outcome_id",
    "$.identity": "$.customer_id",
    "$.identity.customer_id": "$.customer_id",
    **{f"$.outcome.{name}": f"$.{name}" for name in _TOLD},
    "$.outcome": "$",
}
_ANY: Final = msgspec.json.Decoder()


def outcomes_handler(ways: Ways) -> HTTPRouteHandler:
    """The way in."""

    @post("/v1/outcomes", status_code=202, operation_class=OutcomesBody, responses=OUTCOME_ANSWERS)
    async def post_outcomes(request: AnyRequest) -> Response[Taken]:
        """Take what a CRM did about alerts: one outcome or an array. Needs the key of a server."""
        headers = headers_of(request)
        sender = ways.admission.sender(headers, query_of(request))
        if sender.scope != "server":
            raise RequestRefusedError(403, "not_allowed", "needs the write key of a server")
        incoming = outcomes_in(await body_of(ways, request), ways.clock_ms())
        taken = await take(ways, "outcomes", sender, incoming, headers)
        status = status_of(taken)
        count(ways, "outcomes", status)
        return Response(taken, status_code=status, media_type=MediaType.JSON)

    return post_outcomes


def outcomes_in(body: bytes, arrived_ms: int) -> list[Incoming]:
    """The events of a body; of an outcome without `occurred_at` the time is when it arrived.

    Without an `outcome_id` the id is made of the content, so that a retry changes nothing where
    the content has its own time.
    """
    items = array_of(body)
    return [
        _event(n, item, arrived_ms) for n, item in enumerate([body] if items is None else items)
    ]


def _event(index: int, item: bytes, arrived_ms: int) -> Incoming:
    topic = topics.PROFILE.name
    try:
        told = _ANY.decode(item)
    except UNREADABLE:
        return Incoming(index, topic, item, fault=Rejected("invalid_json", "$", "is no JSON"))
    if not isinstance(told, dict):
        return Incoming(index, topic, item, fault=Rejected("not_an_object", "$", "is no object"))
    arrived = datetime.fromtimestamp(arrived_ms / 1000, UTC).isoformat()
    event: dict[str, Any] = {
        "event_name": "retention_outcome",
        "occurred_at": told.get("occurred_at", arrived),
        "identity": {"customer_id": told.get("customer_id")},
        "channel": told.get("channel", "call_center"),
        "outcome": {name: told[name] for name in _TOLD if told.get(name) is not None},
    }
    made = derive_id("out", msgspec.json.encode(event, order="sorted").decode())
    event["event_id"] = told.get("outcome_id", made)
    return Incoming(index, topic, msgspec.json.encode(event), origins=_ORIGINS)
