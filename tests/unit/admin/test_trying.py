"""A change is tried on the newest events of an archive, in bounded time and memory."""

import errno
import sys
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from msgspec.structs import replace

from streams import topics
from streams.admin import aside
from streams.admin.aside import TryChange
from streams.admin.catalogue import Records
from streams.admin.reach import counted
from streams.admin.reference import compiled, example_shop, load_validated, reference_records
from streams.admin.trying import Limits, NotTried, Tried, try_change
from streams.archive import every_row
from streams.contracts.sources.records import RecordReader
from streams.evaluation.backtest import backtest
from streams.evaluation.inputs import read_records
from streams.gateway.page import asides
from streams.gateway.page.asides import ask_program
from streams.settings import Settings
from tests.support.archived import archive_of
from tests.unit.admin.test_log_places import DAY

SHOP: Records = reference_records(load_validated(example_shop()))
COFFEE = "coffee-20"


def without_coffee() -> Records:
    """The shop with one offer withdrawn."""
    offers = {key: v for key, v in SHOP[topics.REF_OFFERS.name].items() if key != COFFEE}
    return {**SHOP, topics.REF_OFFERS.name: offers}


def tried(root: Path, limits: Limits | None = None) -> Tried | NotTried:
    """What comes out of withdrawing an offer."""
    sides = SHOP, without_coffee()
    return try_change(root, RecordReader(), sides, limits or Limits(), lambda *_: None)


def test_what_is_decided_otherwise_is_told_offer_by_offer(day: tuple[Path, Path]) -> None:
    """The side that stands is what a backtest of the whole day says; the other lacks the offer."""
    found = tried(day[1])
    assert isinstance(found, Tried)
    before, after = found.found.sides
    whole = backtest(read_records(str(DAY)), [("before", compiled(None))]).sides[0]
    assert before.by_offer == whole.by_offer
    assert before.by_offer[COFFEE].offers == 6
    assert COFFEE not in after.by_offer
    assert after.whole.offers > 0
    assert found.events == found.of


def test_what_was_said_before_counts_for_what_is_tried(day: tuple[Path, Path]) -> None:
    """Of the newest events alone nobody is known to have agreed to anything."""
    few = tried(day[1], Limits(events=25, lead_in=0))
    with_more = tried(day[1], Limits(events=25))
    assert isinstance(few, Tried)
    assert isinstance(with_more, Tried)
    assert (few.events, with_more.events) == (25, 25)
    assert few.found.sides[0].whole.offers == 0
    assert with_more.found.sides[0].whole.offers > 0
    assert with_more.found.records > few.found.records
    assert with_more.first_ms == few.first_ms


def test_where_there_is_nothing_to_try_on_is_said(day: tuple[Path, Path], tmp_path: Path) -> None:
    """No archive, one without events, no time."""
    assert tried(tmp_path) == NotTried("no_archive")
    entry = next(every_row(day[1], topics.DECISION_LOG))
    archive_of(tmp_path / "out", {topics.DECISION_LOG: [(0, "k", entry)]})
    assert tried(tmp_path / "out") == NotTried("no_events")
    assert tried(day[1], Limits(seconds=0.0)) == NotTried("no_time")


@pytest.mark.parametrize(("megabytes", "room"), [(2_048, True), (150, False)])
def test_the_program_answers_within_its_memory(
    day: tuple[Path, Path], megabytes: int, room: bool
) -> None:
    """The same as here; with too little memory it says so, and nothing else happens."""
    settings = replace(Settings(), archive_dir=str(day[1]))
    question = TryChange(settings, SHOP, without_coffee(), Limits(megabytes=megabytes))
    *_, last = ask_program(question, lambda: False)
    assert last == (tried(day[1]) if room else NotTried("no_room"))


@pytest.mark.parametrize(("does", "why"), [("exit(3)", "fault"), ("os.abort()", "no_room")])
def test_a_program_that_dies_is_told(
    day: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, does: str, why: str
) -> None:
    """One that falls without a word left the page waiting for an answer."""
    monkeypatch.setattr(asides, "PROGRAM", (sys.executable, "-c", f"import os; {does}"))
    question = TryChange(replace(Settings(), archive_dir=str(day[1])), SHOP, SHOP)
    (last,) = ask_program(question, lambda: False)
    assert isinstance(last, NotTried)
    assert last.why == why


def test_where_the_system_has_no_memory_there_is_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Opening a folder fails before anything else does, now and then."""

    def fails(_: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    question = msgspec.msgpack.encode(TryChange(Settings(), SHOP, SHOP))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=BytesIO(question)))
    for name in ("give_way", "end_without_reader", "end_after", "take_no_more_than"):
        monkeypatch.setattr(aside, name, lambda *_: None)
    monkeypatch.setattr(aside, "answer_to", fails)
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(fileno=lambda: 1))
    said: list[object] = []
    monkeypatch.setattr(aside, "say", said.append)
    aside.main()
    assert said == [NotTried("no_room")]


def test_a_program_that_is_not_wanted_any_more_is_ended(day: tuple[Path, Path]) -> None:
    """At once, whatever it is at."""
    settings = replace(Settings(), archive_dir=str(day[1]))
    assert list(ask_program(TryChange(settings, SHOP, SHOP), lambda: True)) == []


def test_reach_counts_people_and_uses(day: tuple[Path, Path]) -> None:
    """People once, sends each; what cannot be read is passed over."""
    entries = [*every_row(day[1], topics.DECISION_LOG), b"{}", b"no"]
    found = {one.offer_id: one for one in counted(entries, {}).offers}
    assert (found[COFFEE].people, found[COFFEE].sent, found[COFFEE].used) == (1, 6, 0)
    assert sum(one.sent for one in found.values()) == 49
