"""Nothing of the page is shown without a login, and a login is hard to guess, steal or forge."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import jwt
import pytest
from structlog.testing import capture_logs

from streams.errors import SettingsError
from streams.gateway.page.operators import parse_operators
from streams.settings import GatewaySettings, Settings
from tests.support.page_door import ACT_TOKEN, VIEW_TOKEN, PageDoor

COOKIE = "offerstream_session"
OTHER_TOKEN = "other-token-0123456789abcd"  # noqa: S105 - of this test alone


@pytest.fixture
def page() -> Iterator[PageDoor]:
    """A new one."""
    made = PageDoor()
    with made.client:
        yield made


@pytest.mark.parametrize("path", ["/", "/now"])
def test_who_is_not_logged_in_gets_the_form_and_nothing_else(page: PageDoor, path: str) -> None:
    """A redirect, which leads back; no content beside it."""
    answer = page.get(path)
    assert (answer.status_code, answer.content) == (303, b"")
    assert answer.headers["location"].startswith("/login")


def test_a_token_opens_the_page(page: PageDoor) -> None:
    """By a cookie that scripts cannot read and other sites cannot send; it says who looks."""
    answer = page.post("/login", token=VIEW_TOKEN, to="/now")
    assert (answer.status_code, answer.headers["location"]) == (303, "/now")
    cookie = answer.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Path=/"))
    assert "Secure" not in cookie  # this machine, by its own name
    assert VIEW_TOKEN not in cookie
    shown = page.get("/")
    assert shown.status_code == 200
    assert "ben" in shown.text
    assert "may look" in shown.text


def test_elsewhere_the_cookie_goes_over_encrypted_connections_only() -> None:
    """A gateway that is asked by another name than that of this machine."""
    page = PageDoor(page_elsewhere=True)
    page.peer = "10.0.0.9"
    answer = page.client.post("/login", data={"token": ACT_TOKEN}, headers={"host": "ops.example"})
    assert "Secure" in answer.headers["set-cookie"]


def test_other_machines_see_no_page_unless_they_are_let_in(page: PageDoor) -> None:
    """Not the form either; events they may send as before."""
    page.peer = "10.0.0.9"
    assert page.get("/login").status_code == 404
    assert page.get("/healthz").status_code == 200
    page.peer = "::1"
    assert page.get("/login").status_code == 200


def test_who_guesses_is_slowed_and_nobody_is_locked_out(page: PageDoor) -> None:
    """A wrong token is told to be wrong; the next wrong one is refused for a while, unlogged."""
    with capture_logs() as logs:
        first = page.post("/login", token="wrong-token-0123456789abcd")  # noqa: S106 - wrong
        second = page.post("/login", token="wrong-token-0123456789abcd")  # noqa: S106 - wrong
    assert (first.status_code, "not known" in first.text) == (401, True)
    assert logs == [{"event": "login_refused", "log_level": "warning"}]
    assert second.status_code == 429
    assert int(second.headers["retry-after"]) >= 3
    assert COOKIE not in page.client.cookies
    assert page.post("/login", token=ACT_TOKEN).status_code == 303


def test_a_new_login_ends_the_session_before_it(page: PageDoor) -> None:
    """Whoever has a copy of the old cookie; a wrong token ends nothing."""
    page.login()
    copied = page.client.cookies[COOKIE]
    page.post("/login", token="wrong-token-0123456789abcd")  # noqa: S106 - wrong
    assert page.get("/").status_code == 200
    page.login(VIEW_TOKEN)
    assert "ben" in page.get("/").text
    page.client.cookies.clear()
    page.client.cookies.set(COOKIE, copied)
    assert page.get("/").status_code == 303


@pytest.mark.parametrize("token", ["", "x", "ü" * 64, "\0", "日本"])
def test_a_form_token_that_is_none_is_refused(page: PageDoor, token: str) -> None:
    """Of any letters, in logout and in a form that acts."""
    page.login()
    assert page.post("/logout", form_token=token).status_code == 403
    assert page.post("/dead-letters", form_token=token).status_code == 403


@pytest.mark.parametrize(
    "place",
    ["/cases?state=all&band=high", "/dead-letters?reason=bad%20time&topic=events.web", "/offers"],
)
def test_a_login_leads_back_to_what_was_asked_for(page: PageDoor, place: str) -> None:
    """With its query, through the form, as it was written; also in another language."""
    form = page.get(page.get(place).headers["location"])
    (to,) = re.findall(r'name="to" value="([^"]*)"', form.text)
    assert unescape(to) == place
    languages = re.findall(r'href="([^"]*lang=ja)"', form.text)
    assert unescape(languages[0]).startswith("?to=")
    there = page.client.get("/login" + unescape(languages[0])).text
    assert re.findall(r'name="to" value="([^"]*)"', there) == [to]
    answer = page.post("/login", token=VIEW_TOKEN, to=unescape(to))
    assert answer.headers["location"] == place


def test_a_login_leads_to_no_other_site(page: PageDoor) -> None:
    """Whatever the form says."""
    for to in (
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:x",
        "/" * 2_001,
    ):
        assert page.post("/login", token=ACT_TOKEN, to=to).headers["location"] == "/"


def test_a_logout_ends_the_session_for_whoever_has_its_cookie(page: PageDoor) -> None:
    """A copied cookie is worth nothing afterwards; it takes the token of the session's forms."""
    page.login()
    copied = page.client.cookies[COOKIE]
    assert page.post("/logout", form_token="x").status_code == 403  # noqa: S106 - wrong
    assert page.get("/").status_code == 200
    assert page.post("/logout", form_token=page.form_token()).status_code == 303
    page.client.cookies.set(COOKIE, copied)
    assert page.get("/").status_code == 303


