"""The demo as compose plays it: shoppers against workers that run already, on Apache Kafka."""

import subprocess
import sys
from pathlib import Path

import pytest

from streams.settings import child_environment
from tests.support.apache_kafka import ROOT, ApacheKafka
from tests.support.worker_job import WorkerJob

SEED = 4


@pytest.mark.kafka
@pytest.mark.timeout(400)
def test_shoppers_play_to_workers_that_run_already(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Offers and alerts come out, nothing but the simulator is started, nothing is rejected."""
    print(f"seed {SEED}")
    job = WorkerJob(kafka, tmp_path, "played", epoch_ms=50)
    worker, learner = job.start(), job.start(role="learner")
    command = [sys.executable, "-m", "streams", "demo", "--bootstrap", kafka.bootstrap]
    played = subprocess.run(
        [*command, "--duration", "15", "--seed", str(SEED), "--shoppers", "150", "--plain"],
        cwd=ROOT,
        env=child_environment(job.settings),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert f"Kafka at {kafka.bootstrap}" in played.stdout
    assert "dead letters" not in played.stdout
    assert worker.stop() == 0, worker.tail()
    assert learner.stop() == 0, learner.tail()
