"""The bad night: what the person on call finds in the log, the probes and the alerts."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from msgspec.structs import replace

from streams.runtime.faults import EXIT_BROKER, EXIT_OPERATOR, EXIT_STORE
from streams.settings import HttpSettings, LearnerSettings, child_environment
from streams.worker.idle import Tails
from tests.support.apache_kafka import ApacheKafka, free_port
from tests.support.disk import fill
from tests.support.on_call import Scrapes, fetch, lines
from tests.support.small_shop import consents, reference, visits
from tests.support.worker_job import Process, WorkerJob, wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]
LINES_IN_TEN_MINUTES, MINUTES = 100, 0.7


@pytest.fixture(scope="module")
def ours(kafka: ApacheKafka) -> Iterator[ApacheKafka]:
    """A broker that may be stopped and replaced without anybody else's knowing."""
    broker = ApacheKafka()
    if broker.foreign:
        pytest.skip("the broker is not ours to stop")
    with broker:
        yield broker


def shop(kafka: ApacheKafka, home: Path, name: str, **settings: object) -> tuple[WorkerJob, int]:
    """A shop with reference data, and the port of its worker."""
    port = free_port()
    usual = {"http": HttpSettings(port=port), "learner": LearnerSettings(learn=False)}
    job = WorkerJob(kafka, home, name, **{**usual, **settings})
    job.publish(reference())
    return job, port


def is_ready(port: int) -> bool:
    """What the probe says."""
    return fetch(port, "/readyz")[0] == 200


def test_a_broker_that_goes_is_told_once_a_minute(ours: ApacheKafka, tmp_path: Path) -> None:
    """Not ready within 30 s and why, alive, one sentence, a firing alert; all well afterwards."""
    job, port = shop(ours, tmp_path, "away")
    worker = job.start()
    wait_until(lambda: is_ready(port), worker, 90)
    total = job.send(consents(50))
    job.wait_for(total, worker)
    scrapes, before = Scrapes(port), len(worker.log().splitlines())
    scrapes.scrape_until(lambda: True, 5)
    assert not scrapes.fires("NoBroker", tmp_path)
    ours.halt()
    gone_s = time.monotonic()
    wait_until(lambda: not is_ready(port), worker, 30)
    assert f"no Kafka broker answers at {ours.bootstrap}" in fetch(port, "/readyz")[1]
    assert fetch(port, "/healthz")[0] == 200
    scrapes.scrape_until(lambda: time.monotonic() > gone_s + 60 * MINUTES, 120)
    assert scrapes.fires("NoBroker", tmp_path)
    said = lines("\n".join(worker.log().splitlines()[before:]))
    told = [line["event"] for line in said if "no Kafka broker answers" in line["event"]]
    print(*said, sep="\n")
    assert len(told) == 1
    assert len(said) <= LINES_IN_TEN_MINUTES / 10 * MINUTES + 5  # what is said once, at first
    assert {(line["role"], line["slot"]) for line in said} == {("worker", 0)}
    ours.start()
    wait_until(lambda: is_ready(port), worker, 90)
    assert "answers, after" in worker.log()
    before = len(worker.log().splitlines())
    assert worker.stop() == 0, worker.tail()
    ended = lines("\n".join(worker.log().splitlines()[before:]))
    assert [line for line in ended if line["level"] in ("error", "critical")] == []


def test_a_broker_that_is_not_there_yet_is_waited_for(ours: ApacheKafka, tmp_path: Path) -> None:
    """74 with a sentence when patience ends; before that the probes say what is waited for."""
    job, port = shop(ours, tmp_path, "early")
    ours.halt()
    hasty = job.start(1, broker_patience_s=4.0, http=HttpSettings(port=0))
    assert hasty.wait(60) == EXIT_BROKER
    last = [line["event"] for line in lines(hasty.log())]
    assert any("patience ends after 4 s" in event and "refused" in event for event in last), last
    assert "Traceback" not in hasty.log()
    patient = job.start()
    wait_until(lambda: "no Kafka broker answers" in fetch(port, "/readyz")[1], patient, 60)
    assert fetch(port, "/healthz")[0] == 200
    assert "offerstream_broker_silent_seconds" in fetch(port, "/metrics")[1]
    ours.start()
    wait_until(lambda: is_ready(port), patient, 90)
    assert patient.stop() == 0


