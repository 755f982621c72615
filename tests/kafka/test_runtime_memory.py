"""A million customers with rows of about 900 bytes in a worker of 1.5 GiB; `make soak`.

The worker is the benchmark's: a row has eighteen fields and its full size from the first event on.
"""

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from benchmarks.contenders.struct_rows import decode_row
from benchmarks.workload import PRODUCTS, view
from tests.support.apache_kafka import ApacheKafka
from tests.support.memory import peak_rss_bytes, rss_bytes
from tests.support.worker_job import Process, wait_until

CUSTOMERS = int(os.environ.get("MEMORY_CUSTOMERS", "1000000"))
UPDATES = int(os.environ.get("MEMORY_UPDATES", "1000000"))
SEED = int(os.environ.get("MEMORY_SEED", "20261127"))
PEAK_BYTES_MAX = 1_536 << 20
GROUP, SOURCE, OUTPUT, CHANGELOG = "memory", "memory-in", "memory-out", "memory-changelog"


def events() -> Iterator[tuple[str, bytes]]:
    """Every customer once, in no order, then customers drawn alike: the worst for a cache."""
    draw = random.Random(SEED)
    people = list(range(CUSTOMERS))
    draw.shuffle(people)
    people += (draw.randrange(CUSTOMERS) for _ in range(UPDATES))
    for number, customer in enumerate(people):
        key = f"c{customer:07d}"
        yield key, view(number, key, draw.randrange(PRODUCTS))


def send(bootstrap: str) -> None:
    """All of it, at the pace of the broker."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
            "linger.ms": 20,
            "compression.type": "lz4",
        }
    )
    for key, value in events():
        while True:
            try:
                producer.produce(SOURCE, value, key)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    assert producer.flush(120) == 0


@pytest.mark.kafka
@pytest.mark.soak
@pytest.mark.timeout(7_200)
def test_a_million_customers_fit_into_one_and_a_half_gibibytes(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    """The peak of the resident memory, with the runtime's own bounds and four partitions."""
    print(f"MEMORY_SEED={SEED} MEMORY_CUSTOMERS={CUSTOMERS} MEMORY_UPDATES={UPDATES}")
    kafka.create_topics(SOURCE, OUTPUT)
    kafka.create_topics(CHANGELOG, **{"cleanup.policy": "compact"})
    send(kafka.bootstrap)
    places = [kafka.bootstrap, str(tmp_path / "data"), GROUP, SOURCE, OUTPUT, CHANGELOG]
    module = "benchmarks.contenders.offerstream.app"
    command = [sys.executable, "-m", module, *places, "1000"]
    worker = Process(command, dict(os.environ), tmp_path / "worker.log")
    for events_done, what in ((CUSTOMERS, "every customer"), (CUSTOMERS + UPDATES, "the updates")):
        wait_for(kafka, events_done, worker)
        peak, now = peak_rss_bytes(worker.pid), rss_bytes(worker.pid)
        print(f"after {what}: peak {peak / 2**20:.0f} MiB, now {now / 2**20:.0f} MiB")
    assert worker.stop() == 0, worker.tail()
    newest = {m.key(): m.value() for m in kafka.read_each(CHANGELOG)}
    views = sum(decode_row(row).views for row in newest.values())
    size = sum(map(len, newest.values())) / len(newest)
    on_disk = sum(f.stat().st_size for f in (tmp_path / "data").rglob("*") if f.is_file())
    print(f"{len(newest)} rows of {size:.0f} bytes, {on_disk / 2**20:.0f} MiB on disk")
    assert (len(newest), views) == (CUSTOMERS, CUSTOMERS + UPDATES)
    assert peak <= PEAK_BYTES_MAX


def wait_for(kafka: ApacheKafka, records: int, worker: Process) -> None:
    """Until so many are committed; time is up when none has been for two minutes."""

    def committed() -> int:
        return sum(max(0, offset) for offset in kafka.committed(GROUP, SOURCE))

    while (reached := committed()) < records:
        wait_until(lambda reached=reached: committed() > reached, worker, 120)  # type: ignore[misc]
