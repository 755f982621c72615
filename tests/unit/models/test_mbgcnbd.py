"""MBG/CNBD-k says what the paper says, on cohorts that we draw ourselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.models.mbgcnbd import (
    GapSums,
    MbgCnbd,
    fit,
    log_likelihood,
    p_no_purchase,
    p_still_out,
)
from tests.support.cohorts import Life, assert_comes_as_said, cohort, silent_from

TRUE = MbgCnbd(r=1.5, alpha=2.5, a=0.8, b=6.0, k=3.0)


def life_of(params: MbgCnbd, weeks: float) -> Life:
    """A customer who lives as the model says, for so long."""

    def life(random: np.random.Generator) -> list[float]:
        rate = random.gamma(params.r, 1.0 / params.alpha)
        leaves, at, own = random.beta(params.a, params.b), 0.0, list[float]()
        while random.random() >= leaves:
            at += random.gamma(params.k, 1.0 / rate)
            if at >= weeks:
                break
            own.append(at)
        return own

    return life


def sums(times: list[list[float]], weeks: float) -> GapSums:
    """What the gaps up to `weeks` say of regularity."""
    found = GapSums()
    for own in times:
        seen = np.array([0.0, *(moment for moment in own if moment <= weeks)])
        gaps = np.diff(seen)
        found = found.plus(float(len(gaps)), float((gaps**2).sum()), float(gaps.sum()))
    return found


def test_shape_1_is_the_exponential_of_bgnbd() -> None:
    """With k = 1, P(the gap is longer) is the power that BG/NBD has for who is alive."""
    params = MbgCnbd(r=0.8, alpha=6.0, a=1.0, b=3.0, k=1.0)
    x, t_x, silence = np.array([0.0, 3.0]), np.array([0.0, 7.0]), np.array([4.0, 9.0])
    known = params.alpha + t_x
    expected = (known / (known + silence)) ** (params.r + x)
    np.testing.assert_allclose(p_still_out(params, x, t_x, silence), expected, rtol=1e-12)


def test_fit_finds_the_parameters_of_its_own_world() -> None:
    """On 3,000 simulated customers (seed 7): the likelihood of the truth, and what it says."""
    x, t_x, age, times = cohort(life_of(TRUE, 80.0), 3000, 40.0, seed=7)
    k = sums(times, 40.0).k
    assert k == pytest.approx(TRUE.k, rel=0.1)
    found = fit(x, t_x, age, TRUE.k)
    assert found is not None
    told, true = (log_likelihood(p, x, t_x, age).sum() for p in (found, TRUE))
    assert told >= true - 1.0
    assert found.gap == pytest.approx(TRUE.gap, rel=0.15)
    assert found.a / (found.a + found.b) == pytest.approx(TRUE.a / (TRUE.a + TRUE.b), rel=0.2)


def test_probability_of_silence_is_the_observed_share() -> None:
    """Of 6,000 simulated customers (seed 8), as many stay silent as it says, by risk."""
    x, t_x, age, times = cohort(life_of(TRUE, 80.0), 6000, 40.0, seed=8)
    silent = silent_from(times, 40.0, 53.0)
    p = np.array([p_no_purchase(TRUE, *row, 13.0) for row in zip(x, t_x, age, strict=True)])
    for group in (x == 0, p < 0.2, (p >= 0.2) & (p < 0.8), (p >= 0.8) & (x > 0)):
        assert group.sum() > 50
        assert_comes_as_said(p, silent, group)


def test_regular_customers_are_missed_sooner() -> None:
    """Five gaps of four weeks, then twelve weeks of silence: the steadier, the surer it is over."""
    said = [
        p_no_purchase(MbgCnbd(2.0, 8.0 / k, 0.5, 6.0, k), 5.0, 20.0, 32.0, 13.0)
        for k in (1.0, 2.0, 4.0)
    ]
    assert said == sorted(said)
    assert said[0] < 0.6
    assert said[2] > 0.8


@pytest.mark.parametrize("shape", [1.0, 2.0, 5.0])
def test_shape_is_found_whatever_the_rates(shape: float) -> None:
    """2,000 customers (seed 9) whose rates differ by a hundred times, with two to nine gaps."""
    random, found = np.random.default_rng(9), GapSums()
    for _ in range(2000):
        gaps = random.gamma(shape, 10.0 ** random.uniform(-1, 1), random.integers(2, 10))
        found = found.plus(float(len(gaps)), float((gaps**2).sum()), float(gaps.sum()))
    assert found.k == pytest.approx(shape, rel=0.12)
    assert found.faded(0.5).k == pytest.approx(found.k)


def test_little_or_clumped_says_chance() -> None:
    """No shape below 1, none from a handful of gaps, and one gap says nothing at all."""
    few = clumped = GapSums()
    for _ in range(20):
        few = few.plus(2.0, 0.5, 1.0)
    for _ in range(500):
        clumped = clumped.plus(4.0, 0.97, 1.0)
    assert (few.k, clumped.k) == (1.0, 1.0)
    assert few.plus(1.0, 1.0, 1.0) == few


@given(
    st.integers(0, 300), st.floats(0, 1), st.floats(0, 520), st.floats(0.01, 104), st.floats(1, 12)
)
def test_probability_holds_at_the_edges(
    x: int, share: float, age: float, horizon: float, k: float
) -> None:
    """Between 0 and 1, finite, and growing less likely to stay silent the longer one waits."""
    params = MbgCnbd(1.5, 2.5, 0.8, 6.0, k)
    t_x = share * age if x else 0.0
    near = p_no_purchase(params, x, t_x, age, horizon)
    far = p_no_purchase(params, x, t_x, age, 2 * horizon)
    assert 0.0 <= far <= near <= 1.0


@pytest.mark.parametrize("x", [np.zeros(500), np.ones(9)], ids=["nobody repeats", "too few"])
def test_too_little_gives_no_fit(x: np.ndarray) -> None:
    """Data that do not settle the matter say nothing."""
    age = np.full(len(x), 10.0)
    assert fit(x, np.where(x > 0, 5.0, 0.0), age, 2.0) is None


def test_ten_who_came_back_are_enough_to_lean_on_the_prior() -> None:
    """They came each second week: who did so a week ago comes back, all but one in twenty."""
    found = fit(np.full(10, 2.0), np.full(10, 4.0), np.full(10, 5.0), 2.0)
    assert found is not None
    assert p_no_purchase(found, 2.0, 4.0, 5.0, 13.0) == pytest.approx(0.05, abs=0.03)


def test_customers_who_are_alike_are_fitted() -> None:
    """One rate and one rate of leaving: the weak prior keeps the parameters off the edges."""
    steady = MbgCnbd(200.0, 400.0, 20.0, 180.0, 2.0)
    x, t_x, age, _ = cohort(life_of(steady, 52.0), 800, 26.0, seed=10)
    found = fit(x, t_x, age, 2.0)
    assert found is not None
    assert found.gap == pytest.approx(4.0, rel=0.1)
    assert max(found.r, found.alpha, found.a, found.b) < 500.0


def young_shop(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, t_x, T of 200 customers of irregular gaps, five weeks after the first record.

    They bought before, and nobody leaves. A week without a purchase is part of a history and one
    with a purchase is not yet, as in the sample that is fitted.
    """
    random, rows = np.random.default_rng(seed), list[tuple[float, float, float]]()
    while len(rows) < 200:
        gap = 3.0 * np.exp(random.normal(0.0, 0.6))
        at = np.cumsum(random.gamma(1.3, gap / 1.3, 400)) - 20.0 * gap
        seen = at[(at > 0.0) & (at <= 4.0)]
        if len(seen):
            until = 4.0 if ((at > 4.0) & (at <= 5.0)).any() else 5.0
            rows.append((len(seen) - 1, seen[-1] - seen[0], until - seen[0]))
    x, t_x, age = np.array(rows, float).T
    return x, t_x, age


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_in_a_young_shop_who_is_slow_has_not_left(seed: int) -> None:
    """Of who came back hardly anybody stays away: .2 at most is said, without the prior .27 to .39.

    The seeds are three of the first eight, those of which the likelihood alone says most.
    """
    x, t_x, age = young_shop(seed)
    found = fit(x, t_x, age, 1.0)
    assert found is not None
    rows = zip(x[x >= 1], t_x[x >= 1], age[x >= 1], strict=True)
    assert np.mean([p_no_purchase(found, *row, 13.0) for row in rows]) < 0.2
