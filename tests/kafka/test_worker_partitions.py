"""E1: one partition or four on Apache Kafka, with frozen models: equal rows, equal outputs."""

from pathlib import Path

import pytest

from streams.settings import LearnerSettings
from tests.support.apache_kafka import ApacheKafka
from tests.support.expected import Expected, assert_as_expected
from tests.support.small_shop import closing, consents, reference, visits
from tests.support.worker_job import WorkerJob

CUSTOMERS, EVENTS, SEED = 100, 2_500, 20260106


@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_partitions_change_nothing(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Row by row and byte by byte, and both are what one pure pass says."""
    print(f"SEED={SEED}")
    before = list(consents(CUSTOMERS))
    after = [*visits(EVENTS, CUSTOMERS, SEED), *closing(CUSTOMERS, EVENTS)]
    expected = Expected([*before, *after])
    rows = {}
    for partitions in (1, 4):
        name = f"e1-{partitions}"
        frozen = LearnerSettings(learn=False)
        job = WorkerJob(kafka, tmp_path / name, name, learner=frozen, partitions=partitions)
        job.publish(reference())
        worker = job.start()
        job.wait_for(job.send(before), worker)
        job.wait_for(len(before) + job.send(after), worker)
        assert worker.stop() == 0, worker.tail()
        assert_as_expected(job, expected)
        rows[partitions] = job.rows()
    assert rows[1] == rows[4]
