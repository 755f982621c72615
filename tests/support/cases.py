"""Small event files that fell short elsewhere, replayed as a person at the command line would."""

from pathlib import Path
from typing import Any

import msgspec
from click.testing import CliRunner
from msgspec import Struct

from streams.cli import main

ROOT = Path(__file__).parents[2]
PLACES = (ROOT.parent / "shared" / "cases", ROOT.parent.parent / "shared" / "cases")


class Outcome(Struct, frozen=True):
    """What a replay wrote: rows by key, each output as a list of records, the summary."""

    rows: dict[str, dict[str, Any]]
    offers: list[dict[str, Any]]
    log: list[dict[str, Any]]
    alerts: list[dict[str, Any]]
    examples: list[dict[str, Any]]
    rejected: list[tuple[int, str, str]]
    changes: list[dict[str, Any]]
    zone_visits: list[dict[str, Any]]
    summary: dict[str, Any]

    @property
    def row(self) -> dict[str, Any]:
        """The only person's row, or that of `c1`."""
        return self.rows.get("c1") or next(iter(self.rows.values()))


def cases() -> Path | None:
    """The folder of the cases; None where it is not beside the repository."""
    return next((place for place in PLACES if place.is_dir()), None)


def outcome_of(folder: Path, file: str, out: Path) -> Outcome:
    """`offerstream replay FILE --reference FOLDER/ref --out OUT`, and what it wrote."""
    command = ["replay", str(folder / file), "--reference", str(folder / "ref"), "--out", str(out)]
    done = CliRunner().invoke(main, command)
    assert done.exit_code in (0, 1), done.output  # 1: every record was rejected
    rows = _lines(out / "rows.jsonl")
    return Outcome(
        rows={row.get("customer_id") or row["alias_id"]: row for row in rows},
        offers=_lines(out / "next-best-offers.jsonl"),
        log=_lines(out / "decision-log.jsonl"),
        alerts=_lines(out / "churn-alerts.jsonl"),
        examples=_lines(out / "learning-examples.jsonl"),
        rejected=[
            (letter["line"], letter["reason"], letter["path"])
            for letter in _lines(out / "dead-letters.jsonl")
        ],
        changes=_lines(out / "identity-changes.jsonl"),
        zone_visits=_lines(out / "zone-visits.jsonl"),
        summary=msgspec.json.decode((out / "summary.json").read_bytes()),
    )


def _lines(path: Path) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
