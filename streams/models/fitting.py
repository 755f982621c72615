"""Fits to customers' histories: how many it takes, and the most likely parameters of a model.

A history is three numbers, as columns of shape `[customers]`: `x` repeat purchases, the last of
them at `t_x`, known up to `age`; times count from the first purchase.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize

CUSTOMERS_MIN = 100
REPEATERS_MIN = 30
PARAMETER_MIN, PARAMETER_MAX = 1e-3, 1e3
EDGE = math.log(PARAMETER_MIN), math.log(PARAMETER_MAX)

Column = NDArray[np.float64]
Histories = tuple[Column, Column, Column]
Likelihood = Callable[[Column, Column, Column, Column], Column]
"""Log likelihood of each customer, given the logs of the parameters and their histories."""


def tells_enough(x: Column) -> bool:
    """Whether a population can be told of these: 100 customers at least, 30 of them repeaters."""
    return len(x) >= CUSTOMERS_MIN and bool(np.count_nonzero(x) >= REPEATERS_MIN)


def distinct(x: Column, t_x: Column, age: Column) -> tuple[Histories, NDArray[np.int64]]:
    """Histories that differ, and how often each is there: equal ones are computed once."""
    rows, counts = np.unique(np.column_stack([x, t_x, age]), axis=0, return_counts=True)
    return (rows[:, 0], rows[:, 1], rows[:, 2]), counts.astype(np.int64, copy=False)


def most_likely(
    likelihood: Likelihood, start: Sequence[float], x: Column, t_x: Column, age: Column
) -> OptimizeResult:
    """The logs of the most likely parameters (`x` of the result), each within [.001, 1000].

    Args:
        likelihood: of the model.
        start: parameters to begin with.
        x: repeat purchases; with `t_x` and `age` one customer a row.
        t_x: when the last purchase was.
        age: up to when the customer is known.
    """
    columns, counts = distinct(x, t_x, age)

    def loss(logs: Column) -> float:
        return -float(counts @ likelihood(logs, *columns)) / len(x)

    logs = np.clip(np.log(start), *EDGE)
    return minimize(loss, logs, method="L-BFGS-B", bounds=[EDGE] * len(start))
