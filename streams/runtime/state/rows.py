"""The rows of one partition as an epoch sees them: what is in memory, over the store.

A row in memory has one slot, whichever epoch changed it: the open one, the one whose commit is
running, or none that is not in the store. Slots hold encoded rows; the few that were asked for last
are decoded as well. Decoded rows are several times as large and lie scattered: many of them are
slower to use, by the processor's cache, than to encode and decode. Clean slots are bounded: young
ones become old ones when there are many, and old ones that nobody has asked for are forgotten.

In the due index a dirty row hides what the store says of its key. No stored, unhidden row is due
before `_floor_ms`, so that a walk never starts among the tombstones of what was due long ago.
"""

from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import islice
from typing import Any, Generic, TypeVar

from streams.runtime.epoch import Epoch, RowSlot
from streams.runtime.records import NEVER
from streams.runtime.shell import Shell
from streams.runtime.state.store import RowStore

R = TypeVar("R")
DECODED_ROWS_MAX = 32
# What a slot holds in place of a row that has to be decoded.
_ENCODED: Any = object()


class Rows(Generic[R]):
    """Reads what is in memory, else the store; writes go to the open epoch only."""

    def __init__(
        self,
        store: RowStore,
        shell: Shell[R],
        cached_rows_max: int,
        decoded_rows_max: int = DECODED_ROWS_MAX,
    ) -> None:
        self._store = store
        self._shell = shell
        # Young and old slots together are what may be cached.
        self._young_max = cached_rows_max // 2
        self._grow_old_at = self._young_max
        self._young: dict[bytes, RowSlot[R]] = {}
        self._old: dict[bytes, RowSlot[R]] = {}
        self._decoded_max = decoded_rows_max
        self._decoded: deque[RowSlot[R]] = deque()
        self._heap: list[tuple[int, bytes]] = []
        self._stored_due_ms: int | None = None
        self._floor_ms = 0
        self._reads = self._store_reads = 0
        self.open: Epoch[R] = Epoch({})
        self.committing: Epoch[R] | None = None

    def get(self, key: bytes) -> R | None:
        """The row as the open epoch sees it."""
        self._reads += 1
        slot = self._young.get(key) or self._find(key)
        row = slot.row
        if row is not _ENCODED:
            return row
        row = slot.row = self._shell.decode_row(slot.data or b"")
        self._note_decoded(slot)
        return row

    def put(self, key: bytes, row: R | None) -> None:
        """Set or delete (None) the row in the open epoch."""
        slot = self._young.get(key) or self._find(key)
        due_at = None if row is None else self._shell.due_at_ms(row)
        due_ms = NEVER if due_at is None else min(max(0, due_at), NEVER)
        was, slot.row, slot.data = slot.row, row, None
        if was is None or was is _ENCODED:
            self._note_decoded(slot)
        self._change(key, slot, due_ms)

    def put_off(self, key: bytes, until_ms: int) -> None:
        """Leave the row as it is, but have it due then."""
        self._change(key, self._young.get(key) or self._find(key), min(max(0, until_ms), NEVER))

    def _change(self, key: bytes, slot: RowSlot[R], due_ms: int) -> None:
        """The slot belongs to the open epoch, and is due then."""
        epoch = self.open
        if slot.epoch != epoch.number:
            slot.epoch, slot.was_due_ms, slot.due_ms = epoch.number, slot.due_ms, NEVER
            epoch.rows[key] = slot
        if slot.due_ms != due_ms:
            slot.due_ms = due_ms
            if due_ms != NEVER:
                heappush(self._heap, (due_ms, key))

    def end_epoch(self) -> Epoch[R]:
        """The open epoch, sealed for its commit; the next one is open from here on."""
        for slot in self._decoded:
            self._encode(slot)
        epoch = self.open
        self.committing, self.open = epoch, epoch.seal()
        return epoch

    def take_reads(self) -> tuple[int, int]:
        """How often a row was read, and how often from the store, since this was asked last."""
        reads = self._reads, self._store_reads
        self._reads = self._store_reads = 0
        return reads

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
        self._floor_ms = min(self._floor_ms, epoch.earliest_due_ms)
        self._stored_due_ms = None
        self._drop_stale_dues()

    def _find(self, key: bytes) -> RowSlot[R]:
        """The slot of a key that has no young one; it becomes young."""
        slot = self._old.pop(key, None) or self._stored(key)
        if len(self._young) >= self._grow_old_at:
            self._grow_old()
        self._young[key] = slot
        return slot

    def _stored(self, key: bytes) -> RowSlot[R]:
        self._store_reads += 1
        stored = self._store.get(key)
        if stored is None:
            return RowSlot(None, None, NEVER, NEVER)
        return RowSlot(_ENCODED, stored.data, stored.due_ms, stored.due_ms)

    def _note_decoded(self, slot: RowSlot[R]) -> None:
        """One more row is decoded; of too many the oldest is forgotten, but encoded."""
        self._decoded.append(slot)
        if len(self._decoded) > self._decoded_max:
            # It may be here twice (deleted and written anew), and be forgotten already.
            oldest = self._decoded.popleft()
            self._encode(oldest)
            if oldest.row is not None:
                oldest.row = _ENCODED

    def _encode(self, slot: RowSlot[R]) -> None:
        if slot.data is None and slot.row is not None:
            slot.data = self._shell.encode_row(slot.row)

    def _grow_old(self) -> None:
        """Forget the old slots; only what is dirty, and what is asked for again, stays young."""
        committing = {} if self.committing is None else self.committing.rows
        self._old, self._young = self._young, {**committing, **self.open.rows}
        # Many dirty rows must not be copied for every few that come.
        self._grow_old_at = max(self._young_max, 2 * len(self._young))

    def _dirty_due_of(self, key: bytes) -> int | None:
        """When a row that an epoch has changed and not yet stored is due; None: none has."""
        slot = self._young.get(key)
        dirty = slot is not None and slot.epoch >= (self.committing or self.open).number
        return slot.due_ms if slot is not None and dirty else None

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
