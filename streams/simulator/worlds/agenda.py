"""What is due in a world, and the records that wait for their moment, both in the order of time."""

import heapq
from collections.abc import Callable, Iterable

from streams.simulator.records import Sent

Action = Callable[[int], None]


class Agenda:
    """Actions and records of one world; nothing is due at `end_ms` or later."""

    def __init__(self, end_ms: int) -> None:
        self._end_ms = end_ms
        self._due: list[tuple[int, int, Action]] = []
        self._outbox: list[tuple[int, int, Sent]] = []
        self._count = 0

    def at(self, at_ms: int, action: Action) -> None:
        """Do this then; the action is told the time."""
        if at_ms < self._end_ms:
            self._count += 1
            heapq.heappush(self._due, (at_ms, self._count, action))

    def send(self, records: Iterable[tuple[int, Sent]]) -> None:
        """Hand out these records at their times."""
        for at_ms, sent in records:
            self._count += 1
            heapq.heappush(self._outbox, (at_ms, self._count, sent))

    def step(self, until_ms: int) -> list[Sent]:
        """Do what is due, and hand out what happened, up to `until_ms`."""
        while self._due and self._due[0][0] <= until_ms:
            at_ms, _, action = heapq.heappop(self._due)
            action(at_ms)
        sent: list[Sent] = []
        while self._outbox and self._outbox[0][0] <= until_ms:
            sent.append(heapq.heappop(self._outbox)[2])
        return sent
