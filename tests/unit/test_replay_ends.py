"""How a replay ends: what was rejected is told and counted, whatever the reason."""

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
from click.testing import CliRunner, Result

from streams.cli import main
from tests.support.scarce_shop import agreed, opens, scarce, uses

VIEW: dict[str, Any] = {
    "event_id": "e1",
    "event_name": "product_viewed",
    "occurred_at": "2026-03-01T10:00:00Z",
    "identity": {"customer_id": "c1"},
    "channel": "web",
    "page": {"path": "/p"},
    "product": {"product_id": "s1", "category": "c"},
}


def replayed(tmp_path: Path, *lines: str, options: tuple[str, ...] = ()) -> Result:
    """`offerstream replay` of these lines into `tmp_path/out`."""
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return CliRunner().invoke(main, ["replay", str(file), "--out", str(tmp_path / "out"), *options])


def letters(tmp_path: Path) -> list[dict[str, Any]]:
    """The dead letters."""
    lines = (tmp_path / "out" / "dead-letters.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line) for line in lines]


def test_one_id_with_two_contents_is_a_dead_letter(tmp_path: Path) -> None:
    """As in the worker: the second is rejected; the same event again is no fault."""
    other = {**VIEW, "product": {"product_id": "s2", "category": "c"}}
    done = replayed(tmp_path, json.dumps(VIEW), json.dumps(VIEW), json.dumps(other))
    assert done.exit_code == 0, done.output
    assert [(le["line"], le["reason"], le["path"]) for le in letters(tmp_path)] == [
        (3, "id_conflict", "$.event_id")
    ]


def test_the_end_tells_what_was_read_rejected_and_made(tmp_path: Path) -> None:
    """By reason, with the first line of each; disorder is counted; one rejected is no failure."""
    earlier = {**VIEW, "event_id": "e0", "occurred_at": "2026-03-01T07:00:00Z"}
    done = replayed(tmp_path, json.dumps(VIEW), json.dumps(earlier), "{", "nonsense")
    assert done.exit_code == 0, done.output
    assert "read 4 records: 2 taken, 2 rejected" in done.output
    assert "rejected 2 invalid_json, the first: line 3: $ ends before its JSON does" in done.output
    assert "1 event came after later ones, by up to 3 hours" in done.output
    assert "1 customers" in done.output


def test_nothing_but_rejected_is_exit_code_1(tmp_path: Path) -> None:
    """The dead letters are there all the same."""
    done = replayed(tmp_path, "nonsense")
    assert done.exit_code == 1
    assert "every record was rejected" in done.output
    assert len(letters(tmp_path)) == 1


def test_results_are_not_overwritten_unasked(tmp_path: Path) -> None:
    """The second run says what to do, and does it when told."""
    assert replayed(tmp_path, json.dumps(VIEW)).exit_code == 0
    before = (tmp_path / "out" / "summary.json").read_bytes()
    again = replayed(tmp_path, json.dumps(VIEW), "{")
    assert again.exit_code == 2
    assert "is not empty. Say --overwrite" in again.output
    assert (tmp_path / "out" / "summary.json").read_bytes() == before
    assert replayed(tmp_path, json.dumps(VIEW), "{", options=("--overwrite",)).exit_code == 0
    assert len(letters(tmp_path)) == 1


def test_results_go_into_a_folder(tmp_path: Path) -> None:
    """Where a file stands, it is said what to name in its place, and the file stays."""
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    done = replayed(tmp_path, json.dumps(VIEW), options=("--overwrite",))
    assert done.exit_code == 2
    assert "out is a file: name a folder for the results" in done.output
    assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"


def test_a_run_that_fails_leaves_earlier_results_alone(tmp_path: Path) -> None:
    """An archive that is cut off: the folder is as it was before, with nothing half done."""
    assert replayed(tmp_path, json.dumps(VIEW)).exit_code == 0
    out = tmp_path / "out"
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    file = tmp_path / "cut.gz"
    file.write_bytes(gzip.compress((json.dumps(VIEW) + "\n").encode() * 5_000)[:-20])
    done = CliRunner().invoke(main, ["replay", str(file), "--out", str(out), "--overwrite"])
    assert done.exit_code == 2
    assert "the archive is cut off" in done.output
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_budget_is_told_and_its_lease_is_no_customer(tmp_path: Path) -> None:
    """Money for 2 of 4 people: what is used, reserved and free, and how often it was withheld."""
    shop = tmp_path / "shop"
    shop.mkdir()
    reference = msgspec.to_builtins(scarce(2))
    for part in ("offers", "policies"):
        (shop / f"{part}.json").write_text(json.dumps(reference[part]), encoding="utf-8")
    sent = [*agreed(4), *opens(4), *uses(["p00000"], 3.0, 3.0)]
    lines = [json.dumps({"topic": t, "value": json.loads(value)}) for t, _, value in sent]
    done = replayed(tmp_path, *lines, options=("--reference", str(shop)))
    assert done.exit_code == 0, done.output
    assert "2 offers of 4 decisions, 0 alerts, 4 customers\n" in done.output
    assert (
        "budget of scarce, 10.00: used 3.00, reserved 5.00, free 2.00; withheld for want of money "
        "2 times\n"
    ) in done.output
    summary = json.loads((tmp_path / "out" / "summary.json").read_bytes())
    assert summary["customers"] == 4
    assert summary["offer_budgets"]["scarce"]["withheld"] == 2
    log = (tmp_path / "out" / "decision-log.jsonl").read_text(encoding="utf-8")
    assert log.count('"budget"') == 2
