"""Opening a partition may take long, but a client call that never returns ends the process."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from streams.runtime.faults import EXIT_BROKER, BrokerError, exit_code
from streams.runtime.group import partition, session
from streams.runtime.group.partition import PartitionLoop
from tests.support.bare_runtime import bare_settings, undelivered

STALLED_AFTER_S = 0.6


@pytest.fixture
def hanging() -> Iterator[Event]:
    """Set it to let the threads of a test go."""
    event = Event()
    yield event
    event.set()


def context(home: Path) -> Any:
    """An application whose partitions may stand still for a moment only."""
    settings = bare_settings(home, opening_stalled_after_s=STALLED_AFTER_S)
    return SimpleNamespace(settings=settings, shell=None, deliver=undelivered)


def run_until_failed(loop_context: Any) -> list[BaseException]:
    """Run a partition's loop; what it has told the runtime."""
    told: list[BaseException] = []

    async def run() -> None:
        executor = ThreadPoolExecutor(2)
        loop_context.executor, loop_context.fail = executor, told.append
        loop = PartitionLoop[Any](3, 4, loop_context)
        await asyncio.wait_for(loop.run(), 30)
        executor.shutdown(wait=False)

    asyncio.run(run())
    return told


def test_a_client_call_that_never_returns_ends_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hanging: Event
) -> None:
    """Exit code 74 with the step that hangs; the clients that a thread is inside are left alone."""
    closed: list[str] = []

    class Hangs:
        def __init__(self, *_: Any) -> None: ...

        def open(self) -> None:
            hanging.wait(30)

        def close(self) -> None:
            closed.append("closed")

    monkeypatch.setattr(session, "Transactions", Hangs)
    monkeypatch.setattr(
        session, "Fetcher", lambda *_: SimpleNamespace(consumer=None, close=lambda: None)
    )
    began_s = time.monotonic()
    (error,) = run_until_failed(context(tmp_path))
    assert isinstance(error, BrokerError)
    assert "partition 3: opening hangs" in str(error)
    assert "fencing the owner before" in str(error)
    assert exit_code(error) == EXIT_BROKER == 74
    assert time.monotonic() - began_s >= STALLED_AFTER_S
    assert closed == []


def test_a_restore_that_gets_on_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch of a restore is progress: three times the patience in all is not too long."""
    batches: list[int] = []

    class Restores(session.Session[Any]):
        def open(self) -> Any:
            while len(batches) < 12:
                time.sleep(STALLED_AFTER_S / 4)
                self._is_cancelled()
                batches.append(1)
            raise RuntimeError("restored")

    monkeypatch.setattr(partition, "Session", Restores)
    (error,) = run_until_failed(context(tmp_path))
    assert str(error) == "restored"
    assert len(batches) == 12
