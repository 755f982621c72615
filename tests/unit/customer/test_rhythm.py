"""A rhythm holds what its purchases say, in whatever order they arrive."""

import math
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.contracts.times import DAY_MS, WEEK_MS
from streams.customer.rhythm import (
    Rhythm,
    has_returned,
    is_lapsed,
    merge,
    next_tick_ms,
    record_purchase,
)

HOUR_MS = 3_600_000
DAYS = st.lists(st.integers(0, 400), min_size=1, max_size=8, unique=True)


def bought(*purchases: tuple[float, float]) -> Rhythm:
    """The rhythm of (day, amount), in this order of arrival."""
    rhythm = None
    for day, amount in purchases:
        rhythm = record_purchase(rhythm, round(day * DAY_MS), amount)
    assert rhythm is not None
    return rhythm


def test_first_purchase_is_a_customer_without_repeats() -> None:
    """One purchase: no gap, every decayed count 1."""
    log9 = math.log(10.0)
    assert bought((3, 9.0)) == Rhythm(
        0, 3 * DAY_MS, 3 * DAY_MS, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, log9, log9
    )


def test_repeats_make_gaps_and_decayed_counts() -> None:
    """Gaps of 14 and 42 days; two ticks halve the fast count."""
    rhythm = bought((0, 9.0), (14, 9.0), (56, 99.0))
    assert (rhythm.repeats, rhythm.gap_days_sum, rhythm.last_gap_days) == (2, 56.0, 42.0)
    assert rhythm.gap_days_sq_sum == 14.0**2 + 42.0**2
    assert rhythm.count_2 == 1.0 + 0.125 * 1.5
    assert rhythm.log_amount_last == math.log(100.0)
    assert rhythm.log_amount_mean == pytest.approx((2 * math.log(10.0) + math.log(100.0)) / 3)


def test_purchases_of_one_day_count_once() -> None:
    """Two baskets of one day are one purchase day whose amount is their sum."""
    rhythm = bought((0, 10.0), (7, 10.0), (7.5, 30.0))
    assert (rhythm.repeats, rhythm.last_ms) == (1, round(7.5 * DAY_MS))
    assert rhythm.log_amount_last == pytest.approx(math.log(41.0))


def test_day_ends_at_the_customers_midnight() -> None:
    """23:30 and 00:30 UTC are one evening in Tokyo and two days in London."""
    late, after = 23 * HOUR_MS + HOUR_MS // 2, 24 * HOUR_MS + HOUR_MS // 2
    london = record_purchase(record_purchase(None, late, 5.0), after, 5.0)
    tokyo_ms = 9 * HOUR_MS
    tokyo = record_purchase(record_purchase(None, late, 5.0, tokyo_ms), after, 5.0, tokyo_ms)
    assert (london.repeats, tokyo.repeats) == (1, 0)


def test_late_purchase_never_moves_last_back() -> None:
    """It splits the last gap exactly and counts by its age."""
    late = bought((0, 10.0), (28, 20.0), (14, 30.0))
    in_time = bought((0, 10.0), (14, 30.0), (28, 20.0))
    assert late.last_ms == 28 * DAY_MS
    assert msgspec.structs.astuple(late) == pytest.approx(msgspec.structs.astuple(in_time))


def test_refunded_amount_is_no_purchase_of_a_negative_sum() -> None:
    """An amount below zero counts as zero; the logarithm stays finite."""
    assert bought((0, -5.0)).log_amount_mean == 0.0


@given(DAYS, st.randoms())
def test_order_of_arrival_leaves_exact_parts_equal(days: list[int], random: object) -> None:
    """Whatever the order: repeats, ends, sum of gaps, counts and amounts are the same."""
    shuffled = list(days)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    ordered = bought(*((day, day + 1.0) for day in sorted(days)))
    late = bought(*((day, day + 1.0) for day in shuffled))
    for name in Rhythm.__struct_fields__:
        if name not in ("gap_days_sq_sum", "last_gap_days"):
            assert getattr(late, name) == pytest.approx(getattr(ordered, name)), name


