"""What is archived about a person is read in bounded memory and time."""

from pathlib import Path

import msgspec
import pytest

from streams import topics
from streams.archive import rows_about
from streams.archive.keeping import Keeper, Keeping
from streams.archive.records import Row, people_of
from streams.gateway.page import records

LOG = topics.DECISION_LOG.name
BEGIN_MS = 1_772_409_600_000


def row(number: int, person: str) -> Row:
    """A decision about somebody."""
    told = {"decision_id": f"d-{number}", "customer_id": person}
    value = msgspec.json.encode(told).decode()
    return Row(
        partition=0,
        offset=number,
        at_ms=BEGIN_MS + number,
        key=person,
        id=told["decision_id"],
        people=people_of(told),
        value=value,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An archive of forty decisions about ann and two about bo."""
    keeper = Keeper(Keeping(root=tmp_path, topics=(LOG,), by_wall=False))
    for number in range(42):
        keeper.take((LOG, 0), number + 1, row(number, "bo" if number < 2 else "ann"))
    keeper.flush()
    return tmp_path


def test_the_newest_are_read_by_time(root: Path) -> None:
    """The last ones of all, in their order."""
    whole = rows_about(root, topics.DECISION_LOG, "ann")
    assert len(whole) == 40
    assert rows_about(root, topics.DECISION_LOG, "ann", 5) == whole[-5:]
    assert rows_about(root, topics.DECISION_LOG, "ann", 100) == whole


def test_a_long_history_is_cut_and_it_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each topic and id the newest; who has few is told whole."""
    monkeypatch.setattr(records, "ARCHIVED_MAX", 10)
    found, complete = records._archived(root, ["ann", "bo"])
    assert (len(found), complete) == (12, False)
    found, complete = records._archived(root, ["bo"])
    assert (len(found), complete) == (2, True)


def test_no_query_is_begun_when_the_time_is_over(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten ids of eleven topics do not hold a thread for minutes."""
    monkeypatch.setattr(records, "ARCHIVE_SECONDS_MAX", 0.0)
    assert records._archived(root, ["ann"] * 10) == ([], False)
