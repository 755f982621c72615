"""What Kafka deletes before a worker has read it is told and counted, and the worker goes on."""

import re
import signal
import time
from pathlib import Path

import pytest

from streams import topics
from streams.settings import HttpSettings, LearnerSettings
from tests.support.apache_kafka import ApacheKafka, free_port
from tests.support.on_call import fetch
from tests.support.small_shop import consents, reference
from tests.support.worker_job import Process, WorkerJob, wait_until

PROFILE = topics.PROFILE.name


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_a_worker_that_retention_overtakes_says_how_much_is_gone(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    """It stood still for longer than the topic keeps records: counted, and it reads on."""
    job, worker, port = _with_eighty_read(kafka, tmp_path, "late")
    worker.signal(signal.SIGSTOP)
    job.send(consents(8))  # requests may wait for these
    time.sleep(1.0)
    job.send(consents(80))
    for number, end in enumerate(kafka.end_offsets(PROFILE)):
        kafka.delete_before(PROFILE, number, end - 1)
    worker.signal(signal.SIGCONT)
    wait_until(lambda: _counted(port, "deleted_unread_total") > 0, worker, 90)
    wait_until(
        lambda: _counted(port, "events_total") + _counted(port, "deleted_unread_total") == 168,
        worker,
        90,
    )
    assert "were deleted by retention before they were read" in worker.log()
    job.send(consents(80))
    wait_until(
        lambda: _counted(port, "events_total") + _counted(port, "deleted_unread_total") == 248,
        worker,
        60,
    )
    assert "epoch of partition" not in worker.log(), "nothing was dropped for it"
    assert worker.stop() == 0, worker.tail()


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_what_was_deleted_while_a_worker_was_away_counts_at_one_start(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    """Retention empties all partitions: the first start says so and commits past it, no other."""
    job, worker, port = _with_eighty_read(kafka, tmp_path, "away")
    assert worker.stop() == 0, worker.tail()
    job.send(consents(80))
    for number in range(len(kafka.end_offsets(PROFILE))):
        kafka.delete_before(PROFILE, number, -1)
    for lost in (80, 0):
        worker = job.start()
        wait_until(lambda: fetch(port, "/readyz")[0] == 200, worker, 60)
        time.sleep(4.0)  # an epoch takes a second
        assert _counted(port, "deleted_unread_total") == lost
        assert worker.stop() == 0, worker.tail()


def _with_eighty_read(
    kafka: ApacheKafka, tmp_path: Path, name: str
) -> tuple[WorkerJob, Process, int]:
    """A worker that has read what eighty people agree to; it is measured at the port."""
    port = free_port()
    job = WorkerJob(
        kafka, tmp_path, name, http=HttpSettings(port=port), learner=LearnerSettings(learn=False)
    )
    job.publish(reference())
    worker = job.start()
    wait_until(lambda: fetch(port, "/readyz")[0] == 200, worker, 60)
    job.send(consents(80))
    wait_until(lambda: _counted(port, "events_total") == 80, worker, 60)
    return job, worker, port


def _counted(port: int, name: str) -> float:
    """A metric of the worker's, over all of its series of the topic."""
    text = fetch(port, "/metrics")[1]
    found = re.findall(rf'^offerstream_{name}{{[^}}]*"{PROFILE}"}} (\S+)$', text, re.MULTILINE)
    return sum(map(float, found))
