"""Workers, and what a launcher would do: start again what has ended for a good reason."""

import signal
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from streams.runtime.faults import EXIT_BROKER, EXIT_FENCED, EXIT_GROUP
from tests.support.counting import CounterJob, WorkerProcess

PATIENCE_S = 300


class Crew:
    """Counter workers by slot; `ended` counts the exit codes of those that ended by themselves."""

    def __init__(self, job: CounterJob, slots: Iterable[int], **arguments: Any) -> None:
        self.ended: Counter[int] = Counter()
        self._job = job
        self._arguments = arguments
        self.workers: dict[int, WorkerProcess] = {n: job.worker(n, **arguments) for n in slots}

    def wait_for(self, records: int) -> None:
        """Until so many records of the input are committed, by whomever."""
        deadline, reached = time.monotonic() + PATIENCE_S, -1
        while (now := self._job.committed()) < records:
            if now > reached:
                deadline, reached = time.monotonic() + PATIENCE_S, now
            tails = "\n".join(worker.tail() for worker in self.workers.values())
            assert time.monotonic() < deadline, f"{now} of {records}\n{tails}"
            self._look_after()
            time.sleep(0.2)

    def kill(self, slot: int, *, wipe: bool) -> None:
        """SIGKILL; perhaps the disk is lost as well; start again."""
        self.workers[slot].kill9()
        if wipe:
            self._job.wipe(slot)
        self.workers[slot] = self._job.worker(slot, **self._arguments)

    def stop(self) -> None:
        """Drain them; who had not even begun has nothing to drain."""
        codes = [worker.stop() for worker in self.workers.values()]
        assert set(codes) <= {0, -signal.SIGTERM}, codes

    def _look_after(self) -> None:
        for slot, worker in self.workers.items():
            if worker.ended_within(0):
                code = worker.wait()
                assert code in (EXIT_BROKER, EXIT_FENCED, EXIT_GROUP), worker.tail()
                self.ended[code] += 1
                self.workers[slot] = self._job.worker(slot, **self._arguments)
