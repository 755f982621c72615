"""A churn report for people (plain text) and for spreadsheets (CSV of the scores)."""

import csv
import os
from pathlib import Path

from streams.contracts.times import DAY_MS, from_ms
from streams.evaluation.churn import ChurnReport
from streams.evaluation.purchases import PurchaseFile
from streams.evaluation.scores import Quality

NAMES = {
    "risk": "risk (what alerts use)",
    "hazard": "hazard alone, online",
    "bgnbd": "BG/NBD P(no purchase)",
}
COLUMNS = ("AUC", "Brier", "log loss", "predicted", "observed", "AUC in tick", "tick bias")


def render_churn(report: ChurnReport, file: PurchaseFile) -> str:
    """The report as lines of plain text, the table's columns aligned."""
    lines = [*_heading(report), "", _row("P(no purchase in the horizon)", COLUMNS)]
    lines += [_row(NAMES.get(q.name, q.name), _figures(q)) for q in report.qualities]
    lines += ["", *_notes(report, file)]
    return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"


def write_scores(report: ChurnReport, path: Path) -> None:
    """Write `customer_id, risk`, one line a prediction; prequential adds `scored_at` (RFC 3339).

    The file is complete or not there: it is written beside its place and moved.
    """
    beside = path.with_name(path.name + ".part")
    with beside.open("w", encoding="utf-8", newline="") as text:
        out = csv.writer(text, lineterminator="\n")
        many = report.mode == "prequential"
        out.writerow(["customer_id", "risk", *(["scored_at"] if many else [])])
        for p in report.predictions:
            moment = [from_ms(p.at_ms).isoformat(timespec="milliseconds")] if many else []
            out.writerow([p.customer_id, f"{p.risk:.9f}", *moment])
    os.replace(beside, path)


def _heading(report: ChurnReport) -> list[str]:
    days = report.horizon_ms / DAY_MS
    first, last = _day(report.from_ms), _day(report.until_ms)
    when = f"at {last}" if report.mode == "at" else f"at every tick from {first} to {last}"
    return [
        f"Churn {when}: no purchase in the next {days:g} days",
        f"{report.customers:,} customers, {report.judged_count:,} scores judged (silent for less "
        f"than the horizon), {report.labels_learned:,} labels learned",
    ]


def _figures(quality: Quality) -> tuple[str, ...]:
    return (
        _number(quality.auc),
        _number(quality.brier),
        _number(quality.log_loss),
        _number(quality.mean_predicted),
        _number(quality.mean_observed),
        _number(quality.within_tick_auc),
        _number(quality.mean_abs_tick_bias),
    )


def _notes(report: ChurnReport, file: PurchaseFile) -> list[str]:
    notes = []
    if report.bgnbd is not None and report.log_likelihood is not None:
        p = report.bgnbd
        notes.append(
            f"BG/NBD: r {p.r:.3f}, alpha {p.alpha:.3f}, a {p.a:.3f}, b {p.b:.3f}, "
            f"log likelihood {report.log_likelihood:.1f} (time in ticks)"
        )
    if not report.horizon_in_file:
        notes.append("The file ends inside the horizon: who did not buy by then counts as gone.")
    if file.bad_count:
        notes.append(f"{file.bad_count:,} bad lines were left out, the first of them:")
        notes += [f"  line {bad.line}: {bad.reason}" for bad in file.bad]
    return notes


def _row(name: str, cells: tuple[str, ...]) -> str:
    return f"{name:<30}" + "".join(f"{cell:>12}" for cell in cells)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _day(at_ms: int) -> str:
    return from_ms(at_ms).date().isoformat()
