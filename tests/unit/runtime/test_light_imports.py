"""Whoever only wants a client of Kafka, or to start workers, does not read Faust and the models."""

import subprocess
import sys
from pathlib import Path

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


def test_a_slot_whose_install_lacks_kafka_python_ends_before_it_begins(tmp_path: Path) -> None:
    """The first partition would need it, an hour later maybe; so it is read where a slot starts."""
    told = (
        "import sys; sys.modules['kafka'] = None\n"
        "from streams.settings import Settings\n"
        "from streams.worker.processes import run_slot\n"
        f"run_slot(Settings(data_dir={str(tmp_path / 'data')!r}), 'worker', 0)"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "import of kafka" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "data").exists()
