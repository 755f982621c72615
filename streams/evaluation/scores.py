"""How good a probability is: AUC, Brier score, log loss, AUC within ticks, bias by tick."""

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.models.measures import auc, log_loss

RESAMPLES = 1_000
BOOTSTRAP_SEED = 14
PROBABILITY_MIN = 1e-6
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Groups = NDArray[np.int64]


class Quality(Struct, frozen=True):
    """One model's figures over a set of predictions; an AUC is None when all labels are alike."""

    name: str
    count: int
    auc: float | None
    brier: float
    log_loss: float
    mean_predicted: float
    mean_observed: float
    within_tick_auc: float | None = None
    mean_abs_tick_bias: float | None = None


def measure(name: str, labels: Flags, scores: Floats, ticks: Groups | None = None) -> Quality:
    """All figures of one model; `ticks` groups the predictions, shape `[n]` like the others."""
    by_tick = None if ticks is None else bias_by_group(labels, scores, ticks)
    return Quality(
        name=name,
        count=len(labels),
        auc=auc(labels, scores),
        brier=brier(labels, scores),
        log_loss=log_loss(labels, scores),
        mean_predicted=float(scores.mean()) if len(scores) else 0.0,
        mean_observed=float(labels.mean()) if len(labels) else 0.0,
        within_tick_auc=None if ticks is None else within_group_auc(labels, scores, ticks),
        mean_abs_tick_bias=float(np.mean([abs(b) for _, b, _ in by_tick])) if by_tick else None,
    )


class Interval(Struct, frozen=True):
    """A mean and its 95 % interval."""

    mean: float
    low: float
    high: float


def log_loss_against(
    labels: Flags, scores: Floats, others: Floats, customers: Sequence[str]
) -> Interval:
    """Log loss of `scores` less that of `others`, below 0 where they are better; all `[n]`."""
    return mean_interval(_surprise(labels, scores) - _surprise(labels, others), customers)


def brier_against(
    labels: Flags, scores: Floats, others: Floats, customers: Sequence[str]
) -> Interval:
    """The same for the Brier score."""
    return mean_interval((scores - labels) ** 2 - (others - labels) ** 2, customers)


def mean_interval(
    values: Floats | Flags, customers: Sequence[str], wholes: Floats | None = None
) -> Interval:
    """The mean of `values`, or their sum over that of `wholes`; all `[n]`, at least one.

    The interval is by bootstrap over customers, whose values are not independent (percentiles of
    1,000 resamples, Efron 1979), the same on every run.
    """
    rows = _numbered(customers)
    parts = np.asarray(values, np.float64)
    whole = np.ones(len(rows)) if wholes is None else wholes
    sums, counts = np.bincount(rows, parts), np.bincount(rows, whole)
    means = np.full(RESAMPLES, np.nan)
    for draw, drawn in enumerate(_drawn(len(counts))):
        total = float((drawn * counts).sum())
        if total:
            means[draw] = (drawn * sums).sum() / total
    low, high = np.nanpercentile(means, (2.5, 97.5))
    return Interval(float(parts.sum() / whole.sum()), float(low), float(high))


def auc_against(
    labels: Flags, scores: Floats, others: Floats, customers: Sequence[str]
) -> Interval | None:
    """AUC of `scores` less that of `others`, above 0 where they are better; all `[n]`.

    The same bootstrap. None where the labels are all alike.
    """
    if labels.all() or not labels.any():
        return None
    rows = _numbered(customers)
    columns = [_Ranked(labels, column, rows) for column in (scores, others)]

    def difference(weights: Floats) -> float:
        better, worse = (ranked.auc(weights) for ranked in columns)
        return better - worse

    many = int(rows.max()) + 1
    means = [difference(drawn) for drawn in _drawn(many)]
    low, high = np.nanpercentile(means, (2.5, 97.5))
    return Interval(difference(np.ones(many)), float(low), float(high))


class _Ranked:
    """Scores in their order, once, for the AUC under many weights of the customers."""

    def __init__(self, labels: Flags, scores: Floats, rows: Groups) -> None:
        order = np.argsort(scores, kind="stable")
        self.rows, self.positive = rows[order], labels[order].astype(np.float64)
        self.starts = np.flatnonzero(np.append(True, np.diff(scores[order]) != 0.0))

    def auc(self, weights: Floats) -> float:
        """P(a positive scores above a negative), ties count half; not a number without both."""
        each = weights[self.rows]
        positive = np.add.reduceat(each * self.positive, self.starts)
        negative = np.add.reduceat(each, self.starts) - positive
        pairs = float(positive.sum() * negative.sum())
        below = np.cumsum(negative) - negative / 2.0
        return float((positive * below).sum()) / pairs if pairs else float("nan")


def _numbered(customers: Sequence[str]) -> Groups:
    number = {who: n for n, who in enumerate(dict.fromkeys(customers))}
    return np.array([number[who] for who in customers], dtype=np.int64)


def _drawn(customers: int) -> Iterator[Floats]:
    """How often each customer is drawn, resample by resample; the same on every run."""
    random = np.random.default_rng(BOOTSTRAP_SEED)
    for _ in range(RESAMPLES):
        drawn = random.integers(0, customers, customers)
        yield np.bincount(drawn, minlength=customers).astype(np.float64)


def _surprise(labels: Flags, scores: Floats) -> Floats:
    said = np.where(labels, scores, 1.0 - scores)
    return np.asarray(-np.log(np.maximum(said, PROBABILITY_MIN)))


def brier(labels: Flags, scores: Floats) -> float:
    """Mean squared error of the probability (Brier 1950).

    >>> brier(np.array([True, False]), np.array([0.5, 0.0]))
    0.125
    """
    return float(np.mean((scores - labels) ** 2)) if len(labels) else 0.0


def within_group_auc(labels: Flags, scores: Floats, groups: Groups) -> float | None:
    """AUC among those of one group (tick), averaged with the groups' numbers of pairs.

    Nothing is gained here by knowing that some weeks are better than others.
    """
    total, weights = 0.0, 0
    for rows in _rows_by_group(groups).values():
        inside = auc(labels[rows], scores[rows])
        if inside is not None:
            positives = int(labels[rows].sum())
            pairs = positives * (len(rows) - positives)
            total, weights = total + pairs * inside, weights + pairs
    return total / weights if weights else None


def bias_by_group(
    labels: Flags, scores: Floats, groups: Groups
) -> tuple[tuple[int, float, int], ...]:
    """Group, mean predicted minus mean observed, count; in the order of the groups."""
    return tuple(
        (group, float(scores[rows].mean() - labels[rows].mean()), len(rows))
        for group, rows in sorted(_rows_by_group(groups).items())
    )


def _rows_by_group(groups: Groups) -> dict[int, NDArray[np.int64]]:
    order = np.argsort(groups, kind="stable")
    names, starts = np.unique(groups[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, starts[1:]), strict=True)) if len(order) else {}
