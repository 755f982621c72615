"""What a person's page says is what the worker knows; asking changes nothing and is logged."""

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from markupsafe import escape
from structlog.testing import capture_logs

from streams.contracts.reference.structs import Lever
from streams.gateway.page import customer
from streams.gateway.page.timeline import history_of
from tests.support.page_door import VIEW_TOKEN, PageDoor
from tests.support.page_story import TEA_SHOP, walk
from tests.unit.decisions.people import offer, rule, shop
from tests.unit.gateway.page.test_now import words

FAR = datetime(2030, 1, 1, tzinfo=UTC)

HOSTILE = """<script>alert(1)</script><img src=x onerror=alert(2)>"'{{7*7}}"""


@pytest.fixture
def page() -> Iterator[PageDoor]:
    """One where somebody who may look is logged in."""
    made = PageDoor(TEA_SHOP)
    with made.client:
        made.login(VIEW_TOKEN)
        yield made


def test_what_is_known_is_told(page: PageDoor) -> None:
    """Orders, consent by purpose, linked ids, offers sent."""
    walk(page, "c-1")
    page.ask_for_an_offer("c-1")
    answer = page.get("/customers/c-1")
    assert answer.status_code == 200
    shown = words(answer)
    assert "Orders 1 Spent in all 24.80 EUR" in shown
    assert "Personalization granted 2026-06-01" in shown
    assert "c-1-web" in shown
    assert "Messages that the caps still allow now: 29." in shown
    assert re.search(r"(tea-ten-off|breakfast-bundle|double-points) app open", shown)


def test_what_would_be_decided_is_told_with_all_candidates(page: PageDoor) -> None:
    """Each with its terms or why it was not possible; the row is the very same after it."""
    row = page.door.engine.rows["c-1"]
    shown = words(page.get("/customers/c-1?decide=banner"))
    assert page.door.engine.rows["c-1"] is row
    assert "Possible offers" in shown
    assert "Fatigue: the price of one message more." in shown
    assert "By hand" not in shown
    for name in ("tea-ten-off", "breakfast-bundle", "double-points"):
        assert re.search(rf"{name} (chosen )?\d", shown), name
    assert "winter-sale it is paused" in shown
    assert "store-tasting it is not for this channel" in shown
    assert 'href="?decide=banner#would"' in page.get("/customers/c-1").text
    nowhere = words(page.get("/customers/c-1?decide=nowhere"))
    assert "Nothing would be decided there: no rule asks for this placement, or" in nowhere


def test_what_an_owner_adds_by_hand_stands_among_the_terms() -> None:
    """Where an owner's lever counts, and nowhere else."""
    lever = Lever(lever_id="l", amount=0.25, reason="spring", valid_until=FAR, offer_id="tea")
    banner = rule("banner", kind="offer_requested", placement="banner")
    page = PageDoor(shop(offer("tea"), offer("cake"), rules=(banner,), levers=(lever,)))
    with page.client:
        page.login(VIEW_TOKEN)
        shown = words(page.get("/customers/c-1?decide=banner"))
    assert "By hand" in shown
    assert len(re.findall(r"\+0\.250", shown)) == 1
    assert len(re.findall(r"\+0\.000", shown)) == 1


def test_the_history_has_decisions_with_why_and_the_timeline(page: PageDoor) -> None:
    """Newest first: the decision, then what led to it, then the link with its evidence."""
    walk(page, "c-1")
    page.door.engine.now_ms += 1_000
    page.ask_for_an_offer("c-1")
    shown = words(page.get("/customers/c-1/history?also=c-1-web"))
    assert "an offer was made" in shown
    assert "Not possible, and why Offer Why not winter-sale it is paused" in shown.replace(
        "  ", " "
    )
    timeline = shown[shown.rindex("Timeline") :]
    assert timeline.index("decision an offer was made") < timeline.index("event ordered o-c-1")
    assert "looked at a product sku-7 · Darjeeling First Flush" in timeline
    assert "searched for products green tea" in timeline
    assert re.findall(r"\w+_(?:viewed|searched|completed|linked|updated)", timeline) == []
    assert "linked c-1" in shown


def test_nothing_that_a_customer_can_write_becomes_markup(page: PageDoor) -> None:
    """Names of products, search words, paths, traits, ids, placements."""
    walk(page, "c-1", HOSTILE)
    page.ask_for_an_offer("c-1")
    paths = [
        "/customers/c-1",
        f"/customers/c-1?decide={quote(HOSTILE)}",
        "/customers/c-1/history?also=c-1-web",
        f"/customers/{quote(HOSTILE, safe='')}",
        f"/customers/{quote(HOSTILE, safe='')}/history",
        "/",
    ]
    for path in paths:
        html = page.get(path).text
        assert "<script>" not in html, path
        assert "<img src=x" not in html, path
    history = page.get(paths[2]).text
    assert "&lt;script&gt;" in history
    assert "{{7*7}}" in history


