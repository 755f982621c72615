"""What churn alerts could reach at best in a world: `python -m benchmarks.churn_bound`.

The posterior of leaving by simulation: gradient boosting learns it from many simulated lives and is
judged on others. It knows the law (how often people leave, fall silent, drift, visit, give signs)
as no product can; what it may know of a person is a group of `churn_lives.GROUPS`. What it does not
reach by what can be seen, no score reaches, but for what boosting leaves on the table.

Needs scikit-learn, which is no dependency of the project: `pip install scikit-learn`.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Protocol

import click
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.churn_lives import GROUPS, Looks, looks_of
from benchmarks.options import Seeds
from streams.simulator.worlds import KINDS, WorldKind

RISKS = tuple(n / 50 for n in range(1, 50))
PRECISION = 0.6
RECALLS = (0.3, 0.5, 0.7, 0.9)
LEARNED_FROM_SEED, LEARNED_PEOPLE = 1_001, 500
TREES, LEAVES, LEAF_MIN, RATE = 120, 24, 60, 0.1
console = Console(width=120)


class Posterior(Protocol):
    """P(leaves within the horizon)."""

    def predict_proba(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shape `[n, 2]`: of staying, of leaving."""


class Reached(Struct, frozen=True):
    """Alerts at one threshold of the posterior."""

    alerts: int
    precision: float
    recall: float
    lag_gaps: float


@click.command()
@click.option("--kind", default="drugstore", show_default=True, type=click.Choice(KINDS))
@click.option(
    "--seeds", default="11,12,13", show_default=True, type=Seeds(), help="Worlds judged, by comma."
)
@click.option("--customers", default=1_000, show_default=True, type=click.IntRange(1))
@click.option(
    "--worlds", default=10, show_default=True, type=click.IntRange(1), help="To learn from."
)
@click.option("--days", default=180, show_default=True, type=click.IntRange(40, 730))
def main(kind: WorldKind, seeds: tuple[int, ...], customers: int, worlds: int, days: int) -> None:
    """Learn the posterior on simulated lives, and print what its alerts would reach on others."""
    if find_spec("sklearn") is None:
        raise click.ClickException(
            "needs scikit-learn, which the project itself does not: "
            ".tools/bin/uv pip install --python .venv/bin/python scikit-learn"
        )
    others = range(LEARNED_FROM_SEED, LEARNED_FROM_SEED + worlds)
    learned = [looks_of(kind, LEARNED_PEOPLE, days, seed) for seed in others]
    judged = [looks_of(kind, customers, days, seed) for seed in seeds]
    recalls = (f"at recall {recall:g}" for recall in RECALLS)
    table = Table("known of a person", *recalls, f"recall at precision {PRECISION:g}", "lag, gaps")
    for name, columns in GROUPS.items():
        said = _posteriors(learned, judged, columns)
        points = [point for risk in RISKS if (point := _reached(judged, said, risk)) is not None]
        best = max(
            (p for p in points if p.precision >= PRECISION), key=lambda p: p.recall, default=None
        )
        found = ("-", "-") if best is None else (f"{best.recall:.3f}", f"{best.lag_gaps:.2f}")
        table.add_row(name, *(_precision_at(points, recall) for recall in RECALLS), *found)
    findable = sum(leaver.findable for looks in judged for leaver in looks.leavers)
    console.print(
        f"{kind}, seeds {', '.join(map(str, seeds))}, {customers} people each, "
        f"{findable} leavers to be found; learned from {worlds} x {LEARNED_PEOPLE} others. "
        "Precision:"
    )
    console.print(table)


def _posteriors(
    learned: Sequence[Looks], judged: Sequence[Looks], columns: Sequence[int]
) -> list[NDArray[np.float64]]:
    """What is said of each look of the worlds that are judged."""
    model = _fitted(
        np.concatenate([looks.x[:, columns] for looks in learned]),
        np.concatenate([looks.leaves for looks in learned]),
    )
    return [model.predict_proba(looks.x[:, columns])[:, 1] for looks in judged]


def _fitted(x: NDArray[np.float64], leaves: NDArray[np.bool_]) -> Posterior:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=TREES,
        learning_rate=RATE,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=LEAF_MIN,
        random_state=0,
    )
    fitted: Posterior = model.fit(x, leaves)
    return fitted


def _reached(
    judged: Sequence[Looks], said: Sequence[NDArray[np.float64]], risk: float
) -> Reached | None:
    """Alerts at the first look of a silence at which the posterior is so high."""
    alerts = true = 0
    found: list[bool] = []
    lags: list[float] = []
    for looks, posterior in zip(judged, said, strict=True):
        first = _first_of_each_silence(looks, posterior >= risk)
        alerts, true = alerts + len(first), true + sum(bool(looks.leaves[n]) for n in first)
        at: dict[str, float] = {}
        for n in first:
            if looks.leaves[n]:
                at.setdefault(looks.silences[n][0], float(looks.days[n]))
        found += [leaver.customer_id in at for leaver in looks.leavers if leaver.findable]
        lags += [
            (at[leaver.customer_id] - leaver.day) / leaver.gap_days
            for leaver in looks.leavers
            if leaver.customer_id in at
        ]
    if not alerts or not found or not lags:
        return None
    return Reached(alerts, true / alerts, float(np.mean(found)), float(np.median(lags)))


def _first_of_each_silence(looks: Looks, high: NDArray[np.bool_]) -> list[int]:
    first: dict[tuple[str, int], int] = {}
    for n in np.flatnonzero(high):
        first.setdefault(looks.silences[n], int(n))
    return list(first.values())


def _precision_at(points: Sequence[Reached], recall: float) -> str:
    """The best precision among the thresholds that find as many."""
    best = max((point.precision for point in points if point.recall >= recall), default=None)
    return "-" if best is None else f"{best:.3f}"


if __name__ == "__main__":
    main()
