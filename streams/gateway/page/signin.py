"""Login and logout, and the page's own style and script: all that is shown without a login."""

import time
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import structlog
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from streams.gateway.page.kit import HEADERS, HERE, Kit, form_of, session_cookie
from streams.gateway.page.operators import Operators
from streams.gateway.page.place import own_path
from streams.gateway.page.sessions import COOKIE
from streams.gateway.page.unsent import Unsent, page_of, read_unsent
from streams.gateway.rates import Rates
from streams.gateway.refusals import NO_SUCH_PATH, RequestRefusedError
from streams.gateway.ways import AnyRequest, count

log = structlog.get_logger()

FAILED_COSTS: Final = 5  # seconds of waiting: a bucket holds two and gets one a second
FILES: Final = {
    "colors.css": "text/css",
    "page.css": "text/css",
    "page.js": "text/javascript",
    "mark.svg": "image/svg+xml",
}

FileName = Annotated[str, PathParameter(max_length=50)]


def signin_handlers(kit: Kit, operators: Operators) -> list[HTTPRouteHandler]:
    """`/login`, `/logout`, and `/page/...`."""
    return [_login_page(kit), _login(kit, operators), _logout(kit), _file(kit)]


def _login_page(kit: Kit) -> HTTPRouteHandler:
    @get("/login", sync_to_thread=False)
    def get_login(request: AnyRequest) -> Response[str]:
        """The form."""
        return login_form(kit, request, str(request.query_params.get("to", "/")))

    return get_login


def _login(kit: Kit, operators: Operators) -> HTTPRouteHandler:
    failed = Rates(1, time.monotonic)

    @post("/login")
    async def post_login(request: AnyRequest) -> Response[Any]:
        """Begin a session, and end the one before it in this browser.

        A form of this operator's that came too late is shown again, to be sent or left.
        A right token is let in at any time, so that nobody can lock its owner out. After a wrong
        one further wrong ones of the same address are refused unlogged for some seconds.
        """
        peer = "" if request.client is None else request.client.host
        form = await form_of(kit, request)
        to = own_path(form.get("to", "/"))
        most = kit.settings.gateway.body_bytes_max
        late = read_unsent(kit.sessions, to, form.get("unsent", ""), bytes_max=most)
        operator = operators.with_token(form.get("token", "").strip())
        if operator is None:
            if wait_s := failed.wait_s(peer):
                return login_form(kit, request, to, "login.too_many", wait_s, unsent=late)
            failed.pay(peer, FAILED_COSTS)
            log.warning("login_refused")
            return login_form(kit, request, to, "login.wrong", unsent=late)
        if before := kit.sessions.read(request.cookies.get(COOKIE, "")):
            kit.sessions.end(before)
        log.info("logged_in", by=operator.name)
        cookie = kit.sessions.begin(operator)
        if late is None or late.writer(kit.sessions) != operator.name:
            return kit.moved(page_of(to), [session_cookie(request, cookie)])
        said = {"late": late, "given": late.given}
        answer = kit.shown(request, "again.html", kit.sessions.read(cookie), said)
        answer.set_cookie(session_cookie(request, cookie))
        return answer

    return post_login


def _logout(kit: Kit) -> HTTPRouteHandler:
    @post("/logout")
    async def post_logout(request: AnyRequest) -> Response[str]:
        """End the session."""
        session, _ = await kit.sent(request)
        kit.sessions.end(session)
        return kit.moved("/login", [session_cookie(request, "")])

    return post_logout


def login_form(
    kit: Kit,
    request: AnyRequest,
    to: str,
    fault: str = "",
    wait_s: int = 0,
    *,
    unsent: Unsent | None = None,
) -> Response[str]:
    """The form that leads on to `to`; it carries what came too late."""
    status = 429 if wait_s else 401 if fault else 200
    said = {"to": own_path(to), "fault": fault, "wait_s": wait_s, "unsent": unsent}
    if said["to"] != "/":  # also where the form answers another form, which has no query
        said["here"] = f"?{urlencode({'to': said['to']})}&"
    answer = kit.shown(request, "login.html", None, said, status)
    if wait_s:
        answer.headers["retry-after"] = str(wait_s)
    return answer


def _file(kit: Kit) -> HTTPRouteHandler:
    held = {name: (HERE / "static" / name).read_bytes() for name in FILES}
    headers = {**HEADERS, "cache-control": "no-cache"}

    @get("/page/{name:str}", sync_to_thread=False)
    def get_file(name: FileName) -> Response[bytes]:
        """The style or the script."""
        if name not in held:
            raise RequestRefusedError(404, "not_found", NO_SUCH_PATH)
        count(kit.ways, "page", 200)
        return Response(held[name], media_type=FILES[name], headers=headers)

    return get_file
