"""The rows of one partition as an epoch sees them: dirty rows over cached rows over the store.

Layers, newest first: the open epoch, the epoch whose commit is running, a bounded cache of decoded
rows, the store. The due index has the same layers; a key in a newer layer hides the older ones. No
stored, unhidden row is due before `_floor_ms`, so that a walk never starts among the tombstones of
what was due long ago.
"""

from collections import OrderedDict
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import islice
from typing import Any, Generic, TypeVar

from streams.runtime.epoch import Epoch
from streams.runtime.records import NEVER
from streams.runtime.shell import Shell
from streams.runtime.store import RowStore

R = TypeVar("R")
# A cached row and its due time.
_Cached = tuple[R | None, int]
_ABSENT: Any = object()


class Rows(Generic[R]):
    """Reads through the layers; writes go to the open epoch only."""

    def __init__(self, store: RowStore, shell: Shell[R], cached_rows_max: int) -> None:
        self._store = store
        self._shell = shell
        self._cached_rows_max = cached_rows_max
        self._cache: OrderedDict[bytes, _Cached[R]] = OrderedDict()
        self._heap: list[tuple[int, bytes]] = []
        self._stored_due_ms: int | None = None
        self._floor_ms = 0
        self.open: Epoch[R] = Epoch({})
        self.committing: Epoch[R] | None = None

    def get(self, key: bytes) -> R | None:
        """The row as the open epoch sees it."""
        row: R | None = self.open.rows.get(key, _ABSENT)
        if row is _ABSENT and self.committing is not None:
            row = self.committing.rows.get(key, _ABSENT)
        if row is not _ABSENT:
            return row
        cached = self._cache.get(key)
        if cached is None:
            return self._stored(key)[0]
        self._cache.move_to_end(key)
        return cached[0]

    def put(self, key: bytes, row: R | None) -> None:
        """Set or delete (None) the row in the open epoch."""
        due_at = None if row is None else self._shell.due_at_ms(row)
        due_ms = NEVER if due_at is None else max(0, due_at)
        epoch = self.open
        if key not in epoch.rows:
            epoch.was_due_ms[key] = self._settled_due_ms(key)
        epoch.rows[key] = row
        epoch.due_ms[key] = due_ms
        if due_ms != NEVER:
            heappush(self._heap, (due_ms, key))

    def next_due_ms(self) -> int:
        """A lower bound of the next due time; NEVER where there is none."""
        if self._stored_due_ms is None:
            self._stored_due_ms = next((due for due, _ in self._unhidden()), NEVER)
            self._floor_ms = self._stored_due_ms
        return min(self._stored_due_ms, self._heap[0][0] if self._heap else NEVER)

    def due(self, now_ms: int, limit: int) -> list[bytes]:
        """Keys due at or before `now_ms`, the earliest first: O(due)."""
        found = self._dirty_due(now_ms)
        if (self._stored_due_ms or 0) <= now_ms:
            self._stored_due_ms = None
            found += islice(self._due_until(now_ms), limit)
            found.sort()
        return [key for _, key in found[:limit]]

    def settle(self, epoch: Epoch[R]) -> None:
        """The committing epoch is in the store: its rows are clean now."""
        self.committing = None
        cache, due_ms = self._cache, epoch.due_ms
        for key, row in epoch.rows.items():
            cache[key] = (row, due_ms[key])
            cache.move_to_end(key)
        while len(cache) > self._cached_rows_max:
            cache.popitem(last=False)
        self._floor_ms = min(self._floor_ms, min(due_ms.values(), default=NEVER))
        self._stored_due_ms = None
        self._drop_stale_dues()

    def _stored(self, key: bytes) -> _Cached[R]:
        """What the store holds, taken into the cache."""
        stored = self._store.get(key)
        if stored is None:
            return self._remember(key, (None, NEVER))
        return self._remember(key, (self._shell.decode_row(stored.data), stored.due_ms))

    def _remember(self, key: bytes, cached: _Cached[R]) -> _Cached[R]:
        self._cache[key] = cached
        self._cache.move_to_end(key)
        if len(self._cache) > self._cached_rows_max:
            self._cache.popitem(last=False)
        return cached

    def _settled_due_ms(self, key: bytes) -> int:
        """What the store will hold when the open epoch is written to it."""
        if self.committing is not None and key in self.committing.due_ms:
            return self.committing.due_ms[key]
        cached = self._cache.get(key)
        return self._stored(key)[1] if cached is None else cached[1]

    def _dirty_due_of(self, key: bytes) -> int | None:
        due_ms = self.open.due_ms.get(key)
        if due_ms is None and self.committing is not None:
            due_ms = self.committing.due_ms.get(key)
        return due_ms

    def _dirty_due(self, now_ms: int) -> list[tuple[int, bytes]]:
        found: set[tuple[int, bytes]] = set()
        while self._heap and self._heap[0][0] <= now_ms:
            entry = heappop(self._heap)
            if self._dirty_due_of(entry[1]) == entry[0]:
                found.add(entry)
        for entry in found:
            heappush(self._heap, entry)
        return sorted(found)

    def _drop_stale_dues(self) -> None:
        self._heap = sorted(e for e in set(self._heap) if self._dirty_due_of(e[1]) == e[0])

    def _unhidden(self) -> Iterator[tuple[int, bytes]]:
        due = self._store.due(self._floor_ms)
        return (entry for entry in due if self._dirty_due_of(entry[1]) is None)

    def _due_until(self, now_ms: int) -> Iterator[tuple[int, bytes]]:
        for entry in self._unhidden():
            if entry[0] > now_ms:
                return
            yield entry
