"""The ways in: Litestar's handlers, their answers, and the OpenAPI document that they make."""

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
import structlog
from litestar import Litestar, Request, Response, get, post
from litestar.config.cors import CORSConfig
from litestar.enums import MediaType
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from msgspec import Struct

from streams import __version__
from streams.gateway import segment, signed
from streams.gateway.acknowledged import NotAcknowledgedError
from streams.gateway.admission import Admission, origins_of
from streams.gateway.bodies import read_body
from streams.gateway.described import (
    ANSWERS,
    REFUSALS,
    SEGMENT_ANSWERS,
    OwnBody,
    SegmentAnswer,
    SegmentBody,
)
from streams.gateway.intake import Intake, Taken
from streams.gateway.keys import Sender
from streams.gateway.refusals import PROBLEM_JSON, Problem, RequestRefusedError
from streams.gateway.signed import SHOPS, Shop
from streams.gateway.splitting import Incoming, split
from streams.settings import GatewaySettings
from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter

log = structlog.get_logger()

AnyRequest = Request[Any, Any, Any]
RETRY_AFTER_S: Final = 2
SNOWPLOW: Final = "/com.snowplowanalytics.snowplow/tp2"
_DOORS: Final = {"/v1/events": "events", "/mp/collect": "ga4", SNOWPLOW: "snowplow"}
HEADERS: Final = ("authorization", "content-type", "content-encoding", "x-write-key", "sec-gpc")


class Ways(Struct, frozen=True):
    """What the handlers work with."""

    settings: GatewaySettings
    admission: Admission
    intake: Intake
    meter: Meter
    clock_ms: Callable[[], int]
    ready: Callable[[], str]


def build_app(ways: Ways) -> Litestar:
    """The application; nothing is started before a server runs it."""
    return Litestar(
        route_handlers=[
            *_health(ways),
            _own(ways),
            *_segment(ways),
            _ga4(ways),
            _snowplow(ways),
            *(_webhook(ways, shop) for shop in SHOPS),
        ],
        cors_config=CORSConfig(
            allow_origins=origins_of(ways.settings),
            allow_methods=["POST"],
            allow_headers=list(HEADERS),
            allow_credentials=True,  # trackers ask for it; no cookie is ever read
            max_age=7_200,
        ),
        openapi_config=OpenAPIConfig(
            title="offerstream gateway",
            version=__version__,
            description="Events come in over HTTP. 202 (of Segment's paths: 200) means that Kafka "
            "holds them.",
            use_handler_docstrings=True,
            render_plugins=[JsonRenderPlugin()],
        ),
        exception_handlers={
            RequestRefusedError: _refused_by(ways),
            NotAcknowledgedError: _unanswered_by(ways),
            HTTPException: _http_error_by(ways),
            Exception: _fault_by(ways),
        },
        request_max_body_size=ways.settings.body_bytes_max,
        logging_config=None,
    )


def _health(ways: Ways) -> list[HTTPRouteHandler]:
    @get("/healthz", media_type="text/plain", sync_to_thread=False)
    def healthz() -> str:
        """Whether the process answers at all."""
        return "ok\n"

    @get("/readyz", media_type="text/plain", sync_to_thread=False)
    def readyz() -> Response[str]:
        """Whether events would be taken now."""
        reason = ways.ready()
        status = HTTPStatus.SERVICE_UNAVAILABLE if reason else HTTPStatus.OK
        return Response(f"{reason or 'ok'}\n", status_code=status, media_type="text/plain")

    return [healthz, readyz]


def _own(ways: Ways) -> HTTPRouteHandler:
    @post("/v1/events", status_code=202, operation_class=OwnBody, responses=ANSWERS)
    async def post_events(request: AnyRequest) -> Response[Taken]:
        """Take events: one, an array, JSON lines, or CloudEvents."""
        headers = _headers(request)
        sender = ways.admission.sender(headers, _query(request))
        body = await _body(ways, request)
        incoming = split(body, headers)
        taken = await _take(ways, "events", sender, incoming, headers)
        status = _status(taken)
        _count(ways, "events", status)
        return Response(taken, status_code=status, media_type=MediaType.JSON)

    return post_events


