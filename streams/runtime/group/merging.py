"""Several topics of one partition number as one stream by timestamp, as Kafka Streams merges them.

A topic's own order always stays. The next record is the one with the smallest timestamp among the
first of every topic; a topic that has none waiting is waited for, unless it was read to its end.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence

from streams.runtime.records import Record

# A topic that cannot be read now (its leader moves) holds up the others for so long.
PATIENCE_S = 1.0


class Merge:
    """Records that were read and not handed on, by topic.

    >>> merge = Merge(["a", "b"])
    >>> merge.add("a", [Record("a", 0, 0, 30, None, None, ())])
    >>> merge.take(10)
    []
    >>> merge.add("b", [Record("b", 0, 0, 20, None, None, ())])
    >>> merge.at_end("b")
    >>> [(r.topic, r.offset) for r in merge.take(10)]
    [('b', 0), ('a', 0)]
    """

    def __init__(
        self, topics: Sequence[str], clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock_s`: monotonic, in seconds."""
        self._waiting: dict[str, deque[Record]] = {topic: deque() for topic in topics}
        self._queues = tuple(self._waiting.values())
        self._behind = set(topics)
        self._clock_s = clock_s
        self._held_since_s: float | None = None

    @property
    def empty(self) -> bool:
        """Nothing waits."""
        return not any(self._waiting.values())

    @property
    def unsure(self) -> list[str]:
        """Topics without a record here whose end was not seen."""
        return [topic for topic in self._behind if not self._waiting[topic]]

    def full(self, count: int) -> bool:
        """So many wait, and no more need be read before some are handed on."""
        return sum(map(len, self._waiting.values())) >= count and not self._held_back()

    def add(self, topic: str, records: Sequence[Record]) -> None:
        """More of a topic, in its order, that stand behind those before them."""
        self._waiting[topic].extend(records)
        self._behind.add(topic)

    def at_end(self, topic: str) -> None:
        """All that the topic holds was read."""
        self._behind.discard(topic)

    def take(self, count_max: int) -> list[Record]:
        """The next by time; none while one of an unread topic might come before them.

        As many of a topic are taken in a row as come before the first of every other.
        """
        taken: list[Record] = []
        while len(taken) < count_max and not self._held_back():
            heads = sorted(
                (queue[0].timestamp_ms, place) for place, queue in enumerate(self._queues) if queue
            )
            if not heads:
                break
            place = heads[0][1]
            limit = heads[1] if len(heads) > 1 else None
            _take_before(self._queues[place], place, limit, count_max, taken)
        return taken

    def _held_back(self) -> bool:
        """Whether a topic without a record here may have an earlier one on the broker."""
        if self.empty or not self.unsure:
            self._held_since_s = None
            return False
        if self._held_since_s is None:
            self._held_since_s = self._clock_s()
        return self._clock_s() - self._held_since_s < PATIENCE_S


def _take_before(
    queue: deque[Record],
    place: int,
    limit: tuple[int, int] | None,
    count_max: int,
    taken: list[Record],
) -> None:
    """Move the first of a queue, and those behind it that come before `limit` (time, place)."""
    if limit is None:
        room = count_max - len(taken)
        if len(queue) <= room:
            taken.extend(queue)
            queue.clear()
        else:
            taken.extend([queue.popleft() for _ in range(room)])
        return
    while queue and len(taken) < count_max and (queue[0].timestamp_ms, place) < limit:
        taken.append(queue.popleft())
