"""Customers who buy as a model says, drawn anew: what fits and probabilities are held against."""

from collections.abc import Callable

import numpy as np
import pytest

Life = Callable[[np.random.Generator], list[float]]
"""When one customer buys, drawn at random, in weeks since the first purchase."""
Cohort = tuple[np.ndarray, np.ndarray, np.ndarray, list[list[float]]]


def cohort(life: Life, customers: int, weeks: float, seed: int) -> Cohort:
    """So many lives: x, t_x, T at `weeks`, and all times of each."""
    random = np.random.default_rng(seed)
    times = [life(random) for _ in range(customers)]
    seen = [[at for at in own if at <= weeks] for own in times]
    x = np.array([float(len(own)) for own in seen])
    t_x = np.array([own[-1] if own else 0.0 for own in seen])
    return x, t_x, np.full(customers, weeks), times


def silent_from(times: list[list[float]], begin: float, end: float) -> np.ndarray:
    """Who buys nothing after `begin` and up to `end`."""
    return np.array([not any(begin < at <= end for at in own) for own in times])


def assert_comes_as_said(said: np.ndarray, came: np.ndarray, group: np.ndarray) -> None:
    """Within a group the mean probability is the share that came, by 3.5 standard errors."""
    mean = said[group].mean()
    error = 3.5 * np.sqrt(mean * (1 - mean) / group.sum())
    assert mean == pytest.approx(came[group].mean(), abs=error)
