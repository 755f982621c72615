"""Exactly once, in ten lines; `test_crashes.py` does the same with thousands of seeded schedules.

A customer consents, opens the app and gets an offer, and comes back two hours later. The crash
comes when the offer is decided and not yet committed: it must be made again, and only once.
"""

from streams import topics
from tests.support.crash_story import CRASH, run
from tests.support.small_shop import consents, opened

[e1], e2, e3 = consents(1), opened(0, minute=10), opened(0, minute=130)


def test_a_crash_changes_nothing() -> None:
    """Rows and outputs are those of a run without it."""
    assert run([e1, e2, CRASH, e3]) == run([e1, e2, e3])


def test_nor_do_many_crashes() -> None:
    """Before, between and after the events, and twice in a row."""
    assert run([CRASH, e1, CRASH, CRASH, e2, CRASH, e3, CRASH]) == run([e1, e2, e3])


def test_there_is_something_to_lose() -> None:
    """The second event leads to an offer; without one the tests above would show little."""
    said = [topic for topic, _, _ in run([e1, e2]).outputs]
    assert said.count(topics.NEXT_BEST_OFFERS.name) == 1


def test_a_runtime_that_keeps_uncommitted_rows_is_found_out() -> None:
    """The control: the same comparison sees a fault."""
    assert run([e1, e2, CRASH, e3], keeps_dropped_rows=True) != run([e1, e2, e3])
