"""P1: poison among good events: every good one is processed, every bad one lies in dead-letters."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from streams import topics
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.encode import dead_letter_of
from streams.contracts.outputs.payloads import DeadLetter
from streams.customer import encode_row
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.models import initial_models
from streams.settings import LearnerSettings
from tests.contract.poison import POISON, Poison
from tests.support.apache_kafka import ApacheKafka
from tests.support.small_shop import closing, reference, visits
from tests.support.worker_job import WorkerJob

CUSTOMERS = 40
LARGEST = Poison("as large as the broker lets in", b"x" * 1_048_000, "too_large", "$")
SENDABLE = [*(p for p in POISON if len(p.value or b"") <= len(LARGEST.value or b"")), LARGEST]
SEED = 7
RULES = InputRules(now_ms=4_102_444_800_000)


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_poison_one_in_ten_stops_nothing(kafka: ApacheKafka, tmp_path: Path) -> None:
    """One process reads it all: raw bytes, reason and position of each bad record are kept."""
    job = WorkerJob(kafka, tmp_path, "poison", learner=LearnerSettings(learn=False))
    assert len(SENDABLE) >= 45
    job.publish(reference())
    good = list(visits(len(SENDABLE) * 9, CUSTOMERS, SEED))
    mixed: list[tuple[Any, ...]] = []
    for number, poison in enumerate(SENDABLE):
        mixed.extend(good[number * 9 : number * 9 + 9])
        mixed.append((poison.topic, b"k%d" % number, poison.value, poison.headers))
    last = list(closing(CUSTOMERS, len(good)))
    good, mixed = [*good, *last], [*mixed, *last]
    worker = job.start()
    job.wait_for(job.send(mixed), worker)
    worker.assert_running()
    assert worker.stop() == 0, worker.tail()

    letters = kafka.read_all(topics.DEAD_LETTERS.name)
    facts = [dead_letter_of(letter.headers() or []) for letter in letters]
    assert not [fact for fact in facts if isinstance(fact, Rejected)]
    got = Counter(
        (letter.key(), letter.value() or b"", fact.reason, fact.path, fact.source_topic)
        for letter, fact in zip(letters, facts, strict=True)
        if isinstance(fact, DeadLetter)
    )
    want = Counter(
        (b"k%d" % number, poison.value or b"", poison.reason, poison.path, poison.topic)
        for number, poison in enumerate(SENDABLE)
    )
    assert got == want
    positions = {(f.source_topic, f.source_partition, f.source_offset) for f in facts}  # type: ignore[union-attr]
    assert len(positions) == len(SENDABLE)
    driver = Driver(compile_policy(reference()), initial_models())
    for topic, _, value in good:
        assert not isinstance(driver.feed(topic, value, RULES), Rejected)
    assert job.rows() == {key.encode(): encode_row(row) for key, row in driver.rows.items()}
