"""Rows as an epoch sees them: layers, due times, positions."""

from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streams.runtime.epoch import Batch, Epoch
from streams.runtime.faults import StaleBatchError
from streams.runtime.records import NEVER, Record
from streams.runtime.state.rows import Rows
from streams.runtime.state.store import RowStore, StoreOptions

KEYS = [b"a", b"b", b"c", b"d"]


class DueShell:
    """A row is its own due time, as text; empty: never."""

    def encode_row(self, row: str) -> bytes:
        """Text."""
        return row.encode()

    def decode_row(self, data: bytes) -> str:
        """Text."""
        return data.decode()

    def due_at_ms(self, row: str) -> int | None:
        """The row itself."""
        return int(row) if row else None


def finish(store: RowStore, rows: Rows[str]) -> None:
    """What a commit does last."""
    committing = rows.committing
    assert committing is not None
    store.write(committing.changes, 0)
    rows.settle(committing)


def batch(begins: int, ends: int) -> Batch:
    """Records of topic `t` from `begins` up to `ends`."""
    records = [Record("t", 0, n, 0, b"k", b"v", ()) for n in range(begins, ends)]
    return Batch(0, {"t": begins}, {"t": ends}, records)


def test_an_epoch_takes_a_batch_at_its_own_position_only() -> None:
    """A batch that was read before a reset is refused, whichever side of the position it is on."""
    epoch: Epoch[str] = Epoch({"t": 5})
    epoch.advance(batch(5, 8))
    assert epoch.positions == {"t": 8}
    for begins in (5, 7, 9):
        with pytest.raises(StaleBatchError):
            epoch.advance(batch(begins, 12))
    assert epoch.positions == {"t": 8}
    assert epoch.moved == {"t": 8}
    assert epoch.records == 3


def test_positions_that_did_not_move_are_not_committed() -> None:
    """A new epoch stands where the last one ended and has nothing to say yet."""
    epoch: Epoch[str] = Epoch({"t": 8, "u": 3})
    assert epoch.empty
    assert epoch.moved == {}
    assert epoch.began_s is None


def test_the_next_epoch_reads_the_rows_of_a_running_commit(tmp_path: Path) -> None:
    """Not yet in the store, but already what comes after it must build on."""
    store = RowStore(tmp_path / "0", StoreOptions(1 << 20, 1 << 20))
    rows: Rows[str] = Rows(store, DueShell(), 10)  # type: ignore[arg-type]
    rows.put(b"a", "100")
    rows.end_epoch()
    assert rows.get(b"a") == "100"
    assert rows.due(100, 10) == [b"a"]
    rows.put(b"a", "300")
    assert rows.due(299, 10) == []
    assert rows.open.rows[b"a"].was_due_ms == 100
    finish(store, rows)
    assert rows.get(b"a") == "300"
    assert rows.due(299, 10) == []
    assert rows.due(300, 10) == [b"a"]
    store.close()


class ListShell:
    """Rows that are changed in place, and how often they were decoded and encoded."""

    def __init__(self) -> None:
        self.decoded = self.encoded = 0

    def encode_row(self, row: list[int]) -> bytes:
        """Bytes."""
        self.encoded += 1
        return bytes(row)

    def decode_row(self, data: bytes) -> list[int]:
        """A new list."""
        self.decoded += 1
        return list(data)

    def due_at_ms(self, row: list[int]) -> None:
        """Never."""


def append(rows: Rows[list[int]], key: bytes, n: int) -> None:
    """Change a row in place."""
    row = rows.get(key)
    if row is None:
        row = []
    row.append(n)
    rows.put(key, row)


