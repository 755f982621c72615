"""The launcher: restarts what dies, stops in order, gives up only where an operator is needed."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.runtime.faults import EXIT_OPERATOR, FencedError, StoreError, exit_code
from streams.runtime.process.launcher import Launcher, Readiness

PATIENT = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0));"
    "open(sys.argv[1], 'a').write('x'); time.sleep(60)"
)
STUBBORN = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "open(sys.argv[1], 'a').write('x'); time.sleep(60)"
)
DYING = "import sys; open(sys.argv[1], 'a').write('x'); sys.exit(int(sys.argv[2]))"


@pytest.fixture(autouse=True)
def signals_as_before() -> object:
    """The launcher's handlers are gone after a test."""
    before = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def stop_when(launcher: Launcher, ready: Callable[[], object]) -> None:
    """Stop the launcher, from another thread, when `ready` says so."""

    def wait() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not ready():
            time.sleep(0.02)
        launcher.stop()

    threading.Thread(target=wait, daemon=True).start()


def written(path: Path) -> int:
    """How many processes have left their mark."""
    return len(path.read_text()) if path.exists() else 0


def test_slots_drain_on_stop(tmp_path: Path) -> None:
    """Two slots run, get SIGTERM, end with 0: the launcher ends with 0."""
    marks = [tmp_path / "0", tmp_path / "1"]
    launcher = Launcher(2, lambda n: [sys.executable, "-c", PATIENT, str(marks[n])])
    stop_when(launcher, lambda: all(written(mark) for mark in marks))
    assert launcher.run() == 0
    assert [slot.running for slot in launcher.slots] == [False, False]


def test_a_slot_that_has_not_begun_has_nothing_to_drain(tmp_path: Path) -> None:
    """A process without a handler is ended by SIGTERM itself: that is no failure of the stop."""
    mark = tmp_path / "0"
    bare = "import sys, time; open(sys.argv[1], 'a').write('x'); time.sleep(60)"
    launcher = Launcher(1, lambda n: [sys.executable, "-c", bare, str(mark)])
    stop_when(launcher, lambda: written(mark))
    assert launcher.run() == 0


def test_who_does_not_drain_is_killed(tmp_path: Path) -> None:
    """A process that ignores SIGTERM is gone after the deadline, and the exit code says so."""
    mark = tmp_path / "0"
    launcher = Launcher(
        1, lambda n: [sys.executable, "-c", STUBBORN, str(mark)], stop_timeout_s=0.3
    )
    stop_when(launcher, lambda: written(mark))
    assert launcher.run() == 1
    assert not launcher.slots[0].running


def test_a_dead_worker_is_started_again(tmp_path: Path) -> None:
    """Exit code 73 (fenced) is answered by a new process."""
    mark = tmp_path / "0"
    launcher = Launcher(1, lambda n: [sys.executable, "-c", DYING, str(mark), "73"])
    stop_when(launcher, lambda: written(mark) >= 2)
    launcher.run()
    assert written(mark) >= 2


@pytest.mark.parametrize(("code", "level"), [("0", "INFO"), ("75", "ERROR")])
def test_only_an_end_with_a_fault_is_an_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, code: str, level: str
) -> None:
    """A roll ends every slot with 0, and wakes nobody."""
    mark = tmp_path / "0"
    launcher = Launcher(1, lambda n: [sys.executable, "-c", DYING, str(mark), code])
    stop_when(launcher, lambda: written(mark) >= 2)
    with caplog.at_level(logging.INFO):
        launcher.run()
    ends = [r for r in caplog.records if f"ended with exit code {code}" in r.getMessage()]
    assert {r.levelname for r in ends} == {level}


def test_an_operators_error_is_not_repeated(tmp_path: Path) -> None:
    """Exit code 78: starting again would not help, so the launcher ends with it."""
    mark = tmp_path / "0"
    launcher = Launcher(1, lambda n: [sys.executable, "-c", DYING, str(mark), "78"])
    assert launcher.run() == EXIT_OPERATOR
    assert written(mark) == 1


def test_every_end_has_its_exit_code() -> None:
    """The launcher and the operator can tell them apart."""
    assert exit_code(FencedError("")) == 73
    assert exit_code(StoreError("")) == 75
    assert exit_code(ValueError("")) == 70
    assert exit_code(None) == 0


def test_a_roll_restarts_one_slot_after_the_other(tmp_path: Path) -> None:
    """The second slot is left alone until the first one's new process is ready."""
    marks = [tmp_path / "0", tmp_path / "1"]
    seen: list[tuple[int, int]] = []

    def ready(number: int) -> bool:
        seen.append((written(marks[0]), written(marks[1])))
        return written(marks[number]) == 2

    launcher = Launcher(
        2, lambda n: [sys.executable, "-c", PATIENT, str(marks[n])], readiness=Readiness(ready)
    )
    roll_when(launcher, lambda: all(written(mark) for mark in marks))
    stop_when(launcher, lambda: all(written(mark) == 2 for mark in marks))
    assert launcher.run() == 0
    assert [slot.starts for slot in launcher.slots] == [2, 2]
    assert [first for first, second in seen if second == 2 and first != 2] == []


def test_a_roll_is_given_up_where_the_new_process_is_not_ready(tmp_path: Path) -> None:
    """What is wrong with the first slot's new process does not happen to the second."""
    marks = [tmp_path / "0", tmp_path / "1"]
    launcher = Launcher(
        2,
        lambda n: [sys.executable, "-c", PATIENT, str(marks[n])],
        readiness=Readiness(lambda number: False, timeout_s=0.5),
    )
    roll_when(launcher, lambda: all(written(mark) for mark in marks))
    stop_when(launcher, lambda: written(marks[0]) == 2 and launcher.rolling is False)
    assert launcher.run() == 0
    assert [slot.starts for slot in launcher.slots] == [2, 1]


def roll_when(launcher: Launcher, ready: Callable[[], object]) -> None:
    """SIGHUP to this process, from another thread, when `ready` says so."""

    def wait() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not ready():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGHUP)

    threading.Thread(target=wait, daemon=True).start()
