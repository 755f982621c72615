"""Records under a wrong key or on a wrong partition end in the same rows as the right ones."""

import random
from pathlib import Path

import pytest
from confluent_kafka import Producer

from streams import topics
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.customer import encode_row
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.models import initial_models
from streams.runtime.murmur2 import partition_for
from streams.settings import LearnerSettings
from tests.support.apache_kafka import ApacheKafka
from tests.support.small_shop import Sent, closing, consents, reference, visits
from tests.support.worker_job import WorkerJob, wait_until

RULES = InputRules(now_ms=4_102_444_800_000)
CUSTOMERS, EVENTS, SEED = 30, 400, 11


def sent_elsewhere(bootstrap: str, records: list[Sent]) -> None:
    """Send a customer's records to a neighbor of the right partition, most under a wrong key.

    All of one customer go the same way, so their order of arrival is known.
    """
    draw = random.Random(SEED)
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5})
    for topic, key, value in records:
        wrong = (partition_for(key, 4) + 1) % 4
        producer.produce(topic, value, draw.choice([key, None, b"else"]), wrong)
        producer.poll(0)
    assert producer.flush(30) == 0


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_a_misplaced_record_is_routed_to_its_person(kafka: ApacheKafka, tmp_path: Path) -> None:
    """No state on a wrong partition: with two workers, rows are those of the pure driver."""
    frozen = LearnerSettings(learn=False)
    job = WorkerJob(kafka, tmp_path, "routing", learner=frozen, epoch_ms=50)
    job.publish(reference())
    first = list(consents(CUSTOMERS))
    rest = [*visits(EVENTS, CUSTOMERS, SEED), *closing(CUSTOMERS, EVENTS)]
    workers = [job.start(0), job.start(1)]
    for sent, records in ((0, first), (len(first), rest)):
        sent_elsewhere(kafka.bootstrap, records)
        total = 2 * (sent + len(records))
        wait_until(lambda total=total: job.progress() >= total, workers[0], 90)  # type: ignore[misc]
    assert [worker.stop() for worker in workers] == [0, 0]

    routed = kafka.read_all(topics.CUSTOMER_EVENTS.on_broker("routing"))
    assert len(routed) == len(first) + len(rest)
    assert all(m.partition() == partition_for(m.key() or b"", 4) for m in routed)
    changelog = kafka.read_all(topics.CUSTOMERS_CHANGELOG.on_broker("routing"))
    assert all(m.partition() == partition_for(m.key() or b"", 4) for m in changelog)
    assert job.said(topics.DEAD_LETTERS).total() == 0
    driver = Driver(compile_policy(reference()), initial_models())
    for name, _, value in (*first, *rest):
        assert not isinstance(driver.feed(name, value, RULES), Rejected)
    assert job.rows() == {key.encode(): encode_row(row) for key, row in driver.rows.items()}
