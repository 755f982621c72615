"""What every page works with: who asks, in which language, the template, the headers."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

import jinja2
from litestar import Response
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException
from msgspec import Struct

from streams.contracts import chances
from streams.contracts.common import LANGUAGES, LanguageTag
from streams.contracts.times import from_ms
from streams.gateway.outgoing import Out
from streams.gateway.page import sessions, texts
from streams.gateway.page.place import LOCAL, asked_path, host_of
from streams.gateway.page.sessions import FORM_TOKEN, Session, Sessions
from streams.gateway.page.unsent import FIELDS_MAX, Unsent, unsent
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.ways import AnyRequest, Ways, body_of, count
from streams.settings import Settings

HERE: Final = Path(__file__).parent
HTML: Final = "text/html"  # Litestar adds the charset
HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class LoginNeededError(Exception):
    """Nobody is logged in; `unsent` is the form that they sent all the same, if it is ours."""

    def __init__(self, unsent: Unsent | None = None) -> None:
        super().__init__()
        self.unsent = unsent


class Kit(Struct, frozen=True):
    """What the handlers of pages work with; `menu` are the pages that there are."""

    settings: Settings
    ways: Ways
    out: Out
    sessions: Sessions
    menu: tuple[str, ...]

    def session(self, request: AnyRequest) -> Session:
        """Who asks.

        Raises:
            LoginNeededError: nobody who is logged in.
        """
        found = self.sessions.read(request.cookies.get(sessions.COOKIE, ""))
        if found is None:
            raise LoginNeededError
        return found

    async def sent(self, request: AnyRequest) -> tuple[Session, dict[str, str]]:
        """Who sends a form of a page of theirs, and the form.

        Raises:
            LoginNeededError: nobody who is logged in.
            RequestRefusedError: the form is of no page of theirs.
        """
        session = self.sessions.read(request.cookies.get(sessions.COOKIE, ""))
        try:
            form = await form_of(self, request)
        except (RequestRefusedError, HTTPException):  # of a large body the server itself tells
            if session is None:  # who is not logged in is told no more than that
                raise LoginNeededError from None
            raise
        if session is None:
            most = self.settings.gateway.body_bytes_max
            late = unsent(self.sessions, asked_path(request), form, bytes_max=most)
            raise LoginNeededError(late)
        given = form.get(FORM_TOKEN, "").encode()
        if not compare_digest(given, session.form_token.encode()):
            raise RequestRefusedError(403, "bad_form", "the form is of another session")
        return session, form

    async def acting(self, request: AnyRequest) -> tuple[Session, dict[str, str]]:
        """Who sends a form that changes something, and the form.

        Raises:
            LoginNeededError: nobody who is logged in.
            RequestRefusedError: they may only look, or the form is of no page of theirs.
        """
        session, form = await self.sent(request)
        if not session.may_act:
            raise RequestRefusedError(403, "may_not_act", "the operator's token is to view only")
        return session, form

    def shown(
        self,
        request: AnyRequest,
        template: str,
        session: Session | None,
        said: Mapping[str, Any],
        status: int = 200,
    ) -> Response[str]:
        """A template as an answer; `said` is what it tells of."""
        asked = str(request.query_params.get("lang", ""))
        language = language_for(request)
        known = texts.texts_of(language)
        html = TEMPLATES.get_template(template).render(
            t=texts.spoken(known),
            has_text=known.__contains__,
            language=language,
            languages=texts.NAMES,
            session=session,
            menu=self.menu,
            path=request.scope["path"],
            **{"here": _here(request), **said},
        )
        count(self.ways, "page", status)
        kept = [_language_cookie(language)] if asked in LANGUAGES else []
        return Response(html, status_code=status, media_type=HTML, headers=HEADERS, cookies=kept)

    def moved(self, place: str, cookies: list[Cookie] | None = None) -> Response[str]:
        """To another page, after a form."""
        count(self.ways, "page", HTTPStatus.SEE_OTHER)
        headers = {**HEADERS, "location": place}
        return Response(
            "", status_code=303, media_type=HTML, headers=headers, cookies=cookies or []
        )


def _here(request: AnyRequest) -> str:
    """This page with what its address asks for, to be followed by a language."""
    asked = asked_path(request).partition("?")[2]
    pairs = [(n, v) for n, v in parse_qsl(asked, keep_blank_values=True) if n != "lang"]
    return f"?{urlencode([*pairs, ('', '')])[:-1]}" if pairs else "?"


async def form_of(kit: Kit, request: AnyRequest) -> dict[str, str]:
    """The fields of a form; of one that comes twice, the last.

    Raises:
        RequestRefusedError: it is no form, or too large.
    """
    body = await body_of(kit.ways, request)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError as error:
        raise RequestRefusedError(422, "bad_form", "the body is no form") from error
    return dict(pairs)


def language_for(request: AnyRequest) -> LanguageTag:
    """The language to answer in."""
    return texts.language_of(
        str(request.query_params.get("lang", "")),
        request.cookies.get(texts.COOKIE, ""),
        request.headers.get("accept-language", ""),
    )


def session_cookie(request: AnyRequest, value: str) -> Cookie:
    """The session's cookie, or its end where there is no value.

    It goes over encrypted connections only, unless this very machine is asked by its own name.
    """
    return Cookie(
        key=sessions.COOKIE,
        value=value,
        path="/",
        httponly=True,
        samesite="strict",
        secure=host_of(request) not in LOCAL,
        max_age=sessions.LASTS_S if value else 0,
    )


def _language_cookie(language: LanguageTag) -> Cookie:
    return Cookie(
        key=texts.COOKIE,
        value=language,
        path="/",
        httponly=True,
        samesite="lax",
        max_age=31_536_000,
    )


def _when(value: datetime | int | None) -> str:
    """A time to the second; of a number, epoch milliseconds."""
    if value is None:
        return "–"
    at = from_ms(value) if isinstance(value, int) else value
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _number(value: float | None, digits: int = 0) -> str:
    """A number with its thousands apart; `–` where nothing is known."""
    return "–" if value is None else f"{value:,.{digits}f}"


def percent(value: float | None, digits: int = 0) -> str:
    """A share of one as a percentage; `–` where nothing is known.

    >>> percent(0.125, 1), percent(None), percent(0.0004, 1)
    ('12.5%', '–', '<0.1%')
    """
    return "–" if value is None else chances.percent(value, digits)


def percent_reached(value: float | None) -> str:
    """A risk in whole percents that it has reached, as beside its band; `–` where none is said."""
    return "–" if value is None else chances.percent_reached(value)


def templates(folder: Path, filters: Mapping[str, Callable[..., str]]) -> jinja2.Environment:
    """The templates of a folder: all is escaped, and a name that nobody gave is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= filters
    return made


TEMPLATES: Final = templates(
    HERE / "templates",
    {
        "when": _when,
        "number": _number,
        "percent": percent,
        "percent_reached": percent_reached,
        "in_path": lambda text: quote(str(text), safe=""),
    },
)
