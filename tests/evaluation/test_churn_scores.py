"""The interval of a difference in log loss is one over customers."""

import numpy as np
import pytest

from streams.evaluation.scores import auc_against, brier, brier_against, log_loss_against

SEED = 3


def draws(customers: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Labels drawn from true risks, the risks, and whose they are."""
    random = np.random.default_rng(SEED)
    risks = random.uniform(0.05, 0.95, customers)
    return random.random(customers) < risks, risks, [f"c-{n}" for n in range(customers)]


def test_the_same_scores_differ_by_nothing() -> None:
    """Against itself the difference is 0, and so is its interval."""
    labels, risks, who = draws(200)
    d = log_loss_against(labels, risks, risks, who)
    assert (d.mean, d.low, d.high) == (0.0, 0.0, 0.0)


def test_true_risks_beat_a_constant() -> None:
    """Of 2,000 customers the interval of truth against .5 lies below 0, around the mean."""
    labels, risks, who = draws(2000)
    d = log_loss_against(labels, risks, np.full(2000, 0.5), who)
    assert d.low < d.mean < d.high < 0.0


def test_more_scores_of_the_same_customers_are_no_more_customers() -> None:
    """Each score ten times over: the interval is the same, not narrower."""
    labels, risks, who = draws(300)
    once = log_loss_against(labels, risks, np.full(300, 0.5), who)
    ten = log_loss_against(
        np.repeat(labels, 10), np.repeat(risks, 10), np.full(3000, 0.5), list(np.repeat(who, 10))
    )
    assert (ten.mean, ten.low, ten.high) == pytest.approx((once.mean, once.low, once.high))


def test_auc_of_true_risks_is_above_that_of_chance() -> None:
    """Against noise the interval lies above 0; against themselves it is 0; ties count half."""
    labels, risks, who = draws(1000)
    noise = np.random.default_rng(SEED + 1).random(1000)
    better = auc_against(labels, risks, noise, who)
    assert better is not None
    assert 0.0 < better.low < better.mean < better.high
    same = auc_against(labels, risks, risks, who)
    assert same is not None
    assert (same.mean, same.low, same.high) == (0.0, 0.0, 0.0)
    tied = auc_against(np.array([True, False]), np.array([1.0, 0.0]), np.zeros(2), ["a", "b"])
    assert tied is not None
    assert tied.mean == 0.5
    assert auc_against(np.array([True]), np.ones(1), np.ones(1), ["a"]) is None


def test_brier_score_against_another() -> None:
    """True risks are closer than a constant, and by what the Brier scores differ."""
    labels, risks, who = draws(2000)
    constant = np.full(2000, 0.5)
    d = brier_against(labels, risks, constant, who)
    assert d.high < 0.0
    assert d.mean == pytest.approx(brier(labels, risks) - brier(labels, constant))
