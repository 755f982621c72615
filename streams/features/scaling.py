"""Fixed scales: every feature ends within [-3, 3], and nothing is learned to get it there.

A scale that is learned online would make the same row give other numbers tomorrow; a decision
could then not be taken again from its log.
"""

import math
from collections.abc import Callable

import numpy as np

LIMIT = 3.0
Scale = Callable[[float], float]


def bounded(x: float) -> float:
    """`x` cut to [-3, 3]; not a number counts as 0.

    >>> bounded(7.5), bounded(-0.5), bounded(float("nan"))
    (3.0, -0.5, 0.0)
    """
    if -LIMIT <= x <= LIMIT:
        return x
    if x != x:
        return 0.0
    return LIMIT if x > 0.0 else -LIMIT


def log_scale(typical: float) -> Scale:
    """The log of an amount of 0 or more against a typical one: 0 there, -1 at nothing.

    >>> scaled = log_scale(20.0)
    >>> scaled(0.0), scaled(20.0), round(scaled(500.0), 2)
    (-1.0, 0.0, 1.04)
    """
    whole = math.log1p(typical)

    def scaled(amount: float) -> float:
        if amount <= 0.0:
            return -1.0
        x = math.log1p(amount) / whole - 1.0
        return x if x <= LIMIT else bounded(x)

    return scaled


def prior_log_odds(expected_rate: float) -> float:
    """The log odds of what an owner expects, a share; certainty is capped at 1e-4.

    >>> prior_log_odds(0.5)
    0.0
    """
    return logit(float(np.float32(expected_rate)))


def logit(probability: float) -> float:
    """Log odds; certainty is capped at 1e-4.

    >>> logit(0.5)
    0.0
    """
    p = min(max(probability, 1e-4), 1.0 - 1e-4)
    return math.log(p / (1.0 - p))
