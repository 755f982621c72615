"""A form that is sent after its session has ended is not lost, and is not carried out either."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from tests.support.page_door import ACT_TOKEN, VIEW_TOKEN, PageDoor
from tests.support.page_story import TEA_SHOP, a_day

HIDDEN = r'<input type="hidden" name="(\w+)" value="([^"]*)">'
TEXT = r'<textarea id="text" name="(\w+)"[^>]*>\n(.*?)</textarea>'
FORM = {"content-type": "application/x-www-form-urlencoded"}
EVIL = "</textarea><script>alert(1)</script>"


@pytest.fixture
def page() -> Iterator[PageDoor]:
    """A shop in the middle of a day."""
    made = PageDoor(TEA_SHOP)
    a_day(made, steps=2)
    with made.client:
        yield made


def filled(page: PageDoor, path: str, **typed: str) -> dict[str, str]:
    """A form of this page as it is sent: its hidden fields, and what somebody typed."""
    hidden = dict(re.findall(HIDDEN, page.get(path).text))
    return {name: unescape(value) for name, value in hidden.items()} | typed


def fields(answer: Any) -> dict[str, str]:
    """All that the form of an answer would send."""
    html = answer.text[answer.text.index("<main") :]
    found = dict(re.findall(HIDDEN, html)) | dict(re.findall(TEXT, html, re.S))
    return {name: unescape(value) for name, value in found.items()}


def ended(page: PageDoor, way: str) -> None:
    """The session is over: its time, another tab's logout, or a browser that forgot the cookie."""
    if way == "time":
        page.door.engine.now_ms += 8 * 3_600_000
    elif way == "logout":
        page.post("/logout", form_token=page.form_token())
    else:
        page.client.cookies.clear()


def after_login(page: PageDoor, path: str, sent: dict[str, str], token: str = ACT_TOKEN) -> Any:
    """What a login with this token shows of a form that came too late."""
    return page.post("/login", **fields(page.post(path, **sent)), token=token)


@pytest.mark.parametrize("way", ["time", "logout", "cookie"])
def test_what_was_typed_is_there_after_the_login(page: PageDoor, way: str) -> None:
    """The YAML of an offer to the letter, through a wrong token; then it is sent as if in time."""
    page.login()
    text = f"offer_id: tea-ten-off\ntitle: {{en: 'Tea & 茶 {EVIL}'}}\n\n"
    sent = filled(page, "/offers/tea-ten-off", text=text, step="preview")
    before = (dict(page.shelf.there["ref.offers"]), page.shelf.kept)
    ended(page, way)
    late = page.post("/offers/tea-ten-off", **sent)
    assert (late.status_code, EVIL in late.text) == (401, False)
    again = page.post("/login", **fields(late), token="wrong-token-0123456789abcd")  # noqa: S106
    assert again.status_code == 401
    shown = page.post("/login", **fields(again), token=ACT_TOKEN)
    assert (shown.status_code, EVIL in shown.text) == (200, False)
    assert 'action="/offers/tea-ten-off"' in shown.text
    assert fields(shown) == {**sent, "form_token": page.form_token()}
    assert (dict(page.shelf.there["ref.offers"]), page.shelf.kept) == before
    answer = page.post("/offers/tea-ten-off", **fields(shown))
    assert answer.status_code == 422  # it is no whole offer, and the text stands to be mended
    assert fields(answer)["text"].strip() == text.strip()


@pytest.mark.parametrize("step", ["publish", "try"])
def test_an_offer_that_was_checked_is_checked_again(page: PageDoor, step: str) -> None:
    """Its text can be changed where it is shown, and nobody has seen what that would change."""
    page.login()
    sent = filled(page, "/offers/tea-ten-off", text="offer_id: tea-ten-off\n", step=step)
    ended(page, "time")
    shown = after_login(page, "/offers/tea-ten-off", sent)
    assert fields(shown)["step"] == "preview"
    assert "Publish" not in shown.text[shown.text.index("<main") :]


def test_what_is_driven_again_is_shown(page: PageDoor) -> None:
    """Which dead letters: nobody sends what they do not see."""
    page.login()
    sent = {"reason": "malformed_json", "topic": "events.app", "form_token": page.form_token()}
    ended(page, "time")
    shown = after_login(page, "/dead-letters", sent)
    assert "<dd><code>malformed_json</code></dd>" in shown.text
    assert "<dd><code>events.app</code></dd>" in shown.text


def test_who_may_only_look_sees_it_without_a_button(page: PageDoor) -> None:
    """What was typed can be copied, and is not sent in vain."""
    page.login(VIEW_TOKEN)
    sent = {"text": "Blue moon", "step": "preview", "form_token": page.form_token()}
    ended(page, "time")
    shown = after_login(page, "/offers/tea-ten-off", sent, VIEW_TOKEN).text
    main = shown[shown.index("<main") :]
    assert ("Blue moon" in main, " readonly>" in main, "<button autofocus" in main) == (
        *(True, True),
        False,
    )
    assert "lets you look" in main


@pytest.mark.parametrize("body", ["ü=1".encode(), b"&".join([b"a=1"] * 101)])
def test_without_a_session_no_form_is_answered_by_the_login(page: PageDoor, body: bytes) -> None:
    """Who is not logged in is told no more than that."""
    answer = page.client.post("/offers/tea-ten-off", content=body, headers=FORM)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/login?to=/offers/tea-ten-off",
    )


