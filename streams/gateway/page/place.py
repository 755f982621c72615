"""Where the page is shown: to this machine by its own name, unless others are let in."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, urlsplit

from streams.gateway.refusals import NO_SUCH_PATH, RequestRefusedError
from streams.gateway.ways import AnyRequest
from streams.settings import Settings

LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})
FORWARDED: Final = frozenset({"forwarded", "via", "x-real-ip"})
FORWARDED_BEGINS: Final = "x-forwarded-"
OWN_PATH_CHARS_MAX: Final = 2_000
_OWN_PATH: Final = re.compile(r"/(?![/\\])[A-Za-z0-9_\-./%:~=?&@+,;!*'()$]*")
_AS_IT_IS: Final = "/%:~=?&@+,;!*'()$"


class PlaceRefusedError(RequestRefusedError):
    """The request is of another machine or another page; its answer tells nothing of a session."""


def check_place(settings: Settings) -> Callable[[AnyRequest], None]:
    """A guard: from this machine, unless others are let in, and from no other page."""

    def guard(request: AnyRequest) -> None:
        if refusal := refusal_of(settings, request):
            raise refusal

    return guard


def refusal_of(settings: Settings, request: AnyRequest) -> PlaceRefusedError | None:
    """Why the request gets nothing of the page; None: it may."""
    if not settings.gateway.page_elsewhere and not _is_of_this_machine(request):
        return PlaceRefusedError(404, "not_found", NO_SUCH_PATH)
    origin = request.headers.get("origin")
    of_another = origin is not None and _place_of(origin) != request.headers.get("host")
    if of_another or not host_of(request):
        return PlaceRefusedError(403, "origin_not_allowed", "the request is of another page")
    return None


def host_of(request: AnyRequest) -> str:
    """The name by which the gateway is asked, without a port; empty where it is none."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def own_path(text: str) -> str:
    """A path of ours to go to, with its query, never another site; else the first page.

    >>> own_path("/cases?band=high"), own_path("//evil.example"), own_path("https://evil.example")
    ('/cases?band=high', '/', '/')
    """
    fits = len(text) <= OWN_PATH_CHARS_MAX and _OWN_PATH.fullmatch(text)
    return text if fits else "/"


def asked_path(request: AnyRequest) -> str:
    """The path that was asked for and its query, as the browser wrote them; `/` if too long."""
    path = quote(request.scope["path"], safe=_AS_IT_IS.replace("%", "").replace("?", ""))
    query = quote(request.scope["query_string"], safe=_AS_IT_IS)
    return own_path(f"{path}?{query}" if query else path)


def _is_of_this_machine(request: AnyRequest) -> bool:
    """Its address is ours, nobody passes it on for another, and it asks by a name that is ours.

    The name keeps out sites that let their own name point to this machine (DNS rebinding).
    """
    peer = "" if request.client is None else request.client.host
    names = {name.lower() for name in request.headers}
    passed_on = names & FORWARDED or any(name.startswith(FORWARDED_BEGINS) for name in names)
    return peer.removeprefix("::ffff:") in LOCAL and not passed_on and host_of(request) in LOCAL


def _place_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