@pytest.mark.parametrize(
    ("person", "status", "why"),
    [
        ("nobody", 404, "Nothing is known under this id"),
        ("a%20b", 400, "This cannot be an id"),
        ("x" * 199, 400, "This cannot be an id"),
    ],
)
def test_who_is_not_known_is_said_so(page: PageDoor, person: str, status: int, why: str) -> None:
    """With the field to try another."""
    answer = page.get(f"/customers/{person}")
    assert (answer.status_code, why in answer.text) == (status, True)


@pytest.mark.parametrize("placement", ["app home", "x" * 65, "a/b", "ばなー", HOSTILE])
def test_what_cannot_be_a_placement_is_said_to_be_none(page: PageDoor, placement: str) -> None:
    """Beside all that is known of the person, whose id is none the worse for it."""
    answer = page.get(f"/customers/c-1?decide={quote(placement)}")
    shown = words(answer)
    assert answer.status_code == 400
    assert "This cannot be a placement" in shown
    assert "This cannot be an id" not in shown
    assert "Nothing would be decided there" not in shown
    assert "What is known" in shown
    assert f'value="{escape(placement)}"' in answer.text


def test_a_search_leads_to_the_person(page: PageDoor) -> None:
    """Whatever the id holds stays one part of the address."""
    assert page.get("/customers?id=c-1").headers["location"] == "/customers/c-1"
    assert page.get("/customers?id=%20a:b.c%20").headers["location"] == "/customers/a%3Ab.c"


def test_it_is_logged_who_asked_and_not_about_whom(page: PageDoor) -> None:
    """In the log, and in the record of the question."""
    with capture_logs() as logs:
        page.get("/customers/c-1?decide=banner")
    assert logs == [
        {"event": "customer_asked_about", "log_level": "info", "by": "ben", "decide": True}
    ]
    assert b'"asked_by":"operator-ben"' in (page.door.engine.records[-1].value or b"")


def test_what_cannot_be_read_is_counted_and_stops_nothing() -> None:
    """A record of another version, or of nobody's making."""
    found = [("events.app", b"{"), ("decision-log", b"[]"), ("segment-changes", b"")]
    history = history_of(found, "en")
    assert (history.lines, history.left_out) == ((), 3)


def test_an_id_of_an_address_is_short(page: PageDoor) -> None:
    """The other ids as well as the person's."""
    assert page.get("/customers/c-1/history?also=c-1-web&also=" + "x" * 201).status_code == 422
    assert page.get("/customers/c-1/history?also=" + "x" * 200).status_code == 200


def test_a_history_is_not_made_in_the_event_loop(
    page: PageDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes long for whom much is known of; others are answered meanwhile."""
    loops: list[bool] = []

    def noted(*given: Any) -> Any:
        loops.append(asyncio._get_running_loop() is not None)
        return history_of(*given)

    monkeypatch.setattr(customer, "history_of", noted)
    assert page.get("/customers/c-1/history").status_code == 200
    assert loops == [False]


@pytest.mark.parametrize("wanted", [HOSTILE, "a/b", "a b", "x" * 65, "../settings"])
def test_what_cannot_be_an_id_is_said_to_be_none(page: PageDoor, wanted: str) -> None:
    """On the page where it was typed, as text and nothing else."""
    answer = page.get(f"/customers?id={quote(wanted, safe='')}")
    assert answer.status_code == 400
    assert "This cannot be an id" in words(answer)
    assert "<img" not in answer.text.partition("<main")[2]
    assert escape(wanted) in answer.text


def test_what_comes_several_times_in_a_row_is_one_line() -> None:
    """A phone beside a shelf hears its beacon for minutes; what is between is not lost in it."""
    seen = {"event_name": "beacon_sighted"}
    events = [{**seen, "occurred_at": f"2026-06-01T12:00:{second:02}Z"} for second in range(9)]
    events.append({"event_name": "product_viewed", "occurred_at": "2026-06-01T12:00:05.5Z"})
    found = [("events.app", msgspec.json.encode(event)) for event in (*events, *events)]
    told = [(line.what, line.count, line.since) for line in history_of(found, "en").lines]
    assert told == [
        ("beacon_sighted", 3, datetime(2026, 6, 1, 12, 0, 6, tzinfo=UTC)),
        ("product_viewed", 1, None),
        ("beacon_sighted", 6, datetime(2026, 6, 1, 12, 0, tzinfo=UTC)),
    ]
