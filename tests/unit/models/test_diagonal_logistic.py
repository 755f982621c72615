"""The Bayesian logistic regression: River's contract, prior, learning, forgetting."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from streams.models.diagonal_logistic import OFFSET, DiagonalLogisticRegression
from tests.unit.models.test_response_river import checks_of

SEED = 11


@pytest.mark.parametrize(
    "check", checks_of(DiagonalLogisticRegression()), ids=lambda check: str(check.__name__)
)
def test_river_estimator_checks(check: Callable[[Any], None]) -> None:
    """Every check that River asks of its own classifiers holds."""
    check(DiagonalLogisticRegression())


def test_before_a_label_the_prior_speaks() -> None:
    """The offset moves the log odds one to one, a weight that was not learned is its prior."""
    model = DiagonalLogisticRegression({"bell": math.log(2.0)}, {"bell": 0.5}, 0.25)
    said = model.predict_proba_one({OFFSET: math.log(0.5), "bell": 1.0, "never seen": 3.0})
    assert said[True] == pytest.approx(0.5)
    assert said[False] == pytest.approx(0.5)


def test_the_posterior_is_the_exact_one_for_a_single_weight() -> None:
    """Beside the posterior by integration on a grid: mean within a third of its deviation."""
    random, truth, variance = np.random.default_rng(SEED), 0.9, 0.5
    print("seed", SEED)
    model = DiagonalLogisticRegression({"s": 0.2}, {"s": variance})
    grid = np.linspace(-4, 4, 4_001)
    log_density = -((grid - 0.2) ** 2) / (2 * variance)
    for _ in range(60):
        offset, strength = float(random.normal()), float(random.uniform(0.3, 1.0))
        y = bool(random.random() < 1 / (1 + math.exp(-(offset + truth * strength))))
        model.learn_one({OFFSET: offset, "s": strength}, y)
        z = offset + grid * strength
        log_density += (z if y else 0.0) - np.logaddexp(0.0, z)
    density = np.exp(log_density - log_density.max())
    mean = float((grid * density).sum() / density.sum())
    deviation = math.sqrt(float(((grid - mean) ** 2 * density).sum() / density.sum()))
    found, found_variance = model.weight("s")
    assert abs(found - mean) < deviation / 3
    assert math.sqrt(found_variance) == pytest.approx(deviation, rel=0.15)


def test_what_was_learned_fades_to_the_prior_and_no_further() -> None:
    """Half of the data's precision is gone after half; all of it, and the prior is back."""
    model = DiagonalLogisticRegression({"s": 1.0}, {"s": 0.5})
    for _ in range(50):
        model.learn_one({"s": 1.0}, False)
    mean, variance = model.weight("s")
    assert mean < 0.0
    model.forget(0.5)
    half_mean, half_variance = model.weight("s")
    assert 1 / half_variance - 2.0 == pytest.approx((1 / variance - 2.0) / 2)
    assert mean < half_mean < 1.0
    model.forget(1.0)
    assert model.weight("s") == pytest.approx((1.0, 0.5))


def test_a_weight_of_two_is_two_labels_at_most() -> None:
    """A label that counts twice moves more than one, and never past what it says."""
    once, twice = DiagonalLogisticRegression(), DiagonalLogisticRegression()
    once.learn_one({"s": 1.0}, True)
    twice.learn_one({"s": 1.0}, True, 2.0)
    assert 0.0 < once.weight("s")[0] < twice.weight("s")[0] < 2 * once.weight("s")[0]
    assert twice.weight("s")[1] < once.weight("s")[1]
