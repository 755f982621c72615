"""Precision at k: of each week the first k by what is at stake, in whatever order they are told."""

from collections import defaultdict

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from streams.contracts.ids import lot
from streams.models.top_cases import TOPS, WEEKS, Weeks, figures_of, share_interval, with_case

CASES = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(1, 40).map(float),
        st.integers(0, 65_535),
        st.booleans(),
    ),
    max_size=80,
    unique_by=lambda case: case[2],
)
Case = tuple[int, float, int, bool]


def told(cases: list[Case]) -> Weeks:
    """The weeks after these cases: week, at stake, lot, left."""
    weeks: Weeks = ()
    for week, at_stake, drawn, gone in cases:
        features = {"week": float(week), "at_stake": at_stake, "lot": float(drawn)}
        weeks = with_case(weeks, features, gone)
    return weeks


def by_hand(cases: list[Case], k: int) -> tuple[int, int]:
    """How many are among the first k of a week that is over, and how many of these left."""
    newest = max(week for week, *_ in cases)
    lists = defaultdict[int, list[Case]](list)
    for case in cases:
        lists[case[0]].append(case)
    over = [sorted(found, key=at_stake_and_lot) for week, found in lists.items() if week < newest]
    first = [gone for found in over for *_, gone in found[:k]]
    return len(first), sum(first)


def at_stake_and_lot(case: Case) -> tuple[float, int]:
    """By what a list is sorted: all that is known before the outcome."""
    return -case[1], -case[2]


@given(CASES.filter(bool).flatmap(lambda cases: st.tuples(st.just(cases), st.permutations(cases))))
def test_any_order_gives_what_a_sorted_list_gives(both: tuple[list[Case], list[Case]]) -> None:
    """Partitions tell in any order, and a state is read back as it was."""
    cases, shuffled = both
    weeks = told(cases)
    assert told(shuffled) == weeks
    assert msgspec.convert(msgspec.to_builtins(weeks), Weeks) == weeks
    found = figures_of(weeks)
    for k in (*TOPS, 10_000):
        many, left = by_hand(cases, k)
        name = str(k) if k in TOPS else "all"
        assert found.get(f"top_{name}_cases", 0.0) == many
        assert not many or found[f"top_{name}_value"] == round(left / many, 6)


def test_the_top_is_the_top_and_the_newest_week_does_not_count() -> None:
    """Ten who left have the most at stake, and fifty others stayed."""
    cases: list[Case] = [(7, 100.0 + n, n, True) for n in range(10)]
    cases += [(7, 1.0 + n, n, False) for n in range(50)]
    assert figures_of(told(cases)) == {}
    found = figures_of(told([*cases, (8, 500.0, 0, False)]))
    assert (found["top_10_value"], found["top_10_cases"]) == (1.0, 10.0)
    assert (found["top_25_value"], found["top_25_cases"]) == (0.4, 25.0)
    assert (found["top_all_value"], found["top_all_cases"]) == (round(10 / 60, 6), 60.0)
    assert found["top_10_low"] == pytest.approx(0.722467, abs=1e-6)


def test_what_is_kept_is_bounded_and_the_oldest_goes() -> None:
    """A hundred cases of each of the newest weeks; what comes later than that is not ranked."""
    draw = np.random.default_rng(4)
    stakes = draw.integers(1, 10_000, size=6_000).astype(float).tolist()
    cases = [(n // 150, at_stake, 7 * n % 65_536, True) for n, at_stake in enumerate(stakes)]
    weeks = told(cases)
    assert [week.number for week in weeks] == list(range(39 - WEEKS, 40))
    assert {(week.many, len(week.top)) for week in weeks} == {(150, 100)}
    assert len(msgspec.json.encode(weeks)) < 30_000
    assert told([*cases, (3, 1e6, 0, False)]) == weeks


def test_an_example_of_an_older_version_is_not_ranked() -> None:
    """It names no week, or no lot."""
    assert with_case((), {"risk": 0.8, "treated": 1.0}, True) == ()
    assert with_case((), {"risk": 0.8, "week": 7.0, "at_stake": 9.0}, True) == ()


def test_who_left_does_not_come_first_among_equals() -> None:
    """Of 13 weeks of twenty equal cases half left: the first ten hold about half of them."""
    cases = [
        (week, 9.0, lot(f"case-{week}-{n}"), n % 2 == 0) for week in range(13) for n in range(20)
    ]
    found = figures_of(told([*cases, (13, 9.0, 0, True)]))
    assert found["top_10_cases"] == 130.0
    assert found["top_10_value"] == pytest.approx(0.5, abs=0.12)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_wilsons(counts: tuple[int, int]) -> None:
    """As scipy has it."""
    hits, many = counts
    known = stats.binomtest(hits, many).proportion_ci(method="wilson")
    assert share_interval(hits, many) == pytest.approx((known.low, known.high), abs=1e-6)
