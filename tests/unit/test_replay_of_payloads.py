"""`replay` and `events check` take another system's payloads as what they are over HTTP."""

import json
from pathlib import Path

import msgspec
from click.testing import CliRunner, Result

from streams.cli import main
from streams.contracts.sources.apply import map_message
from streams.contracts.sources.mapping import mapping_of
from tests.unit.test_house import ROOT

GOLDEN = ROOT / "tests" / "golden" / "sources"
NAMES = ("identify", "product-viewed", "order-completed")
MESSAGES = [
    json.loads((GOLDEN / f"segment-{name}.json").read_text(encoding="utf-8")) for name in NAMES
]
VIDEO = {"type": "track", "event": "Video Played", "userId": "c"}


def run(*arguments: str) -> Result:
    """A command."""
    return CliRunner().invoke(main, list(arguments))


def test_payloads_and_the_events_that_they_are_replay_to_the_same_bytes(tmp_path: Path) -> None:
    """Every file of the results but for nothing; what is no event of ours is told."""
    payloads, events = tmp_path / "payloads.jsonl", tmp_path / "events.jsonl"
    payloads.write_text(
        "\n".join(json.dumps(one) for one in ({"batch": MESSAGES}, VIDEO)), encoding="utf-8"
    )
    mapped = [map_message(mapping_of("segment"), one, None) for one in MESSAGES]
    lines = [msgspec.json.encode({"topic": one.topic, "value": one.event}) for one in mapped]
    events.write_bytes(b"\n".join(lines))
    told = run("replay", str(payloads), "--source", "segment", "--out", str(tmp_path / "a"))
    assert told.exit_code == 0, told.output
    assert "passed over 1 messages that are no events of ours" in told.output
    assert run("replay", str(events), "--out", str(tmp_path / "b")).exit_code == 0
    made = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(made) > 10
    for name in made:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_what_would_be_rejected_is_told_at_its_place_in_the_payload(tmp_path: Path) -> None:
    """By line, with the field that its sender knows."""
    file = tmp_path / "payloads.jsonl"
    bad = {**MESSAGES[2], "properties": {**MESSAGES[2]["properties"], "total": "much"}}
    file.write_text("\n".join(json.dumps(one) for one in (*MESSAGES, bad)), encoding="utf-8")
    told = run("events", "check", str(file), "--source", "segment")
    assert told.exit_code == 1
    assert "checked 4 events: 3 good, 1 rejected" in told.output
    assert "line 4: bad_format: $.properties.total " in told.output


def test_a_mapping_file_names_its_source_and_an_unknown_one_is_a_sentence(tmp_path: Path) -> None:
    """Exit code 2, with the sources that there are."""
    file = tmp_path / "payloads.jsonl"
    file.write_text(json.dumps({"kind": "look", "member": 7, "when": 1_772_964_000}), "utf-8")
    mapping = str(ROOT / "tests" / "golden" / "mappings" / "kiosk.yaml")
    told = run("events", "check", str(file), "--mapping", mapping)
    assert (told.exit_code, "$.product.product_id" in told.output) == (1, True)
    wrong = run("events", "check", str(file), "--source", "segmnt")
    assert (wrong.exit_code, "did you mean segment?" in wrong.output) == (2, True)
    (tmp_path / "bad.yaml").write_text("extends: segment\nnames: {A: b}\n", encoding="utf-8")
    bad = run("events", "check", str(file), "--mapping", str(tmp_path / "bad.yaml"))
    assert (bad.exit_code, "$.names.A: there is no event `b`" in bad.output) == (2, True)
