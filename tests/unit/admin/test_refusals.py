"""`events check` says what the worker would reject, by reason and line, without Kafka."""

import gzip
import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

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


def test_good_files_are_0_and_bad_lines_are_named(tmp_path: Path) -> None:
    """From gzip and from standard input; exit code 1 where something is wrong."""
    good = json.dumps(VIEW) + "\n"
    path = tmp_path / "good"
    path.write_bytes(gzip.compress(good.encode()))
    done = CliRunner().invoke(main, ["events", "check", str(path)])
    assert (done.exit_code, done.output) == (0, "checked 1 events: 1 good, 0 rejected\n")
    bad = good + "nonsense\n" + json.dumps({**VIEW, "channel": "wbe"}) + "\n"
    done = CliRunner().invoke(main, ["events", "check", "-"], input=bad)
    assert done.exit_code == 1
    assert "checked 3 events: 1 good, 2 rejected" in done.output
    assert "       1  out_of_range" in done.output
    assert "line 2: invalid_json: $ is not JSON (RFC 8259)" in done.output
    assert "line 3: out_of_range: $.channel is not one of app, call_center" in done.output


def test_a_table_is_checked_as_well(tmp_path: Path) -> None:
    """Each row is a purchase; a bad one is named by its line."""
    path = tmp_path / "shop.csv"
    path.write_text("customer_id;ts;amount\nc1;1767225600;12,50\nc1;1767225600;x\n")
    done = CliRunner().invoke(main, ["events", "check", str(path), "--decimal", ","])
    assert done.exit_code == 1
    assert "checked 2 events: 1 good, 1 rejected" in done.output
    assert "line 3: bad_format: $.total.amount amount is no number, as 12,50" in done.output
