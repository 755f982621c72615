"""Uplift on a randomized table: how much is gained by acting on those who gain most first.

Qini coefficient (Radcliffe 2007): the area between the curve of incremental outcomes by the share
of people acted upon, and the straight line of acting on anybody alike, for each person.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.errors import OperatorError
from streams.evaluation.number_tables import header_of, rows_of
from streams.models.dr_learner import DrLearner

Floats = NDArray[np.float64]
ROWS_MAX = 5_000_000
ARM_MIN = 100
DRAWS = 300
CURVE_STEPS = 40
RESERVED = ("treatment", "outcome", "treatment_probability")


class Trial(Struct, frozen=True):
    """A randomized table.

    Attributes:
        names: of the features.
        features: shape `[n, k]`, standardized.
        treated: 1.0 or 0.0, shape `[n]`.
        outcomes: shape `[n]`.
        treatment_probability: P(treated), shape `[n]`.
    """

    names: tuple[str, ...]
    features: Floats
    treated: Floats
    outcomes: Floats
    treatment_probability: Floats


class Uplift(Struct, frozen=True, kw_only=True):
    """What one way of ranking is worth on the half of the people that it had not seen.

    `qini` is by 1,000 people, `top_third` the incremental outcome of acting on the best third, by
    person of that third; intervals are 95 % bootstrap. `curve` is the incremental outcome by person
    of acting on equal steps of shares, from nobody to all.
    """

    name: str
    qini: float
    low: float
    high: float
    top_third: float
    curve: tuple[float, ...]


class Found(Struct, frozen=True, kw_only=True):
    """A table judged: sizes, the mean effect, and each way of ranking."""

    people: int
    treated: int
    effect: float
    effect_error: float
    ways: tuple[Uplift, ...]


def read_trial(path: Path) -> Trial:
    """A CSV: `treatment` (0 or 1), `outcome`, features, and perhaps `treatment_probability`.

    Raises:
        OperatorError: columns are missing, a line is no number, or an arm is too small.
    """
    head = header_of(path)
    names = tuple(name for name in head if name not in RESERVED)
    if not {"treatment", "outcome"} <= set(head) or not names:
        raise OperatorError(f"{path}: needs the columns treatment, outcome, and features")
    some = islice(rows_of(path), ROWS_MAX + 1)
    read = [_numbers(path, number, row, names) for number, row in some]
    if len(read) > ROWS_MAX:
        raise OperatorError(f"{path}: over {ROWS_MAX:,} rows, which is more than are read")
    table = np.array(read, np.float64).reshape(-1, len(names) + 3)
    treated = table[:, 0]
    arms = int(treated.sum()), int((1.0 - treated).sum())
    if min(arms) < ARM_MIN:
        raise OperatorError(
            f"{path}: {arms[0]:,} treated and {arms[1]:,} others; {ARM_MIN} of each are needed"
        )
    features = table[:, 3:]
    spread = features.std(0)
    scaled = (features - features.mean(0)) / np.where(spread > 0.0, spread, 1.0)
    treatment_probability = np.where(np.isnan(table[:, 2]), treated.mean(), table[:, 2])
    return Trial(names, scaled, treated, table[:, 1], treatment_probability)


def _numbers(path: Path, number: int, row: dict[str, str], names: Sequence[str]) -> list[float]:
    try:
        treated, outcome = float(row["treatment"]), float(row["outcome"])
        treatment_probability = float(row.get("treatment_probability") or "nan")
        told = [treated, outcome, treatment_probability, *(float(row[name]) for name in names)]
    except (TypeError, ValueError, KeyError) as error:
        raise OperatorError(f"{path}: line {number}: {error}") from error
    if treated not in (0.0, 1.0) or treatment_probability <= 0.0 or treatment_probability >= 1.0:
        raise OperatorError(
            f"{path}: line {number}: treatment is 0 or 1, treatment_probability between them"
        )
    if not all(np.isfinite([outcome, *told[3:]])):
        raise OperatorError(f"{path}: line {number}: a number is not finite")
    return told


def judge_uplift(trial: Trial, seed: int) -> Found:
    """Learn on one half of the people, rank the other: the DR-learner in one pass, and a T-learner.

    The T-learner is two least-squares fits over the whole half, as a mark of what is there.
    """
    order = np.random.default_rng(seed).permutation(len(trial.treated))
    known, rest = order[: len(order) // 2], order[len(order) // 2 :]
    ways = {"DR-learner, one pass": _dr(trial, known, rest), "T-learner": _t(trial, known, rest)}
    treated, y = trial.treated == 1.0, trial.outcomes
    error = np.sqrt(y[treated].var() / treated.sum() + y[~treated].var() / (~treated).sum())
    return Found(
        people=len(y),
        treated=int(treated.sum()),
        effect=float(y[treated].mean() - y[~treated].mean()),
        effect_error=float(error),
        ways=tuple(_judged(name, said, trial, rest, seed) for name, said in ways.items()),
    )


def told_of_uplift(found: Found) -> Iterator[str]:
    """Lines for a terminal."""
    yield f"{found.people:,} people, {found.treated:,} of them treated"
    yield f"mean effect {found.effect:.5f} +- {found.effect_error:.5f}"
    for way in found.ways:
        yield (
            f"  {way.name:<22} Qini {way.qini:.3f} by 1,000 people [{way.low:.3f}, {way.high:.3f}]"
            f"; best third {way.top_third:.5f} each"
        )


def _dr(trial: Trial, known: NDArray[np.int64], rest: NDArray[np.int64]) -> Floats:
    learner = DrLearner()
    for row in known.tolist():
        x = dict(zip(trial.names, trial.features[row].tolist(), strict=True))
        treated, e = bool(trial.treated[row]), float(trial.treatment_probability[row])
        learner.learn_one(x, treated, float(trial.outcomes[row]), e)
    told = (dict(zip(trial.names, x, strict=True)) for x in trial.features[rest].tolist())
    return np.array([learner.predict_one(x) for x in told])


def _t(trial: Trial, known: NDArray[np.int64], rest: NDArray[np.int64]) -> Floats:
    def fitted(arm: float) -> Floats:
        rows = known[trial.treated[known] == arm]
        x = np.column_stack((np.ones(len(rows)), trial.features[rows]))
        weights, *_ = np.linalg.lstsq(x, trial.outcomes[rows], rcond=None)
        return np.asarray(weights)

    x = np.column_stack((np.ones(len(rest)), trial.features[rest]))
    return np.asarray(x @ (fitted(1.0) - fitted(0.0)))


def _judged(name: str, said: Floats, trial: Trial, rest: NDArray[np.int64], seed: int) -> Uplift:
    treated, outcomes = trial.treated[rest], trial.outcomes[rest]
    draw = np.random.default_rng(seed)
    drawn = []
    for _ in range(DRAWS):
        rows = draw.integers(0, len(rest), len(rest))
        drawn.append(qini(said[rows], treated[rows], outcomes[rows]))
    low, high = np.quantile(drawn, (0.025, 0.975))
    best = np.argsort(-said, kind="stable")[: max(len(said) // 3, 1)]
    t = treated[best] == 1.0
    top = outcomes[best][t].mean() - outcomes[best][~t].mean() if t.any() and (~t).any() else 0.0
    return Uplift(
        name=name,
        qini=1_000.0 * qini(said, treated, outcomes),
        low=1_000.0 * float(low),
        high=1_000.0 * float(high),
        top_third=float(top),
        curve=_curve(said, treated, outcomes),
    )


def qini(said: Floats, treated: Floats, outcomes: Floats) -> float:
    """The Qini coefficient of a ranking, by person: 0 for one that says nothing.

    >>> said, treated = np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 0.0, 1.0, 0.0])
    >>> qini(said, treated, np.array([1.0, 0.0, 0.0, 0.0]))
    0.09375
    """
    gained = _gained(said, treated, outcomes)
    many = len(gained)
    line = gained[-1] * np.arange(1, many + 1) / many
    return float((gained - line).mean() / many)


def _gained(said: Floats, treated: Floats, outcomes: Floats) -> Floats:
    """Incremental outcomes of the first 1, 2, 3, ... people of a ranking."""
    order = np.argsort(-said, kind="stable")
    t, y = treated[order], outcomes[order]
    many, others = t.cumsum(), (1.0 - t).cumsum()
    share = np.divide(many, others, out=np.zeros_like(many), where=others > 0.0)
    return np.asarray((y * t).cumsum() - (y * (1.0 - t)).cumsum() * share)


def _curve(said: Floats, treated: Floats, outcomes: Floats) -> tuple[float, ...]:
    """The same at equal steps of shares, by treated person: it ends at the mean effect."""
    gained = np.concatenate(([0.0], _gained(said, treated, outcomes)))
    steps = np.linspace(0, len(said), CURVE_STEPS + 1).round().astype(int)
    return tuple((gained[steps] / max(treated.sum(), 1.0)).tolist())