@pytest.mark.parametrize("decoded_rows_max", [1, 3, 100])
def test_rows_changed_in_place_are_encoded_before_they_are_forgotten(
    tmp_path: Path, decoded_rows_max: int
) -> None:
    """Seven rows in turns, three epochs: nothing is lost, and only few are ever decoded."""
    store, shell = RowStore(tmp_path / "0", StoreOptions(1 << 20, 1 << 20)), ListShell()
    rows: Rows[list[int]] = Rows(store, shell, 100, decoded_rows_max)  # type: ignore[arg-type]
    keys = [b"%d" % n for n in range(7)]
    for n in range(30):
        for key in keys:
            append(rows, key, n)
        if n % 10 == 9:
            sealed = rows.end_epoch()
            append(rows, keys[0], 99)
            assert [len(change.data or b"") for change in sealed.changes] == (
                [n + 1 + n // 10] + [n + 1] * 6
            )
            store.write(sealed.changes, 0)
            rows.settle(sealed)
    assert rows.get(keys[6]) == list(range(30))
    assert rows.take_reads() == (30 * 7 + 3 + 1, 7)
    assert rows.take_reads() == (0, 0)
    if decoded_rows_max == 100:
        assert (shell.decoded, shell.encoded) == (0, 3 * 7)
    else:
        assert shell.decoded > 150
    store.close()


def test_however_many_rows_there_are_few_are_in_memory(tmp_path: Path) -> None:
    """A thousand keys, five an epoch, ten cached: and those come from memory."""
    store, shell = RowStore(tmp_path / "0", StoreOptions(1 << 20, 1 << 20)), ListShell()
    rows: Rows[list[int]] = Rows(store, shell, 10)  # type: ignore[arg-type]
    for number in range(200):
        for n in range(5):
            append(rows, b"%d" % (5 * number + n), n)
        sealed = rows.end_epoch()
        store.write(sealed.changes, 0)
        rows.settle(sealed)
        assert len(rows._young.keys() | rows._old.keys()) <= 20
    rows.take_reads()
    assert rows.get(b"999") == [4]
    assert rows.take_reads() == (1, 0)
    assert rows.get(b"0") == [0]
    assert rows.take_reads() == (1, 1)
    store.close()


class RowsMachine(RuleBasedStateMachine):
    """Puts, deletes, rows put off, overlapping commits: all equals a dictionary's."""

    folder: Path
    opened = 0

    def __init__(self) -> None:
        super().__init__()
        RowsMachine.opened += 1
        self.store = RowStore(self.folder / str(self.opened), StoreOptions(1 << 20, 1 << 20))
        # Two rows in memory, one decoded: the store is asked as well, and the bytes.
        self.rows: Rows[str] = Rows(self.store, DueShell(), 2, 1)  # type: ignore[arg-type]
        self.model: dict[bytes, str] = {}
        self.put_off_to: dict[bytes, int] = {}

    @rule(key=st.sampled_from(KEYS), due=st.one_of(st.none(), st.just(""), st.integers(0, 6)))
    def put(self, key: bytes, due: object) -> None:
        """Set or delete."""
        row = None if due is None else str(due)
        self.rows.put(key, row)
        self.put_off_to.pop(key, None)
        if row is None:
            self.model.pop(key, None)
        else:
            self.model[key] = row

    @precondition(lambda self: self.model)
    @rule(data=st.data(), due=st.integers(0, 6))
    def put_off(self, data: st.DataObject, due: int) -> None:
        """The row stays, its due time is another."""
        key = data.draw(st.sampled_from(sorted(self.model)))
        self.rows.put_off(key, due)
        self.put_off_to[key] = due

    @precondition(lambda self: self.rows.committing is None)
    @rule()
    def begin_commit(self) -> None:
        """The open epoch ends; the next one is gathered beside its commit."""
        self.rows.end_epoch()

    @precondition(lambda self: self.rows.committing is not None)
    @rule()
    def end_commit(self) -> None:
        """The store holds it."""
        finish(self.store, self.rows)

    @invariant()
    def rows_equal_the_model(self) -> None:
        """Every key."""
        assert {k: self.rows.get(k) for k in KEYS} == {k: self.model.get(k) for k in KEYS}

    @invariant()
    def due_keys_equal_the_model(self) -> None:
        """The earliest first, limited or not."""
        dues = sorted(
            (self.put_off_to.get(key, int(row or 0)), key)
            for key, row in self.model.items()
            if row or key in self.put_off_to
        )
        for now_ms in (0, 3, 6):
            expected = [key for due_ms, key in dues if due_ms <= now_ms]
            assert self.rows.due(now_ms, 10) == expected
            assert self.rows.due(now_ms, 1) == expected[:1]
        assert self.rows.next_due_ms() <= (dues[0][0] if dues else NEVER)

    def teardown(self) -> None:
        """Close the store."""
        self.store.close()


def test_rows_and_due_keys_equal_a_dictionary(tmp_path: Path) -> None:
    """Whatever the order of puts and commits."""
    from hypothesis.stateful import run_state_machine_as_test

    RowsMachine.folder = tmp_path
    run_state_machine_as_test(
        RowsMachine, settings=settings(max_examples=40, stateful_step_count=25, deadline=None)
    )
