"""Input that goes on while a test kills, stops and starts workers, however quick the machine is."""

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

Sent = TypeVar("Sent")


class Feed(Generic[Sent]):
    """Sends records at a steady rate until it is told to stop, or has sent them all."""

    def __init__(
        self, send: Callable[[list[Sent]], object], records: Iterable[Sent], per_second: int
    ) -> None:
        self.sent: list[Sent] = []
        self._send = send
        self._left = iter(records)
        self._per_second = per_second
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self, at_least: int = 0) -> list[Sent]:
        """What was sent, once nothing more is; not before so many were.

        Raises:
            AssertionError: it had ended by itself: what came after had no input.
        """
        while len(self.sent) < at_least and self._thread.is_alive():
            time.sleep(0.1)
        assert self._thread.is_alive(), "the input ended before the test did"
        self._stop.set()
        self._thread.join(60)
        return self.sent

    def _run(self) -> None:
        began_s = time.monotonic()
        while not self._stop.wait(0.1):
            due = int((time.monotonic() - began_s) * self._per_second) - len(self.sent)
            burst = list(itertools.islice(self._left, due))
            if due and not burst:
                return
            self._send(burst)
            self.sent += burst
