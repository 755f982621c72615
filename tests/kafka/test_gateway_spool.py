"""A gateway with a spool, and a Kafka that goes away: 202 stays true, whatever else is killed."""

import json
import stat
import time
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from streams import topics
from tests.support.apache_kafka import ApacheKafka
from tests.support.gateway_job import SERVER_KEY, GatewayJob
from tests.support.senders import sending
from tests.support.worker_job import WorkerJob, wait_until

pytestmark = pytest.mark.kafka
TOPIC = topics.CLICKSTREAM.name
ACK_TIMEOUT_S = 3.0
SPOOL_BYTES_MAX = 1_048_576
PERSONS = 4
BATCH = 5
REMEMBERED = 256  # ids of a person; what comes twice within them changes nothing


@pytest.fixture
def job(kafka: ApacheKafka, tmp_path: Path) -> WorkerJob:
    """Topics that are there and empty, on a broker that may be killed."""
    if kafka.foreign:
        pytest.skip("the broker is not ours to kill")
    return WorkerJob(kafka, tmp_path, "spool")


def gateway_of(job: WorkerJob, tmp_path: Path, **bounds: Any) -> GatewayJob:
    """One whose spool is always the same folder."""
    given = {"ack_timeout_s": ACK_TIMEOUT_S, "spool_dir": str(tmp_path / "spool"), **bounds}
    return GatewayJob(job.settings, tmp_path / "gateway.log", **given)


def view(person: int, number: int, size: int = 0) -> dict[str, Any]:
    """A view of a product, the person's next one."""
    return {
        "event_id": f"e-{person}-{number}",
        "event_name": "product_viewed",
        "occurred_at": datetime.now(UTC).isoformat(),
        "identity": {"customer_id": f"c-{person}"},
        "channel": "web",
        "page": {"path": "/p" + "x" * size},
        "product": {"product_id": "s", "category": "c"},
    }


class Persons:
    """Each sends batch after batch, the next one when the one before is answered."""

    def __init__(self, gateway: GatewayJob) -> None:
        self.gateway = gateway
        self.acknowledged: dict[int, list[int]] = {person: [] for person in range(PERSONS)}
        self.statuses: set[int] = set()
        self._next = [0] * PERSONS

    @property
    def count(self) -> int:
        """How many events are acknowledged."""
        return sum(map(len, self.acknowledged.values()))

    def more(self, count: int) -> None:
        """Wait until so many more are."""
        wanted, deadline = self.count + count, time.monotonic() + 90
        while self.count < wanted:
            assert time.monotonic() < deadline, f"{self.count}, {self.statuses}"
            time.sleep(0.02)

    def send(self, person: int) -> None:
        """A person's next batch."""
        numbers = range(self._next[person], self._next[person] + BATCH)
        self._next[person] += BATCH
        try:
            status, _, _ = self.gateway.post("/v1/events", [view(person, n) for n in numbers])
        except (OSError, HTTPException):
            return
        self.statuses.add(status)
        if status == 202:
            self.acknowledged[person].extend(numbers)


def metric(gateway: GatewayJob, name: str) -> float:
    """What the gateway shows of its spool."""
    lines = gateway.get("/metrics", gateway.metrics_port)[1].decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def waits(gateway: GatewayJob) -> float:
    """How many records wait."""
    return metric(gateway, "offerstream_gateway_spool_records")


def numbers_of(kafka: ApacheKafka, person: int) -> list[int]:
    """What lies on the topic of a person, in its order."""
    found = [m.value() for m in kafka.read_all(TOPIC) if m.key() == b"c-%d" % person]
    return [int(json.loads(value)["event_id"].rpartition("-")[2]) for value in found]


