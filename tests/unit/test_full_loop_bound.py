"""The bound of the full loop reads tastes off what was seen, and takes no more than there is."""

import pytest

from benchmarks.full_loop_bound import Guess, Watched, play
from streams.simulator.worlds import World


def test_what_was_seen_says_what_is_liked() -> None:
    """After 40 looks at one department most is liked of it; before, it is as likely as any."""
    watched = Watched(World("fashion", customers=2, days=40, seed=1))
    watched.seen["f00001"] = [(n, False, 0) for n in range(1, 41)]
    guess = Guess(watched)
    before, after = (guess.likely("f00001", at_ms).mean(0) for at_ms in (0, 100))
    assert before[0] == pytest.approx(0.2, abs=0.06)
    assert after[0] > 0.7
    assert after[0] == max(after)


def test_it_takes_no_more_than_there_is() -> None:
    """Between a uniform choice and the best, in a small world."""
    whole = play("fashion", 1, (20, 60)).whole
    print(whole)
    assert whole.decisions > 10
    assert whole.uniform < whole.chosen <= whole.best
