"""A worker that cannot open a partition ends with a reason and a code: it never hangs."""

from pathlib import Path

import pytest

from streams.runtime.faults import EXIT_BROKER
from tests.support.apache_kafka import ApacheKafka
from tests.support.counting import CounterJob

pytestmark = pytest.mark.kafka


def test_an_opening_that_hangs_ends_the_worker(kafka: ApacheKafka, tmp_path: Path) -> None:
    """A client call that never returns: exit code 74, though a thread is still inside it."""
    job = CounterJob(kafka, "hangs", tmp_path, opening_stalled_after_s=2.0)
    worker = job.worker(hangs_opening=True)
    assert worker.wait(60) == EXIT_BROKER, worker.tail()
    assert "opening hangs for 2 s in: fencing the owner before" in worker.log()
    assert "a thread hangs in a client call: ended hard" in worker.log()
