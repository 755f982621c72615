"""The ways in for what other systems send: mapped by the table of its source, then as any event."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from litestar import Response, get, post
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from streams.contracts.sources.mapping import SourceMapping
from streams.contracts.sources.messages import unfolded
from streams.gateway import segment, signed
from streams.gateway.described import (
    PIXEL_ANSWERS,
    REFUSALS,
    SEGMENT_ANSWERS,
    SOURCE_ANSWERS,
    AnyBody,
    SegmentAnswer,
    SegmentBody,
)
from streams.gateway.keys import Sender
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.signed import SHOPS, Shop
from streams.gateway.ways import (
    PIXEL,
    SNOWPLOW,
    AnyRequest,
    Ways,
    body_of,
    count,
    headers_of,
    query_of,
    take,
)
from streams.telemetry import catalogue as metrics

# The smallest GIF: one transparent point. What a page asks for as a picture is answered with one.
GIF: Final = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
SOURCE_DOOR: Final = "source"


class _Came(Struct, frozen=True):
    """Messages of a source: who sent them by which way, when they came."""

    door: str
    source: str
    sender: Sender
    messages: list[Any]
    arrived_ms: int


def mapped_handlers(ways: Ways) -> list[HTTPRouteHandler]:
    """Every way in whose messages are mapped."""
    return [
        *(_segment_call(ways, call, f"/v1/{short}") for call, short in segment.CALLS.items()),
        _segment_call(ways, "batch", "/v1/b", "/v1/import", "/beacon/v1/batch"),
        _ga4(ways),
        _snowplow(ways),
        _pixel(ways),
        _source(ways),
        *(_webhook(ways, shop) for shop in SHOPS),
    ]


def _segment_call(ways: Ways, call: str, *others: str) -> HTTPRouteHandler:
    @post(
        [f"/v1/{call}", *others],
        name=f"segment_{call}",
        status_code=200,
        operation_class=SegmentBody,
        responses=SEGMENT_ANSWERS,
    )
    async def post_segment(request: AnyRequest) -> Response[SegmentAnswer]:
        """Take what Segment's and RudderStack's libraries send."""
        return await _answered(
            ways, request, "segment", lambda table, sent: segment.messages_of(call, table, sent)
        )

    return post_segment


def _ga4(ways: Ways) -> HTTPRouteHandler:
    @post("/mp/collect", status_code=200, operation_class=SegmentBody, responses=SEGMENT_ANSWERS)
    async def post_measurements(request: AnyRequest) -> Response[SegmentAnswer]:
        """Take what is sent by GA4's Measurement Protocol; `api_secret` is the write key."""
        return await _answered(ways, request, "ga4", segment.batch_of)

    return post_measurements


def _snowplow(ways: Ways) -> HTTPRouteHandler:
    @post(SNOWPLOW, status_code=200, operation_class=SegmentBody, responses=SEGMENT_ANSWERS)
    async def post_snowplow(request: AnyRequest) -> Response[SegmentAnswer]:
        """Take what Snowplow's trackers post; the write key is a header, or their app id."""
        return await _answered(ways, request, "snowplow", segment.batch_of)

    return post_snowplow


def _pixel(ways: Ways) -> HTTPRouteHandler:
    @get(PIXEL, media_type="image/gif", responses=PIXEL_ANSWERS)
    async def get_pixel(request: AnyRequest) -> Response[bytes]:
        """Take one message of Snowplow's older trackers, in the address; a picture is the answer.

        A page that asks for a picture sees no status: what is rejected is a dead letter as well.
        """
        query = query_of(request)  # a picture's address has no headers: the app id is the key
        sender = ways.admission.sender(headers_of(request), query, query.get("aid"))
        messages = unfolded(ways.table("snowplow"), query)
        came = _Came("snowplow", "snowplow", sender, messages, ways.clock_ms())
        status = _status_for_clients(await _take_mapped(ways, request, came))
        count(ways, "snowplow", status)
        return Response(
            GIF, status_code=status, media_type="image/gif", headers={"cache-control": "no-store"}
        )

    return get_pixel


