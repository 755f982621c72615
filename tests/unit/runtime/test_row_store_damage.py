"""The row store and a disk that fails: every failure has a name, and none passes in silence."""

import errno
import gc
import os
from pathlib import Path

import pytest

from streams.errors import OperatorError
from streams.runtime.faults import StoreError
from streams.runtime.records import NEVER, RowChange
from streams.runtime.state.store import RowStore, StoreOptions

OPTIONS = StoreOptions(1 << 20, 1 << 20)


class Broken:
    """RocksDB after a write that failed: whatever is called raises the same again."""

    def __init__(self, message: str) -> None:
        self._message = message

    def close(self) -> None:
        """As rocksdict does."""
        raise Exception(self._message)


def filled(path: Path) -> RowStore:
    """A store with enough rows for many blocks, in a table and not in the log."""
    store = RowStore(path, OPTIONS)
    store.write([RowChange(b"%06d" % n, os.urandom(50), n, NEVER) for n in range(20_000)], 1)
    store.close()
    return store


def test_walking_over_a_damaged_block_is_not_the_end(tmp_path: Path) -> None:
    """A flipped bit ends neither the due index nor the keys early: it raises, and is remembered."""
    path = tmp_path / "0"
    filled(path)
    for table in path.glob("*.sst"):
        data = bytearray(table.read_bytes())
        for third in (3, 6):
            data[len(data) * third // 7] ^= 0x10
        table.write_bytes(data)
    damaged = RowStore(path, OPTIONS)
    with pytest.raises(StoreError, match="Corruption"):
        list(damaged.keys())
    damaged.close()
    gc.collect()  # the error holds the frame that walks, and that holds the lock
    anew = RowStore(path, OPTIONS)
    assert anew.position() is None
    anew.close()


def test_a_broken_store_can_be_closed(tmp_path: Path) -> None:
    """What the write has said already is not said again by `close`, in place of it."""
    store = RowStore(tmp_path / "0", OPTIONS)
    healthy, store._db = store._db, Broken("IO error: No space left on device")
    store.close()
    healthy.close()


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("IO error: while open a file for lock: /d/LOCK: No space left on device", StoreError),
        ("IO error: While appending to file: /clocks/block/0/1.log: File too large", StoreError),
        ("IO error: While lock file: /d/LOCK: Resource temporarily unavailable", OperatorError),
        ("IO error: lock hold by current process: /d/LOCK: No locks available", OperatorError),
    ],
)
def test_only_a_lock_that_is_held_is_the_operators_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, message: str, kind: type[Exception]
) -> None:
    """A full disk is tried again by the launcher, though its message may speak of locks."""

    def refuse(*_: object) -> None:
        raise Exception(message)

    monkeypatch.setattr("streams.runtime.state.store.Rdict", refuse)
    with pytest.raises(kind):
        RowStore(tmp_path / "0", OPTIONS)


def test_a_disk_without_room_for_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operating system's own error is a store's error too."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StoreError, match="No space left"):
        RowStore(tmp_path / "0", OPTIONS)
