"""`offerstream worker` rolls its slots on SIGHUP; with `instance_id` nobody is rebalanced."""

import signal
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from msgspec.structs import replace

from streams.settings import HttpSettings, LearnerSettings, child_environment
from tests.support.apache_kafka import ApacheKafka, free_neighbors
from tests.support.expected import Expected, assert_as_expected
from tests.support.small_shop import closing, consents, reference, visits
from tests.support.worker_job import Process, WorkerJob, wait_until

CUSTOMERS, EVENTS, SEED = 100, 6_000, 20260104
SLOTS = 3
"""Two workers and the treasury."""


def ready(port: int) -> bool:
    """Do both workers say that they are?"""
    return all(_ready(n) for n in (port, port + 1))


def _ready(port: int) -> bool:
    client = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        client.request("GET", "/readyz")
        return client.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        client.close()


def started(launcher: Process) -> int:
    """How many processes have begun to work."""
    return launcher.log().count('"started"')


@pytest.mark.kafka
@pytest.mark.timeout(600)
def test_sighup_rolls_the_slots_one_by_one(kafka: ApacheKafka, tmp_path: Path) -> None:
    """All processes are replaced under load, each new one is assigned once, the others never."""
    print(f"SEED={SEED}")
    before = list(consents(CUSTOMERS))
    after = [*visits(EVENTS, CUSTOMERS, SEED), *closing(CUSTOMERS, EVENTS)]
    port = free_neighbors(2)
    job = WorkerJob(
        kafka,
        tmp_path,
        "rolled",
        http=HttpSettings(port=port),
        learner=LearnerSettings(learn=False),
        instance_id="shop-a",
        session_timeout_ms=60_000,
    )
    job.publish(reference())
    settings = replace(job.settings, data_dir=str(tmp_path / "data"))
    launcher = Process(
        [sys.executable, "-m", "streams", "worker", "--workers", "2"],
        child_environment(settings),
        tmp_path / "launcher.log",
    )
    wait_until(lambda: ready(port) and started(launcher) == SLOTS, launcher, 200)
    total = job.send(before)
    job.wait_for(total, launcher)
    assigned = launcher.log().count("assigned: partitions")
    total += job.send(after[: EVENTS // 2])
    launcher.signal(signal.SIGHUP)
    wait_until(lambda: started(launcher) == SLOTS + 1, launcher, 200)
    total += job.send(after[EVENTS // 2 :])
    wait_until(lambda: started(launcher) == 2 * SLOTS and ready(port), launcher, 200)
    job.wait_for(total, launcher)
    assert launcher.log().count("assigned: partitions") == assigned + SLOTS
    assert launcher.stop() == 0, launcher.tail()
    assert_as_expected(job, Expected([*before, *after]))
