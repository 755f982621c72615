"""The auditor over a Kafka run with kills: it reads the topics and finds nothing."""

import os
from pathlib import Path

import pytest

from streams.admin.auditing import ANY_LEAP_MS, read_reference, read_topics
from streams.audit import audit, in_one_line
from streams.settings import LearnerSettings
from tests.support.apache_kafka import ApacheKafka
from tests.support.small_shop import closing, consents, reference, visits
from tests.support.worker_job import WorkerJob

CUSTOMERS = 100
EVENTS = 12_000
KILLS = 3
SEED = int(os.environ.get("AUDIT_SEED", "20260101"))


@pytest.mark.kafka
@pytest.mark.timeout(400)
def test_nothing_is_found_after_kills(kafka: ApacheKafka, tmp_path: Path) -> None:
    """12,000 events, 100 customers, three kills: every offer allowed and true, none twice."""
    print(f"AUDIT_SEED={SEED}")
    job = WorkerJob(
        kafka, tmp_path, "audited", learner=LearnerSettings(learn=False), batch_records_max=100
    )
    job.publish(reference())
    worker = job.start()
    before = list(consents(CUSTOMERS))
    job.wait_for(job.send(before), worker)
    total = len(before) + job.send([*visits(EVENTS, CUSTOMERS, SEED), *closing(CUSTOMERS, EVENTS)])
    for kills in range(KILLS):
        reached = job.progress()
        step = (total - reached) // (KILLS - kills + 1) // 2
        job.wait_for(min(total, reached + max(1, step)), worker)
        worker.kill9()
        worker = job.start()
    job.wait_for(total, worker)
    assert worker.stop() == 0, worker.tail()

    read = read_topics(job.settings)
    assert len(read.inputs) == total
    data = read_reference(job.settings)
    report = audit(read.inputs, read.outputs, data, leap_max_ms=ANY_LEAP_MS)
    print(in_one_line(report))
    assert report.refused == 0
    assert report.outputs["offer"] > 100
    assert report.violations == ()
