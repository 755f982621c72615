"""Offers that are asked for over HTTP: decided by the worker, in time or counted as not made."""

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from streams import topics
from streams.contracts.reference.structs import Arm, Experiment, Policies, Reference
from tests.support.apache_kafka import ApacheKafka
from tests.support.gateway_job import SERVER_KEY, GatewayJob
from tests.support.worker_job import Process, WorkerJob, wait_until
from tests.unit.decisions.people import FREE, offer, rule

pytestmark = pytest.mark.kafka
AUTH = {"authorization": f"Bearer {SERVER_KEY}"}
EVERYBODY = Experiment(arms=(Arm(name="uniform", share=1.0, chooser="uniform"),))
SHOP = Reference(
    policies=Policies(
        triggers=(rule("banner", kind="offer_requested", placement="banner"),),
        contact=replace(FREE, min_gap_ms=60_000, deferred_gap_ms=0),
        experiment=EVERYBODY,
    ),
    offers=(offer("tea"),),
)


class Shop:
    """A worker and a gateway on one Kafka."""

    def __init__(self, job: WorkerJob, home: Path) -> None:
        self.job, self.home = job, home
        job.publish(SHOP)
        self.worker: Process = job.start()
        self.gateway = GatewayJob(job.settings, home / "gateway.log")
        self.gateway.wait_until_ready()
        wait_until(lambda: '"started"' in self.worker.log(), self.worker, 60)

    def agree(self, *people: str) -> None:
        """They agree to everything that the offer needs."""
        sent = [
            {
                "event_id": f"agree-{person}",
                "event_name": "consent_updated",
                "occurred_at": datetime.now(UTC).isoformat(),
                "identity": {"customer_id": person},
                "channel": "app",
                "purposes": {"personalization": "granted", "profiling": "granted"},
            }
            for person in people
        ]
        assert self.gateway.post("/v1/events", sent)[0] == 202

    def decide(self, person: str, **more: Any) -> dict[str, Any]:
        """What is answered."""
        body = {"person": {"customer_id": person}, "placement": "banner", "channel": "app", **more}
        status, answer, _ = self.gateway.post("/v1/decide", body, AUTH)
        assert status == 200, answer
        told: dict[str, Any] = answer
        return told

    def until_it_decides(self) -> None:
        """The worker has its partitions, and the gateway reads its answers."""
        deadline = time.monotonic() + 60
        body = {"person": {"customer_id": "nobody"}, "placement": "nowhere"}
        while True:
            status, answer, _ = self.gateway.post("/v1/decide", body, AUTH)
            if status == 200 and answer["verdict"] == "no_offer":
                return
            assert time.monotonic() < deadline, answer
            time.sleep(0.2)


@pytest.fixture
def shop(kafka: ApacheKafka, tmp_path: Path) -> Iterator[Shop]:
    """Open."""
    made = Shop(WorkerJob(kafka, tmp_path, "decide", clock="processing_time"), tmp_path)
    made.until_it_decides()
    yield made
    assert made.gateway.process.stop() == 0
    made.worker.kill9()


def said(kafka: ApacheKafka, topic: topics.Topic) -> list[dict[str, Any]]:
    """The values of a topic."""
    return [json.loads(m.value()) for m in kafka.read_all(topic.name)]


def test_the_answer_is_the_decision_that_went_out(kafka: ApacheKafka, shop: Shop) -> None:
    """The same decision on `next-best-offers` and in the log; asked again, the gap holds."""
    shop.agree("c-1")
    first, again = shop.decide("c-1"), shop.decide("c-1")
    assert (first["verdict"], first["offer"]["offer"]["offer_id"]) == ("offer", "tea")
    assert (again["verdict"], again["reason_codes"]) == ("no_offer", ["min_gap"])
    assert shop.decide("c-2")["reason_codes"] == ["no_consent"]
    offers = said(kafka, topics.NEXT_BEST_OFFERS)
    assert [o["decision_id"] for o in offers] == [first["decision_id"]]
    assert "terms" not in first["offer"]
    assert "experiment" not in first["offer"]


def test_an_answer_that_is_late_is_no_contact(kafka: ApacheKafka, shop: Shop) -> None:
    """The worker stands still while it has decided: `timeout`, then `delivery_failed`."""
    shop.agree("c-1")
    assert shop.decide("c-9", timeout_ms=2_000)["verdict"] == "no_offer"
    shop.worker.signal(signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(shop.decide, "c-1", timeout_ms=400)
        assert waiting.result(20) == {
            "verdict": "timeout",
            "reason_codes": [],
            "decision_id": None,
            "offer": None,
        }
    shop.worker.signal(signal.SIGCONT)
    shop.until_it_decides()
    entries = [e for e in said(kafka, topics.DECISION_LOG) if e["customer_id"] == "c-1"]
    assert [e["verdict"] for e in entries] == ["stale"]
    assert shop.decide("c-1")["verdict"] == "offer"


def test_each_of_many_gets_its_own_answer(shop: Shop) -> None:
    """Two gateways, four callers each at once: nobody is told what another was decided."""
    people = [f"c-{n}" for n in range(40)]
    shop.agree(*people)
    other = GatewayJob(shop.job.settings, shop.home / "other.log")
    other.wait_until_ready()
    first = shop.gateway

    def ask(n: int) -> tuple[int, str | None]:
        gateway = first if n % 2 else other
        body = {
            "person": {"customer_id": people[n]},
            "placement": "banner",
            "channel": "app",
            "timeout_ms": 5_000,
        }
        return n, gateway.post("/v1/decide", body, AUTH)[1]["decision_id"]

    with ThreadPoolExecutor(8) as pool:
        answered = dict(pool.map(ask, range(len(people))))
    assert other.process.stop() == 0
    kafka = shop.job.kafka
    by_person = {o["customer_id"]: o["decision_id"] for o in said(kafka, topics.NEXT_BEST_OFFERS)}
    assert {people[n]: id_ for n, id_ in answered.items()} == by_person


def test_the_gateway_killed_and_started_anew_asks_and_is_answered(shop: Shop) -> None:
    """Another address: the answers of before are of nobody's interest."""
    shop.agree("c-1")
    shop.gateway.process.kill9()
    shop.gateway = GatewayJob(shop.job.settings, shop.home / "gateway.log")
    shop.gateway.wait_until_ready()
    shop.until_it_decides()
    assert shop.decide("c-1")["verdict"] == "offer"
