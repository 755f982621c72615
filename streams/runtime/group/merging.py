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
    >>> merge.add(Record("a", 0, 0, 30, None, None, ()))
    >>> merge.take(10)
    []
    >>> merge.add(Record("b", 0, 0, 20, None, None, ()))
    >>> merge.at_end("b")
    >>> [(r.topic, r.offset) for r in merge.take(10)]
    [('b', 0), ('a', 0)]
    """

    def __init__(
        self, topics: Sequence[str], clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock_s`: monotonic, in seconds."""
        self._waiting: dict[str, deque[Record]] = {topic: deque() for topic in topics}
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

    def add(self, record: Record) -> None:
        """One more of its topic, that stands behind those before it."""
        self._waiting[record.topic].append(record)
        self._behind.add(record.topic)

    def at_end(self, topic: str) -> None:
        """All that the topic holds was read."""
        self._behind.discard(topic)

    def take(self, count_max: int) -> list[Record]:
        """The next by time; none while one of an unread topic might come before them."""
        taken: list[Record] = []
        while len(taken) < count_max and not self._held_back():
            first = [queue for queue in self._waiting.values() if queue]
            if not first:
                break
            earliest = min(first, key=lambda queue: queue[0].timestamp_ms)
            taken.append(earliest.popleft())
        return taken

    def _held_back(self) -> bool:
        """Whether a topic without a record here may have an earlier one on the broker."""
        if self.empty or not self.unsure:
            self._held_since_s = None
            return False
        if self._held_since_s is None:
            self._held_since_s = self._clock_s()
        return self._clock_s() - self._held_since_s < PATIENCE_S
