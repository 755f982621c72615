"""Churn cases by the verbs: from the archive, from a replay, by filter, and what is not shown."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams import topics
from streams.cli import main
from tests.support.archived import archive_of

CHURN_ALERTS = "churn-alerts.jsonl"


@pytest.fixture
def cases(day: tuple[Path, Path], tmp_path: Path) -> Path:
    """Alerts of three cases in an archive: one that nothing has moved for long, one resolved."""
    first = json.loads((day[0] / CHURN_ALERTS).read_bytes().splitlines()[0])
    assert first["transition"] == "entered"
    said = []
    for case_id, band, how, amount in (
        ("case-old", "medium", None, "10.00"),
        ("case-done", "low", "bought", "90.00"),
        ("case-big", "high", None, "50.00"),
    ):
        entered = {**first, "case_id": case_id, "customer_id": f"of-{case_id}", "risk_band": band}
        entered["value_at_risk"] = {**first["value_at_risk"], "amount": amount}
        said.append({**entered, "alert_id": f"a-{case_id}"})
        if how:
            end = {"alert_id": "a-end", "transition": "resolved", "resolved_by": how}
            said.append(
                {**entered, **end, "raised_at": datetime(2026, 9, 1, tzinfo=UTC).isoformat()}
            )
    rows = [(1_770_000_000_000 + n, "key", json.dumps(a).encode()) for n, a in enumerate(said)]
    return archive_of(tmp_path / "kept", {topics.CHURN_ALERTS: rows})


def asked(*words: str | Path) -> Result:
    """What `alerts` says, without any broker."""
    return CliRunner().invoke(main, ["alerts", *map(str, words)])


def test_open_cases_are_listed_from_the_archive_however_old(cases: Path) -> None:
    """The greatest loss first; the resolved one is left out; filters narrow it."""
    listed = asked("list", "--open", "--log", cases)
    assert listed.exit_code == 0, listed.output
    assert [line.split()[-1] for line in listed.stdout.splitlines()] == ["case-big", "case-old"]
    high = asked("list", "--open", "--band", "high", "--json", "--log", cases)
    assert [json.loads(line)["case_id"] for line in high.stdout.splitlines()] == ["case-big"]
    his = asked("list", "--customer", "of-case-done", "--log", cases)
    assert [line.split()[-1] for line in his.stdout.splitlines()] == ["case-done"]


def test_a_list_says_what_it_does_not_show(cases: Path, tmp_path: Path) -> None:
    """None of that kind, more than the limit, or nothing kept at all."""
    assert (
        "no such case, of 3 that are kept"
        in asked("list", "--customer", "x", "--log", cases).stderr
    )
    assert "2 more: --limit" in asked("list", "--limit", "1", "--log", cases).stderr
    empty = tmp_path / "out"
    empty.mkdir()
    (empty / CHURN_ALERTS).write_bytes(b"")
    assert "no case is kept" in asked("list", "--log", empty).stderr


def test_a_case_is_shown_from_a_folder_of_replay(day: tuple[Path, Path]) -> None:
    """Its alerts, and a sentence where there is no such case."""
    case_id = json.loads((day[0] / CHURN_ALERTS).read_bytes().splitlines()[0])["case_id"]
    shown = asked("show", case_id, "--log", day[0])
    assert shown.exit_code == 0, shown.output
    assert "entered" in shown.stdout
    assert "alerts list" in asked("show", "case-none", "--log", day[0]).output
