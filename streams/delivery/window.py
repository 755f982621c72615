"""What waits for one destination: in order per customer, bounded, with the offsets that are done.

Pure: time is an argument. A record that waits for its next try holds back its own customer only.
"""

import heapq
from collections import deque
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from streams.delivery.webhooks import Webhook

RECORDS_MAX: Final = 1_000
BYTES_MAX: Final = 16 * 1024 * 1024
AHEAD_MAX: Final = 10_000
Place = tuple[str, int]


class Waiting(Struct, eq=False):
    """A record on its way: how often it was tried, and since when (seconds; 0: never)."""

    webhook: Webhook
    attempts: int = 0
    since_s: float = 0.0


class _Partition:
    """Offsets of a partition: those that are not done, in order, and the next to be read."""

    def __init__(self) -> None:
        self.left: dict[int, int] = {}  # offset to the record's time, milliseconds
        self.ahead: set[int] = set()  # done, behind one that is not
        self.next = -1
        self.committed = -1

    @property
    def position(self) -> int:
        return next(iter(self.left), self.next)

    def done(self, offset: int) -> None:
        was = self.position
        if self.left.pop(offset, None) is None:
            return
        self.ahead.add(offset)
        if self.position > was:
            self.ahead = {one for one in self.ahead if one > self.position}


class Window:
    """The records of a destination that were read and are not done."""

    def __init__(self) -> None:
        self._partitions: dict[Place, _Partition] = {}
        self._queues: dict[bytes, deque[Waiting]] = {}
        self._ready: deque[bytes] = deque()
        self._later: list[tuple[float, int, bytes]] = []
        self._busy: set[bytes] = set()
        self._number = 0
        self._bytes = 0
        self.records = 0

    @property
    def full(self) -> bool:
        """Whether no more should be read now."""
        return (
            self.records >= RECORDS_MAX
            or self._bytes >= BYTES_MAX
            or any(len(part.ahead) >= AHEAD_MAX for part in self._partitions.values())
        )

    def take(self, webhook: Webhook) -> None:
        """A record was read that is to be delivered."""
        self._partition(webhook.place).left[webhook.offset] = webhook.at_ms
        self.passed(webhook.place, webhook.offset)
        self.records += 1
        self._bytes += webhook.size
        queue = self._queues.setdefault(webhook.key, deque())
        queue.append(Waiting(webhook))
        if len(queue) == 1:
            self._ready.append(webhook.key)

    def passed(self, place: Place, offset: int) -> None:
        """A record was read, whether it is to be delivered or not."""
        self._partition(place).next = offset + 1

    def next_ready(self, now_s: float) -> Waiting | None:
        """A record that may go now: the first of its customer, none of whose is on its way."""
        while self._later and self._later[0][0] <= now_s:
            self._ready.append(heapq.heappop(self._later)[2])
        while self._ready:
            key = self._ready.popleft()
            queue = self._queues.get(key)
            if queue and key not in self._busy:
                self._busy.add(key)
                return queue[0]
        return None

    def next_due_s(self) -> float | None:
        """When the next record that waits for its next try may go."""
        return self._later[0][0] if self._later else None

    def back(self, waiting: Waiting, due_s: float) -> None:
        """A record is to be tried again, not before `due_s`."""
        if self._is_first(waiting):
            self._busy.discard(waiting.webhook.key)
            self._number += 1
            heapq.heappush(self._later, (due_s, self._number, waiting.webhook.key))

    def done(self, waiting: Waiting) -> None:
        """A record was answered or parked; the next of its customer may go."""
        if not self._is_first(waiting):
            return  # its partition was taken away meanwhile
        webhook = waiting.webhook
        self._busy.discard(webhook.key)
        queue = self._queues[webhook.key]
        queue.popleft()
        self._forget(webhook)
        self._partition(webhook.place).done(webhook.offset)
        if queue:
            self._ready.append(webhook.key)
        else:
            del self._queues[webhook.key]

    def held_up_by(self, waiting: Waiting) -> bool:
        """Whether so many behind this record are done that no more is read for its sake."""
        part = self._partition(waiting.webhook.place)
        return len(part.ahead) >= AHEAD_MAX and part.position == waiting.webhook.offset

    def drop(self, places: Iterable[Place]) -> None:
        """Partitions are somebody else's now, and so are their records."""
        gone = set(places)
        for place in gone:
            self._partitions.pop(place, None)
        for key, queue in list(self._queues.items()):
            first = queue[0]
            for waiting in queue:
                if waiting.webhook.place in gone:
                    self._forget(waiting.webhook)
            left = deque(w for w in queue if w.webhook.place not in gone)
            if left and left[0] is first:
                self._queues[key] = left
                continue
            self._busy.discard(key)
            if left:
                self._queues[key] = left
                self._ready.append(key)
            else:
                del self._queues[key]

    def to_commit(self) -> dict[Place, int]:
        """Positions up to which all is done, where that is news."""
        return {
            place: part.position
            for place, part in self._partitions.items()
            if part.position > part.committed
        }

    def committed(self, positions: dict[Place, int]) -> None:
        """Kafka has these positions."""
        for place, position in positions.items():
            if place in self._partitions:
                self._partitions[place].committed = position

    def oldest_ms(self) -> int | None:
        """The time of the oldest record that waits, milliseconds."""
        times = [next(iter(part.left.values())) for part in self._partitions.values() if part.left]
        return min(times) if times else None

    def _is_first(self, waiting: Waiting) -> bool:
        queue = self._queues.get(waiting.webhook.key)
        return queue is not None and queue[0] is waiting

    def _forget(self, webhook: Webhook) -> None:
        self.records -= 1
        self._bytes -= webhook.size

    def _partition(self, place: Place) -> _Partition:
        return self._partitions.setdefault(place, _Partition())
