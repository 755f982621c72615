"""From a record's timestamp to the commit of the offer that it led to: what a customer waits."""

import time
from collections import deque
from collections.abc import Sequence

from streams.runtime.records import Record
from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter

WAITING_MAX = 10_000


class OfferLatency:
    """Offers wait here until the epoch that holds their record is durable.

    An epoch says how many records it held, so an offer of the batch that is computed while a commit
    is on its way is not counted with that commit. After a drop records come again from an earlier
    offset, and the count starts anew; that is how a dropped epoch is seen.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._handled: dict[int, int] = {}
        self._durable: dict[int, int] = {}
        self._last: dict[tuple[str, int], int] = {}
        self._waiting: dict[int, deque[tuple[int, int]]] = {}

    def begin(self, partition: int, records: Sequence[Record]) -> None:
        """A batch comes."""
        if not records:
            return
        first = records[0]
        if first.offset <= self._last.get((first.topic, partition), -1):
            self._handled[partition] = self._durable.get(partition, 0)
            self._waiting.pop(partition, None)
            self._meter.count(metrics.COMMITS, "aborted")
        for record in records:
            self._last[record.topic, partition] = record.offset
        self._handled[partition] = self._handled.get(partition, 0) + len(records)

    def decided(self, partition: int, came_ms: int) -> None:
        """An offer was decided for something that came at `came_ms`, wall time."""
        waiting = self._waiting.setdefault(partition, deque(maxlen=WAITING_MAX))
        waiting.append((self._handled.get(partition, 0), came_ms))

    def committed(self, partition: int, records: int) -> None:
        """An epoch of so many records is durable."""
        durable = self._durable[partition] = self._durable.get(partition, 0) + records
        waiting, now_ms = self._waiting.get(partition), time.time_ns() // 1_000_000
        while waiting and waiting[0][0] <= durable:
            _, came_ms = waiting.popleft()
            self._meter.observe(metrics.EVENT_TO_OFFER, value=max(0, now_ms - came_ms) / 1000)
