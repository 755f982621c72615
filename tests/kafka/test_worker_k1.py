"""K1: the real worker under kill -9 on hot keys is exact: rows and outputs equal the reference.

Frozen models, event time. A customer's consent is committed before the visits begin and
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
from tests.support.feeding import Feed
from tests.support.small_shop import closing, consents, reference, visits
from tests.support.worker_job import WorkerJob

CUSTOMERS = 500
EVENTS, SUPPLY = 20_000, 1_000_000
PER_SECOND = 500
KILLS = 6
SEED = int(os.environ.get("K1_SEED", "20260101"))


@pytest.mark.kafka
@pytest.mark.timeout(600)
def test_six_kills_lose_nothing_and_double_nothing(kafka: ApacheKafka, tmp_path: Path) -> None:
    """20,000 events or more, 500 customers, half on ten of them: nothing wrong, missing, double."""
    print(f"K1_SEED={SEED}")
    before = list(consents(CUSTOMERS))
    job = WorkerJob(
        kafka, tmp_path, "k1", learner=LearnerSettings(learn=False), batch_records_max=100
    )
    job.publish(reference())
    worker = job.start()
    job.wait_for(job.send(before), worker)
    # The input goes on until the last kill is over, so each comes amid the work.
    feed = Feed(job.send, visits(SUPPLY, CUSTOMERS, SEED), PER_SECOND)
    for kill in range(KILLS):
        reached = job.progress()
        behind = len(before) + len(feed.sent) - reached
        job.wait_for(reached + max(1, behind * kill // KILLS), worker)
        worker.kill9()
        worker = job.start()
    visited = feed.stop(at_least=EVENTS)
    after = [*visited, *closing(CUSTOMERS, len(visited))]
    job.send(after[len(visited) :])
    job.wait_for(len(before) + len(after), worker)
    assert worker.stop() == 0, worker.tail()
    print(f"{KILLS} kills, {len(visited)} visits")

    expected = Expected([*before, *after])
    assert sum(expected.said[topics.NEXT_BEST_OFFERS.name].values()) > 500
    assert sum(expected.said[topics.LEARNING_EXAMPLES.name].values()) > 500
    assert_as_expected(job, expected)
