"""The doctor on Apache Kafka: each thing that is wrong is said with what to do, exit code 2."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from confluent_kafka import Consumer, Producer, TopicPartition

from streams import __version__, topics
from streams.admin import doctor_on_broker
from streams.admin.doctor_on_broker import Broker, examine_broker
from streams.admin.finding import Finding
from streams.cli import main
from streams.settings import Settings
from tests.support.apache_kafka import ApacheKafka
from tests.support.small_shop import reference
from tests.support.worker_job import Process, WorkerJob

APP = topics.APP.name
HOUR_MS = 3_600_000


def said(findings: Iterator[Finding], part: str) -> str:
    """The one line that holds these words."""
    lines = [line for line in map(str, findings) if part in line]
    assert len(lines) == 1, lines
    return lines[0]


def write(kafka: ApacheKafka, topic: str, count: int, at_ms: int = 0) -> None:
    """Records with this timestamp, 0: now."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "linger.ms": 20})
    for number in range(count):
        producer.produce(topic, b"{}", f"k{number}".encode(), timestamp=at_ms)
    assert producer.flush(30) == 0


@pytest.mark.kafka
def test_a_shop_that_works_is_well_and_one_that_does_not_is_told_what_to_do(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    """First neither offers nor members; then both, and exit code 0."""
    job = WorkerJob(kafka, tmp_path, "doctored")
    environment = {
        "OFFERSTREAM_BOOTSTRAP": kafka.bootstrap,
        "OFFERSTREAM_APPLICATION_ID": job.settings.application_id,
        "OFFERSTREAM_HTTP_PORT": "0",
    }

    def doctor() -> tuple[int, str]:
        result = CliRunner().invoke(main, ["doctor"], env=environment, catch_exceptions=False)
        return result.exit_code, result.output

    code, lines = doctor()
    assert code == 2
    assert "offers publish" in lines
    assert "no worker is a member of the group doctored  -> run `offerstream worker`" in lines
    assert "no learner is a member" in lines
    job.publish(reference())
    working = [job.start(), job.start(1, "learner")]
    try:
        until = time.monotonic() + 90
        while (found := doctor())[0] != 0:
            assert time.monotonic() < until, found[1] + "\n".join(p.tail() for p in working)
            time.sleep(0.5)
        _speaks_for(found[1], working)
    finally:
        assert [process.stop() for process in working] == [0, 0]


def _speaks_for(lines: str, working: list[Process]) -> None:
    for process in working:
        process.assert_running()
    assert "3 offers and the policies are published" in lines
    assert "the group doctored has 1 worker process" in lines
    assert "has 1 learner process" in lines
    assert "the workers are 0 records behind" in lines
    assert "fail" not in lines


@pytest.mark.kafka
def test_lag_that_grows_is_a_failure_and_markers_are_no_lag(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    """2,000 records while it looks; then all but a transaction's marker is done."""
    job = WorkerJob(kafka, tmp_path, "growing")
    broker = Broker(job.settings)
    write(kafka, APP, 2_000)
    line = said(doctor_on_broker._lag(broker), "behind")
    assert line.startswith("fail  the workers are 2,000 records behind, 0 a moment before")
    _leave_a_marker(job.settings)
    line = said(doctor_on_broker._lag(Broker(job.settings)), "behind")
    assert line == "ok    the workers are 0 records behind"


def _leave_a_marker(settings: Settings) -> None:
    """One more record in a transaction; then a worker's offsets, all read but for the marker."""
    group = {"bootstrap.servers": settings.bootstrap, "group.id": settings.application_id}
    consumer = Consumer(group)

    def end(number: int) -> int:
        return int(consumer.get_watermark_offsets(TopicPartition(APP, number), timeout=20)[1])

    before = end(0)
    producer = Producer({"bootstrap.servers": settings.bootstrap, "transactional.id": "marker"})
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(APP, b"{}", b"last", partition=0)
    producer.commit_transaction(20)
    until = time.monotonic() + 20
    while end(0) < before + 2:  # the record and the marker, which comes a moment after the commit
        assert time.monotonic() < until
    done = [TopicPartition(APP, number, end(number)) for number in range(settings.partitions)]
    done[0].offset -= 1
    consumer.commit(offsets=done, asynchronous=False)
    consumer.close()


@pytest.mark.kafka
def test_models_members_and_topics_that_are_behind(kafka: ApacheKafka, tmp_path: Path) -> None:
    """An old snapshot, a member of another version, two topics with the same wrong setting."""
    job = WorkerJob(kafka, tmp_path, "behind")
    now_ms = round(time.time() * 1000)
    write(kafka, topics.MODEL_SNAPSHOTS.on_broker("behind"), 1, now_ms - 5 * HOUR_MS)
    write(kafka, topics.LEARNING_EXAMPLES.on_broker("behind"), 1, now_ms)
    member = Consumer(
        {"bootstrap.servers": kafka.bootstrap, "group.id": "behind", "client.id": "behind/0.0.9"}
    )
    member.subscribe([APP])
    until = time.monotonic() + 30
    while not member.assignment():
        member.poll(0.2)
        assert time.monotonic() < until
    lines = [*map(str, examine_broker(job.settings))]
    member.close()
    assert any("the newest snapshot is 5 h older than the newest label" in x for x in lines), lines
    told = [x for x in lines if "the versions differ" in x]
    assert len(told) == 1
    assert "0.0.9 (1 process)" in told[0]
    assert __version__ in told[0]


@pytest.mark.kafka
def test_a_look_that_breaks_is_a_line(kafka: ApacheKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an answer of the broker's leads to, the other looks are told."""

    def breaks(broker: Broker) -> Iterator[Finding]:
        raise ValueError("an answer that nobody thought of")

    looks = (breaks, doctor_on_broker._clock)
    monkeypatch.setattr(doctor_on_broker, "LOOKS", looks)
    found = [*map(str, examine_broker(Settings(bootstrap=kafka.bootstrap)))]
    broken = "warn  breaks: could not be looked at (an answer that nobody thought of)"
    assert broken in found
    assert found[-1] != broken
