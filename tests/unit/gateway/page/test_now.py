"""The first page tells what the workers' own metrics and the topics say, and nothing else."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from streams.gateway.page.workers import Workers, addresses_of
from streams.settings import GatewaySettings, Settings
from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter
from tests.support.page_door import WORKERS, PageDoor


@pytest.fixture
def page() -> Iterator[PageDoor]:
    """One where somebody is logged in."""
    made = PageDoor()
    with made.client:
        made.login()
        yield made


def busy(events: float = 0.0) -> Meter:
    """A worker's meter."""
    meter = Meter()
    meter.count(metrics.READY)
    meter.count(metrics.LAG, "events.clickstream", value=7)
    meter.count(metrics.PARTITIONS, value=4)
    meter.count(metrics.EVENTS, "events.clickstream", "product_viewed", value=1_000 + events)
    return meter


def words(answer: Any) -> str:
    """The text of a page, its tags taken out."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def test_counts_are_of_the_time_that_was_watched(page: PageDoor) -> None:
    """1,000 events of before are not counted; 240 in two seconds are 120 a second."""
    meter = busy()
    page.worker(meter)
    meter.count(metrics.EVENTS, "events.clickstream", "product_viewed", value=240)
    meter.count(metrics.DECISIONS, "product_viewed", "offer", "policy", value=3)
    meter.count(metrics.DECISIONS, "product_viewed", "min_gap", "policy", value=9)
    meter.count(metrics.OFFERS, "policy", "app", value=3)
    meter.observe(metrics.EVENT_TO_OFFER, value=0.04)
    page.worker(meter)
    shown = words(page.get("/"))
    assert "Events 120.0 a second" in shown
    assert "Decisions 12 in the last" in shown
    assert "Offers made 3 in the last" in shown
    assert "Waiting 7 records" in shown
    assert "Event to offer ≤ 0.05 s" in shown
    assert "the last message is too recent 9 75%" in shown
    assert "an offer was made 3 25%" in shown
    assert "Workers ready: 1" in shown


def test_the_first_seconds_are_told_as_a_minute(page: PageDoor) -> None:
    """Nothing has happened in no time: two seconds are no nought minutes."""
    page.worker(busy())
    page.worker(busy(240))
    shown = words(page.get("/"))
    assert "240 in 1 min" in shown
    assert "in the last 1 min" in shown


def test_a_worker_that_begins_anew_takes_nothing_away(page: PageDoor) -> None:
    """Its counter falls from 1,000 to 50: 50 more have happened."""
    page.worker(busy())
    page.worker(busy(-950))
    assert "Events 25.0 a second" in words(page.get("/"))


def test_a_worker_that_does_not_answer_is_told_first(page: PageDoor) -> None:
    """And its numbers are not shown as zeros."""
    page.page.workers._standing[WORKERS[0]] = None
    shown = words(page.get("/"))
    assert "Fault: The worker at worker-1:9100 does not answer" in shown
    assert "Waiting – records" in shown
    assert shown.index("Fault") < shown.index("Kafka answers")


def test_what_is_wrong_is_said(page: PageDoor) -> None:
    """The breaker, data that is kept from before, bad events, a lag."""
    meter = busy()
    page.worker(meter)
    meter.count(metrics.BREAKER)
    meter.count(metrics.REFERENCE_STALE)
    meter.count(metrics.LAG, "events.purchase", value=20_000)
    meter.count(metrics.REJECTED, "events.app", "bad_timestamp", value=50)
    page.worker(meter)
    shown = words(page.get("/"))
    assert "has stopped: nearly all of its events are bad" in shown
    assert "A published offer or policy is wrong" in shown
    assert "20,007 records wait" in shown
    assert "100% of the events are bad" in shown


def test_the_newest_offers_are_those_that_are_valid(page: PageDoor) -> None:
    """One that was decided is shown with its person; the moving part says the same."""
    page.ask_for_an_offer("c-1")
    for path in ("/", "/now"):
        assert re.search(r"tea\s+c-1\s+app", words(page.get(path)))


@pytest.mark.parametrize(
    ("asked", "accepted", "said"),
    [("", "ja", "現況"), ("zh", "ja", "当前"), ("", "fr", "Now"), ("xx", "", "Now")],
)
def test_the_language_is_the_one_asked_for(
    page: PageDoor, asked: str, accepted: str, said: str
) -> None:
    """In the address, else by the browser; once chosen it stays."""
    answer = page.get(f"/?lang={asked}", accept_language=accepted)
    assert f"<h1>{said}</h1>" in answer.text
    kept = f"<h1>{said}</h1>" in page.get("/", accept_language="en").text
    assert kept == (asked == "zh" or said == "Now")


def test_workers_are_named_or_this_machines_first() -> None:
    """Several with commas."""
    settings = Settings(gateway=GatewaySettings(page_workers="a:9100, b:9101"))
    assert addresses_of(settings) == ["a:9100", "b:9101"]


def test_memory_is_bounded_and_the_window_moves() -> None:
    """After an hour the last ten minutes are told, and no more is kept than they take."""
    at_s = [0.0]
    workers = Workers(Settings(), lambda: at_s[0])
    for count in range(1_800):
        workers.take("a", {(metrics.EVENTS.name, "events.app"): 2.0 * count}, {})
        at_s[0] += 2.0
        workers.note()
    window = workers.window()
    assert (window.seconds, window.total(metrics.EVENTS)) == (600.0, 600.0)
    assert workers.window(60).rate(metrics.EVENTS) == 1.0
    assert workers.course(metrics.EVENTS, 60) == [1.0] * 60
    assert len(workers._points) == 301


def test_health_is_told_to_who_does_not_see_it(page: PageDoor) -> None:
    """In a line of its own, which is spoken when it changes: no number in it moves all the time."""
    page.worker(busy())
    assert status(page) == "Health: faults 0, to look at 0."
    late = busy()
    late.count(metrics.LAG, "events.purchase", value=20_000)
    page.worker(late)
    assert status(page) == "Health: faults 0, to look at 1."
    late.count(metrics.LAG, "events.app", value=1)
    page.worker(late)
    assert status(page) == "Health: faults 0, to look at 1."
    late.count(metrics.BREAKER)
    page.worker(late)
    assert status(page) == "Health: faults 1, to look at 1."


def status(page: PageDoor) -> str:
    """What is spoken."""
    (said,) = re.findall(r'role="status"[^>]*>([^<]+)<', page.get("/now").text)
    return str(said)
