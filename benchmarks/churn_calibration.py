"""Whether correcting the churn score pays, on a file of purchases: said, corrected always, by rule.

`python -m benchmarks.churn_calibration FILE`. Prequential: a moment's label is learned when its
horizon is over, and a score is corrected by what was known when it was said. Prints the log loss of
each way less that of the score as it is, with a 95 % interval over customers, and said and came by
tenth of the score and by silence in own gaps.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import click
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from streams.contracts.times import DAY_MS
from streams.customer.rhythm import awaits_horizon
from streams.customer.row import Said
from streams.evaluation.churn_stream import ChurnStream
from streams.evaluation.purchases import Purchase, read_purchases
from streams.evaluation.scores import log_loss_against, measure
from streams.features.calibration import calibration_example
from streams.models.calibration import Calibration, CalibrationLearner
from streams.models.churn import ChurnModel
from streams.models.reliability import SILENCES, TENTHS, Bin, silence_of, tenth_of

console = Console(width=120)


class Scored(Struct, frozen=True):
    """A score at a tick; `judged`: its horizon ends inside the file, and own data carry it."""

    customer_id: str
    at_ms: int
    risk: float
    own_gaps: float
    judged: bool


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--tick-days", default=7, show_default=True, type=click.IntRange(1, 7))
@click.option("--horizon-ticks", default=13, show_default=True, type=click.IntRange(1))
def main(file: Path, tick_days: int, horizon_ticks: int) -> None:
    """Compare the score as it is with two corrections of it."""
    tick_ms = tick_days * DAY_MS
    horizon_ms = horizon_ticks * tick_ms
    purchases = read_purchases(file).purchases
    rows = list(scored(purchases, tick_ms, horizon_ticks))
    gone = bought_nothing(rows, purchases, horizon_ms)
    ways = corrected(rows, gone, tick_ms, horizon_ms)
    judged = np.array([row.judged for row in rows])
    customers = [row.customer_id for row in rows if row.judged]
    console.print(f"{judged.sum():,} scores of {len(set(customers)):,} customers")
    columns = ("way", "log loss", "against none", "95 %", "Brier", "said", "came")
    table = Table(*columns, title=file.name)
    for name, risk in ways.items():
        q = measure(name, gone[judged], risk[judged])
        d = log_loss_against(gone[judged], risk[judged], ways["none"][judged], customers)
        cells = (f"{q.log_loss:.4f}", f"{d.mean:+.4f}", f"{d.low:+.4f} {d.high:+.4f}")
        sums = (f"{q.brier:.4f}", f"{q.mean_predicted:.3f}", f"{q.mean_observed:.3f}")
        table.add_row(name, *cells, *sums)
    console.print(table)
    console.print(bins_table(rows, gone, ways["none"]))


def scored(purchases: tuple[Purchase, ...], tick_ms: int, horizon_ticks: int) -> Iterator[Scored]:
    """Every score in the order of time, by the models as they were that day."""
    stream, model, taken_day = ChurnStream(tick_ms, horizon_ticks * tick_ms), ChurnModel(), -1
    last_ms = purchases[-1].at_ms - horizon_ticks * tick_ms
    for purchase in purchases:
        for who, at_ms, rhythm in stream.ticks(purchase.at_ms):
            if at_ms // DAY_MS != taken_day:
                model, taken_day = stream.learner.view("v"), at_ms // DAY_MS
            score = model.score(rhythm, at_ms, tick_ms=tick_ms, horizon_ticks=horizon_ticks)
            judged = score.carried and at_ms <= last_ms
            yield Scored(who, at_ms, score.risk, score.overdue_ratio, judged)
        stream.buy(purchase)


def bought_nothing(
    rows: list[Scored], purchases: tuple[Purchase, ...], horizon_ms: int
) -> NDArray[np.bool_]:
    """The label of each score."""
    times: dict[str, list[int]] = {}
    for purchase in purchases:
        times.setdefault(purchase.customer_id, []).append(purchase.at_ms)
    own = [(times[row.customer_id], row.at_ms) for row in rows]
    return np.array([bisect_right(at, ms) == bisect_right(at, ms + horizon_ms) for at, ms in own])


def corrected(
    rows: list[Scored], gone: NDArray[np.bool_], tick_ms: int, horizon_ms: int
) -> dict[str, NDArray[np.float64]]:
    """Each way's risk; corrections are taken anew each day of event time."""
    learner, waiting = CalibrationLearner(), deque[int]()
    always = by_rule = Calibration()
    ways = {name: np.empty(len(rows)) for name in ("none", "always", "by rule")}
    taken_day, corrected_days = -1, [0, 0]
    for number, row in enumerate(rows):
        while waiting and rows[waiting[0]].at_ms + horizon_ms <= row.at_ms:
            _teach(learner, rows[first := waiting.popleft()], bool(gone[first]), horizon_ms)
        if row.at_ms // DAY_MS != taken_day:
            taken_day, always = row.at_ms // DAY_MS, Calibration("v", learner.correction)
            by_rule = learner.view("v")
            corrected_days = [corrected_days[0] + 1, corrected_days[1] + learner.is_better]
        if awaits_horizon(row.customer_id, row.at_ms, tick_ms, horizon_ms):
            waiting.append(number)
        ways["none"][number] = row.risk
        ways["always"][number] = always.probability(row.risk, row.own_gaps)
        ways["by rule"][number] = by_rule.probability(row.risk, row.own_gaps)
    console.print(f"corrected by rule on {corrected_days[1]} of {corrected_days[0]} days")
    return ways


def bins_table(rows: list[Scored], gone: NDArray[np.bool_], risk: NDArray[np.float64]) -> Table:
    """Said and came of all that is judged."""
    tenths, silences = [Bin()] * TENTHS, [Bin()] * len(SILENCES)
    for number, row in enumerate(rows):
        if row.judged:
            said, came = float(risk[number]), bool(gone[number])
            tenths[tenth_of(said)] = tenths[tenth_of(said)].with_label(said, came)
            silence = silence_of(row.own_gaps)
            silences[silence] = silences[silence].with_label(said, came)
    table = Table("bin", "scores", "said", "came")
    names = chain((f"from .{n}" for n in range(TENTHS)), (f"{s} own gaps" for s in SILENCES))
    for name, one in zip(names, (*tenths, *silences), strict=True):
        if one.labels:
            shares = (f"{one.said / one.labels:.3f}", f"{one.came / one.labels:.3f}")
            table.add_row(name, f"{one.labels:,.0f}", *shares)
    return table


def _teach(learner: CalibrationLearner, row: Scored, gone: bool, horizon_ms: int) -> None:
    said = Said(row.risk, row.risk, row.own_gaps)
    due_ms = row.at_ms + horizon_ms
    learner.learn(calibration_example("x", said, horizon_ms, not gone, due_ms, row.customer_id))


if __name__ == "__main__":
    main()
