"""Treated against held out of the own log: what deciding brings, from what the shop earned.

Each decision that enrolled somebody has the margin of the window that followed, in every arm. Arms
are dealt by a hash, so with p the share of an arm in the people of two, of person i

    psi_i = (A_i - p) / (p (1 - p)) * (Y_i - m(x_i))

is unbiased for the effect whatever m is. m is 0 but for a mean in the plain estimate. In the
adjusted one it is what the features of the decision foretell of the margin, fitted to the other
people, which takes variance away and nothing else (the idea of CUPED; Deng, Xu, Kohavi and Walker,
WSDM 2013).
"""

from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.reference.structs import Chooser
from streams.errors import OperatorError
from streams.evaluation.off_policy import Estimate
from streams.evaluation.trials import Trial
from streams.feedback.enrollment import CHOOSERS, MARGIN, margin_id

Floats = NDArray[np.float64]
Arms = tuple[Chooser, Chooser]
FOLDS = 5
RIDGE = 30.0
ARM_MIN = 30
Z_95 = 1.959964


class Enrolled(Struct, frozen=True):
    """A decision that enrolled somebody, and the margin of the window that followed.

    `shares`: of the people, in the order of `CHOOSERS`.
    """

    entry: DecisionLog
    chooser: Chooser
    shares: tuple[float, ...]
    margin: float


class ArmsJudged(Struct, frozen=True, kw_only=True):
    """Margin a head more in the first arm than in the second, in the shop's currency.

    `heads` are the plain means of both; the estimates have 95 % intervals.
    """

    arms: Arms
    people: tuple[int, int]
    heads: tuple[float, float]
    plain: Estimate
    adjusted: Estimate


def read_enrolled(
    entries: Iterable[DecisionLog], examples: Iterable[LearningExample]
) -> list[Enrolled]:
    """The decisions whose window is over, in the order of the log."""
    margins = {e.example_id: e for e in examples if e.model == MARGIN}
    found = []
    for entry in entries:
        told = margins.pop(margin_id(entry.decision_id), None) if entry.context else None
        if told is not None:
            shares = tuple(told.features.get(f"share_{c}", 0.0) for c in CHOOSERS)
            chooser = next(c for c in CHOOSERS if f"chooser_{c}" in told.features)
            found.append(Enrolled(entry, chooser, shares, told.label))
    return found


def trial_of(enrolled: Sequence[Enrolled], arms: Arms) -> Trial:
    """The people of two arms as a randomized table: the first arm is the treated.

    Raises:
        OperatorError: one of the arms has too few people.
    """
    mine = [one for one in enrolled if one.chooser in arms]
    people = tuple(sum(one.chooser == arm for one in mine) for arm in arms)
    if min(people) < ARM_MIN:
        raise OperatorError(
            f"{people[0]:,} people of {arms[0]} and {people[1]:,} of {arms[1]} whose window is "
            f"over; {ARM_MIN} of each are needed"
        )
    names = tuple(sorted({name for one in mine for name in one.entry.context}))
    features = np.array([[one.entry.context.get(n, 0.0) for n in names] for one in mine])
    spread = features.std(0)
    features = (features - features.mean(0)) / np.where(spread > 0.0, spread, 1.0)
    return Trial(
        names=names,
        features=features,
        treated=np.array([float(one.chooser == arms[0]) for one in mine]),
        outcomes=np.array([one.margin for one in mine]),
        treatment_probability=np.array([_share(one, arms) for one in mine]),
    )


def _share(one: Enrolled, arms: Arms) -> float:
    first, second = (one.shares[CHOOSERS.index(arm)] for arm in arms)
    return first / (first + second) if first + second > 0.0 else 0.5


def judge_arms(enrolled: Sequence[Enrolled], arms: Arms) -> ArmsJudged:
    """What the first arm brings more than the second.

    Raises:
        OperatorError: one of the arms has too few people.
    """
    trial = trial_of(enrolled, arms)
    treated = trial.treated == 1.0
    heads = trial.outcomes[treated].mean(), trial.outcomes[~treated].mean()
    plain = np.full(len(trial.outcomes), sum(heads) / 2.0)
    return ArmsJudged(
        arms=arms,
        people=(int(treated.sum()), int((~treated).sum())),
        heads=(float(heads[0]), float(heads[1])),
        plain=_estimate(trial, plain),
        adjusted=_estimate(trial, _foretold(trial)),
    )


def _estimate(trial: Trial, foretold: Floats) -> Estimate:
    p = trial.treatment_probability
    scores = (trial.treated - p) / (p * (1.0 - p)) * (trial.outcomes - foretold)
    value, half = float(scores.mean()), Z_95 * float(scores.std(ddof=1)) / len(scores) ** 0.5
    return Estimate(value, value - half, value + half)


def _foretold(trial: Trial) -> Floats:
    """The margin by the features, of each fifth of the people by the other four: ridge."""
    foretold = np.zeros(len(trial.outcomes))
    fold = np.arange(len(foretold)) % FOLDS
    for number in range(FOLDS):
        rest, mine = fold != number, fold == number
        x, mean = trial.features[rest], trial.outcomes[rest].mean()
        gram = x.T @ x + RIDGE * np.eye(x.shape[1])
        weights = np.linalg.solve(gram, x.T @ (trial.outcomes[rest] - mean))
        foretold[mine] = mean + trial.features[mine] @ weights
    return foretold
