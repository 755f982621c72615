"""What Kafka deletes before a worker has read it is told and counted, and the worker goes on."""

import re
import signal
import time
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from streams import topics
from streams.settings import HttpSettings, LearnerSettings
from tests.support.apache_kafka import ApacheKafka, free_port
from tests.support.on_call import fetch
from tests.support.small_shop import consents, reference
from tests.support.worker_job import WorkerJob, wait_until

PROFILE = topics.PROFILE.name


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_a_worker_that_retention_overtakes_says_how_much_is_gone(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    """It stood still for longer than the topic keeps records: counted, and it reads on."""
    port = free_port()
    job = WorkerJob(
        kafka, tmp_path, "late", http=HttpSettings(port=port), learner=LearnerSettings(learn=False)
    )
    job.publish(reference())
    worker = job.start()
    wait_until(lambda: fetch(port, "/readyz")[0] == 200, worker, 60)

    people = list(consents(80))
    job.send(people)
    wait_until(lambda: _counted(port, "events_total") == 80, worker, 60)
    worker.signal(signal.SIGSTOP)
    job.send(consents(8))  # requests may wait for these
    time.sleep(1.0)
    job.send(people)
    ends = kafka.end_offsets(PROFILE)
    places = [TopicPartition(PROFILE, n, end - 1) for n, end in enumerate(ends)]
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 2})
    for done in admin.delete_records(places).values():
        done.result(30)
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
    port = free_port()
    job = WorkerJob(
        kafka, tmp_path, "away", http=HttpSettings(port=port), learner=LearnerSettings(learn=False)
    )
    job.publish(reference())
    worker = job.start()
    wait_until(lambda: fetch(port, "/readyz")[0] == 200, worker, 60)
    people = list(consents(80))
    job.send(people)
    wait_until(lambda: _counted(port, "events_total") == 80, worker, 60)
    assert worker.stop() == 0, worker.tail()
    job.send(people)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 2})
    places = [TopicPartition(PROFILE, n, -1) for n in range(len(kafka.end_offsets(PROFILE)))]
    for done in admin.delete_records(places).values():
        done.result(30)
    for lost in (80, 0):
        worker = job.start()
        wait_until(lambda: fetch(port, "/readyz")[0] == 200, worker, 60)
        time.sleep(4.0)  # an epoch takes a second
        assert _counted(port, "deleted_unread_total") == lost
        assert worker.stop() == 0, worker.tail()


def _counted(port: int, name: str) -> float:
    """A metric of the worker's, over all of its series of the topic."""
    text = fetch(port, "/metrics")[1]
    found = re.findall(rf'^offerstream_{name}{{[^}}]*"{PROFILE}"}} (\S+)$', text, re.MULTILINE)
    return sum(map(float, found))
