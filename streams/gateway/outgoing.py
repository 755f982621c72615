"""The ways out: what a page, an app or a backend is answered of a person."""

from http import HTTPStatus
from typing import Annotated

from litestar import Response, get, post
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter
from litestar.response import Stream
from msgspec import Struct

from streams.contracts.common import ID_PATTERN
from streams.gateway.asker import Asker, Askers
from streams.gateway.asking import Asking
from streams.gateway.board import Board, Place
from streams.gateway.described import (
    DECIDE_ANSWERS,
    OFFERS_ANSWERS,
    STREAM_ANSWERS,
    DecideBody,
    FeedbackBody,
)
from streams.gateway.feedback import feedback_event, read_feedback
from streams.gateway.intake import Sink
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.replies import Replies
from streams.gateway.shown import Decided, ShownOffer, shown
from streams.gateway.streaming import events_of
from streams.gateway.ways import AnyRequest, Ways, body_of, count, headers_of, query_of

CustomerId = Annotated[str, PathParameter(pattern=ID_PATTERN, description="The shop's id.")]
LAST_SEEN = "last-event-id"
NO_STORE = {"cache-control": "no-store"}
STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


class Out(Struct, frozen=True):
    """What the handlers work with beside the ways in; `sink` takes what is told of offers."""

    asking: Asking
    replies: Replies
    askers: Askers
    board: Board
    sink: Sink


class Offers(Struct, frozen=True):
    """The answer to `GET /v1/customers/{id}/offers`, the oldest first."""

    offers: list[ShownOffer]


class FeedbackTaken(Struct, frozen=True):
    """The answer to `POST /v1/feedback`: it is in Kafka."""

    accepted: int


def handlers_of(ways: Ways, out: Out) -> list[HTTPRouteHandler]:
    """All of them."""
    return [_decide(ways, out), _offers(ways, out), _stream(ways, out), _feedback(ways, out)]


def _asker(request: AnyRequest, out: Out) -> Asker:
    return out.askers.of(headers_of(request), query_of(request))


def _decide(ways: Ways, out: Out) -> HTTPRouteHandler:
    @post("/v1/decide", status_code=200, operation_class=DecideBody, responses=DECIDE_ANSWERS)
    async def post_decide(request: AnyRequest) -> Response[Decided]:
        """Decide now what to show in a placement: an offer, or none and why, or `timeout`."""
        asker = _asker(request, out)
        body = await body_of(ways, request)
        out.askers.pay(asker)
        decided = await out.asking.decide(out.replies, body, asker)
        count(ways, "decide", HTTPStatus.OK)
        return Response(decided, media_type=MediaType.JSON, headers=NO_STORE)

    return post_decide


def _offers(ways: Ways, out: Out) -> HTTPRouteHandler:
    @get("/v1/customers/{customer_id:str}/offers", responses=OFFERS_ANSWERS)
    async def get_offers(request: AnyRequest, customer_id: CustomerId) -> Response[Offers]:
        """The offers that are valid now, for the person themselves or a server."""
        asker = _asker(request, out)
        person = asker.about(customer_id)
        out.askers.pay(asker)
        offers = [shown(held.offer) for held in _ready(out).valid(person)]
        count(ways, "customers", HTTPStatus.OK)
        return Response(Offers(offers), media_type=MediaType.JSON, headers=NO_STORE)

    return get_offers


def _stream(ways: Ways, out: Out) -> HTTPRouteHandler:
    @get(
        "/v1/customers/{customer_id:str}/stream",
        responses=STREAM_ANSWERS,
        media_type="text/event-stream",
    )
    async def get_stream(request: AnyRequest, customer_id: CustomerId) -> Stream:
        """Each valid offer and each new one as server-sent events; `Last-Event-ID` goes on."""
        asker = _asker(request, out)
        person = asker.about(customer_id)
        out.askers.pay(asker)
        seen = Place.read(request.headers.get(LAST_SEEN, ""))
        watcher = _ready(out).watch(person, seen)
        if watcher is None:
            raise RequestRefusedError(429, "too_many_streams", "the person listens already", 5)
        count(ways, "customers", HTTPStatus.OK)
        until_s = float("inf") if asker.token is None else asker.token.until_s
        events = events_of(
            out.board,
            watcher,
            ways.settings.heartbeat_s,
            lambda: until_s - ways.clock_ms() / 1_000,
        )
        return Stream(events, media_type="text/event-stream", headers=STREAM_HEADERS)

    return get_stream


def _feedback(ways: Ways, out: Out) -> HTTPRouteHandler:
    @post("/v1/feedback", status_code=202, operation_class=FeedbackBody, responses=DECIDE_ANSWERS)
    async def post_feedback(request: AnyRequest) -> Response[FeedbackTaken]:
        """Tell what the person did with an offer: seen, clicked, dismissed, used."""
        asker = _asker(request, out)
        told = read_feedback(await body_of(ways, request))
        out.askers.pay(asker)
        person = (
            told.person if asker.token is None else asker.about(told.person or asker.token.person)
        )
        if person is None:
            raise RequestRefusedError(422, "bad_feedback", "$.person: is required of a server")
        await out.sink.send([feedback_event(told, person, ways.clock_ms())])
        count(ways, "feedback", HTTPStatus.ACCEPTED)
        return Response(FeedbackTaken(1), status_code=HTTPStatus.ACCEPTED)

    return post_feedback


def _ready(out: Out) -> Board:
    """The board, once all that is valid has been read.

    Raises:
        RequestRefusedError: the gateway has just begun.
    """
    if not out.board.ready:
        raise RequestRefusedError(503, "not_ready", "the offers are being read", 1)
    return out.board
