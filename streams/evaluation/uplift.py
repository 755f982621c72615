"""Uplift on a randomized table: how much is gained by acting on those who gain most first.

Qini coefficient (Radcliffe 2007): the area between the curve of incremental outcomes by the share
of people acted upon, and the straight line of acting on anybody alike, for each person.
"""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.evaluation.anyway import OfferShare, anyway_shares
from streams.evaluation.trials import Trial
from streams.models.dr_learner import DrLearner

Floats = NDArray[np.float64]
DRAWS = 300
CURVE_STEPS = 40


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
    """A table judged: sizes, the mean effect, each way of ranking, and by offer who buys anyway."""

    people: int
    treated: int
    effect: float
    effect_error: float
    ways: tuple[Uplift, ...]
    offers: tuple[OfferShare, ...] = ()


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
        offers=anyway_shares(trial),
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
    if found.offers:
        yield "of the uses of an offer, by people who would have bought anyway:"
    for one in found.offers:
        yield (
            f"  {one.offer:<22} {one.share:.2f} [{one.low:.2f}, {one.high:.2f}]; {one.uses:,} uses "
            f"of {one.offered:,}"
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