def test_a_form_that_is_kept_fits_the_login_that_carries_it(page: PageDoor) -> None:
    """With the address that it was sent to, be it long."""
    page.login()
    token = page.form_token()
    page.client.cookies.clear()
    to = "/offers/tea-ten-off?a=" + "/" * 1_970
    most = page.gateway.body_bytes_max
    kept = 0
    for size in range(1_000, most, 500):
        late = page.post(to, text="x" * size, form_token=token)
        if late.status_code == 401:
            kept += 1
            assert page.post("/login", **fields(late), token="wrong" * 6).status_code in (401, 429)
    assert 0 < kept < most // 1_000


def test_without_a_session_a_body_that_is_too_large_is_answered_by_the_login(
    page: PageDoor,
) -> None:
    """Told by its length or found while it is read."""
    body = b"text=" + b"a" * page.gateway.body_bytes_max
    for content in (body, iter([body])):
        answer = page.client.post("/offers/tea-ten-off", content=content, headers=FORM)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/login?to=/offers/tea-ten-off"
    page.login()
    assert page.client.post("/offers/tea-ten-off", content=body, headers=FORM).status_code == 413


@pytest.mark.parametrize("to", ["/logout?x=1", "/login", "/login?a=1", "/logout/", "/login/?a=1"])
def test_login_and_logout_are_never_kept(page: PageDoor, to: str) -> None:
    """With whatever query; a path that shows nothing leads to its page."""
    page.login()
    made_up = f"text=Blue+moon&form_token={page.form_token()}"
    answer = page.post("/login", token=ACT_TOKEN, to=to, unsent=made_up)
    assert (answer.status_code, "Blue moon" in answer.text) == (303, False)
    assert answer.headers["location"] in ("/", "/login", "/login?a=1", "/login/?a=1")


def test_a_wrong_token_and_then_a_language_keep_the_way(page: PageDoor) -> None:
    """The form after a wrong token answers a form, whose address says nothing."""
    wrong = page.post("/login", to="/cases?band=high", token="wrong-token-0123456789abcd")  # noqa: S106
    assert 'href="?to=%2Fcases%3Fband%3Dhigh&amp;lang=ja"' in wrong.text


def test_an_outcome_of_a_case_is_told_once_it_is_sent_again(page: PageDoor) -> None:
    """With its mark that makes it count once."""
    page.login()
    sent = filled(page, "/cases/case-2", result="snoozed", until="2026-06-20")
    ended(page, "time")
    shown = after_login(page, "/cases/case-2", sent)
    assert "2026-06-20" in shown.text
    assert fields(shown)["once"] == sent["once"]
    assert page.post("/cases/case-2", **fields(shown)).status_code == 303


def test_going_back_leads_to_its_page(page: PageDoor) -> None:
    """`/rollback` shows nothing itself; with a form that is not ours nothing is kept."""
    page.login()
    sent = {"version": "1", "newest": "2", "form_token": page.form_token()}
    ended(page, "time")
    shown = after_login(page, "/rollback", sent)
    assert 'action="/rollback"' in shown.text
    assert 'href="/offers"' in shown.text
    ended(page, "cookie")
    lost = page.post("/rollback", version="1")
    assert (lost.status_code, lost.headers["location"]) == (303, "/login?to=/offers")


def test_nobody_elses_form_is_kept_or_shown(page: PageDoor) -> None:
    """No proof, a wrong one, that of another operator, one too large: only the login is there."""
    page.login(VIEW_TOKEN)
    of_ben = page.form_token()
    page.login()
    mine = page.form_token()
    page.client.cookies.clear()
    _, mark, proof = mine.split(".")
    wrong = ["", "x", "ana", "ana.x.y", f"ben.{mark}.{proof}", f"ana.{mark}x.{proof}", "ü" * 9]
    for token in wrong:
        answer = page.post("/offers/tea-ten-off", text="Blue moon", form_token=token)
        assert (token, answer.status_code, answer.content) == (token, 303, b"")
        made_up = f"text=Blue+moon&form_token={token}"
        answer = page.post("/login", token=ACT_TOKEN, to="/offers/tea-ten-off", unsent=made_up)
        assert (answer.status_code, answer.headers["location"]) == (303, "/offers/tea-ten-off")
        page.client.cookies.clear()
    most = page.gateway.body_bytes_max
    large = page.post("/offers/tea-ten-off", text="=" * (most // 4), form_token=mine)
    assert (large.status_code, large.content) == (303, b"")
    late = page.post("/offers/tea-ten-off", text="Blue moon", form_token=of_ben)
    answer = page.post("/login", **fields(late), token=ACT_TOKEN)
    assert (answer.status_code, "Blue moon" in answer.text) == (303, False)


def test_a_form_of_another_site_is_refused_as_before(page: PageDoor) -> None:
    """Before anything of it is read, even with the right mark."""
    page.login()
    sent = {"text": "Blue moon", "form_token": page.form_token()}
    page.client.cookies.clear()
    evil = {"origin": "https://evil.example"}
    answer = page.client.post("/offers/tea-ten-off", data=sent, headers=evil)
    assert (answer.status_code, "Blue moon" in answer.text) == (403, False)
