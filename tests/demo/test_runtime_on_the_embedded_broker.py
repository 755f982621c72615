"""The runtime on the broker that needs no installation: at least once, here without a crash."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from streams.demo.broker import EmbeddedBroker
from tests.support.apache_kafka import ROOT

pytestmark = pytest.mark.embedded


def start_worker(bootstrap: str, home: Path) -> "subprocess.Popen[bytes]":
    """A counter worker without transactions."""
    settings = {
        "application_id": "embedded",
        "bootstrap": bootstrap,
        "source_topics": ["in-a", "in-b"],
        "output_topics": ["out"],
        "changelog_topic": "changelog",
        "table": "counts",
        "data_dir": str(home),
        "transactional": False,
        "epoch_ms": 50,
        "session_timeout_s": 3.0,
        "heartbeat_s": 0.5,
    }
    arguments = json.dumps({"settings": settings, "output_topic": "out"})
    command = [sys.executable, "-m", "tests.support.counter_worker", arguments]
    with (home.parent / f"{home.name}.log").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)


def send(bootstrap: str, records: list[tuple[str, int]]) -> None:
    """To two co-partitioned topics, a key always to the same one."""
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
    for key, n in records:
        producer.produce(f"in-{'ab'[int(key[1:]) % 2]}", str(n), key)
    assert producer.flush(10) == 0


def read_until(bootstrap: str, count: int, timeout_s: float = 40) -> Counter[str]:
    """Outputs, until there are `count`, and a little longer for what should not come."""
    reader = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "reader", "fetch.wait.max.ms": 25}
    )
    reader.assign([TopicPartition("out", p, 0) for p in range(4)])
    said: Counter[str] = Counter()
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for message in reader.consume(1_000, 0.2):
            if message.error() is None:
                said[message.value().decode()] += 1
        if said.total() >= count:
            deadline = min(deadline, time.monotonic() + 0.6)
    reader.close()
    return said


def test_counts_continue_over_a_clean_restart(tmp_path: Path) -> None:
    """Every record is counted once; the next process goes on where the first one stopped."""
    records = [(f"k{n % 20}", n) for n in range(600)]
    expected = Counter(
        f"k{k}:{c + 1}:{sum(range(k, k + 20 * c + 1, 20))}" for k in range(20) for c in range(30)
    )
    with EmbeddedBroker() as broker:
        send(broker.bootstrap, records[:400])
        for count, more in ((400, records[400:]), (600, [])):
            worker = start_worker(broker.bootstrap, tmp_path / "data")
            try:
                said = read_until(broker.bootstrap, count)
            finally:
                worker.send_signal(signal.SIGTERM)
                code = worker.wait(20)
            assert code == 0, (tmp_path / "data.log").read_text()[-3_000:]
            assert said.total() == count
            send(broker.bootstrap, more)
        assert said == expected


def test_the_broker_is_gone_after_use() -> None:
    """Nothing listens when the demo has ended."""
    with EmbeddedBroker() as broker:
        assert broker.bootstrap.startswith("127.0.0.1:")
        port = int(broker.bootstrap.rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port), 1).close()
    deadline = time.monotonic() + 5
    while (listening := is_listening(port)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not listening


def is_listening(port: int) -> bool:
    """Does anybody accept connections there?"""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
