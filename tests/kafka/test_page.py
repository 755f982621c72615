"""The page over a real worker and Kafka: its numbers, a person, their history, dead letters."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.kafka.test_decide import SHOP
from tests.support.apache_kafka import ApacheKafka
from tests.support.gateway_job import GatewayJob
from tests.support.page_door import ACT_TOKEN, TOKENS
from tests.support.worker_job import Process, WorkerJob, wait_until

pytestmark = pytest.mark.kafka
PATIENCE_S = 120.0
FORM = {"content-type": "application/x-www-form-urlencoded"}


class Visitor:
    """Somebody who is logged in, without a browser."""

    def __init__(self, gateway: GatewayJob) -> None:
        self._gateway = gateway
        self._cookie = ""
        status, told, _ = self.post("/login", token=ACT_TOKEN)
        assert status == 303
        self._cookie = told["set-cookie"].partition(";")[0]

    def post(self, path: str, **form: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer to a form."""
        headers = {**FORM, "cookie": self._cookie}
        body = urlencode(form).encode()
        status, answer, told = self._gateway.ask("POST", path, body, headers)
        return status, told, answer

    def words(self, path: str) -> str:
        """The text of a page, its tags taken out."""
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", self.html(path)))

    def html(self, path: str) -> str:
        """A page."""
        return self._gateway.ask("GET", path, headers={"cookie": self._cookie})[1].decode()

    def until(self, path: str, said: str) -> str:
        """The text of a page, once it says something."""
        deadline = time.monotonic() + PATIENCE_S
        while said not in (words := self.words(path)):
            assert time.monotonic() < deadline, words
            time.sleep(0.3)
        return words


class Shop:
    """A worker, and a gateway that shows the page, on one Kafka."""

    def __init__(self, job: WorkerJob, home: Path) -> None:
        job.publish(SHOP)
        self.worker: Process = job.start()
        wait_until(lambda: '"started"' in self.worker.log(), self.worker, 60)
        port = re.findall(r'"http_port": ?(\d+)', self.worker.log())[-1]
        self.gateway = GatewayJob(
            job.settings,
            home / "gateway.log",
            operator_tokens=TOKENS,
            page_workers=f"127.0.0.1:{port}",
        )
        self.gateway.wait_until_ready()
        self.visitor = Visitor(self.gateway)

    def send(self, name: str, **event: object) -> int:
        """An event of the person; the status."""
        common = {
            "event_id": f"{name}-{time.monotonic_ns()}",
            "event_name": name,
            "occurred_at": datetime.now(UTC).isoformat(),
            "identity": {"customer_id": "c-7"},
            "channel": "app",
        }
        return int(self.gateway.post("/v1/events", {**common, **event})[0])


@pytest.fixture
def shop(kafka: ApacheKafka, tmp_path: Path) -> Iterator[Shop]:
    """Open."""
    made = Shop(WorkerJob(kafka, tmp_path, "page", clock="processing_time"), tmp_path)
    yield made
    assert made.gateway.process.stop() == 0
    made.worker.kill9()


def test_the_page_tells_what_the_worker_and_kafka_say(shop: Shop) -> None:
    """Ready, what is known, an offer and why, the timeline; a bad record, driven again once."""
    visitor = shop.visitor
    visitor.until("/", "Workers ready: 1")
    purposes = {"personalization": "granted", "profiling": "granted"}
    assert shop.send("consent_updated", purposes=purposes) == 202
    visitor.until("/customers/c-7", "Personalization granted")
    would = visitor.until("/customers/c-7?decide=banner", "This offer would go out: tea")
    assert "chosen" in would
    visitor.until("/customers/c-7", "Where the shop asks for offers: banner")
    asked = {"person": {"customer_id": "c-7"}, "placement": "banner", "channel": "app"}
    server = {"authorization": "Bearer till-key-0123456789"}
    body = {**asked, "timeout_ms": 5_000}
    assert shop.gateway.post("/v1/decide", body, server)[1]["verdict"] == "offer"
    history = visitor.until("/customers/c-7/history", "an offer was made")
    assert "said what may be used" in history
    assert "There was not time" not in history
    visitor.until("/", "tea c-7 app")
    assert shop.send("application_opened", occurred_at="yesterday") == 400
    visitor.until("/dead-letters", "bad_timestamp")
    html = visitor.html("/dead-letters")
    form_token = re.findall(r'name="form_token" value="([^"]+)"', html)[0]
    letter = re.findall(r'href="/dead-letters/(\d+@-?\d+)"', html)[0]
    status, told, answer = visitor.post("/dead-letters", id=letter, form_token=form_token)
    assert (status, told.get("location")) == (303, "/dead-letters?driven=1"), answer
    status, _, _ = visitor.post("/dead-letters", id=letter, form_token=form_token)
    assert status == 503  # it waits no more; the worker makes a new letter of the same record


def test_an_offer_is_published_and_taken_back_on_the_page(shop: Shop) -> None:
    """The worker applies what was published, and what was taken back."""
    visitor = shop.visitor
    visitor.until("/", "Workers ready: 1")
    purposes = {"personalization": "granted", "profiling": "granted"}
    assert shop.send("consent_updated", purposes=purposes) == 202
    visitor.until("/customers/c-7?decide=banner", "This offer would go out: tea")
    html = visitor.html("/offers/tea")
    token, stands = (
        re.findall(rf'name="{name}" value="([^"]+)"', html)[0] for name in ("form_token", "stands")
    )
    text = unescape(re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", html, re.DOTALL)[0])
    said = {"form_token": token, "stands": stands, "step": "publish"}
    status, _, answer = visitor.post("/offers/tea", text=text + "paused: true\n", **said)
    assert status == 303, answer
    visitor.until("/customers/c-7?decide=banner", "it is paused")
    html = visitor.html("/offers")
    version, newest = (
        re.findall(rf'name="{name}" value="(\d+)"', html)[0] for name in ("version", "newest")
    )
    assert visitor.post("/rollback", version=version, newest=newest, form_token=token)[0] == 303
    visitor.until("/customers/c-7?decide=banner", "This offer would go out: tea")
