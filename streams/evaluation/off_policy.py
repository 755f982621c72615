"""What another policy would have brought, from decisions with known probabilities.

Inverse probability weighting (Horvitz and Thompson 1952), its self-normalized form (Swaminathan and
Joachims 2015) and the doubly robust estimator (Dudik, Langford, Li 2011), each with a bootstrap
interval over people, since the decisions about one person are not independent.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

EFFECTIVE_MIN = 100.0
REWARDED_MIN = 10
PEOPLE_MIN = 30
ERRORS_MAX = 3.0
ROUNDING = 1e-9
WEIGHT_SHARE_MAX = 0.05
DRAWS = 1_000
COVERED = 0.95
CHUNK = 100


class Logged(Struct, frozen=True):
    """Decisions of a log beside the policy that is judged; every array has shape `[n]`.

    Attributes:
        action_probability: with which the action was taken; above 0.
        target: with which the judged policy takes that action.
        reward: what came of it.
        taken: the reward that a model expects of that action.
        expected: the reward that it expects of the judged policy, over all its actions.
        untaken: the share of the judged policy that goes to no offer where the log never takes
            that. It brings nothing, so it counts with a reward of 0.
        people: who each decision is about, as numbers.
    """

    action_probability: Floats
    target: Floats
    reward: Floats
    taken: Floats
    expected: Floats
    untaken: Floats
    people: Indices


class Estimate(Struct, frozen=True):
    """A value for each decision, with its 95 % interval."""

    value: float
    low: float
    high: float


class Judged(Struct, frozen=True, kw_only=True):
    """What a log says of a policy.

    Attributes:
        decisions, people: how many.
        effective: the effective sample size, (sum w)^2 / sum w^2 (Kish 1965).
        mean_weight: 1 but for chance, where every action of the policy could be taken.
        mean_weight_error: its standard error.
        logged: what was really brought.
        refused: why nothing can be concluded; empty where something can.
    """

    decisions: int
    people: int
    effective: float
    mean_weight: float
    mean_weight_error: float
    logged: Estimate
    ips: Estimate
    snips: Estimate
    doubly_robust: Estimate
    refused: str


def judge(logged: Logged, seed: int) -> Judged:
    """All estimates of one policy; the same seed gives the same intervals.

    Raises:
        ValueError: there are no decisions.
    """
    if not len(logged.reward):
        raise ValueError("no decisions")
    weights = logged.target / logged.action_probability
    ones = np.ones_like(weights)
    robust = logged.expected + weights * (logged.reward - logged.taken)
    counted = weights + logged.untaken
    _, people = np.unique(logged.people, return_inverse=True)
    columns = np.stack((logged.reward, weights * logged.reward, robust, counted, ones))
    sums: Floats = np.stack([np.bincount(people, column).astype(float) for column in columns])
    whole, drawn = sums.sum(1), _resampled(sums, seed)
    effective = float(counted.sum() ** 2 / max((counted**2).sum(), 1e-300))
    mean, error = float(counted.mean()), float(np.std(drawn[3] / drawn[4], ddof=1))
    return Judged(
        decisions=len(weights),
        people=int(sums.shape[1]),
        effective=effective,
        mean_weight=mean,
        mean_weight_error=error,
        logged=_ratio(whole, drawn, 0, 4),
        ips=_ratio(whole, drawn, 1, 4),
        snips=_ratio(whole, drawn, 1, 3),
        doubly_robust=_ratio(whole, drawn, 2, 4),
        refused=_few(effective, int(sums.shape[1])) or _off(mean, error) or _thin(logged, counted),
    )


def _resampled(sums: Floats, seed: int) -> Floats:
    """Sums over people that were drawn with replacement: shape `[columns, DRAWS]`."""
    draw, people = np.random.default_rng(seed), sums.shape[1]
    alike = np.full(people, 1.0 / people)
    parts = [
        sums @ draw.multinomial(people, alike, min(CHUNK, DRAWS - done)).T
        for done in range(0, DRAWS, CHUNK)
    ]
    return np.concatenate(parts, axis=1)


def _ratio(whole: Floats, drawn: Floats, top: int, bottom: int) -> Estimate:
    if whole[bottom] <= 0.0:
        return Estimate(0.0, 0.0, 0.0)
    carried = drawn[bottom] > 0.0
    ratios = drawn[top][carried] / drawn[bottom][carried]
    edges = (1.0 - COVERED) / 2.0, (1.0 + COVERED) / 2.0
    low, high = np.quantile(ratios, edges) if len(ratios) else (0.0, 0.0)
    return Estimate(float(whole[top] / whole[bottom]), float(low), float(high))


def _off(mean: float, error: float) -> str:
    """Why the weights are not those of the log; empty where they may be."""
    off = abs(mean - 1.0)
    if off <= max(ERRORS_MAX * error, ROUNDING):
        return ""
    times = f"{off / error:,.1f} standard errors from 1" if error > ROUNDING else "not 1"
    return (
        f"the mean weight is {mean:.3f}, {times}: "
        "the log was not drawn with these probabilities. See that --reference names the policies "
        "that it was decided with, their version and their arms, and that no record is missing"
    )


def _few(effective: float, people: int) -> str:
    """Why the sample is too small to say anything, also of the mean weight; or nothing."""
    if people < PEOPLE_MIN:
        return f"the decisions are about {people} people; {PEOPLE_MIN} are needed"
    if effective < EFFECTIVE_MIN:
        return f"the decisions are worth {effective:.0f} of its own; {EFFECTIVE_MIN:.0f} are needed"
    return ""


def _thin(logged: Logged, counted: Floats) -> str:
    """Why a sample with the right weights carries no conclusion all the same; or nothing."""
    rewarded = int(((logged.reward != 0.0) & (logged.target > 0.0)).sum())
    total = counted.sum()
    share = float(counted.max() / total) if total > 0.0 else 1.0
    if rewarded < REWARDED_MIN:
        return f"{rewarded} of its decisions brought something; {REWARDED_MIN} are needed"
    if share > WEIGHT_SHARE_MAX:
        return f"one decision carries {share:.0%} of all weight; {WEIGHT_SHARE_MAX:.0%} are allowed"
    return ""
