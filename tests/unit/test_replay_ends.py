"""How a replay ends: what was rejected is told and counted, whatever the reason."""

import json
from pathlib import Path
from typing import Any

import msgspec
from click.testing import CliRunner, Result

from streams.cli import main

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
