"""Standbys: who follows a partition takes it over with its rows, and loses or doubles nothing."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from streams.runtime.state.store import RowStore, StoreOptions
from tests.support.apache_kafka import ApacheKafka
from tests.support.counting import CounterJob, WorkerProcess, expected_rows, uniform_input
from tests.support.openings import openings

pytestmark = pytest.mark.kafka
SEED = 20_261
KEYS = 8_000
SLOWLY: dict[str, Any] = {"batch_s": 0.002}


def settled(*workers: WorkerProcess) -> None:
    """Until each follows two partitions to their end, which a fetch may be told half a second late.

    Of four partitions each of two workers owns two and follows the two others.
    """
    time.sleep(1.0)
    for worker in workers:
        worker.wait_for_standbys(2)


def pair(job: CounterJob, records: list[tuple[str, int]]) -> list[WorkerProcess]:
    """Two workers, each following the other one; the first one has handled all records."""
    job.send(records)
    workers = [job.worker(0)]
    job.wait_until_done(workers)
    workers.append(job.worker(1))
    settled(*workers)
    return workers


def restored_by(log: str) -> dict[int, int]:
    """By partition: the rows that its last opening restored."""
    return {opening.partition: opening.rows for opening in openings(log)}


def wait_until_open(worker: WorkerProcess, said: int, partitions: int) -> dict[int, int]:
    """Until so many partitions were opened after `said` characters of the log; what was restored.

    A rebalance may open some of them twice; the first opening is the one that has to restore.
    """
    deadline = time.monotonic() + 60
    while len(found := restored_by(worker.log()[said:])) < partitions:
        worker.assert_running()
        assert time.monotonic() < deadline, worker.tail()
        time.sleep(0.1)
    return found


def test_a_standby_takes_over_with_a_small_tail(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Kill -9 under load: the survivor restores a tail only; nothing is missing, wrong or double.

    It must have had the rows from following, for it never owned these partitions.
    """
    print(f"SEED={SEED}")
    job = CounterJob(kafka, "standby", tmp_path, standby_replicas=1, batch_records_max=50)
    records = [(f"k{n}", n + 1) for n in range(KEYS)]
    victim, heir = pair(job, records)
    more = uniform_input(2_000, KEYS, SEED)
    job.send(more)
    victim.wait_for_progress(victim.progress + 200)
    said = len(heir.log())
    victim.kill9()
    restored = wait_until_open(heir, said, partitions=4)
    job.wait_until_done([heir])
    assert heir.stop() == 0, heir.tail()
    rows = KEYS + len(more)
    print(f"of {rows} changelog records {sum(restored.values())} were restored: {restored}")
    assert sum(restored.values()) <= len(more)
    job.assert_equals(records + more)
    assert job.stored(1) == job.restored() == expected_rows(records + more)


