"""K3: a long run with many kills; `make soak`. Its size is set by K3_* variables."""

import os
import random
import time
from pathlib import Path

import pytest

from tests.support.apache_kafka import ApacheKafka
from tests.support.counting import CounterJob, expected_outputs, expected_rows, skewed_input
from tests.support.crew import Crew

EVENTS = int(os.environ.get("K3_EVENTS", "1000000"))
KILLS = int(os.environ.get("K3_KILLS", "100"))
KEYS = int(os.environ.get("K3_KEYS", "50000"))
SEED = int(os.environ.get("K3_SEED", "20260107"))
WORKERS = 2
WIPED_RATIO = 0.2


@pytest.mark.kafka
@pytest.mark.soak
@pytest.mark.timeout(14_400)
def test_k3_a_long_run_with_many_kills(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Two workers, a kill after every hundredth of the input, a lost disk in one of five."""
    print(f"K3_SEED={SEED} K3_EVENTS={EVENTS} K3_KILLS={KILLS} K3_KEYS={KEYS}")
    draw = random.Random(SEED)
    records = skewed_input(EVENTS, KEYS, SEED)
    job = CounterJob(kafka, "k3", tmp_path, epoch_ms=50, batch_records_max=20)
    job.send(records)
    began_s, wiped = time.monotonic(), 0
    crew = Crew(job, range(WORKERS), batch_s=0.001)
    for n in range(KILLS):
        crew.wait_for(EVENTS * (n + 1) // (KILLS + 1))
        wipe = draw.random() < WIPED_RATIO
        wiped += wipe
        crew.kill(draw.randrange(WORKERS), wipe=wipe)
        print(f"kill {n + 1}: {job.committed()} records", flush=True)
    left = EVENTS - job.committed()
    crew.wait_for(EVENTS)
    crew.stop()
    print(
        f"{KILLS} kills, {wiped} disks lost, {left} records left after the last kill, "
        f"ended by themselves: {dict(crew.ended)}, {time.monotonic() - began_s:.0f} s"
    )
    assert left > 0, "the last kill came after the work was done"
    said, want = job.said(), expected_outputs(records)
    assert ((want - said).total(), (said - want).total()) == (0, 0)
    assert job.rows() == expected_rows(records)
    assert job.restored() == expected_rows(records)
