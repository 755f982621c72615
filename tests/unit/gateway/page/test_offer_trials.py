"""A change is tried on recent history before it is published; whom offers reached is counted."""

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any

import pytest

from streams.admin.aside import Answer, Progress, Question
from streams.admin.trying import NotTried
from streams.gateway.page.asides import Aside, Asides, Stopped
from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter
from tests.support.page_door import ACT_TOKEN, VIEW_TOKEN, PageDoor
from tests.support.page_story import TEA_SHOP, a_day, archive_of_the_day
from tests.unit.gateway.page.test_now import words
from tests.unit.gateway.page.test_offer_pages import form, send


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> PageDoor:
    """A day in the shop, and its archive."""
    root = tmp_path_factory.mktemp("archive")
    made = PageDoor(TEA_SHOP, archive_dir=str(root))
    a_day(made, steps=2)
    archive_of_the_day(made, root)
    return made


@pytest.fixture
def page(shop: PageDoor) -> Iterator[PageDoor]:
    """Where somebody who may act is logged in."""
    with shop.client:
        shop.login()
        yield shop


def paused(page: PageDoor, offer_id: str = "tea-ten-off") -> dict[str, str]:
    """The form of an edit that pauses an offer."""
    said = form(page, offer_id)
    return {**said, "text": f"{said['text'].rstrip()}\npaused: true\n"}


def finished(page: PageDoor, answer: Any) -> str:
    """The words of an answer, once nothing on it is still being worked at."""
    deadline = time.monotonic() + 60
    while going := re.findall(r'data-loaded data-load="([^"]+)"', answer.text):
        assert time.monotonic() < deadline
        time.sleep(0.02)
        answer = page.get(going[0])
    return unescape(words(answer))


def test_an_edit_is_tried_on_recent_history_and_nothing_is_published(page: PageDoor) -> None:
    """Offer by offer, as it is and as it would be, with the reasons that differ."""
    before = dict(page.shelf.there["ref.offers"])
    answer = send(page, "try", paused(page))
    assert answer.status_code == 200
    shown = finished(page, answer)
    assert "All offers 4 → becomes 4" in shown
    assert not re.search(r"tea-ten-off \d+ → becomes [1-9]", shown), shown
    assert "it is paused" in shown
    assert page.shelf.there["ref.offers"] == before


def test_what_changes_nothing_is_said_to_change_nothing(page: PageDoor) -> None:
    """Another template decides nothing."""
    said = form(page)
    said["text"] = f"{said['text'].rstrip()}\ntemplate_id: other\n"
    shown = finished(page, send(page, "try", said))
    assert "Nothing would have been sent otherwise." in shown


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("no_archive", "There is no archive on this machine"),
        ("no_events", "The archive holds no events"),
        ("no_room", "more memory than a trial may take"),
        ("no_time", "There was not time enough"),
        ("fault", "It could not be tried"),
    ],
)
def test_why_nothing_was_tried_is_said(page: PageDoor, why: Any, said: str) -> None:
    """In words, each of them."""

    def asked(question: Question, stopped: Stopped) -> Iterator[Answer]:
        yield NotTried(why)

    page.page.trials._asked = asked
    try:
        assert said in finished(page, send(page, "try", paused(page)))
    finally:
        page.page.trials._asked = page.asked


def test_only_who_may_act_tries_and_only_what_may_be_published(page: PageDoor) -> None:
    """A trial costs the machine something; what cannot work is not tried."""
    wrong = {**paused(page), "text": "margin: many"}
    answer = send(page, "try", wrong)
    assert (answer.status_code, "offer-trials" in answer.text) == (422, False)
    assert page.get("/offer-trials/" + "x" * 16).status_code == 404
    assert page.get("/offer-trials/short").status_code == 400
    page.login(VIEW_TOKEN)
    said = {**paused(page), "form_token": page.form_token()}
    assert send(page, "try", said).status_code == 403
    assert page.get("/offer-reach").status_code == 200
    page.login(ACT_TOKEN)


def test_one_trial_at_a_time_and_the_last_of_each_operator() -> None:
    """Another operator waits; who asks again gives up what they asked; a few answers are kept."""
    ended: list[Question] = []

    def asked(question: Question, stopped: Stopped) -> Iterator[Answer]:
        yield Progress(1, 2)
        while not stopped():
            time.sleep(0.005)
        ended.append(question)

    asides = Asides(asked)
    question: Any = object()
    first = asides.start(question, "ana")
    assert first is not None
    assert asides.start(question, "ben") is None
    second = asides.start(question, "ana")
    assert second is not None
    assert (first.is_running, second.is_running, len(ended)) == (False, True, 1)
    assert first.answer == NotTried("fault")
    asides.stop()
    assert asides.find(second.id) is second
    for _ in range(20):
        last = asides.start(question, "ana")
        asides.stop()
    assert last is not None
    assert (asides.find(second.id), asides.find(last.id)) == (None, last)
    assert threading.active_count() < 30


@pytest.mark.parametrize("owners", [("ana",), ("ana", "ben", "cho", "dee")])
def test_whoever_asks_at_the_same_moment_there_is_one_trial(owners: tuple[str, ...]) -> None:
    """Of several operators the first; of one the last; and none is left over at the end."""
    turn, running, most = threading.Lock(), 0, 0

    def asked(question: Question, stopped: Stopped) -> Iterator[Answer]:
        nonlocal running, most
        with turn:
            running += 1
            most = max(most, running)
        yield Progress(1, 2)
        while not stopped():
            time.sleep(0.005)
        with turn:
            running -= 1

    asides, ready = Asides(asked), threading.Barrier(8)
    question: Any = object()

    def ask(owner: str) -> Aside | None:
        ready.wait(10)
        return asides.start(question, owner)

    with ThreadPoolExecutor(8) as many:
        made = list(many.map(ask, (owners[n % len(owners)] for n in range(8))))
    asides.stop()
    started = [one for one in made if one is not None]
    assert started
    assert len({one.owner for one in started}) == 1
    assert (most, running) == (1, 0)


def test_whom_offers_reached_is_counted(page: PageDoor) -> None:
    """People, sends, uses and what these have cost."""
    assert "/offer-reach" in page.get("/offers").text
    shown = finished(page, page.get("/offer-reach"))
    found = re.findall(r"(tea-ten-off|breakfast-bundle|double-points) (\d) (\d) 0 0.0%", shown)
    assert sum(int(sent) for _, _, sent in found) == 4, shown
    assert "By 4 decisions since 2026-" in shown


def test_where_too_few_people_are_known_of_it_is_said(page: PageDoor) -> None:
    """Of an offer with a holdout whose people are not enough yet."""
    meter = Meter()
    for group, people in (("treated", 63), ("withheld", 7)):
        meter.set(metrics.OFFER_WINDOWS, "double-points", group, value=people)
    page.worker(meter)
    shown = words(page.get("/offers"))
    assert "too few people yet: 63 sent, 7 held out" in shown
