"""How good probabilities are, by their labels: AUC and log loss, for learner and evaluation."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

PROBABILITY_MIN = 1e-9


def auc(labels: ArrayLike, scores: ArrayLike) -> float | None:
    """P(a positive scores above a negative), ties count half (Mann-Whitney); None without both.

    >>> auc([False, True, True], [0.1, 0.1, 0.9])
    0.75
    """
    flags = np.asarray(labels, np.bool_)
    positives = int(flags.sum())
    pairs = positives * (len(flags) - positives)
    if not pairs:
        return None
    ranks = float(rankdata(np.asarray(scores, np.float64))[flags].sum())
    return (ranks - positives * (positives + 1) / 2) / pairs


def auc_or_half(labels: ArrayLike, scores: ArrayLike) -> float:
    """The same; .5, which says nothing, where labels are all alike.

    >>> auc_or_half([True, True], [0.1, 0.9])
    0.5
    """
    found = auc(labels, scores)
    return 0.5 if found is None else found


def log_loss(labels: ArrayLike, scores: ArrayLike, least: float = PROBABILITY_MIN) -> float:
    """Mean negative log likelihood in nats; certainty is capped at `least`; 0 without labels.

    >>> round(log_loss([True, False], [0.5, 0.5]), 4)
    0.6931
    """
    flags = np.asarray(labels, np.bool_)
    if not len(flags):
        return 0.0
    capped = np.clip(np.asarray(scores, np.float64), least, 1.0 - least)
    return float(-np.mean(np.log(np.where(flags, capped, 1.0 - capped))))
