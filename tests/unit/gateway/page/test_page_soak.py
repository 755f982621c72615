"""A page that stays open: a thousand updates a minute, without a stutter or growth of memory."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Producer
from msgspec import Struct
from msgspec.structs import replace
from playwright.sync_api import CDPSession, Page

from streams import topics
from streams.contracts.outputs.payloads import ChurnAlert, NextBestOffer
from streams.demo.broker import EmbeddedBroker
from streams.settings import Settings
from tests.support.gateway_job import START_S, GatewayJob
from tests.support.memory import rss_bytes
from tests.support.page_browser import chromium, log_in, looking
from tests.support.page_door import ACT_TOKEN, TOKENS

EXAMPLES = Path(__file__).parents[4] / "schemas" / "examples"
OFFER = msgspec.json.decode(
    (EXAMPLES / "next_best_offer" / "valid" / "app_banner.json").read_bytes(), type=NextBestOffer
)
ALERT = msgspec.json.decode(
    (EXAMPLES / "churn_alert" / "valid" / "entered.json").read_bytes(), type=ChurnAlert
)
A_MINUTE = 1_000
PEOPLE, CASES = 400, 100
VALID = timedelta(seconds=5)
EACH_S = 0.1
LOOKS = 20
HEAP_BYTES_MAX = 1_000_000
RSS_BYTES_MAX = 24_000_000
STUTTER_SHARE_MAX = 0.01
LONG_TASKS = """() => {
  window.tasks = [];
  new PerformanceObserver((seen) => tasks.push(...seen.getEntries().map((one) => one.duration)))
    .observe({type: "longtask"});
  window.changes = 0;
  new MutationObserver(() => changes++)
    .observe(document.querySelector("[data-live]"),
      {childList: true, characterData: true, subtree: true});
}"""


class Look(Struct, frozen=True):
    """What is held at a moment: bytes of scripts and nodes of the page; bytes of the gateway."""

    heap: int
    nodes: int
    rss: int


class Watched(Struct, frozen=True):
    """What was seen: `stutters` are tasks of the page's thread of 50 ms and more, in ms."""

    seconds: float
    sent: int
    changes: int
    looks: list[Look]
    stutters: list[float]

    def growth(self, what: str) -> int:
        """From the second quarter to the last: the least of each, since garbage comes and goes."""
        values = [getattr(look, what) for look in self.looks]
        quarter = len(values) // 4
        return int(min(values[-quarter:]) - min(values[quarter : 2 * quarter]))

    def told(self) -> str:
        """In a line."""
        last = self.looks[-1]
        return (
            f"{self.sent:,} updates in {self.seconds:.0f} s, put in {self.changes:,} times; "
            f"heap {last.heap / 1e6:.2f} MB ({self.growth('heap'):+,} bytes), "
            f"nodes {last.nodes:,} ({self.growth('nodes'):+,}), "
            f"gateway {last.rss / 1e6:.1f} MB ({self.growth('rss'):+,} bytes); "
            f"{len(self.stutters)} tasks of 50 ms and more, {sum(self.stutters):.0f} ms in all, "
            f"the longest {max(self.stutters, default=0):.0f} ms"
        )


