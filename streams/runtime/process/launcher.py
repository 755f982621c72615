"""N worker slots as child processes: start, watch, restart with back-off, roll, stop in order.

Each slot is one process on one core, with its own data directory and port (the command's matter).
SIGHUP rolls: one slot after the other is drained and started again, each waits for the one before.
"""

import logging
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from streams.runtime.faults import EXIT_OK, EXIT_OPERATOR

log = logging.getLogger(__name__)
Command = Callable[[int], Sequence[str]]
_POLL_S = 0.1
_HEALTHY_AFTER_S = 60.0
_BACK_OFF_MAX_S = 30.0
_ROLLED = "rolled"
# A process that SIGTERM itself ended had no handler yet: it had not begun, or it was through.
_DRAINED = (None, EXIT_OK, -signal.SIGTERM)


class Slot:
    """One worker's place: a process now, and the next one when that ends."""

    def __init__(
        self, number: int, command: Sequence[str], environment: Mapping[str, str] | None
    ) -> None:
        self.number = number
        self.restarts = 0
        self.starts = 0
        self.start_at_s = 0.0
        self._command = list(command)
        self._environment = None if environment is None else dict(environment)
        self._failures = 0
        self._asked_to_end = False
        self._began_s = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Is there a process that has not ended?"""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process."""
        self._began_s = time.monotonic()
        self._process = subprocess.Popen(self._command, env=self._environment)  # noqa: S603
        self.starts += 1
        log.info("worker slot %d: process %d", self.number, self._process.pid)

    def ended(self) -> int | None:
        """The exit code, once, after the process has ended; plans when to start the next."""
        if self._process is None or (code := self._process.poll()) is None:
            return None
        self._process = None
        self.restarts += 1
        if self._asked_to_end:
            self._asked_to_end, self.start_at_s = False, 0.0
            return code
        lived_s = time.monotonic() - self._began_s
        self._failures = 1 if lived_s > _HEALTHY_AFTER_S else self._failures + 1
        self.start_at_s = time.monotonic() + min(_BACK_OFF_MAX_S, 0.5 * 2**self._failures)
        return code

    def end(self) -> None:
        """SIGTERM; the next process starts without a wait."""
        self._asked_to_end = self.running
        self.send(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)


class Readiness(NamedTuple):
    """Whether a slot's process has taken up its work, and for how long that is waited for."""

    ask: Callable[[int], bool]
    timeout_s: float = 300.0


READY_AT_ONCE = Readiness(lambda number: True)


class Launcher:
    """Runs `command(slot)` for every slot until SIGTERM or SIGINT, then drains them.

    `environment` None: the children inherit the launcher's. A roll goes on only when the slot's
    new process is ready, and is given up where it never gets so.
    """

    def __init__(
        self,
        workers: int,
        command: Command,
        *,
        environment: Mapping[str, str] | None = None,
        stop_timeout_s: float = 30.0,
        readiness: Readiness = READY_AT_ONCE,
    ) -> None:
        self.slots = [Slot(n, command(n), environment) for n in range(workers)]
        self._stop_timeout_s = stop_timeout_s
        self._readiness = readiness
        self._stopping = False
        self._roll: Iterator[str] | None = None

    def run(self) -> int:
        """Blocks, in the main thread; 0 if all slots drained, 78 if an operator is needed."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        signal.signal(signal.SIGHUP, lambda *_: self.roll())
        code = EXIT_OK
        try:
            while not self._stopping and code == EXIT_OK:
                code = self._look_after()
                if self._roll is not None and next(self._roll, _ROLLED) == _ROLLED:
                    self._roll = None
                time.sleep(_POLL_S)
        finally:
            drained = self._stop()
        return code or (EXIT_OK if drained else 1)

    def stop(self) -> None:
        """Ask `run` to drain and return."""
        self._stopping = True

    @property
    def rolling(self) -> bool:
        """Is a roll going on?"""
        return self._roll is not None

    def roll(self) -> None:
        """Ask `run` to drain and restart one slot after the other, unless it does already."""
        if self._roll is None:
            self._roll = self._roll_slots()

    def _roll_slots(self) -> Iterator[str]:
        """Yields what it waits for; `_look_after` starts what has ended."""
        for slot in self.slots:
            log.info("worker slot %d is rolled", slot.number)
            starts, began_s = slot.starts, time.monotonic()
            slot.end()
            while slot.starts == starts:
                if time.monotonic() - began_s > self._stop_timeout_s:
                    slot.send(signal.SIGKILL)
                yield "end"
            began_s = time.monotonic()
            while not (slot.running and self._readiness.ask(slot.number)):
                if time.monotonic() - began_s > self._readiness.timeout_s:
                    log.error("worker slot %d is not ready: the roll is given up", slot.number)
                    return
                yield "readiness"

    def _look_after(self) -> int:
        """Start what should run; EXIT_OPERATOR where a restart would not help."""
        for slot in self.slots:
            code = slot.ended()
            if code == EXIT_OPERATOR:
                log.critical("worker slot %d needs an operator: see its log", slot.number)
                return code
            if code is not None:
                level = logging.ERROR if code else logging.INFO  # 0: it was told to, as in a roll
                log.log(level, "worker slot %d ended with exit code %d", slot.number, code)
            if not slot.running and time.monotonic() >= slot.start_at_s:
                slot.start()
        return EXIT_OK

    def _stop(self) -> bool:
        """SIGTERM, wait, SIGKILL after the deadline; True if nobody had to be killed."""
        for slot in self.slots:
            slot.send(signal.SIGTERM)
        deadline_s = time.monotonic() + self._stop_timeout_s
        while time.monotonic() < deadline_s and any(slot.running for slot in self.slots):
            time.sleep(_POLL_S)
        late = [slot for slot in self.slots if slot.running]
        for slot in late:
            log.error("worker slot %d did not drain in time: killed", slot.number)
            slot.send(signal.SIGKILL)
        while any(slot.running for slot in self.slots):
            time.sleep(_POLL_S)
        codes = [slot.ended() for slot in self.slots]
        return not late and all(code in _DRAINED for code in codes)
