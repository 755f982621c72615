"""What a page answers where it cannot do what was asked: in words, or with the login form."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from litestar import Response
from litestar.exceptions import HTTPException

from streams.errors import OperatorError
from streams.gateway.acknowledged import NotAcknowledgedError
from streams.gateway.page import sessions
from streams.gateway.page.kit import Kit, LoginNeededError
from streams.gateway.page.place import PlaceRefusedError, asked_path, refusal_of
from streams.gateway.page.signin import login_form
from streams.gateway.page.unsent import page_of
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.refused import place_of, refused_by
from streams.gateway.ways import AnyRequest

log = structlog.get_logger()


def problem_handlers(kit: Kit) -> dict[int | type[Exception], Callable[..., Response[Any]]]:
    """By the kind of what went wrong.

    Who is refused for their place gets what the gateway answers of any path: no word of a session.
    """
    plainly = refused_by(kit.ways)

    def shown(request: AnyRequest, status: int, code: str, detail: str = "") -> Response[Any]:
        if refusal := refusal_of(kit.settings, request):  # found before the guard was asked
            return plainly(request, refusal)
        session = kit.sessions.read(request.cookies.get(sessions.COOKIE, ""))
        said = {"status": int(status), "code": code, "detail": detail}
        return kit.shown(request, "problem.html", session, said, status)

    def login_needed(request: AnyRequest, error: LoginNeededError) -> Response[str]:
        if error.unsent is not None:
            return login_form(kit, request, error.unsent.to, "login.over", unsent=error.unsent)
        to = page_of(asked_path(request))
        return kit.moved("/login" if to == "/" else f"/login?to={quote(to, safe='/')}")

    def refused(request: AnyRequest, error: RequestRefusedError) -> Response[Any]:
        return shown(request, error.status, error.code, error.detail)

    def away(request: AnyRequest, _: NotAcknowledgedError) -> Response[Any]:
        return shown(request, 503, "not_acknowledged")

    def operator_error(request: AnyRequest, error: OperatorError) -> Response[Any]:
        return shown(request, 503, "operator_error", str(error))

    def http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
        status = HTTPStatus(error.status_code)
        return shown(request, status, status.name.lower())

    def fault(request: AnyRequest, error: Exception) -> Response[Any]:
        log.error("page_failed", error=type(error).__name__, where=place_of(error))
        return shown(request, 500, "internal_error")

    return {
        PlaceRefusedError: plainly,
        LoginNeededError: login_needed,
        RequestRefusedError: refused,
        NotAcknowledgedError: away,
        OperatorError: operator_error,
        HTTPException: http_error,
        Exception: fault,
    }
