"""Churn alerts judged in simulated worlds: `python -m benchmarks.churn_worlds`.

Plays shops of four kinds in the closed loop, where offers and contacts have their effects, and
prints by the truth how good the alerts were: docs/simulator.md. Everything is a function of kinds,
seeds, days and customers, but for the CPU time.
"""

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.churn_figures import Calibration, Curve, Figures, Point, figures
from benchmarks.churn_play import play_world
from benchmarks.churn_saved_entries import Estimate
from benchmarks.options import Names, Seeds
from streams.simulator.worlds import KINDS, WorldKind

CUSTOMERS: dict[WorldKind, int] = {
    "grocery": 250,
    "drugstore": 500,
    "fashion": 600,
    "wholesaler": 250,
}
console = Console(width=120)


@click.command()
@click.option(
    "--kinds", default=",".join(KINDS), show_default=True, type=Names(KINDS), help="By comma."
)
@click.option("--seeds", default="1,2,3", show_default=True, type=Seeds(), help="By comma.")
@click.option("--days", default=180, show_default=True, type=click.IntRange(40, 730))
@click.option("--customers", type=click.IntRange(1), help="People of each world.")
@click.option("--contacts/--no-contacts", default=True, help="Whether the CRM acts on cases.")
@click.option(
    "--every",
    default=7,
    show_default=True,
    type=click.IntRange(1),
    help="Days between samples of the risk.",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write figures here.")
def main(
    kinds: tuple[WorldKind, ...],
    seeds: tuple[int, ...],
    days: int,
    customers: int | None,
    contacts: bool,
    every: int,
    json_file: Path | None,
) -> None:
    """Play worlds and judge the alerts of this tree's product by the truth."""
    told = []
    for kind in (k for k in KINDS if k in kinds):
        many = customers or CUSTOMERS[kind]
        plays = [
            play_world(kind, many, days, seed, contacts=contacts, every_days=every)
            for seed in seeds
        ]
        told.append(figures(plays))
        render(told[-1])
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=1) + b"\n")


def render(told: Figures) -> None:
    """The figures of one kind as tables."""
    seeds = ", ".join(str(seed) for seed in told.seeds)
    console.rule(f"{told.kind}, seeds {seeds}")
    console.print(
        f"{told.people:,} people, {told.leavers} left ({told.leavers_findable} two own gaps or "
        f"more before the end); {told.events:,} events, {told.decisions:,} decisions, "
        f"{told.cpu_s:.0f} s CPU"
    )
    points = Table("rule", "alerts", "a leaver", "precision", "recall", "lag, own gaps")
    _row(points, "the product", told.alerts)
    for point in told.rule:
        _row(points, f"silent > {point.threshold:g} own gaps so far", point)
    for point in told.rule_in_horizon:
        _row(points, f"silent > {point.threshold:g}, in the horizon", point)
    for point in told.oracle:
        _row(points, f"silent > {point.threshold:g} true own gaps", point)
    for point in told.by_risk:
        if round(point.threshold * 50) % 5 == 0:
            _row(points, f"risk >= {point.threshold:g}", point)
    console.print(points)
    console.print(f"recall among those who may be scored: {_share(told.recall_of_scored)}")
    console.print(_curve(told.compared, f"of all {told.people:,} people"))
    console.print(_curve(told.compared_of_scored, f"of {told.scored:,} who may be scored"))
    console.print(_curve(told.compared_in_horizon, "of these, in the horizon"))
    same = told.rule_of_same_precision
    if same is not None:
        console.print(
            f"the rule is as precise from {same.threshold:g} own gaps on; found by half an own gap "
            f"later: {_share(told.recall_in_time)}"
        )
    console.print(
        f"entered before own data {told.before_own_data} (without a strong signal "
        f"{told.before_own_data_without_signal}), with a model that had learned nothing "
        f"{told.cold}; on the day of a purchase {told.on_purchase_day}"
    )
    causes = sorted(told.false_by_cause.items(), key=lambda pair: -pair[1])
    console.print("false: " + ("; ".join(f"{many} {cause}" for cause, many in causes) or "none"))
    console.print(_calibrations("band of an alert", told.bands))
    console.print(_calibrations("risk, each sample", told.risks))
    _say_saved(told)
    for arm, (many, margin) in told.offers_by_arm.items():
        console.print(f"offers, arm {arm}: {many:,}, incremental margin {margin:,.2f}")


def _curve(told: Curve, whom: str) -> Table:
    many = f"{told.beaten_by_risk} and {told.beaten_by_looks} of {len(told.points)}"
    title = f"where both find, {whom}: the rule is beaten at {many}"
    table = Table("found", "precision of the rule", "of the risk", "once it stood", title=title)
    for row in told.points:
        found = f"{row.recall:.3f} ({row.gaps:g} own gaps)"
        said = (_share(row.risk_precision), _share(row.looks_precision))
        table.add_row(found, f"{row.rule_precision:.3f}", *said)
    return table


def _say_saved(told: Figures) -> None:
    saved, later = told.saved_a_case, told.saved_a_case_with_later
    console.print(
        f"saved a contacted case, {told.currency}: {saved.value:.2f} ({saved.low:.2f} to "
        f"{saved.high:.2f}; {saved.count} cases), in all {told.saved_less_cost:.2f}; with 150 "
        f"days more {later.value:.2f} ({later.low:.2f} to {later.high:.2f}); contacted: "
        + ", ".join(f"{many} {kind}" for kind, many in sorted(told.contacted_by_type.items()))
        + "; by "
        + ", ".join(f"{step} {many}" for step, many in sorted(told.contacted_by_action.items()))
    )
    ways = Table("measured by", "saved a contacted case", "of the same cases at best")
    for way, found in told.saved_by_way.items():
        ways.add_row(way, _interval(found), _interval(told.saved_at_best[way]))
    console.print(ways)
    alone = told.left_alone
    console.print(
        f"better left alone (sleeping dogs who are there): {alone.asleep} of {alone.alerts} "
        f"alerts, {alone.contacts_asleep} of {alone.contacts} contacts that can wake; by risk "
        f"alone {alone.by_risk_asleep} of {alone.by_risk}; "
        f"{alone.people_asleep} of {alone.people:,} people"
    )


def _row(table: Table, name: str, point: Point) -> None:
    table.add_row(
        name,
        f"{point.alerts:,}",
        _number(point.alerts_per_leaver),
        _share(point.precision),
        _share(point.recall),
        _number(point.lag_gaps),
    )


def _calibrations(title: str, told: tuple[Calibration, ...]) -> Table:
    table = Table(title, "cases", "stated", "came", "error of their distance")
    for row in told:
        shares = (f"{share:.3f}" for share in (row.stated, row.came, row.error))
        table.add_row(row.band, f"{row.cases:,}", *shares)
    return table


def _interval(found: Estimate | None) -> str:
    return "-" if found is None else f"{found.value:,.2f} ({found.low:,.2f} to {found.high:,.2f})"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    main()
