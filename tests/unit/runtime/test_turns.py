"""Urgent epochs take turns: few are committed at once, the others gather; time waits for nobody."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.commit.turns import Turn, Turns
from streams.runtime.epoch import Batch, Epoch
from streams.runtime.group import partition as partition_module
from streams.runtime.group.partition import PartitionLoop
from streams.runtime.records import Output, Record
from streams.runtime.shell import EpochStats
from streams.runtime.state.restore import Restored
from streams.runtime.state.rows import Rows
from streams.runtime.state.store import RowStore, StoreOptions
from tests.support.bare_runtime import bare_settings

PARTITIONS, RECORDS, COMMIT_S = 4, 40, 0.01


class Kafka:
    """Input of every partition, a record a fetch; commits take their time and are counted."""

    def __init__(self) -> None:
        self.running = self.running_max = 0
        self.epochs: list[Epoch[Any]] = []
        self._lock = threading.Lock()
        self._at = dict.fromkeys(range(PARTITIONS), 0)

    def fetch(self, number: int, wait_s: float) -> Batch | None:
        """The next record of a partition."""
        at = self._at[number]
        if at == RECORDS:
            time.sleep(0.01)
            return None
        self._at[number] += 1
        record = Record("in", number, at, 0, None, b"", ())
        return Batch(number, {"in": at}, {"in": at + 1}, [record])

    def commit(self, epoch: Epoch[Any]) -> None:
        """As a transaction does, in a thread."""
        with self._lock:
            self.running += 1
            self.running_max = max(self.running, self.running_max)
            self.epochs.append(epoch)
        time.sleep(COMMIT_S)
        with self._lock:
            self.running -= 1

    def outputs(self) -> list[tuple[str, bytes | None]]:
        """What was committed."""
        return [(o.topic, o.value) for epoch in self.epochs for o in epoch.outputs]


class EchoShell:
    """Every record is answered; all answers are urgent, or none."""

    def __init__(self, urgent: bool) -> None:
        self._urgent = urgent

    def on_records(self, partition: Any, records: list[Record]) -> None:
        """One answer a record."""
        for record in records:
            value = f"{record.partition}:{record.offset}".encode()
            partition.emit(Output("out", None, value), urgent=self._urgent)

    def encode_row(self, row: Any) -> bytes:
        """There are no rows."""
        raise AssertionError(row)

    def now_ms(self, partition: int) -> int:
        """No time passes."""
        return 0

    def on_restored(self, partition: int, rows: int) -> None:
        """Nothing to fold in."""

    def on_committed(self, stats: EpochStats) -> None:
        """Nothing to fold in."""

    def on_dropped(self, partition: int) -> None:
        """Nothing is kept beside the rows."""


async def play(kafka: Kafka, home: Path, turns: Turns, *, urgent: bool, epoch_ms: int) -> None:
    """Own all partitions until everything is committed."""
    settings = bare_settings(home, epoch_ms=epoch_ms)

    class FakeSession:
        def __init__(self, context: Any, number: int, cancelled: Any) -> None:
            self._number = number

        def open(self) -> Restored:
            store = RowStore(home / str(self._number), StoreOptions(1 << 20, 1 << 20))
            self.rows = Rows(store, context.shell, 10)
            self.rows.open = Epoch({"in": 0})
            self.commit = kafka.commit
            return Restored(0, 0, 0)

        def fetch(self, wait_s: float) -> Batch | None:
            return kafka.fetch(self._number, wait_s)

        def close(self) -> None:
            self.rows._store.close()

    context: Any = type("PartitionContext", (), {"settings": settings, "turns": turns})()
    context.shell = EchoShell(urgent)
    failures: list[BaseException] = []

    async def deliver(batch: Batch, handle: Any) -> None:
        handle(batch)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(16) as threads:
        patch.setattr(partition_module, "Session", FakeSession)
        context.executor, context.deliver, context.fail = threads, deliver, failures.append
        loops = [PartitionLoop[Any](n, PARTITIONS, context) for n in range(PARTITIONS)]
        running = [asyncio.create_task(loop.run()) for loop in loops]
        deadline_s = time.monotonic() + 30
        while len(kafka.outputs()) < PARTITIONS * RECORDS and time.monotonic() < deadline_s:
            await asyncio.sleep(0.01)
        for loop in loops:
            loop.close()
        await asyncio.wait(running)
    assert failures == []


def test_urgent_commits_take_turns_and_gather(tmp_path: Path) -> None:
    """Of four partitions two commit at once; who waits gathers; every answer is committed once."""
    kafka = Kafka()
    asyncio.run(play(kafka, tmp_path, Turns(2), urgent=True, epoch_ms=60_000))
    want = sorted(("out", f"{p}:{n}".encode()) for p in range(PARTITIONS) for n in range(RECORDS))
    assert sorted(kafka.outputs()) == want
    assert kafka.running_max == 2
    assert max(len(epoch.outputs) for epoch in kafka.epochs) > 1


def test_time_does_not_wait_for_a_turn(tmp_path: Path) -> None:
    """An epoch whose time has come is committed although all turns are taken, for ever."""

    async def without_turns(urgent: bool) -> Kafka:
        kafka, turns = Kafka(), Turns(1)
        turns.ask()
        home = tmp_path / str(urgent)
        await play(kafka, home, turns, urgent=urgent, epoch_ms=20)
        return kafka

    for urgent in (False, True):
        assert len(asyncio.run(without_turns(urgent)).outputs()) == PARTITIONS * RECORDS


@given(st.integers(1, 4), st.lists(st.integers(0, 9), max_size=60))
def test_turns_are_given_in_order_and_never_lost(at_once: int, moves: list[int]) -> None:
    """However they are asked for and given back, as many as possible are held, the oldest first."""

    async def played() -> None:
        turns, asked = Turns(at_once), list[Turn]()
        for move in moves:
            if move < 6 or not asked:
                asked.append(turns.ask())
            else:
                turns.give_back(asked.pop(move % len(asked)))
            held = [turn.done() for turn in asked]
            assert held == sorted(held, reverse=True)
            assert sum(held) == min(at_once, len(asked))

    asyncio.run(played())
