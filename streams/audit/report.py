"""What an audit found: violations with their proof, what was checked, and what was not."""

from datetime import datetime

import msgspec
from msgspec import Struct
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


class Violation(Struct, frozen=True, kw_only=True):
    """A rule that an output broke; `id` is the decision's or the alert's, `events` prove it."""

    rule: str
    about: str
    id: str
    customer_id: str
    at: datetime
    why: str
    events: tuple[str, ...]


class Tally(Struct, frozen=True):
    """How often a rule was checked and broken, and why it could not be checked how often."""

    rule: str
    about: str
    checked: int
    broken: int
    not_checked: dict[str, int]


class Report(Struct, frozen=True):
    """All of it. `refused`: inputs that cannot be read; nothing stands on those."""

    events: int
    refused: int
    outputs: dict[str, int]
    tallies: tuple[Tally, ...]
    violations: tuple[Violation, ...]

    @property
    def not_checked(self) -> int:
        """How many checks could not be made."""
        return sum(sum(t.not_checked.values()) for t in self.tallies)


def as_json(report: Report) -> bytes:
    """The report as one JSON document."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2)


def in_one_line(report: Report) -> str:
    """The report for who has room for a sentence.

    >>> in_one_line(Report(2, 0, {"offer": 1, "decision": 1, "alert": 0}, (), ()))
    '0 violations in 1 offers and 0 alerts, 0 checks made, 0 not possible'
    """
    made = sum(t.checked for t in report.tallies)
    return (
        f"{len(report.violations):,} violations in {report.outputs['offer']:,} offers and "
        f"{report.outputs['alert']:,} alerts, {made:,} checks made, "
        f"{report.not_checked:,} not possible"
    )


def as_table(report: Report) -> RenderableType:
    """The report for people: violations first, then every rule, then what was not checked."""
    parts: list[RenderableType] = []
    if report.violations:
        parts.append(_violations(report))
    parts.append(_tallies(report))
    for tally in report.tallies:
        for why, many in sorted(tally.not_checked.items()):
            parts.append(Text(f"not checked: {tally.rule}, {many:,} times: {why}"))
    if report.refused:
        parts.append(Text(f"not read: {report.refused:,} inputs that no decoder accepts"))
    parts.append(Text(in_one_line(report), style="bold"))
    return Group(*parts)


def _violations(report: Report) -> Table:
    table = Table(title="violations", title_justify="left")
    for name in ("rule", "about", "customer", "at", "why", "events"):
        table.add_column(name, overflow="fold")
    for v in report.violations:
        about = f"{v.about} {v.id}"
        at = v.at.isoformat(timespec="seconds")
        table.add_row(v.rule, about, v.customer_id, at, Text(v.why), " ".join(v.events))
    return table


def _tallies(report: Report) -> Table:
    table = Table(title="rules", title_justify="left")
    table.add_column("rule")
    table.add_column("about")
    for name in ("checked", "broken", "not checked"):
        table.add_column(name, justify="right")
    for t in report.tallies:
        missed = sum(t.not_checked.values())
        table.add_row(t.rule, t.about, f"{t.checked:,}", f"{t.broken:,}", f"{missed:,}")
    return table
