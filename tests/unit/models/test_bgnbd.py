"""BG/NBD says what the paper says, on cohorts that we draw ourselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.contracts.times import DAY_MS
from streams.models.bgnbd import (
    CDNOW_WEEKS,
    BgNbd,
    cold_start,
    fit,
    log_likelihood,
    p_alive,
    p_no_purchase,
)
from tests.support.cohorts import Life, assert_comes_as_said, cohort, silent_from

TRUE = BgNbd(r=0.8, alpha=6.0, a=1.2, b=3.0)


def life_of(params: BgNbd, weeks: float) -> Life:
    """A customer who lives as the model says, for so long."""

    def life(random: np.random.Generator) -> list[float]:
        rate = random.gamma(params.r, 1.0 / params.alpha)
        leaves, at, own = random.beta(params.a, params.b), 0.0, list[float]()
        while (at := at + random.exponential(1.0 / rate)) < weeks:
            own.append(at)
            if random.random() < leaves:
                break
        return own

    return life


def test_fit_finds_the_parameters_of_its_own_world() -> None:
    """On 4,000 simulated customers (seed 7) it beats the truth's likelihood and is near it."""
    x, t_x, age, _ = cohort(life_of(TRUE, 80.0), 4000, 40.0, seed=7)
    found = fit(x, t_x, age, CDNOW_WEEKS)
    assert log_likelihood(found, x, t_x, age).sum() >= log_likelihood(TRUE, x, t_x, age).sum()
    assert found.r == pytest.approx(TRUE.r, rel=0.25)
    assert found.alpha == pytest.approx(TRUE.alpha, rel=0.25)
    assert found.a / (found.a + found.b) == pytest.approx(TRUE.a / (TRUE.a + TRUE.b), rel=0.15)


def test_probability_of_silence_is_the_observed_share() -> None:
    """Of 6,000 simulated customers (seed 8), as many stay silent as it says."""
    x, t_x, age, times = cohort(life_of(TRUE, 80.0), 6000, 40.0, seed=8)
    silent = silent_from(times, 40.0, 66.0)
    p = np.array([p_no_purchase(TRUE, *row, 26.0) for row in zip(x, t_x, age, strict=True)])
    for group in (x == 0, x == 1, x >= 2):
        assert_comes_as_said(p, silent, group)


def test_one_time_buyers_are_alive_and_yet_silent() -> None:
    """P(alive) is 1 for them by construction: that is why it is no measure of leaving."""
    assert p_alive(CDNOW_WEEKS, 0, 0.0, 30.0) == 1.0
    assert p_no_purchase(CDNOW_WEEKS, 0, 0.0, 30.0, 39.0) > 0.8


@given(st.integers(0, 300), st.floats(0, 1), st.floats(0, 520), st.floats(0.01, 104))
def test_probability_holds_at_the_edges(x: int, share: float, age: float, horizon: float) -> None:
    """Between 0 and 1, finite, and growing less likely to stay silent the longer one waits."""
    near = p_no_purchase(CDNOW_WEEKS, x, share * age if x else 0.0, age, horizon)
    far = p_no_purchase(CDNOW_WEEKS, x, share * age if x else 0.0, age, 2 * horizon)
    assert 0.0 <= far <= near <= 1.0


@pytest.mark.parametrize(
    "x",
    [np.zeros(500), np.full(500, 400.0), np.ones(50)],
    ids=["nobody repeats", "all alike", "too few"],
)
def test_degenerate_fit_keeps_the_old_parameters(x: np.ndarray) -> None:
    """Data that do not settle the matter change nothing."""
    age = np.full(len(x), 10.0)
    assert fit(x, np.where(x > 0, 10.0, 0.0), age, CDNOW_WEEKS) is CDNOW_WEEKS


def test_cold_start_counts_time_in_ticks() -> None:
    """With a tick of a day, alpha is seven times that of weeks and the answer is the same."""
    daily = cold_start(DAY_MS)
    assert daily.alpha == pytest.approx(7 * 4.414)
    assert p_no_purchase(daily, 2, 70.0, 210.0, 91.0) == pytest.approx(
        p_no_purchase(CDNOW_WEEKS, 2, 10.0, 30.0, 13.0)
    )
