"""A shop in the middle of a day, for the page to show: decided by `process`, counted by a meter."""

import random

from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter
from tests.support.page_door import WORKERS, PageDoor

PEOPLE = ("c-1", "c-2", "c-3", "c-4")
EVENTS = {
    "events.clickstream": "product_viewed",
    "events.app": "screen_viewed",
    "events.purchase": "order_completed",
}
VERDICTS = {"offer": 4, "nothing_eligible": 9, "min_gap": 3, "no_offer": 2, "holdout": 1}


def a_day(page: PageDoor) -> None:
    """Ten minutes of events, decisions and offers."""
    work(page)
    ask_for_offers(page)


def work(page: PageDoor) -> None:
    """What two workers count meanwhile."""
    draws, meters = random.Random(7), [Meter(), Meter()]
    for meter in meters:
        meter.count(metrics.READY)
        meter.set(metrics.PARTITIONS, value=2)
        meter.set(metrics.ROWS, value=draws.randint(900, 1_100))
    for step in range(302):
        for address, meter in zip(WORKERS, meters, strict=True):
            busy(meter, draws, wave=1 + 0.5 * ((step // 40) % 2))
            page.seen(meter, address)
        page.tick()


def busy(meter: Meter, draws: random.Random, wave: float) -> None:
    """Two seconds of one worker."""
    for topic, event in EVENTS.items():
        meter.count(metrics.EVENTS, topic, event, value=int(draws.gauss(20 * wave, 4)))
    for verdict, weight in VERDICTS.items():
        count = sum(draws.random() < weight / 12 for _ in range(3))
        meter.count(metrics.DECISIONS, "product_viewed", verdict, "policy", value=count)
        if verdict == "offer" and count:
            meter.count(metrics.OFFERS, "policy", "app", value=count)
            meter.observe(metrics.EVENT_TO_OFFER, value=draws.uniform(0.01, 0.06))
    meter.set(metrics.LAG, "events.clickstream", value=draws.randint(0, 9))


def ask_for_offers(page: PageDoor) -> None:
    """Offers that were asked for and made."""
    for person in PEOPLE:
        page.door.engine.now_ms += 17_000
        page.knows(person)
        page.ask_for_an_offer(person)
