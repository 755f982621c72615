"""A fault in the program on Kafka: one person's records are dead letters once, also with a kill."""

import sys
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from streams import topics
from streams.contracts.outputs.encode import dead_letter_of
from streams.contracts.outputs.payloads import DeadLetter
from streams.settings import LearnerSettings, child_environment
from tests.support.apache_kafka import ApacheKafka
from tests.support.expected import COMPARED, Expected
from tests.support.small_shop import closing, consents, reference, visits
from tests.support.worker_job import Process, WorkerJob

CUSTOMERS = 20
VISITS = 800
CHOSEN = "c0003"


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_one_person_whose_processing_raises_holds_nobody_up(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    """With a kill in between: each record one dead letter; all others have what they must have."""
    job = WorkerJob(kafka, tmp_path, "failing", learner=LearnerSettings(learn=False))
    job.publish(reference())
    asked = list(consents(CUSTOMERS))
    later = [*visits(VISITS, CUSTOMERS, 11), *closing(CUSTOMERS, VISITS)]
    chosen = [s for s in (*asked, *later) if s[1] == CHOSEN.encode()]
    assert len(chosen) > 10
    worker = failing_worker(job)
    # Topics have no order among each other: who visits has agreed before.
    read = job.send(asked)
    job.wait_for(read, worker)
    read += job.send(later[: VISITS // 2])
    job.wait_for(read - VISITS // 4, worker)
    worker.kill9()
    worker = failing_worker(job)
    job.wait_for(read + job.send(later[VISITS // 2 :]), worker)
    worker.assert_running()
    assert worker.stop() == 0, worker.tail()

    letters = kafka.read_all(topics.DEAD_LETTERS.name)
    assert Counter(m.value() for m in letters) == Counter(value for _, _, value in chosen)
    for letter in letters:
        facts = dead_letter_of(letter.headers() or [])
        assert isinstance(facts, DeadLetter)
        assert facts.reason == "internal_error"
        assert facts.detail.startswith("ZeroDivisionError at ")
        assert CHOSEN not in facts.detail
    assert CHOSEN not in worker.log()
    expected = Expected([s for s in (*asked, *later) if s[1] != CHOSEN.encode()])
    for topic in COMPARED:
        assert job.said(topic) == expected.said.get(topic.name, Counter()), topic.name
    assert job.rows() == expected.rows


def failing_worker(job: WorkerJob) -> Process:
    """The real worker, but for one person it raises."""
    settings = replace(job.settings, data_dir=str(job.home / "data"))
    return Process(
        [sys.executable, "-m", "tests.support.failing_worker", CHOSEN],
        child_environment(settings),
        job.home / "failing.log",
    )
