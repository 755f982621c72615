"""What a restore must know of a row before it writes a newer one over it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.runtime.records import NEVER, RowChange, due_headers, due_of
from streams.runtime.state.restore import WasDue
from streams.runtime.state.store import RowStore, StoreOptions

OPTIONS = StoreOptions(1 << 20, 1 << 20)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RowStore]:
    """An empty store."""
    opened = RowStore(tmp_path / "0", OPTIONS)
    yield opened
    opened.close()


def test_a_changelog_record_names_its_rows_due_time() -> None:
    """What the header says is what a restore reads; no header: the row is never due."""
    assert due_of(due_headers(1_767_225_600_000)) == 1_767_225_600_000
    assert due_headers(NEVER) == ()
    assert due_of(None) == due_of([("other", b"x")]) == NEVER


def test_a_key_restored_twice_leaves_one_due_time(store: RowStore) -> None:
    """An uncompacted changelog moves a due time on; the older one goes from the index."""
    was_due = WasDue(store)
    assert was_due.of([b"a", b"b"]) == {}
    store.write([RowChange(b"a", b"1", 500, NEVER), RowChange(b"b", b"1", NEVER, NEVER)], 2)
    assert was_due.of([b"c", b"a"]) == {b"a": 500}
    store.write([RowChange(b"a", b"2", 700, 500), RowChange(b"c", b"1", 600, NEVER)], 4)
    assert list(store.due()) == [(600, b"c"), (700, b"a")]


def test_rows_of_an_earlier_life_are_looked_up(store: RowStore) -> None:
    """A store that did not begin empty is asked for every key."""
    store.write([RowChange(b"a", b"1", 500, NEVER)], 1)
    assert WasDue(store).of([b"a", b"b"]) == {b"a": 500, b"b": NEVER}


def test_beyond_the_hashes_every_key_is_looked_up(
    store: RowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded: with too many keys the store is asked again."""
    monkeypatch.setattr("streams.runtime.state.restore._HASHES_MAX", 1)
    was_due = WasDue(store)
    was_due.of([b"a", b"b"])
    store.write([RowChange(b"a", b"1", 500, NEVER)], 2)
    assert was_due.of([b"a", b"c"]) == {b"a": 500, b"c": NEVER}
