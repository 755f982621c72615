"""`offerstream audit`: what it prints, and what its exit code says."""

import gzip
import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from streams.audit.outputs import READ
from streams.cli import main
from tests.support.told import Fields, Story, a_shop, an_offer, consent, records_of, said, view
from tests.unit.audit.stories import BROKEN

QUIET = Story([consent(), view()], [said()], shop=a_shop())


def audited(folder: Path, story: Story, *options: str, packed: bool = False) -> Result:
    """The command over a story that was written to files."""
    shop = folder / "shop"
    out = folder / "out"
    shop.mkdir()
    out.mkdir()
    write_shop(shop, story.shop or a_shop(an_offer()))
    lines = "".join(json.dumps(event) + "\n" for event in story.events)
    inputs = folder / ("in.jsonl.gz" if packed else "in.jsonl")
    inputs.write_bytes(gzip.compress(lines.encode()) if packed else lines.encode())
    records = records_of(story)
    for topic in READ:
        text = b"".join(value + b"\n" for name, value in records if name == topic)
        (out / f"{topic}.jsonl").write_bytes(text)
    return run(str(inputs), str(out), "--reference", str(shop), *options)


def write_shop(folder: Path, shop: Fields) -> None:
    """The parts of a shop as files."""
    for part, content in shop.items():
        (folder / f"{part}.json").write_text(json.dumps(content), encoding="utf-8")


def run(*arguments: str) -> Result:
    """The command."""
    return CliRunner().invoke(main, ["audit", *arguments], env={"COLUMNS": "200"})


@pytest.mark.parametrize("packed", [False, True])
def test_nothing_found_is_exit_code_0(tmp_path: Path, packed: bool) -> None:
    """The summary says how much was checked, and what was not."""
    result = audited(tmp_path, QUIET, packed=packed)
    assert result.exit_code == 0, result.output
    assert "0 violations in 1 offers and 0 alerts" in result.output


def test_a_violation_is_exit_code_1_with_its_proof(tmp_path: Path) -> None:
    """The table names the rule and the event."""
    result = audited(tmp_path, BROKEN["cart_there"])
    assert result.exit_code == 1
    assert "cart_there" in result.output
    assert "buy" in result.output


def test_json_holds_the_same(tmp_path: Path) -> None:
    """Violations, counts by rule and what was not checked, in one document."""
    result = audited(tmp_path, BROKEN["cart_there"], "--json")
    report = msgspec.json.decode(result.output)
    assert result.exit_code == 1
    assert [(v["rule"], v["events"]) for v in report["violations"]] == [
        ("cart_there", ["buy", "cart-1"])
    ]
    assert report["outputs"] == {"offer": 1, "decision": 1, "alert": 0, "outcome": 0}


def test_a_time_range_judges_only_what_went_out_in_it(tmp_path: Path) -> None:
    """What came before still counts: the second contact is one too many, the first is not."""
    result = audited(tmp_path, BROKEN["caps"], "--json", "--from", "2026-03-02T12:01:00")
    report = msgspec.json.decode(result.output)
    assert report["outputs"]["offer"] == 1
    assert [v["rule"] for v in report["violations"]] == ["caps"]


def test_what_cannot_be_read_is_a_sentence_and_exit_code_2(tmp_path: Path) -> None:
    """No such file, no outputs in the folder, an output that is none, options that do not fit."""
    inputs = tmp_path / "in.jsonl"
    inputs.write_bytes(b"")
    broken = tmp_path / "broken"
    broken.mkdir()
    for topic in READ:
        (broken / f"{topic}.jsonl").write_bytes(b"{}\n")
    for arguments in (
        (str(tmp_path / "none"), str(broken)),
        (str(inputs), str(tmp_path)),
        (str(inputs), str(broken)),
        (str(inputs),),
        (str(inputs), str(broken), "--topics"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2, arguments
        assert "Traceback" not in result.output
