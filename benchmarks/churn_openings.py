"""When a score may open a case, on a file of purchases: `python -m benchmarks.churn_openings FILE`.

Prequential, at every tick, of people with two purchase days or more whose score own data carry. A
case opens at the first tick of a silence at which the risk has reached the medium band, and the
person was late and the risk near by each rule, for so many looks or so long, or is clear of its
edge; without costs, signals and capacity. Prints precision, recall (of silences whose first tick
nothing followed within the horizon), the silence at which a true case opened, and by band the
stated risk and what came.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

import click
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from streams.alerts.moves import CLEAR_BY, NEAR_BY, SETTLES_MS
from streams.contracts.reference.structs import ChurnDefinition
from streams.contracts.times import DAY_MS
from streams.evaluation.churn_stream import ChurnStream
from streams.evaluation.histories import Histories
from streams.evaluation.purchases import Purchase, read_purchases
from streams.models.churn import ChurnModel

console = Console(width=120)
DEFINITION = ChurnDefinition()
MEDIUM, HIGH = (band.from_risk for band in DEFINITION.bands)
CLEAR = MEDIUM + CLEAR_BY
SETTLES_DAYS = SETTLES_MS / DAY_MS


class Seen(Struct, frozen=True):
    """A score at a tick: the silence it belongs to, in usual gaps and in horizons; what came.

    `day`: days since 1970.
    """

    silence: tuple[str, int]
    day: float
    risk: float
    gaps: float
    horizons: float
    gone: bool


class Rule(Struct, frozen=True):
    """When a score may open a case: who is late, and for how many looks in a row, or days.

    `near`: a risk from which a look counts; `clear`: one from which one look is enough.
    """

    name: str
    is_late: Callable[[Seen], bool]
    looks: int = 1
    days: float = 0.0
    near: float = MEDIUM
    clear: float = 1.0


def _is_halfway(seen: Seen) -> bool:
    return seen.gaps >= (0.5 if seen.horizons >= 0.5 else 1.0)


RULES = (
    Rule("at once", lambda s: True),
    Rule("one usual gap", lambda s: s.gaps >= 1.0),
    Rule("half a usual gap", lambda s: s.gaps >= 0.5),
    Rule("one usual gap, or half a horizon", lambda s: s.gaps >= 1.0 or s.horizons >= 0.5),
    Rule("one usual gap, or half a gap and half a horizon", _is_halfway),
    Rule("the same, two looks in a row", _is_halfway, looks=2),
    Rule("the same, two looks or a clear one (before)", _is_halfway, looks=2, clear=CLEAR),
    Rule(
        "the same, near for longer than a week, or clear (used)",
        _is_halfway,
        days=SETTLES_DAYS,
        near=MEDIUM - NEAR_BY,
        clear=CLEAR,
    ),
)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(file: Path) -> None:
    """Compare rules of when a case may open, by default policies."""
    purchases = read_purchases(file).purchases
    rows = list(seen(purchases))
    begun = {row.silence: row for row in reversed(rows)}
    lost = {silence for silence, row in begun.items() if row.gone}
    base = sum(row.gone for row in rows) / max(len(rows), 1)
    console.print(f"{len(rows):,} scores; base rate {base:.3f}; {len(lost):,} silences to find")
    columns = ("may open after", "cases", "precision", "x base", "recall", "days", "medium", "high")
    table = Table(*columns, title=file.name)
    for rule in RULES:
        cases = opened(rows, rule)
        right = [case for case in cases.values() if case.gone]
        true, found = len(right) / max(len(cases), 1), len(lost & cases.keys()) / max(len(lost), 1)
        bands = ([c for c in cases.values() if (c.risk >= HIGH) is high] for high in (False, True))
        days = median(c.horizons for c in right) * DEFINITION.horizon_ms / DAY_MS if right else 0.0
        shares = (f"{true:.3f}", f"{true / base:.2f}", f"{found:.3f}", f"{days:.0f}")
        table.add_row(rule.name, f"{len(cases):,}", *shares, *(_said_and_came(b) for b in bands))
    console.print(table)


def opened(rows: Sequence[Seen], rule: Rule) -> dict[tuple[str, int], Seen]:
    """By silence the look at which the rule opens a case; `rows` in the order of time."""
    cases: dict[tuple[str, int], Seen] = {}
    agreed: dict[tuple[str, int], list[float]] = {}
    for row in rows:
        if row.risk < rule.near or not rule.is_late(row):
            agreed.pop(row.silence, None)
            continue
        days = agreed.setdefault(row.silence, [])
        days.append(row.day)
        settled = len(days) >= rule.looks and row.day - days[0] >= rule.days
        if row.risk >= MEDIUM and (settled or row.risk >= rule.clear):
            cases.setdefault(row.silence, row)
    return cases


def seen(purchases: tuple[Purchase, ...]) -> Iterator[Seen]:
    """Every score that can be judged, in the order of time."""
    tick_ms, horizon_ms = DEFINITION.tick_ms, DEFINITION.horizon_ms
    stream, histories = ChurnStream(tick_ms, horizon_ms), Histories(purchases)
    model, taken_day, end_ms = ChurnModel(), -1, purchases[-1].at_ms
    for purchase in purchases:
        for who, at_ms, rhythm in stream.ticks(purchase.at_ms):
            if at_ms // DAY_MS != taken_day:
                model, taken_day = stream.learner.view("v"), at_ms // DAY_MS
            silent_ms = at_ms - rhythm.last_ms
            if not rhythm.repeats or silent_ms < DAY_MS or at_ms + horizon_ms > end_ms:
                continue
            if not model.is_carried(tick_ms, DEFINITION.horizon_ticks):
                continue
            score = model.score(
                rhythm, at_ms, tick_ms=tick_ms, horizon_ticks=DEFINITION.horizon_ticks
            )
            yield Seen(
                silence=(who, rhythm.last_ms),
                day=at_ms / DAY_MS,
                risk=score.risk,
                gaps=score.overdue_ratio,
                horizons=silent_ms / horizon_ms,
                gone=histories.is_gone(who, at_ms, horizon_ms),
            )
        stream.buy(purchase)


def _said_and_came(cases: list[Seen]) -> str:
    if not cases:
        return "-"
    said, came = (sum(each) / len(cases) for each in ((c.risk for c in cases), map(_gone, cases)))
    return f"{said:.3f}, {came:.3f}"


def _gone(case: Seen) -> bool:
    return case.gone


if __name__ == "__main__":
    main()
