"""Pareto/NBD finds what is published, and its formulas are the integrals that they stand for."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from streams.contracts.times import DAY_MS, WEEK_MS
from streams.evaluation.histories import Histories
from streams.evaluation.pareto_nbd import (
    CDNOW_WEEKS,
    ParetoNbd,
    fit,
    log_likelihood,
    p_no_purchase,
    published,
)
from streams.evaluation.purchases import read_purchases
from streams.models.measures import auc
from tests.evaluation.test_churn_on_cdnow import CDNOW, WEEK_39_MS

SEED = 17
Column = np.ndarray


def columns_of_cdnow() -> tuple[list[str], tuple[Column, Column, Column]]:
    """The papers' calibration period: customers, and x, t_x, T in weeks."""
    histories = Histories(read_purchases(CDNOW).purchases)
    rows = []
    for who in histories.customers:
        known = histories.known(who, WEEK_39_MS)
        assert known is not None
        since = known.first_ms
        rows.append((known.repeats, (known.last_ms - since) / WEEK_MS, (WEEK_39_MS - since)))
    x, t_x, age = np.array(rows, dtype=np.float64).T
    return list(histories.customers), (x, t_x, age / WEEK_MS)


@pytest.mark.skipif(not CDNOW.exists(), reason="CDNOW is not at ../shared/data/cdnow")
def test_fit_finds_the_published_parameters() -> None:
    """Fader and Hardie: r .553, alpha 10.578, s .606, beta 11.669, log likelihood -9594.98."""
    _, columns = columns_of_cdnow()
    assert log_likelihood(CDNOW_WEEKS, *columns).sum() == pytest.approx(-9594.98, abs=0.05)
    found = fit(*columns, ParetoNbd(1.0, 10.0, 1.0, 10.0))
    assert (found.r, found.alpha) == pytest.approx((0.553, 10.578), rel=0.01)
    assert (found.s, found.beta) == pytest.approx((0.606, 11.669), rel=0.03)
    assert log_likelihood(found, *columns).sum() == pytest.approx(-9594.98, abs=0.05)


@pytest.mark.skipif(not CDNOW.exists(), reason="CDNOW is not at ../shared/data/cdnow")
def test_it_ranks_cdnow_as_it_was_measured_before() -> None:
    """P(no purchase in 39 weeks) at week 39: AUC .771, Brier .162, as the design measured."""
    histories = Histories(read_purchases(CDNOW).purchases)
    customers, columns = columns_of_cdnow()
    said = p_no_purchase(CDNOW_WEEKS, *columns, 39.0)
    gone = np.array([histories.is_gone(who, WEEK_39_MS, 39 * WEEK_MS) for who in customers])
    assert auc(gone, said) == pytest.approx(0.771, abs=0.002)
    assert np.mean((said - gone) ** 2) == pytest.approx(0.162, abs=0.001)


@pytest.mark.parametrize("params", [CDNOW_WEEKS, ParetoNbd(0.9, 12.0, 1.7, 3.0)], ids=str)
@pytest.mark.parametrize("history", [(0, 0.0, 30.0), (1, 4.0, 30.0), (9, 20.0, 21.0)], ids=str)
def test_likelihood_is_the_integral_over_the_time_of_leaving(
    params: ParetoNbd, history: tuple[int, float, float]
) -> None:
    """Also where alpha is greater than beta, and for somebody seen just now."""
    x, t_x, age = history
    r, alpha, s, beta = params.r, params.alpha, params.s, params.beta

    def leaves(at: float) -> float:
        return float(s * (alpha + at) ** -(r + x) * (beta + at) ** -(s + 1))

    left, _ = quad(leaves, t_x, age, epsabs=0, epsrel=1e-10)
    alive = (alpha + age) ** -(r + x) * (beta + age) ** -s
    base = math.lgamma(r + x) - math.lgamma(r) + r * math.log(alpha) + s * math.log(beta)
    (found,) = log_likelihood(params, *(np.array([float(v)]) for v in history))
    assert found == pytest.approx(base + math.log(alive + left), abs=1e-8)


def test_of_simulated_customers_as_many_stay_away_as_it_says() -> None:
    """200,000 customers drawn from the model: within .005 in all, by number of purchases too."""
    random, many = np.random.default_rng(SEED), 200_000
    p, age, horizon = ParetoNbd(0.8, 6.0, 0.9, 14.0), 30.0, 13.0
    rate = random.gamma(p.r, 1.0 / p.alpha, many)
    lifetime = random.exponential(1.0 / random.gamma(p.s, 1.0 / p.beta, many))
    seen = np.minimum(lifetime, age)
    x = random.poisson(rate * seen)
    t_x = np.where(x > 0, seen * random.random(many) ** (1.0 / np.maximum(x, 1)), 0.0)
    ahead = np.clip(lifetime - age, 0.0, horizon)
    silent = random.poisson(rate * ahead) == 0
    said = p_no_purchase(p, x.astype(np.float64), t_x, np.full(many, age), horizon)
    print(f"seed {SEED}")
    for group in (x >= 0, x == 0, (x > 0) & (x < 4), x >= 4):
        assert said[group].mean() == pytest.approx(silent[group].mean(), abs=0.005)


def test_many_purchases_and_extreme_parameters_stay_finite() -> None:
    """500 purchases, parameters at the edges of the fit: finite, and a probability."""
    x, t_x, age = np.array([0.0, 500.0]), np.array([0.0, 100.0]), np.array([0.5, 101.0])
    for alpha, beta in ((1e-3, 1e3), (1e3, 1e-3), (5.0, 5.0)):
        params = ParetoNbd(0.5, alpha, 0.5, beta)
        assert np.isfinite(log_likelihood(params, x, t_x, age)).all()
        said = p_no_purchase(params, x, t_x, age, 13.0)
        assert ((said >= 0.0) & (said <= 1.0)).all()


def test_too_few_customers_leave_the_parameters_as_they_were() -> None:
    """99 customers tell nothing of a population."""
    start = published(DAY_MS)
    assert start.alpha == pytest.approx(10.578 * 7)
    columns = np.ones(99), np.ones(99), np.full(99, 2.0)
    assert fit(*columns, start) is start
