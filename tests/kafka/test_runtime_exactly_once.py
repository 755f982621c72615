"""The runtime on Apache Kafka: whatever dies and whenever, rows and outputs equal the input."""

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from streams.runtime.commit.failpoint import STEPS
from tests.support.apache_kafka import ApacheKafka
from tests.support.counting import (
    CounterJob,
    expected_outputs,
    expected_rows,
    skewed_input,
)

pytestmark = pytest.mark.kafka
KILLS = 5
# About 5,000 records a second, so that every kill is in the middle of the work.
SLOWLY: dict[str, Any] = {"batch_s": 0.002}


def assert_equal_to_reference(job: CounterJob, records: list[tuple[str, int]]) -> None:
    """0 rows wrong, 0 outputs missing, 0 double, for a `read_committed` reader."""
    said, expected = job.said(), expected_outputs(records)
    missing, double = expected - said, said - expected
    assert (sum(missing.values()), sum(double.values())) == (0, 0), (missing, double)
    assert job.rows() == expected_rows(records)


def test_k1_kill_9_with_hot_keys(kafka: ApacheKafka, tmp_path: Path) -> None:
    """After five kills, each after further progress, and after losing the disk: as the input."""
    records = skewed_input(20_000, 500, seed=4)
    job = CounterJob(kafka, "k1", tmp_path, batch_records_max=10, epoch_ms=20)
    job.send(records)
    for _ in range(KILLS):
        worker = job.worker(**SLOWLY)
        worker.wait_for_progress(1_500)
        worker.kill9()
    worker = job.worker(**SLOWLY)
    job.wait_until_done([worker])
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert_equal_to_reference(job, records)
    assert job.stored() == expected_rows(records)
    job.wipe()
    more = skewed_input(500, 500, seed=5)
    job.send(more)
    worker = job.worker(**SLOWLY)
    job.wait_until_done([worker])
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert_equal_to_reference(job, records + more)
    assert job.stored() == expected_rows(records + more)


def test_k6_kill_at_every_step_of_an_epochs_end(kafka: ApacheKafka, tmp_path: Path) -> None:
    """A process that dies before or after any step leaves nothing missing and nothing double."""
    records = skewed_input(20_000, 500, seed=6)
    job = CounterJob(kafka, "k6", tmp_path, batch_records_max=10, epoch_ms=20)
    job.send(records)
    for step in STEPS:
        marker = tmp_path / step
        worker = job.worker(**SLOWLY, die_at=(step, 20, str(marker)))
        assert worker.wait() == -signal.SIGKILL
        assert marker.exists()
    worker = job.worker(**SLOWLY)
    job.wait_until_done([worker])
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert_equal_to_reference(job, records)
    assert job.stored() == expected_rows(records)


def test_a_clean_stop_redelivers_nothing(kafka: ApacheKafka, tmp_path: Path) -> None:
    """SIGTERM under load: the next worker gets exactly the rest, and no transaction is aborted."""
    records = skewed_input(20_000, 500, seed=7)
    job = CounterJob(kafka, "clean", tmp_path, batch_records_max=10, epoch_ms=20)
    job.send(records)
    handled = 0
    for _ in range(2):
        worker = job.worker(**SLOWLY)
        worker.wait_for_progress(2_000)
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0
        handled += worker.progress
    assert handled < len(records)
    worker = job.worker(**SLOWLY)
    job.wait_until_done([worker])
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert handled + worker.progress == len(records)
    assert_equal_to_reference(job, records)
    uncommitted = kafka.read_all(job.outputs, read_committed=False)
    assert len(uncommitted) == len(records)


def test_two_workers_share_and_hand_over(kafka: ApacheKafka, tmp_path: Path) -> None:
    """A second worker joins under load and the first leaves: nothing missing, nothing double."""
    records = skewed_input(30_000, 500, seed=8)
    job = CounterJob(kafka, "two", tmp_path, batch_records_max=10, epoch_ms=20)
    job.send(records)
    first = job.worker(0, **SLOWLY)
    first.wait_for_progress(1_000)
    second = job.worker(1, **SLOWLY)
    second.wait_for_progress(1_000)
    first.signal(signal.SIGTERM)
    assert first.wait() == 0
    job.wait_until_done([second])
    second.signal(signal.SIGTERM)
    assert second.wait() == 0
    assert first.progress + second.progress == len(records)
    assert_equal_to_reference(job, records)


def test_timers_fire_once_though_their_process_is_killed(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    """A row that was due while nobody ran is looked at by the next owner, exactly once."""
    records = [(f"k{n % 200}", n) for n in range(400)]
    job = CounterJob(kafka, "timers", tmp_path)
    job.send(records)
    worker = job.worker(tick_ms=3_600_000)
    job.wait_until_done([worker])
    worker.kill9()
    job.wipe()
    # Due at once: what a later look would see.
    worker = job.worker(tick_ms=1)
    job.send([(key, 0) for key, _ in records[:200]])
    job.wait_until_done([worker])
    time.sleep(0.5)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    ticks = {text: n for text, n in job.said().items() if ":tick:" in text}
    assert ticks == {f"k{n}:tick:3": 1 for n in range(200)}
