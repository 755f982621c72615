"""The 19 numbers of a rhythm: finite, named, and true of silence as it grows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.contracts.times import DAY_MS, WEEK_MS
from streams.customer.rhythm import Rhythm, record_purchase
from streams.customer.row import ScoringMoment
from streams.features.rhythm import (
    RHYTHM_FEATURES,
    Population,
    churn_example,
    churn_example_features,
    habit,
    rhythm_features,
    silence_features,
)


def bought(*days: float) -> Rhythm:
    """A customer who spent 9.0 on each of these days."""
    rhythm = None
    for day in days:
        rhythm = record_purchase(rhythm, round(day * DAY_MS), 9.0)
    assert rhythm is not None
    return rhythm


def test_features_of_a_known_customer() -> None:
    """Three purchases, a week silent: literal values, one for each name."""
    x = rhythm_features(bought(0, 14, 28), 5 * WEEK_MS, WEEK_MS, Population(2.0, 1.0, 1.0))
    named = dict(zip(RHYTHM_FEATURES, x.tolist(), strict=True))
    sd = math.sqrt(1.0 / 3.0)
    assert named == pytest.approx(
        {
            "log_silence": math.log(1.3),
            "log_age": math.log(5.5),
            "log_repeats": math.log(3.0),
            "one_timer": 0.0,
            "log_mean_gap": math.log(2.1),
            "log_sd_gap": math.log(sd + 0.1),
            "log_silence_to_gap": math.log(1.3 / 2.3),
            "silence_z": (1.0 - 2.0) / (sd + 0.1),
            "log_last_gap_to_mean": 0.0,
            "log_count_2": math.log(1.75 * 2**-0.5 + 0.1),
            "log_count_6": math.log((1 + 2 ** (-1 / 3) + 2 ** (-2 / 3)) * 2 ** (-1 / 6) + 0.1),
            "log_count_18": math.log((1 + 2 ** (-1 / 9) + 2 ** (-2 / 9)) * 2 ** (-1 / 18) + 0.1),
            "mean_amount": math.log(10.0),
            "last_amount_change": 0.0,
            "log_rate": math.log(2.5 / 11.0),
            "sqrt_silence": 1.0,
            "log_repeats_x_log_silence": math.log(3.0) * math.log(1.3),
            "log_overdue": 0.0,
            "log_overdue_twice": 0.0,
        }
    )


def test_overdue_begins_at_one_own_gap_and_at_two() -> None:
    """Gaps of two weeks: 0 up to the gap, its logarithm past it, and again past twice of it."""
    named = [
        dict(zip(RHYTHM_FEATURES, row, strict=True))
        for row in silence_features(bought(0, 14, 28), 4 * WEEK_MS, WEEK_MS, 9, Population(2.0))
    ]
    assert [row["log_overdue"] for row in named[:3]] == [0.0, 0.0, 0.0]
    assert named[4]["log_overdue"] == pytest.approx(math.log(4.3 / 2.3))
    assert [row["log_overdue_twice"] for row in named[:5]] == [0.0] * 5
    assert named[8]["log_overdue_twice"] == pytest.approx(math.log(8.3 / 2.3 / 2.0))


def test_path_of_silence_is_the_features_at_later_moments() -> None:
    """Row k of the vectorized path equals the features k ticks later, to the last bit."""
    rhythm, now = bought(0, 10, 33, 35), 6 * WEEK_MS
    path = silence_features(rhythm, now, WEEK_MS, 26)
    for k in range(26):
        later = rhythm_features(rhythm, now + k * WEEK_MS, WEEK_MS)
        np.testing.assert_allclose(path[k], later, rtol=1e-13, atol=1e-13)


@given(
    st.lists(st.floats(0, 800), min_size=1, max_size=12),
    st.floats(-10, 5000),
    st.sampled_from([DAY_MS, WEEK_MS]),
)
def test_features_are_finite_whatever_the_customer_did(
    days: list[float], after: float, tick_ms: int
) -> None:
    """19 finite numbers, also years later, and for a moment before the last purchase."""
    now = round((max(days) + after) * DAY_MS)
    x = rhythm_features(bought(*days), now, tick_ms)
    assert x.shape == (19,)
    assert np.isfinite(x).all()


def test_one_timer_has_the_habit_of_the_population() -> None:
    """Without a gap of his own, the usual gap is the population's and the last is no news."""
    own = habit(bought(0), WEEK_MS, Population(8.0, 5.0, 1.0))
    assert (own.mean_ticks, own.sd_ticks, own.last_ticks) == (8.0, 5.0, 8.0)


def test_example_carries_what_bgnbd_needs() -> None:
    """The features by name, x, t_x and T in ticks, the tick, and a key of the customer."""
    rhythm = bought(0, 14, 28)
    features = churn_example_features(rhythm, 6 * WEEK_MS, WEEK_MS, "c-1")
    assert set(RHYTHM_FEATURES) < set(features)
    assert (features["x"], features["t_x_ticks"], features["T_ticks"]) == (2.0, 4.0, 6.0)
    assert features["tick_ms"] == WEEK_MS
    assert features["gap_squares"] == pytest.approx(8.0)
    other = churn_example_features(rhythm, 6 * WEEK_MS, WEEK_MS, "c-2")
    assert features["customer_key"] != other["customer_key"]
    example = churn_example(
        "e-1", ScoringMoment(6 * WEEK_MS, 7 * WEEK_MS, rhythm), True, 7 * WEEK_MS, "c-1"
    )
    assert (example.model, example.label, example.features) == ("churn", 1.0, features)
