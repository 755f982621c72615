"""The archive's files: each record once whatever is killed, compacted, erased, aged out."""

import os
import random
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

from streams import topics
from streams.archive import files, positions, rows_about, rows_with_id
from streams.archive.erasures import Asked
from streams.archive.files import database
from streams.archive.keeping import Keeper, Keeping
from streams.archive.layout import Partition, pieces, that_count
from streams.archive.records import Row, people_of
from streams.contracts.outputs.payloads import IdentityChange
from streams.errors import OperatorError

LOG = topics.DECISION_LOG.name
LINKS = topics.IDENTITY_CHANGES.name
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
BEGIN_MS = round(BEGIN.timestamp() * 1000)
DAY_MS = 86_400_000
SEEDS = range(12)
PEOPLE = ("ann", "bo", "cy")


class KilledError(BaseException):
    """The process ended here."""


def keeping(root: Path, **differs: object) -> Keeping:
    """An archive of decisions and links, whose days count back from its newest."""
    return msgspec.structs.replace(
        Keeping(root=root, topics=(LOG, LINKS), by_wall=False), **differs
    )


def row(partition: int, offset: int, at_ms: int, person: str = "ann") -> Row:
    """A decision about somebody."""
    told = {"decision_id": f"d-{partition}-{offset}", "customer_id": person}
    return Row(
        partition=partition,
        offset=offset,
        at_ms=at_ms,
        key=person,
        id=told["decision_id"],
        people=people_of(told),
        value=msgspec.json.encode(told).decode(),
    )


def link(offset: int, customer_id: str, other_id: str, kind: str = "linked") -> Row:
    """Two ids that became one person, or are it no more."""
    change = msgspec.convert(
        {
            "change_id": f"i-{offset}",
            "kind": kind,
            "customer_id": customer_id,
            "other_id": other_id,
            "method": "login",
            "changed_at": BEGIN,
            "evidence_event_id": None,
        },
        IdentityChange,
    )
    told = msgspec.to_builtins(change)
    value = msgspec.json.encode(change).decode()
    return Row(
        partition=0,
        offset=offset,
        at_ms=BEGIN_MS,
        key=customer_id,
        id=change.change_id,
        people=people_of(told),
        value=value,
    )


def archived(root: Path, topic: str = LOG) -> Counter[tuple[int, int]]:
    """Partition and offset of every record that counts, with how often."""
    counted = that_count(pieces(root, topic), positions.load(root).next)
    if not counted:
        return Counter()
    with database() as connection:
        query = 'SELECT "partition", "offset" FROM read_parquet(?)'
        found = connection.execute(query, [[str(root / p.place) for p in counted]]).fetchall()
    return Counter((int(partition), int(offset)) for partition, offset in found)


def topic_of(draw: random.Random, partitions: int) -> dict[Partition, list[Row]]:
    """Records of a few partitions, over a few days, not quite in the order of their times."""
    told = {}
    for number in range(partitions):
        offset, rows = 0, []
        for _ in range(draw.randrange(5, 60)):
            offset += draw.choice((1, 1, 1, 2))  # markers of transactions take offsets, too
            at_ms = BEGIN_MS + offset * DAY_MS // 20 + draw.randrange(-DAY_MS, DAY_MS)
            rows.append(row(number, offset, at_ms, draw.choice(PEOPLE)))
        told[LOG, number] = rows
    return told


def play(root: Path, told: dict[Partition, list[Row]], draw: random.Random) -> None:
    """Read all that the archive does not have, in batches."""
    keeper = Keeper(keeping(root))
    while True:
        for partition, rows in told.items():
            left = [r for r in rows if r.offset >= keeper.next.get(partition, 0)]
            for one in left[: draw.randrange(1, 12)]:
                keeper.take(partition, one.offset + 1, one)
        if keeper.next == keeper.state.next:
            return
        keeper.flush()
        keeper.tidy()


