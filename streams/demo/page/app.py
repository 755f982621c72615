"""The page's ways: the page, what changes on it, the shop's till, and the CRM's webhooks."""

from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from streams.contracts.common import LANGUAGES
from streams.demo.doors import HOOK
from streams.demo.page.guests import Guests
from streams.demo.page.shop import ShopError
from streams.demo.page.view import HERE, View
from streams.gateway.page.kit import HERE as KIT
from streams.gateway.page.kit import HTML, language_for
from streams.gateway.page.texts import COOKIE

AnyRequest = Request[Any, Any, Any]
BODY_BYTES_MAX: Final = 262_144
STATIC: Final = {
    "colors.css": (KIT / "static", "text/css"),
    "demo.css": (HERE / "static", "text/css"),
    "demo.js": (HERE / "static", "text/javascript"),
}
JSON_ONLY: Final = "application/json"


class Asked(Struct, frozen=True):
    """What the page's script sends: of which visitor, the cart at the till, a case's alert."""

    customer: str = ""
    product_ids: list[str] = []
    alert_id: str = ""


def build_app(view: View, guests: Guests) -> Litestar:
    """The application; it answers this machine's own pages only."""
    return Litestar(
        route_handlers=[
            _index(view),
            *(_static(name, *where) for name, where in STATIC.items()),
            _live(view, guests),
            *_acts(view, guests),
            _hook(view),
        ],
        on_shutdown=[view.shop.close],
        before_request=_own_only(view.shop.doors.page_url),
        exception_handlers={ShopError: _not_taken, msgspec.DecodeError: _unreadable},
        request_max_body_size=BODY_BYTES_MAX,
        openapi_config=None,
        logging_config=None,
    )


def _own_only(origin: str) -> Any:
    """A guard: asked by our own address (a foreign name may point here), and by no other page."""
    host = origin.removeprefix("http://")

    def guard(request: AnyRequest) -> Response[str] | None:
        foreign = request.headers.get("origin", origin) != origin or (
            request.headers.get("sec-fetch-site") == "cross-site"
            and request.headers.get("sec-fetch-mode") != "navigate"
        )
        posted = request.method == "POST" and request.scope["path"] != HOOK
        odd = posted and request.headers.get("content-type") != JSON_ONLY
        if request.headers.get("host") != host or foreign or odd:
            return Response("not for you\n", status_code=403, media_type="text/plain")
        return None

    return guard


def _headers(view: View) -> dict[str, str]:
    gateway = view.shop.doors.url
    return {
        "cache-control": "no-store",
        "content-security-policy": f"default-src 'none'; script-src 'self' {gateway}; "
        f"style-src 'self'; connect-src 'self' {gateway}; img-src 'self' data:; "
        "form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }


def _index(view: View) -> HTTPRouteHandler:
    @get("/", sync_to_thread=True)
    def get_index(request: AnyRequest) -> Response[str]:
        language = language_for(request)
        cookies = []
        if request.query_params.get("lang") in LANGUAGES:
            cookies.append(Cookie(key=COOKIE, value=language, path="/", samesite="lax"))
        html = view.page(language)
        return Response(html, media_type=HTML, headers=_headers(view), cookies=cookies)

    return get_index


def _static(name: str, folder: Path, media_type: str) -> HTTPRouteHandler:
    content = (folder / name).read_bytes()

    @get(f"/{name}", name=name, media_type=media_type, sync_to_thread=False)
    def get_file() -> Response[bytes]:
        headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        return Response(content, media_type=media_type, headers=headers)

    return get_file


def _live(view: View, guests: Guests) -> HTTPRouteHandler:
    @get("/live", sync_to_thread=True)
    def get_live(request: AnyRequest) -> Response[dict[str, Any]]:
        guests.here(str(request.query_params.get("page", ""))[:64])
        customer = str(request.query_params.get("customer", ""))
        read = request.query_params.get("read") == "true"
        told = view.live(customer, language_for(request), read=read)
        return Response(told, media_type=MediaType.JSON, headers={"cache-control": "no-store"})

    return get_live


def _acts(view: View, guests: Guests) -> list[HTTPRouteHandler]:
    shop = view.shop

    @post("/visitors", status_code=201)
    async def post_visitors() -> dict[str, str]:
        customer = await shop.new_visitor()
        return {"customer": customer, "key": shop.doors.keys.pages}

    @post("/token", status_code=200, media_type="text/plain")
    async def post_token(request: AnyRequest) -> Response[str]:
        data = await _asked(request)
        if not shop.knows(data.customer):
            return Response("no visitor\n", status_code=404)
        return Response(shop.token_for(data.customer))

    @post("/till", status_code=200)
    async def post_till(request: AnyRequest) -> Response[Any]:
        data = await _asked(request)
        if not shop.knows(data.customer):
            return Response({}, status_code=404)
        for place, product_id in enumerate(data.product_ids):
            if product_id not in shop.products:
                error = f"$.product_ids[{place}]: there is no such product"
                return Response({"error": error}, status_code=422)
        paid = await shop.pay(data.customer, data.product_ids, view.seen.visit(data.customer))
        return Response(paid or {}, media_type=MediaType.JSON)

    @post("/cases", status_code=200)
    async def post_cases(request: AnyRequest) -> Response[Any]:
        data = await _asked(request)
        case = view.inbox.find(data.alert_id)
        if case is None:
            return Response({}, status_code=404)
        await shop.report(case.alert.customer_id, data.alert_id)
        view.inbox.report(case)
        return Response({})

    @post("/skip", status_code=204)
    async def post_skip() -> None:
        guests.cannot_wait = True

    @post("/bye", status_code=204)
    async def post_bye(request: AnyRequest) -> None:
        guests.gone(str(request.query_params.get("page", ""))[:64])

    return [post_visitors, post_token, post_till, post_cases, post_skip, post_bye]


async def _asked(request: AnyRequest) -> Asked:
    return msgspec.json.decode(await request.body(), type=Asked)


def _hook(view: View) -> HTTPRouteHandler:
    @post(HOOK, status_code=204)
    async def post_hook(request: AnyRequest) -> Response[None]:
        headers = {name.lower(): value for name, value in request.headers.items()}
        good = view.inbox.take(headers, await request.body())
        return Response(None, status_code=HTTPStatus.NO_CONTENT if good else HTTPStatus.BAD_REQUEST)

    return post_hook


def _not_taken(_: AnyRequest, error: ShopError) -> Response[dict[str, str]]:
    return Response({"error": str(error)}, status_code=HTTPStatus.SERVICE_UNAVAILABLE)


def _unreadable(_: AnyRequest, error: msgspec.DecodeError) -> Response[dict[str, str]]:
    return Response({"error": str(error)}, status_code=HTTPStatus.BAD_REQUEST)
