"""`standby_replicas`: the real worker's heir has the rows already, and is exact all the same."""

import os
import re
import time
from pathlib import Path

import pytest

from streams.settings import LearnerSettings
from streams.telemetry import catalogue
from streams.telemetry.metric import Metric
from tests.support.apache_kafka import ApacheKafka
from tests.support.expected import Expected, assert_as_expected
from tests.support.openings import openings
from tests.support.small_shop import closing, consents, reference, visits
from tests.support.worker_job import Process, WorkerJob, wait_until

CUSTOMERS, EVENTS = 500, 24_000
SEED = int(os.environ.get("STANDBY_SEED", "20260106"))


def told(worker: Process, metric: Metric) -> float:
    """What it tells Prometheus under this name, which has no labels."""
    found = re.search(rf"^{metric.name} ([\d.]+)$", worker.metrics(), re.M)
    assert found is not None, f"no {metric.name}"
    return float(found[1])


def is_heir(worker: Process) -> bool:
    """Of four partitions, does it own two and follow the two others to their ends?"""
    asked = (catalogue.PARTITIONS, catalogue.STANDBYS, catalogue.STANDBY_LAG)
    return [told(worker, metric) for metric in asked] == [2, 2, 0]


@pytest.mark.kafka
@pytest.mark.timeout(600)
def test_a_killed_workers_standby_restores_a_tail_and_is_exact(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    """Kill -9 of one of two workers under load: rows and outputs equal the reference."""
    print(f"STANDBY_SEED={SEED}")
    before = list(consents(CUSTOMERS))
    after = [*visits(EVENTS, CUSTOMERS, SEED), *closing(CUSTOMERS, EVENTS)]
    job = WorkerJob(
        kafka,
        tmp_path,
        "standby",
        learner=LearnerSettings(learn=False),
        standby_replicas=1,
        batch_records_max=50,
    )
    job.publish(reference())
    victim = job.start(0)
    total = job.send(before)
    job.wait_for(total, victim)
    total += job.send(after[: EVENTS // 2])
    job.wait_for(total, victim)
    heir = job.start(1)
    wait_until(lambda: '"started"' in heir.log(), heir, 60)
    # What is left to read may be told half a second late.
    time.sleep(1.0)
    wait_until(lambda: is_heir(heir) and is_heir(victim), heir, 60)
    total += job.send(after[EVENTS // 2 :])
    job.wait_for(job.progress() + 200, heir)
    said = len(heir.log())
    victim.kill9()
    left = total - job.progress()
    job.wait_for(total, heir)
    assert heir.stop() == 0, heir.tail()
    own, opened = openings(heir.log()[:said]), openings(heir.log()[said:])
    restored = sum(opening.rows for opening in opened)
    print(
        f"{left} records were left; of {CUSTOMERS} rows {restored} were restored at the take-over"
    )
    assert left > 0, "the kill came after the work was done"
    assert {o.partition for o in opened} >= {0, 1, 2, 3} - {o.partition for o in own}
    # Without a standby it would be all rows of two of four partitions.
    assert restored < CUSTOMERS // 5
    assert_as_expected(job, Expected([*before, *after]))