@pytest.mark.timeout(180)
def test_a_standby_with_a_spoilt_store_begins_again(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Store damaged, store of another cluster: it follows from the beginning, and can take over."""
    print(f"SEED={SEED}")
    job = CounterJob(kafka, "begins-again", tmp_path, standby_replicas=1)
    records = uniform_input(6_000, 2_000, SEED)
    owner, follower = pair(job, records)
    assert follower.stop() == 0
    spoil(tmp_path / "slot-1" / "counts")
    said = len(follower.log())
    follower = job.worker(1)
    wait_until_open(follower, said, partitions=2)
    settled(owner, follower)
    said = len(follower.log())
    owner.kill9()
    assert sum(wait_until_open(follower, said, partitions=4).values()) == 0
    more = uniform_input(500, 2_000, SEED + 1)
    job.send(more)
    job.wait_until_done([follower])
    assert follower.stop() == 0, follower.tail()
    assert "is damaged" in follower.log()
    assert "was not written from this changelog" in follower.log()
    job.assert_equals(records + more)
    assert job.stored(1) == job.restored() == expected_rows(records + more)


def spoil(stores: Path) -> None:
    """Two stores lose their tables, the two others belong to another cluster."""
    for number, path in enumerate(sorted(stores.iterdir())):
        if number % 2:
            store = RowStore(path, StoreOptions(1 << 20, 1 << 20))
            store.start_over(b"another cluster")
            store.close()
            continue
        tables = list(path.glob("*.sst"))
        assert tables, "nothing to damage"
        for table in tables:
            table.unlink()


@pytest.mark.timeout(180)
def test_kills_while_following_converge(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Kill -9 while it follows and owns, once with its disk: both hold every row at the end."""
    print(f"SEED={SEED}")
    job = CounterJob(kafka, "killed-following", tmp_path, standby_replicas=1, batch_records_max=20)
    records = uniform_input(9_000, 3_000, SEED)
    workers = [job.worker(0, **SLOWLY), job.worker(1, **SLOWLY)]
    for n in range(3):
        job.send(records[n * 3_000 : (n + 1) * 3_000])
        job.wait_for_committed(n * 3_000 + 500)
        workers[1].kill9()
        if n == 1:
            job.wipe(1)
        workers[1] = job.worker(1, **SLOWLY)
    job.wait_until_done(workers)
    settled(*workers)
    assert [worker.stop() for worker in workers] == [0, 0]
    job.assert_equals(records)
    assert job.stored(0) == job.stored(1) == expected_rows(records)


def test_without_standbys_nothing_is_followed(kafka: ApacheKafka, tmp_path: Path) -> None:
    """The default: who joins second has the stores of its own two partitions, and no others."""
    job = CounterJob(kafka, "alone", tmp_path)
    records = uniform_input(2_000, 500, SEED)
    job.send(records)
    first = job.worker(0)
    job.wait_until_done([first])
    second = job.worker(1)
    wait_until_open(second, 0, partitions=2)
    job.send(records)
    job.wait_until_done([first, second])
    # Before the first one stops: then the second one is given everything.
    assert len(list((tmp_path / "slot-1" / "counts").iterdir())) == 2
    assert (first.stop(), second.stop()) == (0, 0)
    assert "standby" not in first.log() + second.log()
    assert (first.behind, second.behind) == (None, None)


@pytest.mark.soak
@pytest.mark.timeout(1_800)
def test_how_long_a_takeover_takes(kafka: ApacheKafka, tmp_path: Path) -> None:
    """With a standby the heir of half of all rows restores none of them; prints both times."""
    rows = int(os.environ.get("STANDBY_ROWS", "300000"))
    for round_ in range(int(os.environ.get("STANDBY_ROUNDS", "3"))):
        for replicas in (0, 1):
            job = CounterJob(
                kafka,
                f"measured-{round_}-{replicas}",
                tmp_path / f"{round_}-{replicas}",
                standby_replicas=replicas,
            )
            opening_s, restored, moved_s = measured_takeover(job, rows, replicas)
            print(
                f"{replicas} standbys, {rows} rows: opened after {opening_s:.2f} s, "
                f"{restored} rows restored, {moved_s:.1f} s after the kill"
            )
            assert restored == 0 if replicas else restored > rows // 3


def measured_takeover(job: CounterJob, rows: int, replicas: int) -> tuple[float, int, float]:
    """The slowest opening, the rows that were restored, and the time from kill to running."""
    fill_changelog(job, rows)
    victim = job.worker(0)
    wait_until_open(victim, 0, partitions=4)
    heir = job.worker(1)
    wait_until_open(heir, 0, partitions=2)
    if replicas:
        heir.wait_for_standbys(2, timeout_s=300)
    said = len(heir.log())
    victim.kill9()
    killed_s = time.monotonic()
    restored = wait_until_open(heir, said, partitions=4)
    moved_s = time.monotonic() - killed_s
    took_s = [opening.seconds for opening in openings(heir.log()[said:])]
    assert heir.stop() == 0
    return max(took_s), sum(restored.values()), moved_s


def fill_changelog(job: CounterJob, rows: int) -> None:
    """Rows of 800 bytes, as if they had come from input."""
    producer = Producer({"bootstrap.servers": job.kafka.bootstrap, "linger.ms": 50})
    row = json.dumps({"count": 1, "sum": 5, "more": "x" * 760}).encode()
    for n in range(rows):
        producer.produce(job.changelog, row, b"k%07d" % n, n % 4)
        producer.poll(0)
        if n % 20_000 == 0:
            producer.flush()
    assert producer.flush(60) == 0
