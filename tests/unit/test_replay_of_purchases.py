"""A CSV of purchases replayed: what it does not say is denied, unless whoever runs it says it."""

from pathlib import Path

import msgspec
from click.testing import CliRunner

from streams.cli import main

ROWS = """customer_id,ts,type,amount
c-1,1700000000,purchase,20.00
c-1,1700600000,purchase,25.00
c-2,1700700000,purchase,10.00
c-2,1700700001,return,-10.00
"""


def replayed(tmp_path: Path, *options: str) -> list[dict[str, object]]:
    """The rows after a replay of `ROWS`."""
    file, out = tmp_path / "orders.csv", tmp_path / "out"
    file.write_text(ROWS, encoding="utf-8")
    done = CliRunner().invoke(main, ["replay", str(file), "--out", str(out), *options])
    assert done.exit_code == 0, done.output
    return [msgspec.json.decode(line) for line in (out / "rows.jsonl").read_bytes().splitlines()]


def test_nobody_agreed_to_anything_by_default(tmp_path: Path) -> None:
    """Two customers, no consents."""
    assert [(r["customer_id"], r["consents"]) for r in replayed(tmp_path)] == [
        ("c-1", {}),
        ("c-2", {}),
    ]


def test_grants_hold_from_the_first_order_on(tmp_path: Path) -> None:
    """Everyone's consent stands in the row, once; the purchases are all there."""
    rows = replayed(tmp_path, "--grant", "profiling", "--grant", "model_training")
    assert [sorted(r["consents"]) for r in rows] == [["model_training", "profiling"]] * 2  # type: ignore[call-overload]
    assert [len(r["orders"]) for r in rows] == [2, 1]  # type: ignore[arg-type]


def test_an_unknown_purpose_is_refused(tmp_path: Path) -> None:
    """A typo is a sentence that names what there is."""
    done = CliRunner().invoke(
        main, ["replay", "-", "--out", str(tmp_path), "--grant", "profilling"]
    )
    assert done.exit_code == 2
    assert "model_training" in done.output
