"""The ways out: what a page, an app or a backend is answered of a person."""

from http import HTTPStatus

from litestar import Response, post
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from streams.gateway.asking import Asking
from streams.gateway.described import DECIDE_ANSWERS, DecideBody
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.replies import Replies
from streams.gateway.shown import Decided
from streams.gateway.ways import AnyRequest, Ways, body_of, count, headers_of, query_of


class Out(Struct, frozen=True):
    """What the handlers work with beside the ways in."""

    asking: Asking
    replies: Replies


def handlers_of(ways: Ways, out: Out) -> list[HTTPRouteHandler]:
    """All of them."""
    return [_decide(ways, out)]


def _decide(ways: Ways, out: Out) -> HTTPRouteHandler:
    @post("/v1/decide", status_code=200, operation_class=DecideBody, responses=DECIDE_ANSWERS)
    async def post_decide(request: AnyRequest) -> Response[Decided]:
        """Decide now what to show in a placement: an offer, or none and why, or `timeout`."""
        sender = ways.admission.sender(headers_of(request), query_of(request))
        if sender.scope != "server":
            raise RequestRefusedError(403, "not_allowed", "needs the write key of a server")
        body = await body_of(ways, request)
        ways.admission.pay(sender, 1)
        decided = await out.asking.decide(out.replies, body)
        count(ways, "decide", HTTPStatus.OK)
        return Response(decided, media_type=MediaType.JSON)

    return post_decide
