"""A standby never ends the process, but for a full disk; and it is no burden."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from streams.runtime.faults import DiskFullError, EpochError, StoreError, exit_code
from streams.runtime.group import standby
from streams.runtime.group.standby import Follower, Pace
from streams.runtime.state.store import RowStore, StoreOptions

OPTIONS = StoreOptions(1 << 20, 1 << 20)


class Changelog:
    """What a follower reads from: raises the faults that it is given, one an opening."""

    faults: list[Exception]
    fetched = threading.Event()

    def __init__(self, *_: Any) -> None:
        self.position = self.end = 7

    def find_position(self, patience_s: float) -> None:
        """Where a broker that is away, or a disk, says so."""
        if self.faults:
            raise self.faults.pop(0)

    def fetch(self, wait_s: float, records_max: int) -> list[Any]:
        """Nothing new; it can be followed."""
        self.fetched.set()
        time.sleep(0.001)
        return []

    def behind(self) -> int:
        """As far as is known."""
        return 2

    def start(self) -> None:
        """Nothing."""

    flush = close = start


def follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: list[Exception]
) -> tuple[list[BaseException], int | None]:
    """Follow over these faults until it works or is given up; what was told, and the lag then."""
    monkeypatch.setattr(standby, "ChangelogReader", Changelog)
    Changelog.faults, Changelog.fetched = list(faults), threading.Event()
    told: list[BaseException] = []
    context: Any = SimpleNamespace(
        settings=None,
        shell=None,
        stores=OPTIONS,
        store_path=lambda n: tmp_path / str(n),
        fail=told.append,
    )

    async def run() -> int | None:
        with ThreadPoolExecutor(2) as executor:
            context.executor = executor
            follower = Follower[Any](1, context, Pace())
            running = asyncio.create_task(follower.run())
            while not (running.done() or Changelog.fetched.is_set()):
                await asyncio.sleep(0.01)
            behind = follower.behind
            follower.close()
            await running
            assert follower.behind is None
            return behind

    return told, asyncio.run(asyncio.wait_for(run(), 30))


def test_faults_are_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A broker that is away, a damaged store: a warning each, and it begins again."""
    faults: list[Exception] = [EpochError("no broker"), StoreError("Corruption: bad block")]
    assert follow(tmp_path, monkeypatch, faults) == ([], 2)
    warnings = [r.message for r in caplog.records if r.levelname == "WARNING"]
    assert len(warnings) == 2
    assert warnings[0].startswith("standby of partition 1 begins again in 0.5 s: EpochError")


def test_a_full_disk_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the owner's exit code, at once: the owned partitions are on the same disk."""
    told, _ = follow(tmp_path, monkeypatch, [DiskFullError("No space left on device")])
    assert [exit_code(error) for error in told] == [75]


def test_the_store_is_free_once_it_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever takes the partition over opens the very same store."""
    assert follow(tmp_path, monkeypatch, []) == ([], 2)
    RowStore(tmp_path / "1", OPTIONS).close()


@pytest.mark.parametrize("said", ["No space left on device", "IO error: File too large"])
def test_a_disk_without_room_is_told_from_other_faults(tmp_path: Path, said: str) -> None:
    """By the words that RocksDB hands on."""
    store = RowStore(tmp_path / "0", OPTIONS)
    assert isinstance(store._failed("written", Exception(said)), DiskFullError)
    assert not isinstance(store._failed("written", Exception("IO error: fsync")), DiskFullError)
    store.close()


@pytest.mark.parametrize(("closes", "rest_s"), [(False, 0.15), (True, 0.0)])
def test_a_turn_is_followed_by_a_rest(closes: bool, rest_s: float) -> None:
    """Three times its CPU time, so that all standbys together take a quarter of a core at most."""
    pace, closing = Pace(), threading.Event()
    if closes:
        closing.set()
    with pace.turn(closing):
        busy_until_s = time.thread_time() + 0.05
        while time.thread_time() < busy_until_s:
            pass
        worked_s = time.monotonic()
    rested_s = time.monotonic() - worked_s
    assert rested_s >= rest_s
    assert pace._lock.acquire(blocking=False)