def test_another_cluster_under_the_same_address_ends_the_worker(
    ours: ApacheKafka, tmp_path: Path
) -> None:
    """The state belongs to the one before: 78 and a sentence; a restart would begin anew."""
    job, port = shop(ours, tmp_path, "replaced")
    worker = job.start()
    wait_until(lambda: is_ready(port), worker, 90)
    old = ours.cluster
    ours.replace()
    assert worker.wait(60) == EXIT_OPERATOR, worker.tail()
    said = [line["event"] for line in lines(worker.log())]
    assert any("another Kafka cluster answers" in event and old in event for event in said), said


def test_a_taken_port_is_found_before_the_group_is_joined(
    ours: ApacheKafka, tmp_path: Path
) -> None:
    """78 and a sentence with the setting; no partition was moved for it."""
    job, port = shop(ours, tmp_path, "taken")
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        worker = job.start()
        assert worker.wait(60) == EXIT_OPERATOR, worker.tail()
    assert f"cannot listen on 127.0.0.1:{port}" in worker.log()
    assert "OFFERSTREAM_HTTP_PORT" in worker.log()
    assert "assigned" not in worker.log()
    assert "Traceback" not in worker.log()


def test_an_impossible_data_folder_is_one_sentence(ours: ApacheKafka, tmp_path: Path) -> None:
    """A file stands in its place: 78 at once, no traceback, nothing is tried again."""
    job, _ = shop(ours, tmp_path, "folder")
    (tmp_path / "data").write_text("not a folder")
    worker = job.start()
    assert worker.wait(60) == EXIT_OPERATOR
    assert "the data folder" in worker.log()
    assert "OFFERSTREAM_DATA_DIR" in worker.log()
    assert "Traceback" not in worker.log()


def test_a_killed_launcher_leaves_no_slots_behind(ours: ApacheKafka, tmp_path: Path) -> None:
    """Its slots drain and end; the launcher that comes at once waits for them, then works."""
    job, port = shop(ours, tmp_path, "orphans")
    settings = replace(job.settings, data_dir=str(tmp_path / "data"))
    command = [sys.executable, "-m", "streams", "worker", "--workers", "1"]
    first = Process(command, child_environment(settings), tmp_path / "first.log")
    wait_until(lambda: is_ready(port), first, 90)
    slot = int(re.findall(r"worker slot 0: process (\d+)", first.log())[0])
    os.kill(slot, signal.SIGSTOP)  # so that it still is there when the next one looks
    first.kill9()
    second = Process(command, child_environment(settings), tmp_path / "second.log")
    left = f"process {slot}, left from an earlier start"
    wait_until(lambda: left in second.log(), second, 60)
    os.kill(slot, signal.SIGCONT)
    wait_until(lambda: is_ready(port) and '"started"' in second.log(), second, 90)
    ends = [line["event"] for line in lines(first.log())]
    assert "ended with exit code 0" in ends, ends
    assert second.stop() == 0, second.tail()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Eight megabytes where the data folder will be."""
    disk = tmp_path / "data"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, timeout=10).returncode:
        pytest.skip(
            "no file system can be mounted here; tests/kafka/test_runtime_disk.py says more"
        )
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True, timeout=10)


def test_a_full_disk_is_one_sentence_and_75(
    ours: ApacheKafka, tmp_path: Path, small_disk: Path
) -> None:
    """At a start; the alert that nobody answers fires, and with room the next start works."""
    job, port = shop(ours, tmp_path, "full")
    scrapes = Scrapes(port)
    fill(small_disk / "ballast")
    total = job.send([*consents(50), *visits(200, 50, 5)])
    worker = job.start()
    assert worker.wait(90) == EXIT_STORE, worker.tail()
    said = lines(worker.log())
    full = [line["reason"] for line in said if "No space left" in line.get("reason", "")]
    assert full == [f"data folder {small_disk / 'worker-0'}: No space left on device"]
    assert "Traceback" not in worker.log()
    scrapes.scrape_until(lambda: True, 5)
    assert scrapes.fires("WorkerDown", tmp_path, repeat_last=13)
    (small_disk / "ballast").unlink()
    again = job.start()
    job.wait_for(total, again)
    assert again.stop() == 0, again.tail()


def test_event_time_is_known_again_after_a_kill_of_the_broker(
    ours: ApacheKafka, tmp_path: Path
) -> None:
    """The client that asks how late it is keeps no leader that is not one any more."""
    job, _ = shop(ours, tmp_path, "late")
    tails = Tails(job.settings)
    assert tails.newest_ms() == 0
    job.send(consents(5))
    newest_ms = tails.newest_ms()
    assert newest_ms > 0
    ours.kill9()
    ours.start()
    told: list[str] = []
    for _ in range(15):
        try:
            assert tails.newest_ms() == newest_ms
            return
        except KafkaException as error:
            told.append(error.args[0].name())
            time.sleep(1)
    raise AssertionError(told)
