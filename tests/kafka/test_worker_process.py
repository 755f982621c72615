"""One worker as a person meets it: ready, measured, stopped by the breaker, refusing to start."""

import sys
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from streams import topics
from streams.settings import BreakerSettings, HttpSettings, LearnerSettings, child_environment
from streams.telemetry import CATALOGUE
from tests.support.apache_kafka import ApacheKafka, free_port
from tests.support.on_call import fetch
from tests.support.small_shop import closing, consents, reference, visits
from tests.support.worker_job import Process, WorkerJob, wait_until


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_a_worker_becomes_ready_and_is_measured(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Everything that a scrape shows is in the catalogue, and offers are on it."""
    port = free_port()
    job = WorkerJob(
        kafka, tmp_path, "seen", http=HttpSettings(port=port), learner=LearnerSettings(learn=False)
    )
    job.publish(reference())
    worker = job.start()
    wait_until(lambda: fetch(port, "/readyz")[0] == 200, worker, 60)
    total = job.send([*consents(50), *visits(1_000, 50, 5), *closing(50, 1_000)])
    job.wait_for(total, worker)
    text = fetch(port, "/metrics")[1]
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    ours = {name for name in names if not name.startswith("process_")}
    assert ours == {metric.name for metric in CATALOGUE}
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    opened = 'offerstream_events_total{event_name="application_opened",topic="events.app"}'
    assert float(samples[opened]) >= 50
    assert float(samples["offerstream_event_to_offer_seconds_count"]) > 50
    assert float(samples["offerstream_partitions_active"]) == 4
    assert "customer" not in fetch(port, "/")[1]
    assert worker.stop() == 0, worker.tail()


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_when_all_is_bad_the_worker_stops_and_says_why(kafka: ApacheKafka, tmp_path: Path) -> None:
    """It leaves the group, stays to tell the reason, and has lost nothing."""
    port = free_port()
    job = WorkerJob(
        kafka,
        tmp_path,
        "broken",
        http=HttpSettings(port=port),
        breaker=BreakerSettings(window_records=50),
        learner=LearnerSettings(learn=False),
    )
    job.publish(reference())
    worker = job.start()
    wait_until(lambda: fetch(port, "/readyz")[0] == 200, worker, 60)
    job.send(("events.app", b"k", b"nonsense") for _ in range(200))
    wait_until(lambda: "could not be read" in fetch(port, "/healthz")[1], worker, 30)
    # The loop that answered until now ends; what stays to tell takes its place.
    wait_until(lambda: "offerstream_breaker_open 1.0" in fetch(port, "/metrics")[1], worker, 30)
    assert fetch(port, "/healthz")[0] == 503
    assert job.progress() + 50 <= 200
    assert worker.stop() == 78


@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_accept_bad_brings_a_worker_past_many_bad_lines(kafka: ApacheKafka, tmp_path: Path) -> None:
    """A restart alone meets them again; with it they are dead letters, and good events follow."""
    port, bad, customers = free_port(), 300, 20
    job = WorkerJob(
        kafka,
        tmp_path,
        "past",
        data_dir=str(tmp_path / "data"),
        http=HttpSettings(port=port),
        breaker=BreakerSettings(window_records=50),
    )
    job.publish(reference())

    def launched(name: str, *options: str) -> Process:
        command = [
            sys.executable,
            "-m",
            "streams",
            "worker",
            "--workers",
            "1",
            *("--no-learner", "--no-treasury"),
        ]
        environment = child_environment(job.settings)
        return Process([*command, *options], environment, tmp_path / f"{name}.log")

    worker = launched("first")
    wait_until(lambda: fetch(port, "/readyz")[0] == 200, worker, 60)
    job.send(("events.app", b"k", b"nonsense") for _ in range(bad))
    wait_until(lambda: "could not be read" in fetch(port, "/healthz")[1], worker, 60)
    worker.stop()
    total = bad + job.send([*consents(customers), *visits(200, customers, 3)])

    worker = launched("again")
    wait_until(lambda: "could not be read" in fetch(port, "/healthz")[1], worker, 60)
    assert "offerstream worker --accept-bad MINUTES" in worker.log()
    worker.stop()

    worker = launched("accepting", "--accept-bad", "5")
    job.wait_for(total, worker)
    assert fetch(port, "/healthz")[0] == 200
    assert worker.stop() == 0, worker.tail()
    assert worker.log().count("breaker_lets_through") >= 1
    letters = kafka.read_all(topics.DEAD_LETTERS.name)
    assert [letter.value() for letter in letters] == [b"nonsense"] * bad
    assert len(job.rows()) == customers


@pytest.mark.kafka
@pytest.mark.timeout(120)
def test_a_missing_topic_is_refused_with_what_to_do(kafka: ApacheKafka, tmp_path: Path) -> None:
    """R2: the process ends with the code that says: a restart would not help."""
    job = WorkerJob(kafka, tmp_path, "lacking", learner=LearnerSettings(learn=False))
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.delete_topics(["events.beacon"])["events.beacon"].result(20)
    worker = job.start()
    assert worker.wait(60) == 78
    assert "offerstream topics apply" in worker.tail()
