"""B2: the network between worker and broker is cut, slow, or silent; nothing is lost or doubled."""

import signal
import time
from pathlib import Path

import pytest

from tests.support.counting import CounterJob, WorkerProcess, skewed_input
from tests.support.guarded_kafka import GuardedKafka
from tests.support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.kafka
SLOWLY = {"batch_s": 0.002}
SEED = 21


def start(
    kafka: GuardedKafka, name: str, home: Path, count: int
) -> tuple[CounterJob, WorkerProcess, list[tuple[str, int]]]:
    """A launched worker behind the proxy, and its input."""
    print(f"seed {SEED}")
    records = skewed_input(count, 500, seed=SEED)
    settings = {"batch_records_max": 10, "epoch_ms": 20, **kafka.behind_proxy}
    job = CounterJob(kafka, name, home, **settings)
    job.send(records)
    return job, job.launched(**SLOWLY), records


def finish(job: CounterJob, worker: WorkerProcess, records: list[tuple[str, int]]) -> None:
    """The rest is worked off, the worker drains, and all equals the input."""
    job.wait_until_done([worker], 150)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.tail()
    job.assert_equals(records)


def spoil(job: CounterJob, proxy: TcpProxy, how: str, seconds: float) -> None:
    """One fault in the middle of the work; the proxy has really been in the way."""
    job.wait_for_committed(job.committed() + 1_500)
    before = proxy.accepted
    proxy.cut() if how == "cut" else proxy.half_open()
    time.sleep(seconds)
    proxy.heal()
    job.wait_for_committed(job.committed() + 200)
    assert proxy.accepted > before


def test_b2_cut_for_one_and_for_ten_seconds(guarded: GuardedKafka, tmp_path: Path) -> None:
    """Connections are closed and refused: the worker comes back by itself or by the launcher."""
    proxy = guarded.proxy()
    try:
        job, worker, records = start(guarded, "cut", tmp_path, 15_000)
        spoil(job, proxy, "cut", 1)
        spoil(job, proxy, "cut", 10)
        finish(job, worker, records)
    finally:
        proxy.close()


def test_b2_half_open_for_ten_seconds(guarded: GuardedKafka, tmp_path: Path) -> None:
    """Nothing gets through and no connection ends: it is noticed, and nothing is lost."""
    proxy = guarded.proxy()
    try:
        job, worker, records = start(guarded, "silent", tmp_path, 10_000)
        spoil(job, proxy, "half-open", 10)
        finish(job, worker, records)
    finally:
        proxy.close()


def test_b2_a_latency_of_200_ms(guarded: GuardedKafka, tmp_path: Path) -> None:
    """Every byte is 200 ms late, in both directions: slower, but in order and complete."""
    proxy = guarded.proxy()
    try:
        job, worker, records = start(guarded, "late", tmp_path, 10_000)
        job.wait_for_committed(500)
        proxy.delay_s = 0.2
        finish(job, worker, records)
    finally:
        proxy.close()


@pytest.mark.soak
@pytest.mark.parametrize("how", ["cut", "half-open"])
def test_b2_away_for_a_minute(guarded: GuardedKafka, tmp_path: Path, how: str) -> None:
    """Longer than any patience: the launcher starts it again until the network is back."""
    proxy = guarded.proxy()
    try:
        job, worker, records = start(guarded, f"minute-{how}", tmp_path, 10_000)
        spoil(job, proxy, how, 60)
        finish(job, worker, records)
    finally:
        proxy.close()
