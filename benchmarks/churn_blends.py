"""Ways to blend the churn models, on a file of purchases: `python -m benchmarks.churn_blends FILE`.

Prequential, as `offerstream evaluate churn` does it: every score is made of what was known. Prints
log loss, Brier score and AUC of each way, and its log loss less that of BG/NBD with a 95 % interval
over customers. How the blend was chosen: docs/churn-choice.md.
"""

from bisect import bisect_right
from pathlib import Path

import click
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from streams.contracts.times import DAY_MS
from streams.evaluation.churn_stream import ChurnStream
from streams.evaluation.purchases import Purchase, read_purchases
from streams.evaluation.scores import log_loss_against, measure
from streams.models.churn import ChurnModel

Columns = dict[str, NDArray[np.float64]]
Rows = list[tuple[str, int, float, float, float, float, float, float, float]]
STACK_RATE, STACK_SHRINK = 0.02, 1e-3
console = Console(width=120)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--tick-days", default=7, show_default=True, type=click.IntRange(1, 7))
@click.option("--horizon-ticks", default=13, show_default=True, type=click.IntRange(1))
def main(file: Path, tick_days: int, horizon_ticks: int) -> None:
    """Compare blends of BG/NBD (a), MBG/CNBD-k (r), hazard (b), direct model (c), table (t)."""
    tick_ms = tick_days * DAY_MS
    horizon_ms = horizon_ticks * tick_ms
    purchases = read_purchases(file).purchases
    rows = predicted(purchases, tick_ms, horizon_ticks)
    labels = _labels(rows, purchases, horizon_ms)
    at_ms = np.array([row[1] for row in rows])
    ways = blends(np.array([row[2:] for row in rows]), labels, at_ms, horizon_ms)
    judged = at_ms + horizon_ms <= purchases[-1].at_ms
    customers = [row[0] for row, counts in zip(rows, judged, strict=True) if counts]
    table = Table("blend", "log loss", "against BG/NBD", "95 %", "Brier", "AUC", title=file.name)
    for name, risk in ways.items():
        q = measure(name, labels[judged], risk[judged])
        d = log_loss_against(labels[judged], risk[judged], ways["a"][judged], customers)
        cells = (f"{q.log_loss:.4f}", f"{d.mean:+.4f}", f"{d.low:+.4f} {d.high:+.4f}")
        table.add_row(name, *cells, f"{q.brier:.4f}", f"{q.auc:.4f}")
    console.print(f"{judged.sum():,} scores of {len(set(customers)):,} customers")
    console.print(table)


def predicted(purchases: tuple[Purchase, ...], tick_ms: int, horizon_ticks: int) -> Rows:
    """Customer, moment, BG/NBD, hazard, hazard past what it has seen, then what may be missing.

    These are the direct model, MBG/CNBD-k and the life table, NaN where they say nothing; the score
    of the product is last. From when on the hazard is ready.
    """
    stream, rows = ChurnStream(tick_ms, horizon_ticks * tick_ms), Rows()
    model, taken_day = ChurnModel(), -1
    for purchase in purchases:
        for who, at_ms, rhythm in stream.ticks(purchase.at_ms):
            if at_ms // DAY_MS != taken_day:
                model, taken_day = stream.learner.view("v"), at_ms // DAY_MS
            parts = model.parts(rhythm, at_ms, tick_ms, horizon_ticks)
            if parts.hazard is not None:
                free = replace(model, longest_seen_ticks=1e6)
                far = free.parts(rhythm, at_ms, tick_ms, horizon_ticks).hazard
                direct = np.nan if parts.direct is None else parts.direct
                regular = np.nan if parts.regular is None else parts.regular
                table = np.nan if parts.table is None else parts.table
                score, _ = model.combine(parts)
                said = (parts.bgnbd, parts.hazard, far or 0.0, direct, regular, table, score)
                rows.append((who, at_ms, *said))
        stream.buy(purchase)
    return rows


def blends(
    parts: NDArray[np.float64], labels: NDArray[np.bool_], at_ms: NDArray[np.int64], horizon_ms: int
) -> Columns:
    """Each way's risk: `parts` of shape `[n, 7]`, in the order of `predicted`."""
    a, b, far, direct, regular, table, score = parts.T
    r = np.where(np.isnan(regular), a, regular)
    there = ~np.isnan(direct)
    c = np.where(there, direct, (a + b) / 2)
    three, logits = (a, b, c), tuple(_logit(p) for p in (a, b, c))
    return {
        "a": a,
        "r": r,
        "t, of who bought once a": np.where(np.isnan(table), a, table),
        "b": b,
        "b rolled out freely": far,
        "c, until then a, b": c,
        "mean a, b": (a + b) / 2,
        "mean a, b freely": (a + far) / 2,
        "mean a, c": np.where(there, (a + c) / 2, a),
        "mean b, c": (b + c) / 2,
        "mean a, b, c": np.mean(three, axis=0),
        "mean r, b": (r + b) / 2,
        "mean r, b, c": np.mean((r, b, np.where(there, direct, (r + b) / 2)), axis=0),
        "mean r, b, b, c": _weighted((r, b, direct), (1.0, 2.0, 1.0)),
        "mean r, b, c, c": _weighted((r, b, direct), (1.0, 1.0, 2.0)),
        "mean a, r, b, c": np.mean((a, r, b, np.where(there, direct, (a + r + b) / 3)), axis=0),
        "logits a, b": _sigmoid((logits[0] + logits[1]) / 2),
        "logits a, b, c": _sigmoid(np.mean(logits, axis=0)),
        "mean r, b, c, t": _weighted((r, b, direct, table), (1.0, 1.0, 1.0, 1.0)),
        "the score": score,
        "learned stack": _stacked(np.stack(logits, axis=1), labels, at_ms, horizon_ms),
    }


def _weighted(
    parts: tuple[NDArray[np.float64], ...], weights: tuple[float, ...]
) -> NDArray[np.float64]:
    """The weighted mean of what there is: NaN is left out."""
    table = np.ma.masked_invalid(np.stack(parts))
    return np.asarray(np.ma.average(table, axis=0, weights=weights))


def _stacked(
    x: NDArray[np.float64], labels: NDArray[np.bool_], at_ms: NDArray[np.int64], horizon_ms: int
) -> NDArray[np.float64]:
    """Logistic regression on the logits, pulled to their mean, learned as horizons end."""
    x = np.column_stack([x, np.ones(len(x))])
    prior = np.array([1 / 3, 1 / 3, 1 / 3, 0.0])
    weights, squares, risk, known = prior.copy(), np.full(4, 1e-2), np.empty(len(x)), 0
    for row in range(len(x)):
        while at_ms[known] + horizon_ms <= at_ms[row]:
            error = _sigmoid(weights @ x[known]) - labels[known]
            gradient = error * x[known] + STACK_SHRINK * (weights - prior)
            squares += gradient**2
            weights -= STACK_RATE * gradient / np.sqrt(squares)
            known += 1
        risk[row] = _sigmoid(weights @ x[row])
    return risk


def _labels(rows: Rows, purchases: tuple[Purchase, ...], horizon_ms: int) -> NDArray[np.bool_]:
    times: dict[str, list[int]] = {}
    for purchase in purchases:
        times.setdefault(purchase.customer_id, []).append(purchase.at_ms)
    own = [(times[who], at_ms) for who, at_ms, *_ in rows]
    return np.array([bisect_right(at, ms) == bisect_right(at, ms + horizon_ms) for at, ms in own])


def _logit(p: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(p / (1 - p)))


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-x)))


if __name__ == "__main__":
    main()
