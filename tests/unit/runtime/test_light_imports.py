"""Whoever only wants a client of Kafka, or to start workers, does not read Faust and the models."""

import subprocess
import sys

import pytest

HEAVY = {"faust", "aiokafka", "kafka", "river", "scipy"}


@pytest.mark.parametrize(
    "module",
    ["streams.broker.reading", "streams.worker.processes"],
)
def test_a_client_of_kafka_reads_nothing_heavy(module: str) -> None:
    """In a process of its own: what the module brings with it."""
    told = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    said = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, check=True, timeout=120
    )
    assert "confluent_kafka" in said.stdout.split() or module == "streams.worker.processes"
    assert not HEAVY & set(said.stdout.split())
