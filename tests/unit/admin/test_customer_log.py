"""What the log keeps of one person: in bounded memory, and a failed read is not an empty one."""

import json
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from streams.admin import kept_decisions
from streams.admin.customer_log import log_of, read_log
from streams.admin.kept_decisions import Wanted, kept_at
from streams.admin.log_places import LogPlace
from streams.cli import main
from streams.contracts.outputs.payloads import DecisionLog
from streams.errors import NotKeptError, OperatorError
from streams.settings import Settings

DAY = Path(__file__).parents[2] / "golden" / "a-day-in-the-shop.jsonl"
LOG = "decision-log.jsonl"


@pytest.fixture
def day(tmp_path: Path) -> LogPlace:
    """The golden day, replayed."""
    done = CliRunner().invoke(main, ["replay", str(DAY), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    return LogPlace(tmp_path / "out", False, None, print)


def entries(place: LogPlace) -> list[DecisionLog]:
    """All of the log."""
    assert place.folder is not None
    lines = (place.folder / LOG).read_bytes().splitlines()
    return [msgspec.json.decode(line, type=DecisionLog) for line in lines]


def test_the_last_entries_are_the_last_of_all(day: LogPlace) -> None:
    """However many are wanted, and where several have one time, those that stand later."""
    assert day.folder is not None
    first = entries(day)[0]
    times = [5, 3, 5, 1, 5, 3]
    made = [
        msgspec.structs.replace(
            first, decision_id=f"d-{n}", decided_at=first.decided_at + timedelta(seconds=at)
        )
        for n, at in enumerate(times)
    ]
    (day.folder / LOG).write_bytes(b"\n".join(map(msgspec.json.encode, made)))
    wanted = Wanted(customer_id=first.customer_id)
    every = kept_at(day, wanted).entries
    assert [entry.decision_id for entry in every] == ["d-3", "d-1", "d-5", "d-0", "d-2", "d-4"]
    for limit in range(1, 8):
        assert kept_at(day, wanted, limit).entries == every[-limit:]


def test_a_log_of_any_length_is_read_in_bounded_memory(
    day: LogPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is no longer among the last is let go."""
    first = entries(day)[0]
    line = msgspec.json.encode(first)

    def peak(count: int) -> int:
        def records(*_: object, **__: object) -> Iterator[tuple[str, bytes]]:
            for _number in range(count):
                yield "", line

        monkeypatch.setattr(kept_decisions, "records", records)
        monkeypatch.setattr(kept_decisions, "_snapshots", lambda *_: [])
        tracemalloc.start()
        kept_at(day, Wanted(customer_id=first.customer_id), 3)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(10)
    assert peak(2_000) < peak(20) + 20 * len(line)


def test_no_decisions_are_no_fault_and_name_no_place(day: LogPlace) -> None:
    """A person of whom the log holds nothing."""
    with pytest.raises(NotKeptError):
        kept_at(day, Wanted(customer_id="nobody"))
    told = read_log(day, "nobody", 3, "en")
    assert told.decisions == ()
    assert str(day.folder) not in " ".join(told.words)


def test_a_log_that_cannot_be_read_is_a_fault(day: LogPlace) -> None:
    """A damaged entry of the person is not the same as none."""
    assert day.folder is not None
    person = entries(day)[0].customer_id
    (day.folder / LOG).write_bytes(json.dumps({"customer_id": person}).encode())
    with pytest.raises(OperatorError, match="no record of a decision"):
        read_log(day, person, 3, "en")


def test_what_is_told_elsewhere_names_no_folder_and_no_address(
    monkeypatch: pytest.MonkeyPatch, day: LogPlace
) -> None:
    """Kafka is away and the archive answers: that much is said."""

    def place(_: object, __: object, note: Any) -> LogPlace:
        note(f"no broker at broker:9092. Only what is in {day.folder} was looked at")
        return day

    monkeypatch.setattr("streams.admin.customer_log.log_place", place)
    words = " ".join(log_of(Settings(), "nobody", 3).words)
    assert "only what is archived" in words
    assert str(day.folder) not in words
    assert "broker:9092" not in words
