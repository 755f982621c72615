"""K1: the real worker under kill -9 on hot keys is exact: rows and outputs equal the reference.

Frozen models, the stream's clock. A customer's consent is committed before the visits begin and
all visits are on one topic, so that the order of arrival per customer is known; the last event of
everybody lies behind every deadline, so that nothing hangs on when a timer fires.
"""

import os
from pathlib import Path

import pytest

from streams import topics
from streams.settings import LearnerSettings
from tests.support.apache_kafka import ApacheKafka
from tests.support.expected import Expected, assert_as_expected
from tests.support.small_shop import closing, consents, reference, visits
from tests.support.worker_job import WorkerJob

CUSTOMERS = 500
EVENTS = 20_000
KILLS = 6
SEED = int(os.environ.get("K1_SEED", "20260101"))


@pytest.mark.kafka
@pytest.mark.timeout(600)
def test_six_kills_lose_nothing_and_double_nothing(kafka: ApacheKafka, tmp_path: Path) -> None:
    """20,000 events, 500 customers, half on ten of them: 0 rows wrong, 0 missing, 0 double."""
    print(f"K1_SEED={SEED}")
    before = list(consents(CUSTOMERS))
    after = [*visits(EVENTS, CUSTOMERS, SEED), *closing(CUSTOMERS, EVENTS)]
    expected = Expected([*before, *after])
    assert sum(expected.said[topics.NEXT_BEST_OFFERS.name].values()) > 500
    assert sum(expected.said[topics.LEARNING_EXAMPLES.name].values()) > 500

    job = WorkerJob(
        kafka, tmp_path, "k1", learner=LearnerSettings(learn=False), batch_records_max=100
    )
    job.publish(reference())
    worker = job.start()
    job.wait_for(job.send(before), worker)
    total = len(before) + job.send(after)
    kills = 0
    while kills < KILLS:
        reached = job.progress()
        step = (total - reached) // (KILLS - kills + 1)
        job.wait_for(reached + max(1, step // 2), worker)
        worker.kill9()
        kills += 1
        worker = job.start()
    left = total - job.progress()
    job.wait_for(total, worker)
    assert worker.stop() == 0, worker.tail()
    print(f"{kills} kills, {left} records were left after the last")

    assert left > 0, "the last kill came after the work was done"
    assert_as_expected(job, expected)