class Shop:
    """Offers and churn cases come and go on the topics that the page reads."""

    def __init__(self, broker: EmbeddedBroker) -> None:
        self._producer = Producer({"bootstrap.servers": broker.bootstrap, "linger.ms": 5})
        self.sent = 0

    def send(self, many: int) -> None:
        """So many updates: of ten, nine are offers, one a case that opens or is over."""
        for _ in range(many):
            number, now = self.sent, datetime.now(UTC)
            self.sent += 1
            person = f"c-{number % PEOPLE}"
            if number % 10:
                offer = replace(
                    OFFER,
                    decision_id=f"d-{number}",
                    customer_id=person,
                    decided_at=now,
                    valid_until=now + VALID,
                    offer=replace(OFFER.offer, valid_until=now + VALID),
                )
                self._put(topics.NEXT_BEST_OFFERS, person, msgspec.json.encode(offer))
            else:
                case = number // 10 % CASES
                over = number // 10 // CASES % 2
                alert = replace(
                    ALERT,
                    alert_id=f"a-{number}",
                    case_id=f"case-{case}",
                    customer_id=f"c-{case}",
                    raised_at=now,
                    transition="resolved" if over else "entered",
                    resolved_by="bought" if over else None,
                )
                self._put(topics.CHURN_ALERTS, f"c-{case}", msgspec.json.encode(alert))
        self._producer.poll(0)

    def _put(self, topic: topics.Topic, key: str, value: bytes) -> None:
        self._producer.produce(topic.name, value, key.encode())


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[tuple[EmbeddedBroker, GatewayJob]]:
    """A gateway with the page, on the embedded broker."""
    with EmbeddedBroker() as broker:
        settings = replace(
            Settings(), bootstrap=broker.bootstrap, transactional=False, data_dir="nowhere"
        )
        job = GatewayJob(settings, tmp_path / "gateway.log", operator_tokens=TOKENS)
        job.wait_until_ready()
        yield broker, job
        assert job.process.stop() == 0


def watch(gateway: tuple[EmbeddedBroker, GatewayJob], seconds: float, a_minute: int) -> Watched:
    """Updates at a rate, for a while, with the first page open."""
    broker, job = gateway
    shop, looks = Shop(broker), list[Look]()
    with (
        chromium() as browser,
        looking(browser, f"http://127.0.0.1:{job.port}") as page,
    ):
        log_in(page, ACT_TOKEN)
        until_it_shows(page, shop)
        devtools = page.context.new_cdp_session(page)
        page.evaluate(LONG_TASKS)
        begin_s, before = time.monotonic(), shop.sent
        while (passed_s := time.monotonic() - begin_s) < seconds:
            shop.send(round(passed_s * a_minute / 60) - (shop.sent - before))
            if passed_s >= len(looks) * seconds / LOOKS:
                looks.append(look(devtools, job.process.pid))
            page.wait_for_timeout(EACH_S * 1_000)
        return Watched(
            time.monotonic() - begin_s,
            shop.sent - before,
            page.evaluate("changes"),
            looks,
            page.evaluate("tasks"),
        )


def until_it_shows(page: Page, shop: Shop) -> None:
    """Offers are sent until the page shows as many as it ever does."""
    deadline = time.monotonic() + START_S
    while page.locator("[data-part=newest] tbody tr").count() < 8:
        assert time.monotonic() < deadline
        shop.send(50)
        page.wait_for_timeout(500)


def look(devtools: CDPSession, pid: int) -> Look:
    """What is held now, after the garbage was collected."""
    devtools.send("HeapProfiler.collectGarbage")
    heap = devtools.send("Runtime.getHeapUsage")["usedSize"]
    nodes = devtools.send("Memory.getDOMCounters")["nodes"]
    return Look(int(heap), int(nodes), rss_bytes(pid))


def check(found: Watched) -> None:
    """No growth beyond what garbage and caches are; the page was put in again and again."""
    print(found.told())
    assert found.changes >= found.seconds / 10
    assert found.growth("heap") <= HEAP_BYTES_MAX
    assert found.growth("nodes") <= 200
    assert found.growth("rss") <= RSS_BYTES_MAX


@pytest.mark.timeout(900)
def test_a_burst_of_updates_leaves_nothing_behind(
    gateway: tuple[EmbeddedBroker, GatewayJob],
) -> None:
    """Ten minutes' updates in half a minute: the page's memory and the gateway's do not grow."""
    found = watch(gateway, 30.0, 20 * A_MINUTE)
    check(found)
    assert found.sent >= 9 * A_MINUTE


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_ten_minutes_of_a_thousand_updates_a_minute(
    gateway: tuple[EmbeddedBroker, GatewayJob],
) -> None:
    """Nothing grows, and the page's thread is blocked for less than 1 % of the time.

    `PAGE_SOAK_S`: how many seconds, instead of 600.
    """
    found = watch(gateway, float(os.environ.get("PAGE_SOAK_S", "600")), A_MINUTE)
    check(found)
    assert sum(found.stutters) <= STUTTER_SHARE_MAX * found.seconds * 1_000
