"""K2, K4, K5: kill -9 while the broker stalls and while a partition is being recovered.

K2's negative control is stock Faust under the very same schedule.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rocksdict import Options, Rdict

from tests.support.apache_kafka import ApacheKafka
from tests.support.counting import (
    CounterJob,
    WorkerProcess,
    expected_outputs,
    expected_rows,
    uniform_input,
)

pytestmark = pytest.mark.kafka
SEED = int(os.environ.get("CRASH_SEED", "20260102"))
EVENTS, KEYS = 40_000, 30_000  # about 22,000 of the keys are drawn
KILLS, STALL_S = 5, 1.5
SLOWLY: dict[str, Any] = {"batch_s": 0.002}


def kill_while_the_broker_stalls(
    kafka: ApacheKafka, start: Callable[[], WorkerProcess], progress: int
) -> int:
    """The schedule of K2; how much the killed workers had done by their own account."""
    done = 0
    for _ in range(KILLS):
        worker = start()
        worker.wait_for_progress(progress, 120)
        kafka.stall()
        time.sleep(STALL_S)
        worker.kill9()
        kafka.resume()
        done += worker.progress
    return done


def differences(want: Counter[str], got: Counter[str]) -> tuple[int, int]:
    """How many are missing, how many double or never to be said."""
    return (want - got).total(), (got - want).total()


def wrong(want: dict[str, tuple[int, int]], got: dict[str, tuple[int, int]]) -> int:
    """How many rows are missing, wrong, or should not be."""
    return sum(want.get(key) != got.get(key) for key in want.keys() | got.keys())


def too_high(want: dict[str, tuple[int, int]], got: dict[str, tuple[int, int]]) -> int:
    """How many rows have counted more events than there were."""
    return sum(count > want[key][0] for key, (count, _) in got.items())


@pytest.mark.timeout(400)
def test_k2_kill_9_while_the_broker_stalls(kafka: ApacheKafka, tmp_path: Path) -> None:
    """The local store, a restore from the changelog and the outputs equal the reference."""
    print(f"CRASH_SEED={SEED}")
    records = uniform_input(EVENTS, KEYS, SEED)
    job = CounterJob(kafka, "k2", tmp_path, epoch_ms=20, batch_records_max=10)
    job.send(records)
    done = kill_while_the_broker_stalls(kafka, lambda: job.worker(**SLOWLY), 5_000)
    assert done < EVENTS, "the last kill came after the work was done"
    worker = job.worker(**SLOWLY)
    job.wait_until_done([worker], 120)
    assert worker.stop() == 0
    assert differences(expected_outputs(records), job.said()) == (0, 0)
    want = expected_rows(records)
    assert len(want) > 21_000
    assert wrong(want, job.stored()) == 0
    assert wrong(want, job.restored()) == 0


@pytest.mark.timeout(600)
def test_k5_stock_faust_fails_k2(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Under K2's schedule stock Faust counts events twice: K2 can tell right from wrong.

    At times it hangs after the last stall and never commits the rest. K2 would fail it for that
    alone; here it is judged by what it has done, and nothing undone can make a count too high.
    """
    print(f"CRASH_SEED={SEED}")
    records = uniform_input(EVENTS, KEYS, SEED)
    job = CounterJob(kafka, "k5", tmp_path)
    job.send(records)
    kill_while_the_broker_stalls(kafka, lambda: job.worker(module="naive_faust_worker"), 3_000)
    worker = job.worker(module="naive_faust_worker")
    finished = job.is_done_within(60, [worker])
    worker.kill9()
    want = expected_rows(records)
    newest = dict(stock_row(m.key(), m.value()) for m in kafka.read_all("k5-counts-changelog"))
    _, double = differences(expected_outputs(records), job.said())
    in_store, in_changelog = too_high(want, stock_rows(tmp_path)), too_high(want, newest)
    print(f"finished: {finished}; too high: {in_store} rows in the store, {in_changelog} in the")
    print(f"changelog, of {len(want)}; {double} outputs double or never to be said")
    assert in_store > 0
    assert in_changelog > 0
    assert double > 0


def stock_rows(home: Path) -> dict[str, tuple[int, int]]:
    """Count and sum by key, from the RocksDB files of stock Faust."""
    rows: dict[str, tuple[int, int]] = {}
    for path in sorted((home / "slot-0").glob("**/counts-[0-9].db")):
        for key, value in Rdict(str(path), Options(raw_mode=True)).items():
            if not key.startswith(b"__faust"):
                rows.update([stock_row(key, value)])
    return rows


def stock_row(key: bytes, value: bytes) -> tuple[str, tuple[int, int]]:
    """Key, count and sum, as Faust's JSON codec wrote them."""
    count, total = json.loads(value)
    return json.loads(key), (count, total)


def test_k4_kill_during_recovery_ten_in_a_row(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Ten processes die while they restore; what is there already is not read again; it converges.

    The first five begin on an empty disk each, the other five go on where the one before stood.
    """
    print(f"CRASH_SEED={SEED}")
    records = uniform_input(60_000, KEYS, SEED)
    job = CounterJob(kafka, "k4", tmp_path)
    job.send(records)
    worker = job.worker()
    job.wait_until_done([worker], 120)
    worker.kill9()
    more = uniform_input(2_000, KEYS, SEED + 1)
    job.send(more)
    for n in range(10):
        if n < 5:
            job.wipe()
        worker = job.worker(restore_s=0.02)
        worker.wait_for_restored(4_000 * (1 + n) if n < 5 else 3_000, 60)
        worker.kill9()
    worker = job.worker(**SLOWLY)
    job.wait_until_done([worker], 120)
    assert worker.stop() == 0
    want = expected_rows(records + more)
    assert differences(expected_outputs(records + more), job.said()) == (0, 0)
    assert wrong(want, job.stored()) == 0
    assert wrong(want, job.restored()) == 0
