"""What a request that is refused, or fails, is answered with."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

import msgspec
import structlog
from litestar import Response
from litestar.exceptions import HTTPException

from streams.contracts.inputs.diagnosis import reason_of
from streams.gateway.acknowledged import NotAcknowledgedError
from streams.gateway.bodies import too_large
from streams.gateway.refusals import NO_SUCH_PATH, PROBLEM_JSON, Problem, RequestRefusedError
from streams.gateway.ways import AnyRequest, Ways, count, door_of

log = structlog.get_logger()

RETRY_AFTER_S: Final = 2


def refused_by(ways: Ways) -> Callable[[AnyRequest, RequestRefusedError], Response[bytes]]:
    """The answer to a request that is not taken."""

    def refused(request: AnyRequest, error: RequestRefusedError) -> Response[bytes]:
        return _problem(ways, request, error)

    return refused


def unanswered_by(ways: Ways) -> Callable[[AnyRequest, NotAcknowledgedError], Response[bytes]]:
    """The answer where Kafka did not confirm all of it."""

    def unanswered(request: AnyRequest, _: NotAcknowledgedError) -> Response[bytes]:
        detail = "Kafka did not confirm all of it: send the same once more, with the same ids"
        refusal = RequestRefusedError(503, "not_acknowledged", detail, RETRY_AFTER_S)
        return _problem(ways, request, refusal)

    return unanswered


_WORDS: Final = {
    HTTPStatus.NOT_FOUND: NO_SUCH_PATH,
    HTTPStatus.METHOD_NOT_ALLOWED: "this path is not asked in this way: see the header allow",
}
_NAMES: Final = {"placement": "decide"}  # where a parameter is called otherwise in the address


def http_error_by(ways: Ways) -> Callable[[AnyRequest, HTTPException], Response[bytes]]:
    """The answer to what the framework refuses."""

    def http_error(request: AnyRequest, error: HTTPException) -> Response[bytes]:
        """What the framework refuses: an unknown path, a wrong method, a body too large."""
        status = HTTPStatus(error.status_code)
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return _problem(ways, request, too_large(ways.settings.body_bytes_max))
        detail = _WORDS.get(status) or _in_address(error) or status.phrase
        refusal = RequestRefusedError(status, status.name.lower(), detail)
        return _problem(ways, request, refusal, error.headers or {})

    return http_error


def _in_address(error: HTTPException) -> str:
    """Which part of the path or the query is wrong, and what it may be; nothing of what it held."""
    if not isinstance(error.extra, list) or not error.extra:
        return ""
    first = error.extra[0]
    name = _NAMES.get(first["key"], first["key"])
    return f"`{name}` of the address: {reason_of(first['message'])[1]}"


def fault_by(ways: Ways) -> Callable[[AnyRequest, Exception], Response[bytes]]:
    """The answer to a fault of the program."""

    def fault(request: AnyRequest, error: Exception) -> Response[bytes]:
        """A fault of the program: its kind and place are logged, nothing of the request."""
        log.error("request_failed", error=type(error).__name__, where=place_of(error))
        refusal = RequestRefusedError(500, "internal_error", "a fault in the gateway")
        return _problem(ways, request, refusal)

    return fault


def place_of(error: Exception) -> str:
    """Function and line in which it was raised; nothing of what they held."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return "" if place is None else f"{place.tb_frame.f_code.co_name}:{place.tb_lineno}"


def _problem(
    ways: Ways,
    request: AnyRequest,
    refusal: RequestRefusedError,
    more: Mapping[str, str] | None = None,
) -> Response[bytes]:
    """The answer to a request that is refused; the connection ends, as its body may be unread."""
    count(ways, door_of(request.scope["path"]), refusal.status)
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
