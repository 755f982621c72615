"""The demo as compose plays it: shoppers against workers that run already, on Apache Kafka."""

import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from msgspec.structs import replace

from streams.admin.reference import example_shop, load_validated
from streams.demo.stage import OWN_PREFIX
from streams.settings import child_environment
from tests.support.apache_kafka import ROOT, ApacheKafka
from tests.support.worker_job import WorkerJob

SEED = 4


@pytest.mark.kafka
@pytest.mark.timeout(400)
def test_shoppers_play_to_workers_that_run_already(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Offers and alerts come out, nothing but the simulator is started, nothing is rejected."""
    print(f"seed {SEED}")
    job = WorkerJob(kafka, tmp_path, "played", epoch_ms=50, topic_prefix=OWN_PREFIX)
    before = set(AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics().topics)
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
    assert f"Kafka at {kafka.bootstrap}, topics demo.*" in played.stdout
    assert not {t for t in AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics().topics
                if not t.startswith(("demo.", "__"))} - before  # fmt: skip
    assert "dead letters" not in played.stdout
    assert worker.stop() == 0, worker.tail()
    assert learner.stop() == 0, learner.tail()


@pytest.mark.kafka
@pytest.mark.timeout(120)
def test_the_demo_refuses_a_catalogue_that_is_not_its_own(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    """Told to share the topics of others, it changes nothing there and says what to do."""
    job = WorkerJob(kafka, tmp_path, "others")
    shop = load_validated(example_shop())
    job.publish(replace(shop, offers=tuple(replace(o, margin=91.0) for o in shop.offers)))
    before = kafka.read_all("ref.offers")
    command = [sys.executable, "-m", "streams", "demo", "--bootstrap", kafka.bootstrap]
    refused = subprocess.run(
        [*command, "--prefix", "", "--plain", "--duration", "5"],
        env=child_environment(job.settings),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert "another catalogue is published here: 14 records" in refused.stderr
    assert len(kafka.read_all("ref.offers")) == len(before)
