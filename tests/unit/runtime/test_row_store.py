"""The row store: rows, due index and position move together."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import OperatorError
from streams.runtime.records import NEVER, RowChange
from streams.runtime.state.store import RowStore, StoreOptions

OPTIONS = StoreOptions(1 << 20, 1 << 20)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RowStore]:
    """An empty store."""
    opened = RowStore(tmp_path / "rows" / "0", OPTIONS)
    yield opened
    opened.close()


def test_a_write_is_there_after_reopening(store: RowStore, tmp_path: Path) -> None:
    """Row, due time and position survive a close."""
    store.write([RowChange(b"a", b"1", 500, NEVER), RowChange(b"b", b"2", NEVER, NEVER)], 7)
    store.close()
    again = RowStore(tmp_path / "rows" / "0", OPTIONS)
    assert again.get(b"a") == (500, b"1")
    assert again.get(b"b") == (NEVER, b"2")
    assert again.get(b"c") is None
    assert list(again.due()) == [(500, b"a")]
    assert again.position() == 7
    again.close()


def test_the_due_index_follows_the_row(store: RowStore) -> None:
    """A new due time replaces the old one; a deleted row is never due."""
    store.write([RowChange(b"a", b"1", 500, NEVER), RowChange(b"b", b"1", 300, NEVER)], 1)
    store.write([RowChange(b"a", b"2", 200, 500), RowChange(b"b", None, NEVER, 300)], 2)
    assert list(store.due()) == [(200, b"a")]
    assert list(store.due(since_ms=201)) == []
    assert list(store.keys()) == [b"a"]


def test_an_unchanged_due_time_stays(store: RowStore) -> None:
    """Rewriting a row with the same due time keeps its place in the index."""
    store.write([RowChange(b"a", b"1", 500, NEVER)], 1)
    store.write([RowChange(b"a", b"2", 500, 500)], 2)
    assert list(store.due()) == [(500, b"a")]


def test_keys_may_look_like_prefixes(store: RowStore) -> None:
    """Keys are any bytes, also those that begin like the store's own."""
    keys = [b"", b"m", b"mposition", b"r", b"t", b"t\x00", b"\xff"]
    store.write([RowChange(key, key, 1, NEVER) for key in keys], 3)
    assert [store.get(key) for key in keys] == [(1, key) for key in keys]
    assert sorted(store.keys()) == sorted(keys)
    assert sorted(key for _, key in store.due()) == sorted(keys)
    assert store.position() == 3


def test_start_over_forgets_everything_but_the_origin(store: RowStore) -> None:
    """A store that was written from another changelog is emptied and marked."""
    store.write([RowChange(b"a", b"1", 500, NEVER)], 1)
    store.start_over(b"cluster/topic/0")
    assert list(store.keys()) == []
    assert store.position() is None
    assert store.origin() == b"cluster/topic/0"


def test_a_store_in_use_is_the_operators_matter(store: RowStore) -> None:
    """Two workers on one data folder: refused, and nothing is wiped."""
    store.write([RowChange(b"a", b"1", NEVER, NEVER)], 1)
    with pytest.raises(OperatorError, match="its own data_dir"):
        RowStore(store.path, OPTIONS)
    assert store.get(b"a") == (NEVER, b"1")


WRITES = 3_000
WRITE_AND_CRASH = """
import os, sys
from pathlib import Path
from streams.runtime.records import NEVER, RowChange
from streams.runtime.state.store import RowStore, StoreOptions
store = RowStore(Path(sys.argv[1]), StoreOptions(1 << 20, 1 << 16))
for n in range(1, int(sys.argv[2]) + 1):
    was_due = n - 7 if n > 7 else NEVER
    store.write([RowChange(b"k%d" % (n % 7), b"%d" % n + bytes(500), n, was_due)], n)
    if n == int(sys.argv[3]):
        store.flush()
os._exit(1)
"""


@pytest.mark.parametrize("flushed_at", [0, WRITES])
def test_a_crash_leaves_the_state_at_the_position(tmp_path: Path, flushed_at: int) -> None:
    """The newest writes are forgotten, each as a whole, unless they were flushed."""
    arguments = [str(tmp_path / "0"), str(WRITES), str(flushed_at)]
    ended = subprocess.run([sys.executable, "-c", WRITE_AND_CRASH, *arguments], timeout=60)
    assert ended.returncode == 1
    store = RowStore(tmp_path / "0", OPTIONS)
    position = store.position()
    assert position is not None
    newest = range(position - 6, position + 1)
    assert {key: store.get(key) for key in list(store.keys())} == {
        b"k%d" % (n % 7): (n, b"%d" % n + bytes(500)) for n in newest
    }
    assert list(store.due()) == [(n, b"k%d" % (n % 7)) for n in newest]
    assert (position == WRITES) == bool(flushed_at), "nothing was forgotten: no crash"
    store.close()


@pytest.mark.parametrize("damaged", ["CURRENT", "DAMAGED"])
def test_a_damaged_store_is_rebuilt(store: RowStore, damaged: str) -> None:
    """Found or marked damage: it opens empty, without a position, so that a restore fills it."""
    store.write([RowChange(b"a", b"1", NEVER, NEVER)], 1)
    store.close()
    (store.path / damaged).write_bytes(b"nonsense\n")
    again = RowStore(store.path, OPTIONS)
    assert again.position() is None
    assert again.get(b"a") is None
    again.close()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"a", b"b", b"c"]),
            st.one_of(st.none(), st.binary(max_size=3)),
            st.one_of(st.just(NEVER), st.integers(0, 5)),
        ),
        max_size=20,
    )
)
def test_the_store_equals_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[bytes, bytes | None, int]]
) -> None:
    """Any sequence of writes leaves what a dictionary would hold, and its due index."""
    store = RowStore(tmp_path_factory.mktemp("model") / "0", OPTIONS)
    model: dict[bytes, tuple[int, bytes]] = {}
    for key, data, due_ms in writes:
        was_due_ms = model[key][0] if key in model else NEVER
        store.write([RowChange(key, data, NEVER if data is None else due_ms, was_due_ms)], 0)
        if data is None:
            model.pop(key, None)
        else:
            model[key] = (due_ms, data)
    assert {key: store.get(key) for key in list(store.keys())} == model
    assert list(store.due()) == sorted((d, k) for k, (d, _) in model.items() if d != NEVER)
    store.close()


def test_a_read_costs_no_more_where_rows_are_many(tmp_path: Path) -> None:
    """The index of a large file is not read as a whole for one row, though the cache is small.

    The cache is cut into shards, and no shard holds it.
    """
    options = StoreOptions(block_cache_bytes=1 << 20, write_buffer_bytes=1 << 28)

    def read_s(rows: int) -> float:
        store = RowStore(tmp_path / str(rows), options)
        store.write([RowChange(b"%07d" % n, bytes(1_000), NEVER, NEVER) for n in range(rows)], 1)
        store.flush()
        asked = [b"%07d" % (n * 7_919 % rows) for n in range(500)]
        began_s = time.process_time()
        assert all(store.get(key) for key in asked)
        took_s = time.process_time() - began_s
        store.close()
        return took_s

    few_s, many_s = read_s(2_000), read_s(150_000)
    print(f"500 reads of 2,000 rows {few_s * 1e3:.1f} ms CPU, of 150,000 {many_s * 1e3:.1f} ms")
    assert many_s < 10 * few_s
