"""A shell hears of every epoch what became of it: committed, or dropped with all that came after.

The partition's loop is the real one; what it reads and how commits end is the test's choice.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from streams.runtime.commit.turns import Turns
from streams.runtime.epoch import Batch, Epoch
from streams.runtime.faults import EpochError
from streams.runtime.group import partition as partition_module
from streams.runtime.group.partition import PartitionLoop
from streams.runtime.records import Output, Record
from streams.runtime.shell import EpochStats
from streams.runtime.state.restore import Restored
from streams.runtime.state.rows import Rows
from streams.runtime.state.store import RowStore, StoreOptions
from tests.support.bare_runtime import bare_settings

RECORDS = 6
COMMIT_S = 0.05


class ListeningShell:
    """Answers every record at once, and writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def now_ms(self, partition: int) -> int:
        """No time passes."""
        return 0

    def on_records(self, partition: Any, records: list[Record]) -> None:
        """One answer a record."""
        for record in records:
            self.told.append(f"record {record.offset} in epoch {partition.epoch}")
            partition.emit(Output("out", None, b"%d" % record.offset), urgent=True)

    def on_restored(self, partition: int, rows: int) -> None:
        """Opened."""
        self.told.append("opened")

    def on_committed(self, stats: EpochStats) -> None:
        """Durable."""
        self.told.append(f"committed {stats.epoch}")

    def on_dropped(self, partition: int) -> None:
        """Forgotten."""
        self.told.append("dropped")


class FakeKafka:
    """A record a fetch; `failing` are the steps (`commit 2`, `fetch 3`) that fail, once each."""

    def __init__(self, *failing: str) -> None:
        self.failing = set(failing)
        self.committed = 0
        self.outputs: list[bytes | None] = []

    def step(self, name: str) -> None:
        """Fail here if it is to be.

        Raises:
            EpochError: it is.
        """
        if name in self.failing:
            self.failing.discard(name)
            raise EpochError(name)


async def play(kafka: FakeKafka, home: Path) -> list[str]:
    """Own the partition until everything is committed; what the shell was told."""
    shell, opened = ListeningShell(), 0

    class FakeSession:
        def __init__(self, context: Any, number: int, cancelled: Callable[[], bool]) -> None:
            self.doing, self.progressed_s = "opening", float("inf")
            self._at = kafka.committed

        def open(self) -> Restored:
            nonlocal opened
            opened += 1
            kafka.step(f"open {opened}")
            self._store = RowStore(home / f"{opened}", StoreOptions(1 << 20, 1 << 20))
            self.rows: Rows[Any] = Rows(self._store, shell, 10)  # type: ignore[arg-type]
            self.rows.open = Epoch({"in": kafka.committed})
            return Restored(0, 0, 0)

        def fetch(self, wait_s: float) -> Batch | None:
            at = self._at
            kafka.step(f"fetch {at}")
            if at == RECORDS:
                return None
            self._at += 1
            return Batch(0, {"in": at}, {"in": at + 1}, [Record("in", 0, at, 0, None, b"", ())])

        def commit(self, epoch: Epoch[Any]) -> None:
            at = epoch.moved["in"]
            time.sleep(COMMIT_S)
            kafka.step(f"commit {at}")
            kafka.committed = at
            kafka.outputs += [output.value for output in epoch.outputs]

        def close(self) -> None:
            pass

    async def deliver(batch: Batch, handle: Callable[[Batch], None]) -> None:
        handle(batch)

    async def confirm() -> bool:
        return True

    failures: list[BaseException] = []
    context: Any = SimpleNamespace(
        settings=bare_settings(home, epoch_ms=60_000, batch_records_max=1),
        turns=Turns(1),
        shell=shell,
        confirm_membership=confirm,
        deliver=deliver,
        fail=failures.append,
    )
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(4) as threads:
        patch.setattr(partition_module, "Session", FakeSession)
        context.executor = threads
        loop = PartitionLoop[Any](0, 1, context)
        running = asyncio.create_task(loop.run())
        async with asyncio.timeout(30):
            while kafka.committed < RECORDS:
                await asyncio.sleep(0.01)
            loop.close()
            await running
    assert failures == []
    assert kafka.outputs == [b"%d" % n for n in range(RECORDS)]
    return shell.told


def epochs_of(told: list[str]) -> dict[int, list[str]]:
    """Per opening of the partition, what was said of its epochs."""
    found: dict[int, list[str]] = {}
    for line in told:
        if line == "opened":
            found[len(found)] = []
        else:
            found[len(found) - 1].append(line)
    return found


def test_without_faults_every_epoch_is_committed_in_order(tmp_path: Path) -> None:
    """Numbers rise by one, records belong to the epoch that is committed after them."""
    told = asyncio.run(play(FakeKafka(), tmp_path))
    (lines,) = epochs_of(told).values()
    assert "dropped" not in lines
    committed = [int(line.split()[-1]) for line in lines if line.startswith("committed")]
    assert committed == list(range(1, len(committed) + 1))
    for line in (line for line in lines if line.startswith("record")):
        assert lines.index(f"committed {line.split()[-1]}") > lines.index(line)


def test_a_failed_commit_drops_its_epoch_and_the_one_behind_it_once(tmp_path: Path) -> None:
    """Told once, after everything that was committed, before the partition is opened anew."""
    told = asyncio.run(play(FakeKafka("commit 1"), tmp_path))
    first, second = epochs_of(told).values()
    assert first[-1] == "dropped"
    assert [line for line in first if not line.startswith("record")] == ["dropped"]
    assert second[0] == "record 0 in epoch 1"
    assert "dropped" not in second


def test_a_commit_that_succeeds_beside_a_failed_read_was_not_dropped(tmp_path: Path) -> None:
    """The reader fails while an epoch is committed: that one is durable, and the shell is told."""
    told = asyncio.run(play(FakeKafka("fetch 1"), tmp_path))
    first, second = epochs_of(told).values()
    assert first == ["record 0 in epoch 1", "committed 1"]
    assert second[0] == "record 1 in epoch 1"


def test_an_opening_that_fails_drops_nothing(tmp_path: Path) -> None:
    """Nothing was handled, so there is nothing to forget."""
    told = asyncio.run(play(FakeKafka("open 1"), tmp_path))
    assert "dropped" not in told
    assert told.count("opened") == 1
