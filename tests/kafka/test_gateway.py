"""What the gateway answered with 202 is in Kafka, whatever is killed; the rest it owns up to."""

import json
import time
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from streams import topics
from streams.runtime.murmur2 import partition_for
from tests.support.apache_kafka import ApacheKafka
from tests.support.gateway_job import GatewayJob
from tests.support.senders import sending
from tests.support.worker_job import WorkerJob

pytestmark = pytest.mark.kafka
TOPIC = topics.CLICKSTREAM.name
ACK_TIMEOUT_S = 3.0
BATCH = 20
CLIENTS = 4


@pytest.fixture
def job(kafka: ApacheKafka, tmp_path: Path) -> WorkerJob:
    """Topics that are there and empty."""
    return WorkerJob(kafka, tmp_path, "gateway")


def view(event_id: str) -> dict[str, Any]:
    """A view of a product, of one of many people."""
    return {
        "event_id": event_id,
        "event_name": "product_viewed",
        "occurred_at": datetime.now(UTC).isoformat(),
        "identity": {"customer_id": f"c-{hash(event_id) % 50}"},
        "channel": "web",
        "page": {"path": "/p"},
        "product": {"product_id": "s", "category": "c"},
    }


class Load:
    """What clients send, batch after batch, and what they were told."""

    def __init__(self, gateway: GatewayJob) -> None:
        self.gateway = gateway
        self.acknowledged: set[str] = set()
        self.statuses: set[int] = set()
        self._next = [0] * CLIENTS

    def send(self, client: int) -> None:
        """A client's next batch; one without an answer counts as not acknowledged."""
        number = self._next[client]
        self._next[client] += 1
        ids = [f"e-{client}-{number}-{i}" for i in range(BATCH)]
        try:
            status, _, _ = self.gateway.post("/v1/events", [view(id_) for id_ in ids])
        except (OSError, HTTPException):
            return
        self.statuses.add(status)
        if status == 202:
            self.acknowledged.update(ids)

    def reached(self, count: int) -> None:
        """Wait until so many events are acknowledged."""
        deadline = time.monotonic() + 60
        while len(self.acknowledged) < count:
            assert time.monotonic() < deadline, f"{len(self.acknowledged)}, {self.statuses}"
            time.sleep(0.05)


def on_topic(kafka: ApacheKafka) -> set[str]:
    """The ids of all events that are there."""
    return {json.loads(message.value())["event_id"] for message in kafka.read_all(TOPIC)}


def test_no_acknowledged_event_is_lost_when_the_gateway_is_killed(
    kafka: ApacheKafka, job: WorkerJob, tmp_path: Path
) -> None:
    """Kill -9 under load, three times: whatever was answered with 202 is on the topic."""
    log = tmp_path / "gateway.log"
    gateway = GatewayJob(job.settings, log)
    gateway.wait_until_ready()
    load = Load(gateway)
    with sending(load.send, CLIENTS):
        for _ in range(3):
            load.reached(len(load.acknowledged) + 400)
            load.gateway.process.kill9()
            load.gateway = GatewayJob(job.settings, log)
        load.reached(len(load.acknowledged) + 400)
    assert load.gateway.process.stop() == 0
    assert len(load.acknowledged) >= 1_600
    assert load.acknowledged - on_topic(kafka) == set()


def test_kafka_away_is_503_in_bounded_time_and_nothing_acknowledged_is_lost(
    kafka: ApacheKafka, job: WorkerJob, tmp_path: Path
) -> None:
    """The broker is killed under load and comes back: 202, then 503, then 202 again."""
    if kafka.foreign:
        pytest.skip("the broker is not ours to kill")
    gateway = GatewayJob(job.settings, tmp_path / "gateway.log", ack_timeout_s=ACK_TIMEOUT_S)
    gateway.wait_until_ready()
    load = Load(gateway)
    with sending(load.send, CLIENTS):
        load.reached(400)
        kafka.kill9()
        started = time.monotonic()
        status, problem, headers = gateway.post("/v1/events", view("e-away"))
        assert (status, problem["code"]) == (503, "not_acknowledged")
        assert int(headers["retry-after"]) >= 1
        assert time.monotonic() - started < ACK_TIMEOUT_S + 5
        kafka.start()
        load.reached(len(load.acknowledged) + 400)
    assert load.statuses == {202, 503}
    gateway.wait_until_ready()
    assert gateway.process.stop() == 0
    assert load.acknowledged - on_topic(kafka) == set()


def test_an_event_lies_where_its_worker_looks_for_it(
    kafka: ApacheKafka, job: WorkerJob, tmp_path: Path
) -> None:
    """By Kafka's own partitioner over the person's id: no further hop is needed."""
    gateway = GatewayJob(job.settings, tmp_path / "gateway.log")
    gateway.wait_until_ready()
    assert gateway.post("/v1/events", [view(f"e-{i}") for i in range(50)])[0] == 202
    found = kafka.read_all(TOPIC)
    assert len(found) == 50
    for message in found:
        assert message.partition() == partition_for(message.key(), job.settings.partitions)
        identity = json.loads(message.value())["identity"]
        assert message.key().decode() == identity["customer_id"]
    assert gateway.process.stop() == 0


def test_missing_topics_are_told_and_nothing_is_accepted(
    kafka: ApacheKafka, job: WorkerJob, tmp_path: Path
) -> None:
    """A Kafka without our topics is no Kafka: not ready, and 503."""
    from msgspec.structs import replace

    other = replace(job.settings, topic_prefix="nobody.")
    gateway = GatewayJob(other, tmp_path / "gateway.log", ack_timeout_s=ACK_TIMEOUT_S)
    assert gateway.get("/readyz")[0] == 503
    assert gateway.post("/v1/events", view("e-none"))[0] == 503
    assert gateway.process.stop() == 0