@given(DAYS, st.randoms())
def test_spread_of_gaps_stays_possible(days: list[int], random: object) -> None:
    """The approximate sum of squares never falls below even gaps nor above one single gap."""
    random.shuffle(days)  # type: ignore[attr-defined]
    rhythm = bought(*((day, 1.0) for day in days))
    if rhythm.repeats:
        even = rhythm.gap_days_sum**2 / rhythm.repeats
        assert even - 1e-6 <= rhythm.gap_days_sq_sum <= rhythm.gap_days_sum**2 + 1e-6


@given(DAYS, DAYS)
def test_merge_does_not_care_who_is_first(one: list[int], other: list[int]) -> None:
    """merge(a, b) == merge(b, a), and nothing is lost against None."""
    a, b = bought(*((d, 5.0) for d in sorted(one))), bought(*((d, 7.0) for d in sorted(other)))
    merged = merge(a, b)
    assert merged == merge(b, a)
    assert merged is not None
    assert merged.last_ms == max(a.last_ms, b.last_ms)
    assert merged.repeats <= a.repeats + b.repeats + 1
    assert all(math.isfinite(value) for value in msgspec.structs.astuple(merged))
    assert (merge(a, None), merge(None, b), merge(None, None)) == (a, b, None)


@given(st.lists(st.integers(0, 400), min_size=2, max_size=8, unique=True), st.data())
def test_merge_of_one_after_the_other_is_exact(days: list[int], data: st.DataObject) -> None:
    """Somebody who bought unknown first and logged in later is as if known all along."""
    days = sorted(days)
    cut = data.draw(st.integers(1, len(days) - 1))
    whole = bought(*((day, day + 1.0) for day in days))
    before = bought(*((day, day + 1.0) for day in days[:cut]))
    after = bought(*((day, day + 1.0) for day in days[cut:]))
    merged = merge(before, after)
    assert merged is not None
    assert msgspec.structs.astuple(merged) == pytest.approx(msgspec.structs.astuple(whole))


def test_merge_counts_a_shared_last_day_once() -> None:
    """Till and web on the same day, linked afterwards, are one purchase day."""
    merged = merge(bought((7, 10.0)), bought((0, 10.0), (7.25, 10.0)))
    assert merged is not None
    assert (merged.repeats, merged.last_gap_days) == (1, 7.25)


def test_ticks_are_spread_and_one_apart() -> None:
    """Each customer ticks once a week at his own time; 2,000 customers fill every hour alike."""
    own = [next_tick_ms("c-1", 0, WEEK_MS)]
    for _ in range(3):
        own.append(next_tick_ms("c-1", own[-1], WEEK_MS))
    assert {later - earlier for earlier, later in pairwise(own)} == {WEEK_MS}
    days = [next_tick_ms(f"c-{n}", 0, WEEK_MS) * 7 // WEEK_MS % 7 for n in range(2000)]
    assert all(230 < days.count(day) < 340 for day in range(7))


def test_tick_is_after_the_moment_also_when_the_moment_is_a_tick() -> None:
    """The next tick is never now, so that running due ticks comes to an end."""
    tick = next_tick_ms("c-9", 1_000, WEEK_MS)
    assert next_tick_ms("c-9", tick, WEEK_MS) == tick + WEEK_MS
    assert next_tick_ms("c-9", tick - 1, WEEK_MS) == tick


def test_label_and_lapse_read_the_last_purchase() -> None:
    """Returned: bought after the scoring moment. Lapsed: silent for longer than the horizon."""
    rhythm = bought((10, 5.0))
    assert not has_returned(rhythm, 10 * DAY_MS)
    assert has_returned(rhythm, 10 * DAY_MS - 1)
    assert not is_lapsed(rhythm, 20 * DAY_MS, 10 * DAY_MS)
    assert is_lapsed(rhythm, 20 * DAY_MS + 1, 10 * DAY_MS)


def test_stored_rhythm_is_a_short_array() -> None:
    """By position, under 120 bytes, and read back equal."""
    rhythm = bought((0, 9.5), (14.3, 12.2), (57.9, 9.1))
    raw = msgspec.msgpack.encode(rhythm)
    assert len(raw) < 120
    assert msgspec.msgpack.decode(raw, type=Rhythm) == rhythm