async def _answered(
    ways: Ways,
    request: AnyRequest,
    source: str,
    messages_of: Callable[[SourceMapping, dict[str, Any]], list[Any]],
) -> Response[SegmentAnswer]:
    """Take messages of another system: 200 where any is taken, for its clients know no other."""
    arrived_ms = ways.clock_ms()
    payload = segment.read_payload(await body_of(ways, request))
    sender = ways.admission.sender(headers_of(request), query_of(request), _key_in(source, payload))
    messages = messages_of(ways.table(source), payload)
    came = _Came(source, source, sender, messages, arrived_ms)
    answer = await _take_mapped(ways, request, came)
    return _told(ways, source, answer, _status_for_clients(answer))


def _key_in(source: str, payload: dict[str, Any]) -> object:
    """The write key in a body: for beacons, which have no headers of their own."""
    if source != "snowplow":
        return payload.get("writeKey")
    match payload.get("data"):
        case [{"aid": key}, *_]:
            return key
    return None


def _source(ways: Ways) -> HTTPRouteHandler:
    @post(
        "/v1/sources/{name:str}", status_code=202, operation_class=AnyBody, responses=SOURCE_ANSWERS
    )
    async def post_source(request: AnyRequest, name: FromPath[str]) -> Response[SegmentAnswer]:
        """Take messages of any source that has a table: one, an array, or JSON lines."""
        sender = ways.admission.sender(headers_of(request), query_of(request))
        table = ways.sources.find(name)
        if table is None:
            detail = "there is no mapping file of this source: mappings_dir"
            raise RequestRefusedError(404, "unknown_source", detail)
        arrived_ms = ways.clock_ms()
        messages = segment.payloads_of(table, await body_of(ways, request))
        came = _Came(SOURCE_DOOR, name, sender, messages, arrived_ms)
        answer = await _take_mapped(ways, request, came)
        status = HTTPStatus.ACCEPTED
        if answer.rejected:
            status = HTTPStatus.MULTI_STATUS if answer.success else HTTPStatus.BAD_REQUEST
        return _told(ways, SOURCE_DOOR, answer, status)

    return post_source


def _webhook(ways: Ways, shop: Shop) -> HTTPRouteHandler:
    @post(
        f"/v1/webhooks/{shop.source}",
        name=f"webhook_{shop.source}",
        status_code=200,
        operation_class=SegmentBody,
        responses=REFUSALS,
    )
    async def post_webhook(request: AnyRequest) -> Response[SegmentAnswer]:
        """Take an order as a shop's system tells it, signed. What is rejected is a dead letter.

        The answer is 200 then, too: the system would send the same again, and give up in the end.
        """
        arrived_ms, headers = ways.clock_ms(), headers_of(request)
        body = await body_of(ways, request)
        answer = SegmentAnswer(success=True, accepted=0, rejected=[], ignored=[])
        if not signed.is_ping(body):
            sender = ways.admission.signer(shop, headers, body)
            message = signed.message_of(shop, headers, body)
            came = _Came("webhook", shop.source, sender, [message], arrived_ms)
            answer = await _take_mapped(ways, request, came)
        return _told(ways, "webhook", answer, HTTPStatus.OK)

    return post_webhook


async def _take_mapped(ways: Ways, request: AnyRequest, came: _Came) -> SegmentAnswer:
    """What became of messages; a success where any was taken, or is no event of ours."""
    read = segment.read_messages(ways.table(came.source), came.messages, came.arrived_ms)
    taken = await take(
        ways, came.door, came.sender, read.incoming, headers_of(request), len(came.messages)
    )
    ways.meter.count(metrics.GATEWAY_EVENTS, came.door, "ignored", value=len(read.ignored))
    return SegmentAnswer(
        success=bool(taken.accepted or read.ignored),
        accepted=taken.accepted,
        rejected=taken.rejected,
        ignored=read.ignored,
    )


def _status_for_clients(answer: SegmentAnswer) -> HTTPStatus:
    """200 where any is taken: these clients know no other success, and send all of it again."""
    return HTTPStatus.OK if answer.success else HTTPStatus.BAD_REQUEST


def _told(
    ways: Ways, door: str, answer: SegmentAnswer, status: HTTPStatus
) -> Response[SegmentAnswer]:
    count(ways, door, status)
    return Response(answer, status_code=status, media_type=MediaType.JSON)
