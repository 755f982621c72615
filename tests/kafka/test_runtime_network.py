"""B2: the network between worker and broker is cut, slow, or silent; nothing is lost or doubled."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from streams.runtime.clients import new_consumer
from streams.runtime.commit.committer import Committer
from streams.runtime.commit.failpoint import nothing_fails
from streams.runtime.commit.transactions import Transactions
from streams.runtime.epoch import Epoch
from streams.runtime.records import NEVER, RowChange
from streams.runtime.state.store import RowStore, StoreOptions
from tests.support.bare_runtime import bare_settings, opened
from tests.support.counting import CounterJob, WorkerProcess, skewed_input
from tests.support.guarded_kafka import GuardedKafka
from tests.support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.kafka
SLOWLY: dict[str, Any] = {"batch_s": 0.002}
SEED = 21
EPOCH_ROWS = 10_000


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


def test_b2_waiting_for_a_slow_broker_takes_no_processor_time(
    guarded: GuardedKafka, tmp_path: Path
) -> None:
    """A large epoch is many requests, one after the other: the client sleeps between them."""
    proxy = guarded.proxy()
    guarded.create_topics("patient-changelog", config={"cleanup.policy": "compact"})
    names = {"application_id": "patient", "changelog_topic": "patient-changelog"}
    settings = bare_settings(tmp_path, **names, **guarded.behind_proxy)
    store = RowStore(tmp_path / "0", StoreOptions(1 << 20, 1 << 20))
    group = new_consumer(settings)
    protocol = Transactions(settings, 0, group)
    try:
        opened(protocol)
        committer = Committer[None](settings, 0, protocol, store, nothing_fails)
        epoch = Epoch[None]({})
        epoch.changes = [
            RowChange(b"%d" % n, os.urandom(1_000), NEVER, NEVER) for n in range(EPOCH_ROWS)
        ]
        proxy.delay_s = 0.1
        cpu_s, wall_s = time.process_time(), time.monotonic()
        committer.commit(epoch)
        cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - wall_s
        print(f"{EPOCH_ROWS} rows: {cpu_s:.2f} s of CPU time in {wall_s:.2f} s")
        assert store.count() == sum(guarded.end_offsets("patient-changelog")) - 1 == EPOCH_ROWS
        assert cpu_s < wall_s / 3
    finally:
        protocol.close()
        group.close()
        store.close()
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
