"""Calibration tables, the top of lists and curves, on columns small enough to count."""

import numpy as np
import pytest

from streams.contracts.times import DAY_MS
from streams.evaluation.calibration import by_risk, by_silence, largest_gap
from streams.evaluation.histories import Histories
from streams.evaluation.moments import Moments
from streams.evaluation.purchases import Purchase
from streams.evaluation.ranking import at_top, curve_of, top_rows
from streams.evaluation.scores import mean_interval

SEED = 5


def moments(risk: list[float], gone: list[bool], gaps: list[float] | None = None) -> Moments:
    """Ten scores a tick, one customer each, worth 1, 2, 3 ..."""
    many = len(risk)
    numbers = np.arange(many)
    zeros = np.zeros(many)
    return Moments(
        customers=tuple(f"c-{n}" for n in numbers),
        at_ms=numbers,
        tick=numbers // 10,
        gone=np.array(gone),
        risk=np.array(risk),
        bgnbd=zeros,
        repeats=numbers,
        t_x=zeros,
        age=zeros,
        gaps=zeros if gaps is None else np.array(gaps),
        value=numbers.astype(np.float64) + 1.0,
    )


def test_tenths_hold_the_same_number_of_scores_and_what_came() -> None:
    """20 scores: two a tenth; the lowest said .025 and none came, the highest .975 and all."""
    risk = [n / 20 for n in range(20)]
    groups = by_risk(moments(risk, [r >= 0.5 for r in risk]))
    assert [group.scores for group in groups] == [2] * 10
    assert (groups[0].said, groups[0].came.mean) == (0.025, 0.0)
    assert (groups[-1].lowest, groups[-1].highest, groups[-1].came.mean) == (0.9, 0.95, 1.0)
    assert largest_gap(groups) == pytest.approx(0.475)


def test_fewer_scores_than_tenths_are_a_group_each() -> None:
    """Three scores make three groups, none of them empty."""
    assert [g.scores for g in by_risk(moments([0.1, 0.2, 0.3], [False] * 3))] == [1, 1, 1]


def test_silence_is_grouped_by_own_gaps_and_one_time_buyers_stand_last() -> None:
    """.5 and .9 gaps together, 7 gaps over 6, and who has no gap."""
    told = by_silence(moments([0.1] * 4, [True, False, True, True], [0.5, 7.0, 0.9, np.nan]))
    assert [(g.group, g.scores, g.came.mean) for g in told] == [
        ("0 to 1", 2, 1.0),
        ("over 6", 1, 0.0),
        ("bought on one day only", 1, 1.0),
    ]


def test_the_top_of_each_tick_is_rounded_up() -> None:
    """10 % of each tick of ten is its first; of 1 % one of each tick as well."""
    risk = [*np.linspace(0, 0.9, 10), *np.linspace(0.9, 0, 10)]
    assert top_rows(np.repeat([0, 1], 10), np.array(risk), 0.1).tolist() == [9, 10]
    assert top_rows(np.repeat([0], 30), np.arange(30.0), 0.1).tolist() == [29, 28, 27]


def test_precision_found_and_value_of_the_top() -> None:
    """The first of each tick by risk: one of two is gone, of four gone, 10 of 1 + 2 + 10 + 12."""
    risk = [*np.linspace(0, 0.9, 10), *np.linspace(0.9, 0, 10)]
    gone = [n in (0, 1, 9, 11) for n in range(20)]
    told = moments(risk, gone)
    top = {t.share: t for t in at_top(told, {"risk": told.risk})}[0.10]
    assert (top.scores, top.precision.mean, top.found) == (2, 0.5, 0.25)
    assert top.value_found == pytest.approx(10 / 25)


def test_a_curve_goes_through_what_a_threshold_finds() -> None:
    """Gone at ranks 1 and 3: precision 1 and 2/3; equal scores are one threshold."""
    curve = curve_of("s", np.array([True, False, True, False]), np.array([0.9, 0.8, 0.7, 0.1]))
    assert curve.recall == (0.5, 1.0)
    assert curve.precision == pytest.approx((1.0, 2 / 3))
    assert curve.average == pytest.approx((1.0 + 2 / 3) / 2)
    tied = curve_of("s", np.array([True, False]), np.array([0.5, 0.5]))
    assert (tied.recall, tied.precision, tied.average) == ((1.0,), (0.5,), 0.5)
    assert curve_of("s", np.array([False]), np.array([0.5])).recall == ()


def test_an_interval_of_a_ratio_is_over_customers() -> None:
    """Alerts per year: 2 in 4 years; every resample lies between the least and the most."""
    told = mean_interval(np.array([2.0, 0.0]), ["a", "b"], np.array([1.0, 3.0]))
    assert told.mean == 0.5
    assert (told.low, told.high) == (0.0, 2.0)


def test_histories_know_nothing_later() -> None:
    """Two purchases of one day are one purchase day; the own gap is a day at least."""
    given = [Purchase("a", n, 5.0) for n in (0, 1000, 3 * DAY_MS, 9 * DAY_MS)]
    histories = Histories(given)
    known = histories.known("a", 3 * DAY_MS)
    assert known is not None
    assert (known.repeats, known.last_ms, known.spent) == (1, 3 * DAY_MS, 15.0)
    assert known.gap_ms == 3 * DAY_MS
    first = histories.known("a", 2000)
    assert first is not None
    assert first.gap_ms is None
    assert histories.known("a", -1) is None
    assert histories.known("nobody", 0) is None
    assert histories.next_ms("a", 3 * DAY_MS) == 9 * DAY_MS
    assert not histories.is_gone("a", 3 * DAY_MS, 6 * DAY_MS)
    assert histories.is_gone("a", 3 * DAY_MS, 6 * DAY_MS - 1)