def _segment(ways: Ways) -> list[HTTPRouteHandler]:
    return [
        *(_segment_call(ways, call, short) for call, short in segment.CALLS.items()),
        _segment_call(ways, *segment.BATCHES),
    ]


def _segment_call(ways: Ways, *names: str) -> HTTPRouteHandler:
    @post(
        [f"/v1/{name}" for name in names],
        name=f"segment_{names[0]}",
        status_code=200,
        operation_class=SegmentBody,
        responses=SEGMENT_ANSWERS,
    )
    async def post_segment(request: AnyRequest) -> Response[SegmentAnswer]:
        """Take what Segment's and RudderStack's libraries send."""
        return await _mapped(
            ways, request, "segment", lambda payload: segment.messages_of(names[0], payload)
        )

    return post_segment


def _ga4(ways: Ways) -> HTTPRouteHandler:
    @post("/mp/collect", status_code=200, operation_class=SegmentBody, responses=SEGMENT_ANSWERS)
    async def post_measurements(request: AnyRequest) -> Response[SegmentAnswer]:
        """Take what is sent by GA4's Measurement Protocol; `api_secret` is the write key."""
        return await _mapped(ways, request, "ga4", segment.measurements_of)

    return post_measurements


def _snowplow(ways: Ways) -> HTTPRouteHandler:
    @post(SNOWPLOW, status_code=200, operation_class=SegmentBody, responses=SEGMENT_ANSWERS)
    async def post_snowplow(request: AnyRequest) -> Response[SegmentAnswer]:
        """Take what Snowplow's trackers post; they send the write key as a header of their own."""
        return await _mapped(ways, request, "snowplow", segment.tracked_in)

    return post_snowplow


async def _mapped(
    ways: Ways,
    request: AnyRequest,
    source: str,
    messages_of: Callable[[dict[str, Any]], list[Any]],
) -> Response[SegmentAnswer]:
    """Take messages of another system: 200 where any is taken, for its clients know no other."""
    arrived_ms, headers = ways.clock_ms(), _headers(request)
    payload = segment.read_payload(await _body(ways, request))
    sender = ways.admission.sender(headers, _query(request), payload.get("writeKey"))
    messages = messages_of(payload)
    read = segment.read_messages(source, messages, arrived_ms)
    taken = await _take(ways, source, sender, read.incoming, headers, len(messages))
    ways.meter.count(metrics.GATEWAY_EVENTS, source, "ignored", value=len(read.ignored))
    good = bool(taken.accepted or read.ignored)
    status = HTTPStatus.OK if good else HTTPStatus.BAD_REQUEST
    _count(ways, source, status)
    answer = SegmentAnswer(
        success=good, accepted=taken.accepted, rejected=taken.rejected, ignored=read.ignored
    )
    return Response(answer, status_code=status, media_type=MediaType.JSON)


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
        arrived_ms, headers = ways.clock_ms(), _headers(request)
        body = await _body(ways, request)
        read, taken = segment.Read([], []), Taken(0, [])
        if not signed.is_ping(body):
            sender = ways.admission.signer(shop, headers, body)
            message = signed.message_of(shop, headers, body)
            read = segment.read_messages(shop.source, [message], arrived_ms)
            taken = await _take(ways, "webhook", sender, read.incoming, headers, 1)
        _count(ways, "webhook", HTTPStatus.OK)
        answer = SegmentAnswer(
            success=not taken.rejected,
            accepted=taken.accepted,
            rejected=taken.rejected,
            ignored=read.ignored,
        )
        return Response(answer, status_code=HTTPStatus.OK, media_type=MediaType.JSON)

    return post_webhook


