"""Counters against an exact count: within the bound that the module states, in any order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.contracts.times import DAY_MS, MINUTE_MS
from streams.customer.codec import encode_row
from streams.customer.counters import BUCKETS_MAX, SHARPNESS, add, combined, count
from streams.customer.row import Counter, new_customer

T0 = 1_770_000_000_000
ages = st.integers(0, 40).flatmap(
    lambda n: st.integers(0, max(int(1.5**n * MINUTE_MS) % (380 * DAY_MS), 1))
)
windows = st.sampled_from([1, 5, 60, 1440, 3 * 1440, 30 * 1440, 365 * 1440]).map(
    lambda m: m * MINUTE_MS
)


def counter_of(times: list[int]) -> Counter:
    """One counter that took in these times, one by one."""
    counter: Counter | None = None
    for at_ms in times:
        counter = add(counter, at_ms)
    return counter or Counter()


@settings(max_examples=200, deadline=None)
@given(st.lists(ages, max_size=80), windows, st.integers(0, 30 * DAY_MS))
def test_count_is_within_the_stated_bound(back: list[int], window_ms: int, later_ms: int) -> None:
    """The estimate lies between the exact counts of a slightly shorter and longer window."""
    times = [T0 - age for age in back]
    now_ms = max(times, default=T0) + later_ms
    slack = max(window_ms // SHARPNESS, MINUTE_MS) + MINUTE_MS
    fewest = sum(now_ms - window_ms + slack < t <= now_ms for t in times)
    most = sum(now_ms - window_ms - slack < t <= now_ms for t in times)
    assert fewest <= count(counter_of(times), now_ms, window_ms) + 1e-9
    assert count(counter_of(times), now_ms, window_ms) <= most + 1e-9


@settings(max_examples=200, deadline=None)
@given(st.lists(ages, max_size=60).flatmap(lambda a: st.tuples(st.just(a), st.permutations(a))))
def test_order_does_not_matter(both: tuple[list[int], list[int]]) -> None:
    """Late and disordered events give the very buckets of events in order."""
    mine, shuffled = both
    assert counter_of([T0 - a for a in mine]) == counter_of([T0 - a for a in shuffled])


@settings(max_examples=100, deadline=None)
@given(st.lists(ages, max_size=40), st.lists(ages, max_size=40))
def test_merged_counters_are_the_counter_of_all_events(a: list[int], b: list[int]) -> None:
    """Two counters combined equal one counter that took in both."""
    left, right = [T0 - age for age in a], [T0 - age for age in b]
    assert combined(counter_of(left), counter_of(right)) == counter_of(left + right)


def test_a_counter_stays_small() -> None:
    """An event every 20 minutes for 400 days keeps within the buckets' maximum, about 500 bytes."""
    counter: Counter | None = None
    for step in range(400 * 24 * 3):
        counter = add(counter, T0 + step * 20 * MINUTE_MS)
    assert counter is not None
    assert len(counter.buckets) <= BUCKETS_MAX
    person = new_customer("c", T0)
    import msgspec

    grown = len(encode_row(msgspec.structs.replace(person, counters={"x": counter})))
    assert grown - len(encode_row(person)) < 700