def test_what_was_taken_while_kafka_was_away_is_there_later_in_order(
    kafka: ApacheKafka, job: WorkerJob, tmp_path: Path
) -> None:
    """Under load Kafka is killed, then the gateway, twice; every 202 arrives, in each one's order.

    What comes twice is the same event again, near enough that the worker knows its id.
    """
    gateway = gateway_of(job, tmp_path)
    gateway.wait_until_ready()
    persons = Persons(gateway)
    with sending(persons.send, PERSONS):
        persons.more(200)
        kafka.kill9()
        persons.more(400)
        for _ in range(2):
            persons.gateway.process.kill9()
            persons.gateway = gateway_of(job, tmp_path)
            persons.more(200)
        gateway = persons.gateway
        assert waits(gateway) >= 800
        assert metric(gateway, "offerstream_gateway_spool_oldest_seconds") > 1
        assert gateway.get("/readyz")[0] == 200
        files = list((tmp_path / "spool").iterdir())
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        kafka.start()
        wait_until(lambda: waits(gateway) > 0, gateway.process, 60)
        persons.gateway.process.kill9()  # while the spool empties, or shortly after
        persons.gateway = gateway = gateway_of(job, tmp_path)
        wait_until(lambda: waits(gateway) == 0, gateway.process, 120)
        persons.more(200)
    wait_until(lambda: waits(gateway) == 0, gateway.process, 60)
    assert persons.gateway.process.stop() == 0
    assert persons.statuses == {202}
    assert list((tmp_path / "spool").glob("*.spool")) == []
    for person, acknowledged in persons.acknowledged.items():
        arrived = numbers_of(kafka, person)
        assert set(acknowledged) <= set(arrived)
        first = list(dict.fromkeys(arrived))
        assert first == sorted(first)
        for at, number in enumerate(arrived):
            assert number not in arrived[: max(0, at - REMEMBERED)]


def test_a_full_spool_is_503_and_goes_on_when_kafka_is_back(
    kafka: ApacheKafka, job: WorkerJob, tmp_path: Path
) -> None:
    """Bounded on disk: then the client keeps what it has, and sends it when Kafka is back."""
    gateway = gateway_of(job, tmp_path, spool_bytes_max=SPOOL_BYTES_MAX)
    gateway.wait_until_ready()
    kafka.kill9()
    number, status = 0, 202
    while status == 202 and number < 2_000:
        status, problem, _ = gateway.post(
            "/v1/events", [view(0, n, 900) for n in range(number, number + 50)]
        )
        number += 50 if status == 202 else 0
    assert (status, problem["code"]) == (503, "not_acknowledged")
    assert 500 <= number < 1_500
    assert metric(gateway, "offerstream_gateway_spool_bytes") <= SPOOL_BYTES_MAX
    kafka.start()
    wait_until(lambda: waits(gateway) == 0, gateway.process, 60)
    assert gateway.post("/v1/events", [view(0, number)])[0] == 202
    assert gateway.process.stop() == 0
    assert list(dict.fromkeys(numbers_of(kafka, 0))) == list(range(number + 1))


def test_feedback_is_kept_and_a_question_is_not(
    kafka: ApacheKafka, job: WorkerJob, tmp_path: Path
) -> None:
    """What a person did with an offer waits; a decision for a page that is gone helps nobody."""
    gateway = gateway_of(job, tmp_path)
    gateway.wait_until_ready()
    kafka.kill9()
    server = {"authorization": f"Bearer {SERVER_KEY}"}
    told = {"decision_id": "d_1", "offer_id": "ten-off", "did": "used", "person": "c-9"}
    assert gateway.post("/v1/feedback", told, server)[0] == 202
    asked = {"person": {"customer_id": "c-9"}, "placement": "home"}
    status, answer, _ = gateway.post("/v1/decide", asked, server)
    assert (status, answer.get("verdict", "")) in ((503, ""), (200, "timeout"))
    assert waits(gateway) == 1
    kafka.start()
    wait_until(lambda: waits(gateway) == 0, gateway.process, 60)
    assert gateway.process.stop() == 0
    (found,) = kafka.read_all(topics.OFFER_FEEDBACK.name)
    assert json.loads(found.value())["event_name"] == "offer_redeemed"
    assert kafka.read_all(topics.QUESTIONS.name) == []
