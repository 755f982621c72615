"""K1: the real worker under kill -9 on hot keys is exact: rows and outputs equal the reference.

Frozen models, the stream's clock. A customer's consent is committed before the visits begin and
all visits are on one topic, so that the order of arrival per customer is known; the last event of
everybody lies behind every deadline, so that nothing hangs on when a timer fires.
"""

import os
from collections import Counter
from pathlib import Path

import pytest

from streams import topics
from streams.contracts.encode import encode_output
from streams.contracts.rules import InputRules, Rejected
from streams.customer.codec import encode_row
from streams.decisions import compile_policy
from streams.evaluation.driver import Driver
from streams.models import initial_models
from streams.settings import LearnerSettings
from tests.support.apache_kafka import ApacheKafka
from tests.support.small_shop import Sent, closing, consents, reference, visits
from tests.support.worker_job import WorkerJob

CUSTOMERS = 500
EVENTS = 20_000
KILLS = 6
SEED = int(os.environ.get("K1_SEED", "20260101"))
RULES = InputRules(now_ms=4_102_444_800_000)
COMPARED = (
    topics.NEXT_BEST_OFFERS,
    topics.DECISION_LOG,
    topics.CHURN_ALERTS,
    topics.LEARNING_EXAMPLES,
    topics.SEGMENT_CHANGES,
)


class Expected:
    """What one pure pass over the input says, without broker, partitions or crashes."""

    def __init__(self, records: list[Sent]) -> None:
        driver = Driver(compile_policy(reference()), initial_models())
        self.said: dict[str, Counter[tuple[bytes, bytes]]] = {}
        for topic, _, value in records:
            effects = driver.feed(topic, value, RULES)
            assert not isinstance(effects, Rejected)
            for message in filter(None, map(encode_output, effects)):
                said = self.said.setdefault(message.topic, Counter())
                said[message.key or b"", message.value or b""] += 1
        self.rows = {key.encode(): encode_row(row) for key, row in driver.rows.items()}


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
    for topic in COMPARED:
        want, got = expected.said.get(topic.name, Counter()), job.said(topic)
        missing, double = want - got, got - want
        assert not missing, f"{topic.name}: {missing.total()} of {want.total()} missing"
        assert not double, f"{topic.name}: {double.total()} double or never decided"
    assert job.said(topics.DEAD_LETTERS) == Counter()
    got_rows = job.rows()
    wrong = [k for k in expected.rows if got_rows.get(k) != expected.rows[k]]
    assert wrong == []
    assert got_rows.keys() == expected.rows.keys()