def forged(page: PageDoor) -> list[str]:
    """Cookies that somebody might make."""
    page.login()
    cookie = page.client.cookies[COOKIE]
    head, said, signature = cookie.split(".")
    claims = jwt.decode(cookie, options={"verify_signature": False})
    return [
        "",
        "x" * 5_000,
        f"{head}.{said}.",
        f"{head}.{said}.{signature[::-1]}",
        jwt.encode(claims, "", algorithm="none", headers={"kid": "ana"}),
        jwt.encode(claims, "k" * 32, algorithm="HS256", headers={"kid": "ana"}),
        jwt.encode(claims, "k" * 32, algorithm="HS256", headers={"kid": "nobody"}),
        jwt.encode(claims, "k" * 32, algorithm="HS256"),
    ]


def test_a_forged_cookie_opens_nothing(page: PageDoor) -> None:
    """Without our signature, with another key, without a signature at all."""
    for cookie in forged(page):
        page.client.cookies.clear()
        page.client.cookies.set(COOKIE, cookie)
        assert page.get("/").status_code == 303, cookie[:80]


def test_a_session_ends_with_its_time_and_with_its_token(page: PageDoor) -> None:
    """After eight hours; and at once where the operator has another token now."""
    page.login()
    cookie = page.client.cookies[COOKIE]
    sessions = page.page.kit.sessions
    assert sessions.read(cookie) is not None
    page.door.engine.now_ms += 8 * 3_600_000
    assert sessions.read(cookie) is None
    page.door.engine.now_ms -= 3_600_000
    assert sessions.read(cookie) is not None
    changed = type(sessions)(parse_operators(f"ana:act={OTHER_TOKEN}"), lambda: 0)
    assert changed.read(cookie) is None


@pytest.mark.parametrize("origin", ["https://evil.example", "https://shop.example", "null"])
def test_pages_of_other_origins_get_nothing(page: PageDoor, origin: str) -> None:
    """Not those either that may send events, whose requests may carry cookies."""
    page.login()
    assert page.get("/", origin=origin).status_code == 403
    assert page.get("/", origin="http://127.0.0.1:8080").status_code == 200


def test_every_answer_forbids_what_a_page_does_not_need(page: PageDoor) -> None:
    """No script or style of elsewhere or inline, no frame, no copy kept; no inline in the HTML."""
    page.login()
    files = ("/page/colors.css", "/page/page.css", "/page/page.js", "/page/nothing")
    for path in ("/", "/login", "/now", *files):
        answer = page.get(path)
        assert answer.headers["content-type"].count("charset=") == 1, path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        if "html" in answer.headers["content-type"]:
            assert answer.headers["cache-control"] == "no-store"
            assert " style=" not in answer.text
            assert "<style" not in answer.text
            assert " on" not in "".join(part.split(">")[0] for part in answer.text.split("<"))


@pytest.mark.parametrize(
    "text",
    [
        "ana",
        "ana=short",
        "ana:boss=" + ACT_TOKEN,
        f"a={ACT_TOKEN} b={ACT_TOKEN}",
        f"a={ACT_TOKEN} a={VIEW_TOKEN}",
    ],
)
def test_what_is_no_token_is_refused_and_not_repeated(text: str) -> None:
    """By its number; a token never stands in an error, nor in what settings are printed as."""
    with pytest.raises(SettingsError) as refused:
        parse_operators(text)
    assert "entry" in str(refused.value)
    assert ACT_TOKEN not in str(refused.value)
    settings = Settings(gateway=GatewaySettings(operator_tokens=f"a={ACT_TOKEN}"))
    assert ACT_TOKEN not in repr(settings)
    assert ACT_TOKEN not in repr(parse_operators(f"a={ACT_TOKEN}").named("a"))


def test_without_operator_tokens_there_are_no_operators() -> None:
    """And so no page: the gateway asks for this."""
    assert not parse_operators("  # nobody yet\n")


def test_only_the_right_token_is_somebodys() -> None:
    """Not a part of it, not one with more behind it."""
    known: Any = parse_operators(f"ana:act={ACT_TOKEN} ben={VIEW_TOKEN}")
    assert known.with_token(VIEW_TOKEN).name == "ben"
    assert known.with_token(VIEW_TOKEN[:-1]) is None
    assert known.with_token(VIEW_TOKEN + "x") is None
    assert known.with_token("") is None
