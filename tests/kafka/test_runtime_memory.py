"""A million customers with rows of about 900 bytes in a worker of 1.5 GiB; `make soak`.

The worker is the benchmark's: a row has eighteen fields and its full size from the first event on.
"""

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.broker import fill
from benchmarks.contenders.struct_rows import decode_row
from benchmarks.workload import PRODUCTS, view
from tests.support.apache_kafka import ApacheKafka
from tests.support.memory import peak_rss_bytes, rss_bytes
from tests.support.worker_job import Process, wait_while_it_goes_on

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


@pytest.mark.kafka
@pytest.mark.soak
@pytest.mark.timeout(7_200)
def test_a_million_customers_fit_into_one_and_a_half_gibibytes(
    kafka: ApacheKafka, tmp_path: Path
) -> None:
    """The peak of the resident memory, with the runtime's own bounds and four partitions."""
    print(f"MEMORY_SEED={SEED} MEMORY_CUSTOMERS={CUSTOMERS} MEMORY_UPDATES={UPDATES}")
    kafka.create_topics(SOURCE, OUTPUT)
    kafka.create_topics(CHANGELOG, config={"cleanup.policy": "compact"})
    fill(kafka.bootstrap, SOURCE, events())

    def committed() -> int:
        return sum(max(0, offset) for offset in kafka.committed(GROUP, SOURCE))

    places = [kafka.bootstrap, str(tmp_path / "data"), GROUP, SOURCE, OUTPUT, CHANGELOG]
    module = "benchmarks.contenders.offerstream.app"
    command = [sys.executable, "-m", module, *places, "{}"]
    worker = Process(command, dict(os.environ), tmp_path / "worker.log")
    for events_done, what in ((CUSTOMERS, "every customer"), (CUSTOMERS + UPDATES, "the updates")):
        wait_while_it_goes_on(committed, events_done, worker, 120)
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
