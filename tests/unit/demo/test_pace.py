"""A story's pace: its past in so many seconds, its present for whoever is there to see it."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from streams.contracts.times import DAY_MS, HOUR_MS
from streams.demo.clock import StoryClock, clock_of
from streams.demo.pace import PRESENT_HOUR_MS, PRESENT_SPEED, Pace

START_MS = 1_735_689_600_000  # midnight
STEPS = st.lists(st.floats(0.001, 5.0), min_size=1, max_size=60)


def pace(days: int = 40, seconds: float = 60.0) -> Pace:
    """A story of so many days."""
    return Pace(START_MS, START_MS + days * DAY_MS, seconds)


@given(steps=STEPS)
def test_nobody_there_it_ends_with_its_time(steps: list[float]) -> None:
    """Time goes forward, and stands at the end of the story once its seconds have passed."""
    told = pace()
    for step in [*steps, 60.0]:
        before_ms = told.now_ms
        told.go_on(step)
        assert before_ms <= told.now_ms <= told.end_ms
    assert (told.now_ms, told.is_present) == (told.end_ms, False)


@given(steps=STEPS, asked=st.integers(0, 59), waits=st.booleans())
def test_the_present_begins_in_a_morning_and_goes_slowly(
    steps: list[float], asked: int, waits: bool
) -> None:
    """Whenever a visitor comes, and whether they wait or not: no later than the story's end."""
    told = pace()
    for place, step in enumerate([*steps, 60.0]):
        if place == min(asked, len(steps)):
            told.stop_at_last_morning() if waits else told.stop_at_next_morning()
        told.go_on(step)
    assert told.is_present
    assert told.present_ms is not None
    assert told.present_ms <= told.end_ms
    was_ms = told.now_ms
    told.go_on(1.0)
    assert told.now_ms - was_ms == PRESENT_SPEED * 1000
    began = (told.present_ms - START_MS) % DAY_MS
    assert began == PRESENT_HOUR_MS or told.present_ms > told.end_ms - DAY_MS


def test_who_cannot_wait_begins_with_the_next_morning() -> None:
    """In the middle of a story's night; what is left of a step goes at the present's speed."""
    told = pace(days=40, seconds=40.0)  # a day in a second
    told.go_on(10.0)
    told.stop_at_next_morning()
    told.stop_at_last_morning()
    told.go_on(1.0)
    seconds_left = 1.0 - PRESENT_HOUR_MS / DAY_MS
    expected_ms = START_MS + 10 * DAY_MS + 10 * HOUR_MS + round(seconds_left * PRESENT_SPEED * 1000)
    assert abs(told.now_ms - expected_ms) <= 1


def test_other_processes_read_what_the_pace_tells(tmp_path: Path) -> None:
    """What is read from the file is what was told last."""
    clock = StoryClock(tmp_path / "clock", START_MS)
    read_ms = clock_of(tmp_path / "clock")
    assert read_ms() == START_MS
    told = Pace(START_MS, START_MS + 40 * DAY_MS, 60.0, clock.set)
    for _ in range(100):
        told.go_on(0.1)
        assert read_ms() == told.now_ms
    clock.close()


@given(steps=STEPS)
def test_only_who_does_not_wait_cuts_the_past_short(steps: list[float]) -> None:
    """A visitor who waits sees the last morning; who does not, on an early day, an early one."""
    waits, does_not = pace(), pace()
    does_not.go_on(1.0)
    for told in (waits, does_not):
        told.stop_at_last_morning()
    does_not.stop_at_next_morning()
    for step in steps:
        waits.go_on(step)
        does_not.go_on(step)
        assert (waits.is_cut_short, does_not.is_cut_short) == (False, True)
    assert not pace().is_cut_short
