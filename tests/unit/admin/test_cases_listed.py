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
    assert [line.split()[-1] for line in listed.stdout.splitlines()[1:]] == ["case-big", "case-old"]
    high = asked("list", "--open", "--band", "high", "--json", "--log", cases)
    assert [json.loads(line)["case_id"] for line in high.stdout.splitlines()] == ["case-big"]
    his = asked("list", "--customer", "of-case-done", "--log", cases)
    assert [line.split()[-1] for line in his.stdout.splitlines()[1:]] == ["case-done"]


def test_a_list_says_what_it_does_not_show(cases: Path, tmp_path: Path) -> None:
    """None of that kind, more than the limit, or nothing kept at all."""
    assert (
        "no such case, of 3 that are kept"
        in asked("list", "--customer", "x", "--log", cases).stderr
    )
    assert "2 more; --limit 3 shows all" in asked("list", "--limit", "1", "--log", cases).stderr
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


def test_a_list_has_a_head_and_shows_what_it_is_ordered_by(cases: Path) -> None:
    """Risk times value at risk, the greatest first; none where no case is shown."""
    head, *lines = asked("list", "--log", cases).stdout.splitlines()
    assert head.split()[:2] == ["expected", "loss"]
    losses = [float(line.split()[0]) for line in lines]
    assert len(losses) == 3
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 0.0
    assert asked("list", "--customer", "x", "--log", cases).stdout == ""


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"action": "contact", "channel": "call_center"}, "by phone"),
        ({"action": "contact", "channel": "push"}, "by push message"),
        ({"action": "offer", "offer_id": "o-1", "channel": "email"}, "offer o-1 by e-mail"),
        ({"action": "service_recovery", "channel": "call_center"}, "settle complaint"),
    ],
)
def test_the_next_step_is_in_the_words_of_the_alert(
    step: dict[str, str], said: str, day: tuple[Path, Path], tmp_path: Path
) -> None:
    """Which are those of the page; not the name of a field."""
    alert = json.loads((day[0] / CHURN_ALERTS).read_bytes().splitlines()[0])
    alert["recommended"] = {**step, "act_before": alert["raised_at"]}
    (tmp_path / CHURN_ALERTS).write_text(json.dumps(alert) + "\n")
    (line,) = asked("list", "--log", tmp_path).stdout.splitlines()[1:]
    until = f"before {alert['raised_at'][:10]}"
    assert f"  {said}, {until}  {alert['case_id']}" in line


def test_a_case_is_told_in_words_with_its_day_and_its_evidence(
    day: tuple[Path, Path], tmp_path: Path
) -> None:
    """Signals in the language that is asked for; what no event shows is not called silence."""
    alert = json.loads((day[0] / CHURN_ALERTS).read_bytes().splitlines()[0])
    seen = {"strength": 1.0, "lift": 1.1, "observed_at": alert["raised_at"]}
    alert["signals"] = [
        {**seen, "code": "basket_drop", "evidence_event_ids": []},
        {**seen, "code": "cancel_page", "evidence_event_ids": ["e-1", "e-2"], "cases": 214},
    ]
    step = {"channel": "email", "act_before": "2026-03-21T09:30:00Z"}
    alert["recommended"] = {**step, "say": {"en": "Hello.", "ja": "こんにちは。", "zh": "您好。"}}
    (tmp_path / CHURN_ALERTS).write_text(json.dumps(alert) + "\n")
    lines = asked("show", alert["case_id"], "--log", tmp_path).stdout.splitlines()[2:]
    assert lines == [
        "    act before: 2026-03-21 09:30:00 (UTC)",
        "    say: Hello.",
        "    basket_drop: the baskets have shrunk  x 1.10  no single event",
        "    cancel_page: looked at the page for closing the account  x 1.10, from 214 cases"
        "  e-1, e-2",
    ]
    words = asked("show", alert["case_id"], "--language", "ja", "--log", tmp_path).stdout
    assert "basket_drop: 購入単価が下がっています" in words


def test_that_all_cases_are_over_is_said(cases: Path) -> None:
    """And how to see them."""
    done = asked("list", "--open", "--customer", "of-case-done", "--log", cases)
    assert done.stderr == "no open case; 1 that is over (leave out --open to see it)\n"
    nobody = asked("list", "--open", "--customer", "x", "--log", cases)
    assert nobody.stderr == "no such case, of 3 that are kept\n"


def test_the_id_of_an_alert_finds_its_case(cases: Path) -> None:
    """Of any of them, not only the last."""
    shown = asked("show", "a-case-done", "--log", cases)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout == asked("show", "case-done", "--log", cases).stdout


@pytest.mark.parametrize("many", [1, 6, 7])
def test_damaged_alerts_are_named_by_file_and_line(
    many: int, day: tuple[Path, Path], tmp_path: Path
) -> None:
    """By list and show alike, beside what can be read."""
    good = (day[0] / CHURN_ALERTS).read_bytes().splitlines()[0]
    (tmp_path / CHURN_ALERTS).write_bytes(good + b"\n" + b"{\xff\n" * many)
    case_id = json.loads(good)["case_id"]
    for words in (("list",), ("show", case_id)):
        done = asked(*words, "--log", tmp_path)
        assert done.exit_code == 0, done.output
        said = done.stderr.splitlines()
        assert f"{CHURN_ALERTS}: line 2 is no record of an alert: " in said[0]
        assert len(said) == min(many, 6)
        if many > 5:
            some = "1 more record" if many == 6 else "2 more records"
            assert said[-1] == f"and {some} of churn-alerts that cannot be read"
