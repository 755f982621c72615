"""The ways in: Litestar's handlers, their answers, and the OpenAPI document that they make."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from litestar import Litestar, Response, Router, get, post
from litestar.config.cors import CORSConfig
from litestar.enums import MediaType
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types import Message, Scope

from streams import __version__
from streams.gateway.acknowledged import NotAcknowledgedError
from streams.gateway.admission import origins_of
from streams.gateway.client import client_handlers
from streams.gateway.described import ANSWERS, OwnBody
from streams.gateway.intake import Taken
from streams.gateway.mapped import mapped_handlers
from streams.gateway.outcomes import outcomes_handler
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.refused import fault_by, http_error_by, refused_by, unanswered_by
from streams.gateway.splitting import split
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

OWN_ORIGIN: Final = "own_origin"
HEADERS: Final = (
    *("authorization", "content-type", "content-encoding", "x-write-key", "sec-gpc"),
    "last-event-id",
)


def build_app(ways: Ways, out: Sequence[HTTPRouteHandler | Router] = ()) -> Litestar:
    """The application, with the ways `out`; nothing is started before a server runs it."""
    return Litestar(
        route_handlers=[
            *_health(ways),
            _own(ways),
            *mapped_handlers(ways),
            outcomes_handler(ways),
            *client_handlers(ways),
            *out,
        ],
        cors_config=CORSConfig(
            allow_origins=origins_of(ways.settings),
            allow_methods=["GET", "POST"],
            allow_headers=list(HEADERS),
            # Trackers ask for it. The page alone reads a cookie, and lets in no other origin.
            allow_credentials=True,
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
            RequestRefusedError: refused_by(ways),
            NotAcknowledgedError: unanswered_by(ways),
            HTTPException: http_error_by(ways),
            Exception: fault_by(ways),
        },
        before_send=[_without_cors],
        request_max_body_size=ways.settings.body_bytes_max,
        logging_config=None,
    )


async def _without_cors(message: Message, scope: Scope) -> None:
    """Pages of other origins may read no answer of handlers with the option `OWN_ORIGIN`."""
    handler = scope.get("route_handler")
    if message["type"] == "http.response.start" and handler and OWN_ORIGIN in handler.opt:
        message["headers"] = [
            (name, value)
            for name, value in message["headers"]
            if not name.lower().startswith(b"access-control-")
        ]


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
        headers = headers_of(request)
        sender = ways.admission.sender(headers, query_of(request))
        body = await body_of(ways, request)
        incoming = split(body, headers)
        taken = await take(ways, "events", sender, incoming, headers)
        status = status_of(taken)
        count(ways, "events", status)
        return Response(taken, status_code=status, media_type=MediaType.JSON)

    return post_events
