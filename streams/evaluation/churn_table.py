"""A churn report for people (plain text) and for spreadsheets (CSV of the scores)."""

import csv
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from streams.contracts.times import DAY_MS, from_ms
from streams.errors import OperatorError
from streams.evaluation.churn import ChurnReport
from streams.evaluation.purchases import PurchaseFile
from streams.evaluation.scores import Quality

NAMES = {
    "risk": "risk (what alerts use)",
    "hazard": "hazard alone, online",
    "bgnbd": "BG/NBD P(no purchase)",
    "pareto": "Pareto/NBD P(no purchase)",
}
COLUMNS = ("AUC", "Brier", "log loss", "predicted", "observed", "AUC in tick", "tick bias")


def told(file: PurchaseFile) -> Iterator[str]:
    """What was read of a file, for a person."""
    why = " (no purchase, an amount below 0, or read before)" if file.skipped_count else ""
    yield (
        f"read {len(file.purchases):,} purchases, passed over {file.skipped_count:,} other "
        f"{'line' if file.skipped_count == 1 else 'lines'}{why}, rejected {file.bad_count:,}"
    )
    yield from (f"  rejected {many:,} {kind}" for kind, many in sorted(file.bad_kinds.items()))
    for bad in file.bad:
        yield f"  line {bad.line}: {bad.reason}"
    if file.bad_count > len(file.bad):
        yield f"  and {file.bad_count - len(file.bad):,} more"
    if file.late_count:
        yield f"out of order: {file.late_count:,} purchases after later ones; they were sorted"


def no_figures(report: ChurnReport) -> str:
    """Why figures would mean nothing; empty where they mean something."""
    if not report.horizon_in_file:
        days = math.ceil((report.until_ms + report.horizon_ms - report.end_ms) / DAY_MS)
        fit = report.horizon_ms // DAY_MS - days
        fewer = f" or fewer --horizon-days ({fit:,} fit)" if fit > 0 else ""
        return (
            f"No figures: the file ends on {_day(report.end_ms)}, {days:,} days before the horizon "
            "does, and who did not buy by then may still come back. Choose an earlier --at"
            f"{fewer}."
        )
    return "" if report.judged_count else "No figures: nobody can be judged at that date."


def render_churn(report: ChurnReport, qualities: Sequence[Quality] = ()) -> str:
    """The report as lines of plain text, the table's columns aligned.

    `qualities`: the rows of its table, else those of the report.
    """
    lines = [*_heading(report), ""]
    refused = no_figures(report)
    if refused:
        return "\n".join([*lines, refused]) + "\n"
    lines += [_row("P(no purchase in the horizon)", COLUMNS)]
    lines += [_row(NAMES.get(q.name, q.name), _figures(q)) for q in qualities or report.qualities]
    lines += ["", *_notes(report)]
    return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"


def write_scores(report: ChurnReport, path: Path) -> None:
    """Write `customer_id, risk`, one line a prediction; prequential adds `scored_at` (RFC 3339).

    The file is complete or not there: it is written beside its place and moved.
    """
    if not path.name:
        raise OperatorError(f"{path} is no name of a file to write")
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


def _notes(report: ChurnReport) -> list[str]:
    notes = []
    if report.bgnbd is not None and report.log_likelihood is not None:
        p = report.bgnbd
        notes.append(
            f"BG/NBD: r {p.r:.3f}, alpha {p.alpha:.3f}, a {p.a:.3f}, b {p.b:.3f}, "
            f"log likelihood {report.log_likelihood:.1f} (time in ticks)"
        )
    if all(quality.auc is None for quality in report.qualities):
        notes.append(
            "No AUC: everyone who is judged did the same, so there is nothing to tell apart."
        )
    return notes


def _row(name: str, cells: tuple[str, ...]) -> str:
    return f"{name:<30}" + "".join(f"{cell:>12}" for cell in cells)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _day(at_ms: int) -> str:
    return from_ms(at_ms).date().isoformat()
