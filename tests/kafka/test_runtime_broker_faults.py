"""The broker goes, or says no: the worker retries or ends with a reason; nothing is lost."""

import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from streams.runtime.faults import EXIT_BROKER, EXIT_GROUP
from tests.support.apache_kafka import ApacheKafka
from tests.support.counting import CounterJob, skewed_input
from tests.support.guarded_kafka import GuardedKafka, SecondBroker

pytestmark = pytest.mark.kafka
# About 5,000 records a second, so that every fault is in the middle of the work.
SLOWLY: dict[str, Any] = {"batch_s": 0.002}
REASON_WITHIN_S = 30


def restart_under_load(
    kafka: ApacheKafka, home: Path, faults: list[tuple[str, float]], seed: int
) -> None:
    """Each fault after further progress; `faults`: how the broker goes, and for how many s."""
    if kafka.foreign:
        pytest.skip("the broker is not ours to stop")
    print(f"seed {seed}")
    records = skewed_input(5_000 * (1 + len(faults)), 500, seed=seed)
    job = CounterJob(kafka, f"broker-{seed}", home, batch_records_max=10, epoch_ms=20)
    job.send(records)
    worker = job.launched(**SLOWLY)
    for how, down_s in faults:
        job.wait_for_committed(job.committed() + 2_000)
        kafka.kill9() if how == "killed" else kafka.halt()
        time.sleep(down_s)
        kafka.start()
    job.wait_until_done([worker], 120)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.tail()
    job.assert_equals(records)


def test_b1_the_broker_goes_and_comes_back_under_load(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Two clean stops and two kills -9: 0 missing, 0 double; the launcher does the rest."""
    faults = [("killed", 5.0), ("halted", 5.0), ("killed", 5.0), ("halted", 5.0)]
    restart_under_load(kafka, tmp_path, faults, seed=10)


@pytest.mark.soak
def test_b1_ten_restarts_down_for_up_to_half_a_minute(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Five clean stops and five kills -9, 5 to 30 s down: 0 missing, 0 double."""
    faults = [(how, s) for s in (5.0, 10.0, 15.0, 20.0, 30.0) for how in ("killed", "halted")]
    restart_under_load(kafka, tmp_path, faults, seed=11)


def test_b3_not_enough_replicas(guarded: GuardedKafka, tmp_path: Path) -> None:
    """Refused writes are retried, with the reason in the log, until the broker takes them."""
    records = skewed_input(12_000, 500, seed=12)
    with SecondBroker(guarded, tmp_path) as second:
        job = CounterJob(guarded, "replicas", tmp_path, batch_records_max=10, epoch_ms=20)
        guarded.set_config(job.outputs, **{"min.insync.replicas": "2"})
        job.send(records)
        worker = job.launched(**SLOWLY)
        job.wait_for_committed(1_000)
        second.kill9()
        wait_for_log(job, r"epoch of partition \d dropped")
        second.start()
        job.wait_until_done([worker], 120)
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0
        job.assert_equals(records)


def test_b3_a_message_that_is_too_large(kafka: ApacheKafka, tmp_path: Path) -> None:
    """An output that the topic refuses ends the worker with a reason; none is dropped."""
    records = skewed_input(10_000, 500, seed=13)
    job = CounterJob(kafka, "large", tmp_path, batch_records_max=10, epoch_ms=20)
    job.send(records)
    worker = job.worker(**SLOWLY)
    worker.wait_for_progress(1_000)
    kafka.set_config(job.outputs, **{"max.message.bytes": "80"})
    assert worker.wait(REASON_WITHIN_S) == EXIT_BROKER, worker.tail()
    assert "too large" in worker.tail().lower()
    kafka.set_config(job.outputs, **{"max.message.bytes": "1048588"})
    worker = job.launched(**SLOWLY)
    job.wait_until_done([worker], 120)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    job.assert_equals(records)


@pytest.mark.parametrize(
    ("resource", "operation", "codes"),
    [
        (ResourceType.TOPIC, AclOperation.WRITE, {EXIT_BROKER}),
        (ResourceType.TRANSACTIONAL_ID, AclOperation.WRITE, {EXIT_BROKER}),
        (ResourceType.GROUP, AclOperation.READ, {EXIT_GROUP, EXIT_BROKER}),
    ],
    ids=["output-topic", "transactional-id", "group"],
)
def test_b3_authorization_is_lost(
    guarded: GuardedKafka,
    tmp_path: Path,
    resource: ResourceType,
    operation: AclOperation,
    codes: set[int],
) -> None:
    """Who may no longer work ends with a reason within 30 s, and goes on where it stood."""
    records = skewed_input(8_000, 500, seed=14)
    name = f"denied-{resource.name.lower().replace('_', '-')}"
    job = CounterJob(guarded, name, tmp_path, batch_records_max=10, epoch_ms=20, **guarded.as_user)
    job.send(records)
    worker = job.worker(**SLOWLY)
    worker.wait_for_progress(1_000)
    named = job.outputs if resource == ResourceType.TOPIC else job.name
    with denied(guarded, resource, named, operation):
        assert worker.wait(REASON_WITHIN_S) in codes, worker.tail()
        assert "authoriz" in worker.tail().lower(), worker.tail()
    worker = job.launched(**SLOWLY)
    job.wait_until_done([worker], 120)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    job.assert_equals(records)


class denied:  # noqa: N801
    """A context in which the worker's user is refused one operation."""

    def __init__(
        self, kafka: ApacheKafka, resource: ResourceType, name: str, operation: AclOperation
    ) -> None:
        self._admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
        rule = (resource, name, ResourcePatternType.PREFIXED, "User:worker", "*", operation)
        self._binding = AclBinding(*rule, AclPermissionType.DENY)
        self._filter = AclBindingFilter(*rule, AclPermissionType.DENY)

    def __enter__(self) -> None:
        for future in self._admin.create_acls([self._binding]).values():
            future.result(30)

    def __exit__(self, *_: object) -> None:
        for future in self._admin.delete_acls([self._filter]).values():
            future.result(30)


def wait_for_log(job: CounterJob, pattern: str) -> None:
    """Until the worker has said so, within the time in which it must give a reason."""
    deadline = time.monotonic() + REASON_WITHIN_S
    while not re.search(pattern, job.tail()):
        assert time.monotonic() < deadline, job.tail()
        time.sleep(0.2)
