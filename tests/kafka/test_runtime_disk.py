"""D1, D2: a full disk ends the worker, a damaged store is built anew; nothing is lost."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streams.runtime.faults import EXIT_STORE
from tests.support.apache_kafka import ApacheKafka
from tests.support.counting import CounterJob, expected_rows, skewed_input
from tests.support.disk import fill

pytestmark = pytest.mark.kafka
SLOWLY: dict[str, Any] = {"batch_s": 0.002}
SMALL: dict[str, Any] = {"batch_records_max": 10, "epoch_ms": 20}


def finish(job: CounterJob, records: list[tuple[str, int]]) -> None:
    """A launched worker does the rest; rows, outputs and the local stores equal the input."""
    worker = job.launched(**SLOWLY)
    job.wait_until_done([worker], 90)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.tail()
    job.assert_equals(records)
    assert job.stored() == expected_rows(records)


def test_d1_a_full_disk(kafka: ApacheKafka, tmp_path: Path) -> None:
    """No space left: exit code 75 within 30 s; with room again it goes on, and nothing is lost."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, timeout=10).returncode:
        pytest.skip("no file system can be mounted here; the next test fills a disk otherwise")
    try:
        records = skewed_input(15_000, 500, seed=31)
        job = CounterJob(kafka, "full", disk, **SMALL)
        job.send(records)
        worker = job.worker(**SLOWLY)
        worker.wait_for_progress(1_000)
        ballast = disk / "ballast"
        fill(ballast)
        assert worker.wait(30) == EXIT_STORE
        ballast.unlink()
        assert "No space left" in job.tail()
        finish(job, records)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True, timeout=10)


def test_d1_a_file_that_may_not_grow(kafka: ApacheKafka, tmp_path: Path) -> None:
    """A write that is refused: exit code 75; allowed again it goes on, and nothing is lost."""
    records = skewed_input(15_000, 5_000, seed=32)
    # Tables of so many rows are larger than a file may be.
    job = CounterJob(kafka, "refused", tmp_path, **{**SMALL, "write_buffer_bytes": 131_072})
    job.send(records)
    worker = job.worker(**SLOWLY, file_bytes_max=8_192)
    assert worker.wait(60) == EXIT_STORE, worker.tail()
    finish(job, records)


def flip(store: Path) -> None:
    """One bit in the middle of every table."""
    for table in store.glob("*.sst"):
        data = bytearray(table.read_bytes())
        data[len(data) // 3] ^= 0x10
        table.write_bytes(data)


def truncate(store: Path) -> None:
    """Every table is cut in the middle."""
    for table in store.glob("*.sst"):
        os.truncate(table, table.stat().st_size // 2)


def lose_tables(store: Path) -> None:
    """Every table is gone."""
    for table in store.glob("*.sst"):
        table.unlink()


def spoil_manifest(store: Path) -> None:
    """Garbage in the list of files."""
    for manifest in store.glob("MANIFEST-*"):
        data = bytearray(manifest.read_bytes())
        data[len(data) // 2 :] = os.urandom(len(data) - len(data) // 2)
        manifest.write_bytes(data)


def lose_current(store: Path) -> None:
    """Nothing says which list of files is the right one."""
    (store / "CURRENT").unlink()


def garble_current(store: Path) -> None:
    """It names a list of files that is not there."""
    (store / "CURRENT").write_text("MANIFEST-999999\n", encoding="ascii")


DAMAGES: list[Callable[[Path], None]] = [
    flip,
    truncate,
    lose_tables,
    spoil_manifest,
    lose_current,
    garble_current,
]


def test_d2_a_damaged_store_is_built_anew(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Whatever is damaged: the next worker notices, throws away, restores and equals the input."""
    records = skewed_input(3_000, 500, seed=33)
    job = CounterJob(kafka, "damaged", tmp_path, **SMALL)
    job.send(records)
    finish(job, records)
    for n, damage in enumerate(DAMAGES):
        stores = sorted((tmp_path / "slot-0" / "counts").iterdir())
        for store in stores:
            assert list(store.glob("*.sst")), "nothing to damage"
            damage(store)
        more = [(f"k{k}", n) for k in range(500)]
        job.send(more)
        records = records + more
        began = time.time_ns()
        finish(job, records)
        anew = [store for store in stores if store.stat().st_ctime_ns > began]
        assert anew, f"{damage.__name__}: nothing was built anew"
