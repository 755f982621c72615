"""An offer is edited as YAML, checked, shown with its diff, published once, and taken back."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from msgspec.structs import replace

from streams import topics
from streams.contracts.common import LanguageTag
from streams.gateway.page.texts import texts_of
from streams.worker.meter import Meter
from tests.support.page_door import VIEW_TOKEN, PageDoor
from tests.support.page_story import MONEY, OFFERS, compare, publish
from tests.unit.gateway.page.test_now import words

NAME = topics.REF_OFFERS.name


@pytest.fixture
def page() -> Iterator[PageDoor]:
    """One with a catalogue, where somebody who may act is logged in."""
    made = PageDoor()
    publish(made, *OFFERS)
    with made.client:
        made.login()
        yield made


def form(page: PageDoor, offer_id: str = "tea-ten-off") -> dict[str, str]:
    """What the form of an offer holds."""
    html = page.get(f"/offers/{offer_id}").text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', html))
    text = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", html, re.DOTALL)[0]
    return {**hidden, "text": unescape(text)}


def send(page: PageDoor, step: str, said: dict[str, str], offer_id: str = "tea-ten-off") -> Any:
    """The answer to the form."""
    return page.post(f"/offers/{offer_id}", step=step, **said)


def test_the_catalogue_is_shown_with_what_each_offer_brings(page: PageDoor) -> None:
    """Of an offer with a holdout the interval; of the others nothing is made up."""
    meter = Meter()
    compare(meter)
    page.worker(meter)
    shown = words(page.get("/offers"))
    assert "5 offers" in shown
    told = r"2,000\.00, nothing is told yet"
    row = rf"tea-ten-off running app, push 2030-01-05 5\.00 EUR 0\.50 EUR {told} \+0\.\d+"
    assert re.search(row, shown)
    assert "winter-sale paused app, push 2030-01-05 4.00 EUR 0.50 EUR – –" in shown
    assert "published shop/ (winter-sale)" in shown
    assert "too early" not in shown
    publish(page, *(replace(offer, holdout_share=0.5) for offer in OFFERS))
    shown = words(page.get("/offers"))
    assert "0.50 EUR – too early: nobody has had a whole window yet" in shown


def test_a_budget_is_shown_with_where_its_money_is(page: PageDoor) -> None:
    """What is free, used and reserved as the treasury told it; what is beyond it stands out."""
    page.shelf.budgets = {MONEY.offer_id: MONEY}
    shown = words(page.get("/offers"))
    assert "Budget free" in shown
    assert "0.50 EUR 1,091.50 of 2,000.00; used 812.50, reserved 96.00 –" in shown
    assert "overdrawn" not in shown
    page.shelf.budgets = {MONEY.offer_id: replace(MONEY, free="0.00", overdrawn="12.30")}
    assert "overdrawn by 12.30" in words(page.get("/offers"))
    unlimited = [replace(offer, budget=None) for offer in OFFERS]
    publish(page, *unlimited)
    assert "Budget" not in words(page.get("/offers"))


def test_a_preview_changes_nothing_and_shows_the_difference(page: PageDoor) -> None:
    """Line by line; publishing makes a version that says by whom."""
    said = form(page)
    before = page.shelf.there[NAME]["tea-ten-off"]
    said["text"] = said["text"].replace("margin: 5.0", "margin: 6.5")
    shown = unescape(words(send(page, "preview", said)))
    assert "-margin: 5.0 +margin: 6.5" in shown
    assert page.shelf.there[NAME]["tea-ten-off"] == before
    answer = send(page, "publish", said)
    assert answer.headers["location"] == f"/offers?done={page.shelf.kept[0].number}"
    assert b'"margin":6.5' in page.shelf.there[NAME]["tea-ten-off"]
    assert page.shelf.kept[0].why == "tea-ten-off, on the page by ana"


@pytest.mark.parametrize(
    ("old", "new", "said_of"),
    [
        ("margin: 5.0", "margin: many", "margin"),
        ("margin: 5.0", "margin: 5.0\nmarge: 1", "marge"),
        ("offer_id: tea-ten-off", "offer_id: [", "a comma is missing"),
        ("margin: 5.0", "margin: 5.0\nmargin: 6.0", "margin is given twice"),
        ("channels:", "segment: 'row.nothing >'\nchannels:", "segment"),
        ("channels:", "x: &a [1]\ny: *a\nchannels:", "Aliases"),
    ],
)
def test_what_is_wrong_is_said_and_not_published(
    page: PageDoor, old: str, new: str, said_of: str
) -> None:
    """Form, types, unknown names, rules that cannot be read."""
    said = form(page)
    assert old in said["text"]
    said["text"] = said["text"].replace(old, new)
    before = dict(page.shelf.there[NAME])
    for step in ("preview", "publish"):
        answer = send(page, step, said)
        assert answer.status_code == 422
        assert said_of in unescape(words(answer))
    assert page.shelf.there[NAME] == before


@pytest.mark.parametrize(
    ("language", "said_of"),
    [
        ("en", "Line 2, column 1: offer_id is given twice."),
        ("ja", "2 行 1 列：offer_id が 2 回書かれています。"),
        ("zh", "第 2 行第 1 列：offer_id 写了两次。"),
    ],
)
def test_a_slip_in_yaml_is_told_in_the_language_of_the_page(
    page: PageDoor, language: LanguageTag, said_of: str
) -> None:
    """With its line and column, and no English words of the parser."""
    said = {**form(page), "text": "offer_id: a\noffer_id: b\n"}
    said["form_token"] = page.form_token()
    answer = page.client.post(
        f"/offers/tea-ten-off?lang={language}", data={**said, "step": "preview"}
    )
    assert answer.status_code == 422
    label = texts_of(language)["offers.fault"]
    shown = f'<pre tabindex="0" aria-label="{label}">{said_of}</pre>'
    assert shown in unescape(answer.text)


def test_who_was_overtaken_looks_again(page: PageDoor) -> None:
    """Somebody else has published meanwhile: nothing is published, and it is said."""
    said = form(page)
    said["text"] = said["text"].replace("margin: 5.0", "margin: 6.5")
    publish(page, OFFERS[1])
    page.shelf.there[NAME].pop("winter-sale")
    answer = send(page, "publish", said)
    assert answer.status_code == 422
    assert "Somebody has published since" in words(answer)
    assert b'"margin":5.0' in page.shelf.there[NAME]["tea-ten-off"]


def test_a_version_is_taken_back_with_all_that_came_after(page: PageDoor) -> None:
    """As a version of its own."""
    token = page.form_token()
    newest = page.shelf.kept[0].number
    said = {"newest": str(newest), "form_token": token}
    assert f'name="newest" value="{newest}"' in page.get("/offers").text
    assert page.post("/rollback", version="99", **said).status_code == 422
    answer = page.post("/rollback", version=str(newest - 1), **said)
    assert answer.headers["location"] == f"/offers?done={newest + 1}"
    assert "store-tasting" not in page.shelf.there[NAME]
    assert "winter-sale" not in page.shelf.there[NAME]
    assert "tea-ten-off" in page.shelf.there[NAME]


def test_a_version_is_not_taken_back_over_one_that_was_not_seen(page: PageDoor) -> None:
    """Somebody has published since the list was opened, or the form does not say what was seen."""
    newest, token = page.shelf.kept[0].number, page.form_token()
    publish(page, OFFERS[1])
    before = list(page.shelf.kept)
    for seen in (str(newest), "", "x"):
        answer = page.post("/rollback", version=str(newest), newest=seen, form_token=token)
        assert answer.status_code == 409
        assert "Somebody has published since" in words(answer)
    assert page.shelf.kept == before


@pytest.mark.parametrize("way", ["publish", "rollback"])
def test_who_is_overtaken_at_the_last_moment_publishes_nothing(page: PageDoor, way: str) -> None:
    """Between the look at what stands and the commit: what the other published stays."""
    said = form(page)
    said["text"] = said["text"].replace("margin: 5.0", "margin: 6.5")
    newest = page.shelf.kept[0].number
    real = page.shelf.commit

    def overtaken(wanted: Any, why: str) -> int:
        other = replace(OFFERS[0], margin=9.0), replace(OFFERS[4], margin=9.0)
        page.shelf.before_commit = None
        publish(page, *other)
        return real(wanted, why)

    page.shelf.before_commit = overtaken
    if way == "publish":
        answer = send(page, "publish", said)
    else:
        more = {"newest": str(newest), "form_token": page.form_token()}
        answer = page.post("/rollback", version=str(newest), **more)
    assert answer.status_code == 409
    assert b'"margin":9.0' in page.shelf.there[NAME]["tea-ten-off"]
    assert b'"margin":9.0' in page.shelf.there[NAME]["store-tasting"]


def test_only_who_may_act_publishes(page: PageDoor) -> None:
    """Neither a token to view nor a form without its token."""
    said = form(page)
    before = list(page.shelf.kept)
    assert send(page, "publish", {**said, "form_token": "x"}).status_code == 403
    assert page.post("/rollback", version="2", form_token="x").status_code == 403  # noqa: S106
    page.login(VIEW_TOKEN)
    mine = {**said, "form_token": page.form_token()}
    assert send(page, "publish", mine).status_code == 403
    assert page.post("/rollback", version="2", form_token=page.form_token()).status_code == 403
    shown = page.get("/offers/tea-ten-off").text
    assert " readonly" in shown
    assert "Back to before" not in page.get("/offers").text
    assert page.shelf.kept == before
    assert page.get("/offers/nothing").status_code == 404


def test_the_version_says_which_offer_was_published(page: PageDoor) -> None:
    """By the id that the YAML has, not by the address that the form went to."""
    said = form(page)
    said["text"] = said["text"].replace("offer_id: tea-ten-off", "offer_id: brand-new")
    assert send(page, "publish", said).status_code == 303
    assert page.shelf.kept[0].why == "brand-new, on the page by ana"
    before = list(page.shelf.kept)
    for path in ("%1b]0;pwn%07", "a%20b", "x" * 65, "a%0A"):
        assert send(page, "publish", said, path).status_code == 400
        assert page.get(f"/offers/{path}").status_code == 400
    assert page.shelf.kept == before


@pytest.mark.parametrize("text", ["!!timestamp x", "!!bool maybe", "[" * 1_000])
def test_yaml_of_no_use_is_no_fault_of_the_program(page: PageDoor, text: str) -> None:
    """It is said what is wrong."""
    assert send(page, "preview", {**form(page), "text": text}).status_code == 422
