"""Offers that are asked for over HTTP: decided by the worker, in time or counted as not made."""

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from msgspec.structs import replace

from streams import topics
from streams.contracts.reference.structs import Arm, Experiment, Policies, Reference
from streams.settings import child_environment
from tests.support.apache_kafka import ApacheKafka
from tests.support.gateway_job import SERVER_KEY, TOKEN_KEY, GatewayJob
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
        self.gateway = self.another()
        wait_until(lambda: '"started"' in self.worker.log(), self.worker, 60)

    def another(self) -> GatewayJob:
        """A gateway on ports of its own."""
        gateway = GatewayJob(self.job.settings, self.home / "gateway.log", heartbeat_s=0.5)
        gateway.wait_until_ready()
        return gateway

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

    def logs_in(self, person: str, browser: str) -> None:
        """An event of the browser that names the customer: the two are linked."""
        event = {
            "event_id": f"login-{person}",
            "event_name": "page_viewed",
            "occurred_at": datetime.now(UTC).isoformat(),
            "identity": {"customer_id": person, "anonymous_id": browser},
            "channel": "web",
            "page": {"path": "/"},
        }
        assert self.gateway.post("/v1/events", event)[0] == 202

    def not_delivered(self, person: str, decision_id: str) -> None:
        """The app says that nobody got it: cap and gap are as before."""
        event = {
            "event_id": f"{decision_id}.lost",
            "event_name": "delivery_failed",
            "occurred_at": datetime.now(UTC).isoformat(),
            "identity": {"customer_id": person},
            "channel": "app",
            "decision_id": decision_id,
            "offer_id": "tea",
        }
        assert self.gateway.post("/v1/events", event)[0] == 202

    def decide(self, person: str, **more: Any) -> dict[str, Any]:
        """What is answered."""
        asked = {"person": {"customer_id": person}, "placement": "banner", "channel": "app"}
        body = {**asked, "timeout_ms": 5_000, **more}
        status, answer, _ = self.gateway.post("/v1/decide", body, AUTH)
        assert status == 200, answer
        told: dict[str, Any] = answer
        return told

    def until_it_decides(self, gateway: GatewayJob | None = None) -> None:
        """The worker has its partitions, and the gateway reads its answers."""
        gateway = gateway or self.gateway
        deadline = time.monotonic() + 60
        body = {"person": {"customer_id": "nobody"}, "placement": "nowhere"}
        while True:
            status, answer, _ = gateway.post("/v1/decide", body, AUTH)
            if status == 200 and answer["verdict"] == "no_offer":
                return
            assert time.monotonic() < deadline, answer
            time.sleep(0.2)


def token(person: str) -> str:
    """As the shop's backend makes it."""
    now = int(time.time())
    claims = {"sub": person, "aud": "offerstream", "iat": now, "exp": now + 600}
    return jwt.encode(claims, TOKEN_KEY, algorithm="HS256", headers={"kid": "k"})


class Listener:
    """One stream of a person; the id and the decision of each event."""

    def __init__(self, gateway: GatewayJob, person: str, after: str = "") -> None:
        headers = {"authorization": f"Bearer {token(person)}"}
        if after:
            headers["last-event-id"] = after
        path = f"/v1/customers/{person}/stream"
        deadline = time.monotonic() + 60
        while True:
            self._client = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
            self._client.request("GET", path, headers=headers)
            self.answer = self._client.getresponse()
            if self.answer.status == 200:
                return
            assert self.answer.status == 503, self.answer.status
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def next(self) -> tuple[str, str]:
        """The next offer: place and decision; heartbeats are passed over."""
        place = ""
        while line := self.answer.readline().decode():
            if line.startswith("id: "):
                place = line[4:].strip()
            elif line.startswith("data: "):
                return place, json.loads(line[6:])["decision_id"]
        raise AssertionError("the stream has ended")

    def beats(self) -> bool:
        """Whether the next that comes is a heartbeat, and no offer."""
        while line := self.answer.readline().decode():
            if line.startswith(":"):
                return True
            if line.startswith("id: "):
                return False
        raise AssertionError("the stream has ended")

    def close(self) -> None:
        """Go away."""
        self._client.close()


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
    assert shop.decide("c-9")["verdict"] == "no_offer"
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
    other, first = shop.another(), shop.gateway
    shop.until_it_decides(other)

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
    shop.gateway = shop.another()
    shop.until_it_decides()
    assert shop.decide("c-1")["verdict"] == "offer"


def test_one_customer_is_shown_and_stays_as_it_is(kafka: ApacheKafka, shop: Shop) -> None:
    """Over HTTP and from the shell: the row's newest record is the same before and after."""
    shop.agree("c-1")
    decided = shop.decide("c-1")["decision_id"]
    shop.logs_in("c-1", "browser-1")
    wait_until(lambda: said(kafka, topics.IDENTITY_CHANGES) != [], shop.worker, 60)
    row = shop.job.rows()[b"c-1"]
    path = "/v1/customers/c-1?decide=banner&decisions=2"
    status, body, _ = shop.gateway.ask("GET", path, headers=AUTH)
    told = json.loads(body)
    assert (status, told["verdict"]) == (200, "told")
    assert [c["decision_id"] for c in told["customer"]["contacts"]] == [decided]
    assert told["would_decide"]["verdict"] == "min_gap"
    assert [link["evidence_event_id"] for link in told["links"]] == ["login-c-1"]
    assert [d["decision_id"] for d in told["decisions"]] == [decided]
    assert told["decisions"][0]["candidates"], "with what was possible, and why not the rest"
    assert "\n".join(told["words"]).count(decided) == 2, "as a contact, and with its reasons"
    command = [sys.executable, "-m", "streams", "customer", "show", "c-1", "--decide", "banner"]
    shell = subprocess.run(
        command,
        env=child_environment(shop.job.settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert shell.returncode == 0, shell.stderr
    assert "consent to personalization: granted" in shell.stdout
    assert shell.stdout.count(decided) == 2, "as a contact, and as a decision with its reasons"
    assert shop.job.rows()[b"c-1"] == row
    assert shop.gateway.ask("GET", "/v1/customers/stranger", headers=AUTH)[0] == 404


def test_who_listens_goes_on_behind_the_last_offer_after_a_restart(shop: Shop) -> None:
    """Offers made before, while nobody listens and after the gateway was killed: each once."""
    shop.agree("c-1", "c-2")
    listening = Listener(shop.gateway, "c-1")
    first = shop.decide("c-1")["decision_id"]
    place, told = listening.next()
    assert told == first
    shop.decide("c-2")
    assert listening.beats(), "another person's offer is none of theirs"
    shop.gateway.process.kill9()
    listening.close()
    shop.gateway = shop.another()
    shop.until_it_decides()
    shop.not_delivered("c-1", first)
    second = shop.decide("c-1")["decision_id"]
    again = Listener(shop.gateway, "c-1", place)
    assert again.next()[1] == second
    assert again.beats()
    again.close()


def test_the_gateway_ends_although_somebody_listens(shop: Shop) -> None:
    """Whoever listens is sent away, and comes to another gateway."""
    shop.agree("c-1")
    other = shop.another()
    listening = Listener(other, "c-1")
    started = time.monotonic()
    assert other.process.stop() == 0
    assert time.monotonic() - started < 15
    assert not listening.answer.read().startswith(b"event")