@pytest.mark.parametrize("seed", SEEDS)
def test_each_record_counts_once_whatever_is_killed(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at any rename or deletion and begun again: at every moment nothing counts twice."""
    draw = random.Random(seed)
    told = topic_of(draw, partitions=2)
    wanted = Counter((r.partition, r.offset) for rows in told.values() for r in rows)
    left = [0]

    def or_killed(real: object) -> object:
        def call(*arguments: object, **more: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                raise KilledError
            return real(*arguments, **more)  # type: ignore[operator]

        return call

    monkeypatch.setattr(os, "replace", or_killed(os.replace))
    monkeypatch.setattr(Path, "unlink", or_killed(Path.unlink))
    kills = 0
    while True:
        left[0] = draw.randrange(1, 40)
        try:
            play(tmp_path, told, draw)
        except KilledError:
            kills += 1
            left[0] = 10**9
            assert max(archived(tmp_path).values(), default=1) == 1
            assert archived(tmp_path) <= wanted
            continue
        break
    assert kills > 0
    left[0] = 10**9
    assert archived(tmp_path) == wanted
    assert not list(tmp_path.rglob("*.part"))


def test_small_files_of_a_day_that_is_over_become_one(tmp_path: Path) -> None:
    """Ten batches a day: one file a partition and day, but for the newest day."""
    keeper = Keeper(keeping(tmp_path))
    for number in range(20):
        one = row(0, number, BEGIN_MS + number * DAY_MS // 10)
        keeper.take((LOG, 0), number + 1, one)
        keeper.flush()
    assert len(pieces(tmp_path, LOG)) == 20
    keeper.tidy()
    by_day = Counter(piece.day for piece in pieces(tmp_path, LOG))
    assert by_day == {date(2026, 3, 2): 1, date(2026, 3, 3): 10}
    assert archived(tmp_path) == Counter((0, n) for n in range(20))


def test_a_wide_file_takes_the_place_of_neighbors_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is large already lies between small ones: it stays, and so do its records."""
    keeper = Keeper(keeping(tmp_path))
    for first, last in ((0, 0), (1, 1), (2, 60), (61, 61), (62, 62)):
        for number in range(first, last + 1):
            keeper.take((LOG, 0), number + 1, row(0, number, BEGIN_MS))
        keeper.flush()
    keeper.take((LOG, 0), 64, row(0, 63, BEGIN_MS + 2 * DAY_MS))
    keeper.flush()
    sizes = sorted((tmp_path / p.place).stat().st_size for p in pieces(tmp_path, LOG))
    monkeypatch.setattr(files, "COMPACT_BELOW_BYTES", sizes[-1])
    keeper.tidy()
    ranges = {(p.first, p.last) for p in pieces(tmp_path, LOG) if p.day == date(2026, 3, 2)}
    assert ranges == {(0, 1), (2, 60), (61, 62)}
    assert archived(tmp_path) == Counter((0, n) for n in range(64))


def test_who_asks_is_taken_out_with_all_linked_ids(tmp_path: Path) -> None:
    """Their records until then go, from old files and from what comes late; later ones stay."""
    keeper = Keeper(keeping(tmp_path))
    keeper.take((LINKS, 0), 1, link(0, "ann", "visitor-1"))
    keeper.take((LINKS, 0), 2, link(1, "ann", "shared-phone"))
    keeper.take((LINKS, 0), 3, link(2, "ann", "shared-phone", "unlinked"))
    people = ("ann", "visitor-1", "shared-phone", "bo")
    for number, person in enumerate(people):
        keeper.take((LOG, 0), number + 1, row(0, number, BEGIN_MS, person))
    keeper.flush()
    until_ms = BEGIN_MS + DAY_MS
    keeper.ask(Asked(("visitor-1",), until_ms))
    keeper.flush()
    late, back = row(0, 4, BEGIN_MS, "ann"), row(0, 5, until_ms + 1, "ann")
    keeper.take((LOG, 0), 5, late)
    keeper.take((LOG, 0), 6, back)
    keeper.flush()
    assert archived(tmp_path) == Counter({(0, 2): 1, (0, 3): 1, (0, 5): 1})
    assert archived(tmp_path, LINKS) == Counter()
    assert len(rows_about(tmp_path, topics.DECISION_LOG, "ann")) == 1
    for path in tmp_path.rglob("*.parquet"):
        with database() as connection:
            told = connection.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
        assert "visitor-1" not in str(told)
    assert "visitor-1" not in (tmp_path / positions.NAME).read_text()


def test_an_erasure_that_was_cut_off_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request stands in the positions: whoever opens the folder next takes the person out."""
    keeper = Keeper(keeping(tmp_path))
    keeper.take((LOG, 0), 1, row(0, 0, BEGIN_MS))
    keeper.flush()
    keeper.ask(Asked(("ann",), BEGIN_MS))
    with monkeypatch.context() as patch:
        patch.setattr(files, "erase", _killed)
        with pytest.raises(KilledError):
            keeper.flush()
    assert archived(tmp_path) == Counter({(0, 0): 1})
    Keeper(keeping(tmp_path))
    assert archived(tmp_path) == Counter()


def _killed(*_: object) -> bool:
    raise KilledError


def test_old_days_go(tmp_path: Path) -> None:
    """Back from today on processing time, from the newest day on event time."""
    for by_wall, today, left in ((False, date(2030, 1, 1), 5), (True, date(2026, 3, 20), 0)):
        root = tmp_path / str(by_wall)
        keeper = Keeper(keeping(root, keep_days=4, by_wall=by_wall))
        for number in range(10):
            keeper.take((LOG, 0), number + 1, row(0, number, BEGIN_MS + number * DAY_MS))
        keeper.flush()
        keeper.tidy(today)
        assert len({p.day for p in pieces(root, LOG)}) == left


def test_a_value_comes_back_to_the_byte(tmp_path: Path) -> None:
    """By its id, with any text in it; what is no text is kept as bytes and told of by nobody."""
    keeper = Keeper(keeping(tmp_path))
    odd = '{"decision_id":"d-1","note":"\\" \\\\ \\u0000 茶 \\n,\\t\' 😀"}'
    told = msgspec.structs.replace(row(0, 0, BEGIN_MS), value=odd, id="d-1")
    raw = msgspec.structs.replace(row(0, 1, BEGIN_MS), value=None, raw=b"\xff\x00", id=None)
    keeper.take((LOG, 0), 1, told)
    keeper.take((LOG, 0), 2, raw)
    keeper.flush()
    assert rows_with_id(tmp_path, topics.DECISION_LOG, "d-1") == [odd.encode()]
    with database() as connection:
        paths = [str(p) for p in tmp_path.rglob("*.parquet")]
        found = connection.execute(
            'SELECT raw FROM read_parquet(?) WHERE "offset" = 1', [paths]
        ).fetchone()
    assert found == (b"\xff\x00",)


def test_a_folder_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    """Something else lies in it, or its positions are damaged: a sentence."""
    (tmp_path / "holiday.jpg").write_bytes(b"")
    with pytest.raises(OperatorError, match="is no archive"):
        Keeper(keeping(tmp_path))
    (tmp_path / positions.NAME).write_text("{")
    with pytest.raises(OperatorError, match="cannot be read"):
        Keeper(keeping(tmp_path))


@pytest.mark.parametrize(("gone", "lost"), [(1, 0), (2, 0), (3, 3), (40, 40)])
def test_ends_of_transactions_that_were_deleted_are_no_loss(
    tmp_path: Path, gone: int, lost: int
) -> None:
    """One or two offsets are passed over without a word; the position is beyond them for good."""
    keeper = Keeper(keeping(tmp_path))
    keeper.take((LOG, 0), 10)
    keeper.flush()
    assert keeper.skip((LOG, 0), 10 + gone) == lost
    keeper.flush()
    kept = positions.load(tmp_path)
    assert kept.next == {(LOG, 0): 10 + gone}
    assert kept.missing == ((positions.Missing(LOG, 0, 10, 9 + gone),) if lost else ())
    assert keeper.deleted == lost