async def _take(
    ways: Ways,
    door: str,
    sender: Sender,
    incoming: list[Incoming],
    headers: Mapping[str, str],
    events: int | None = None,
) -> Taken:
    """Count, judge and write the events of a request; `events` where it holds more than these."""
    ways.admission.pay(sender, len(incoming) if events is None else events)
    gpc = headers.get("sec-gpc", "").strip() == "1"
    try:
        taken = await ways.intake.take(sender, incoming, gpc=gpc)
    except NotAcknowledgedError:
        ways.meter.count(
            metrics.GATEWAY_EVENTS, door, "not_acknowledged", value=float(len(incoming))
        )
        raise
    ways.meter.count(metrics.GATEWAY_EVENTS, door, "accepted", value=taken.accepted)
    ways.meter.count(metrics.GATEWAY_EVENTS, door, "rejected", value=len(taken.rejected))
    return taken


async def _body(ways: Ways, request: AnyRequest) -> bytes:
    settings = ways.settings
    return await read_body(
        request.stream(),
        request.headers.get("content-encoding", ""),
        settings.body_bytes_max,
        settings.read_timeout_s,
    )


def _status(taken: Taken) -> HTTPStatus:
    if not taken.rejected:
        return HTTPStatus.ACCEPTED
    return HTTPStatus.MULTI_STATUS if taken.accepted else HTTPStatus.BAD_REQUEST


def _headers(request: AnyRequest) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _query(request: AnyRequest) -> dict[str, str]:
    return {name: str(value) for name, value in request.query_params.items()}


def _refused_by(ways: Ways) -> Callable[[AnyRequest, RequestRefusedError], Response[bytes]]:
    def refused(request: AnyRequest, error: RequestRefusedError) -> Response[bytes]:
        return _problem(ways, request, error)

    return refused


def _unanswered_by(ways: Ways) -> Callable[[AnyRequest, NotAcknowledgedError], Response[bytes]]:
    def unanswered(request: AnyRequest, _: NotAcknowledgedError) -> Response[bytes]:
        detail = "Kafka did not confirm all of it: send the same once more, with the same ids"
        refusal = RequestRefusedError(503, "not_acknowledged", detail, RETRY_AFTER_S)
        return _problem(ways, request, refusal)

    return unanswered


def _http_error_by(ways: Ways) -> Callable[[AnyRequest, HTTPException], Response[bytes]]:
    def http_error(request: AnyRequest, error: HTTPException) -> Response[bytes]:
        """What the framework refuses: an unknown path, a wrong method, a body too large."""
        status = HTTPStatus(error.status_code)
        refusal = RequestRefusedError(status, status.name.lower(), status.phrase)
        return _problem(ways, request, refusal, error.headers or {})

    return http_error


def _fault_by(ways: Ways) -> Callable[[AnyRequest, Exception], Response[bytes]]:
    def fault(request: AnyRequest, error: Exception) -> Response[bytes]:
        """A fault of the program: its kind and place are logged, nothing of the request."""
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        line = "" if place is None else f"{place.tb_frame.f_code.co_name}:{place.tb_lineno}"
        log.error("request_failed", error=type(error).__name__, where=line)
        refusal = RequestRefusedError(500, "internal_error", "a fault in the gateway")
        return _problem(ways, request, refusal)

    return fault


def _problem(
    ways: Ways,
    request: AnyRequest,
    refusal: RequestRefusedError,
    more: Mapping[str, str] | None = None,
) -> Response[bytes]:
    """The answer to a request that is refused; the connection ends, as its body may be unread."""
    _count(ways, _door(request.scope["path"]), refusal.status)
    headers = {**(more or {}), "connection": "close"}
    if refusal.retry_after_s:
        headers["retry-after"] = str(refusal.retry_after_s)
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    problem = Problem(
        code=refusal.code,
        title=HTTPStatus(refusal.status).phrase,
        status=refusal.status,
        detail=refusal.detail,
    )
    return Response(
        msgspec.json.encode(problem),
        status_code=refusal.status,
        media_type=PROBLEM_JSON,
        headers=headers,
    )


def _door(path: str) -> str:
    if path in _DOORS:
        return _DOORS[path]
    if path.startswith("/v1/webhooks/"):
        return "webhook"
    return "segment" if path.startswith("/v1/") else "other"


def _count(ways: Ways, door: str, status: int) -> None:
    ways.meter.count(metrics.GATEWAY_REQUESTS, door, str(int(status)))


def wall_clock_ms() -> int:
    """What time it is: milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000
