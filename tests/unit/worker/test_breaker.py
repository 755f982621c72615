"""The breaker stops when nearly everything is bad, and only then."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from streams.errors import OperatorError
from streams.settings import BreakerSettings
from streams.telemetry import catalogue as metrics
from streams.worker.breaker import Breaker
from streams.worker.meter import Meter

SETTINGS = BreakerSettings(window_records=10, bad_ratio_max=0.9)


def test_one_bad_record_in_ten_never_stops_the_work() -> None:
    """A poisoned stream goes on; its letters are dead, its worker is not."""
    breaker = Breaker(SETTINGS, Meter())
    for number in range(1_000):
        breaker.saw(bad=number % 10 == 0)


def test_a_window_of_bad_records_stops_the_work_and_says_why() -> None:
    """The tenth record fills the window."""
    meter = Meter()
    breaker = Breaker(SETTINGS, meter)
    for _ in range(9):
        breaker.saw(bad=True)
    with pytest.raises(OperatorError, match="100% of the last 10 records"):
        breaker.saw(bad=True)
    assert meter.value(metrics.BREAKER) == 1


def test_for_a_time_everything_may_pass_and_then_it_guards_again() -> None:
    """Until the time that was set nothing stops the work; from then on a bad window does."""
    until = datetime.fromtimestamp(100, UTC)
    now_s = 99.0
    breaker = Breaker(replace(SETTINGS, accept_bad_until=until), Meter(), lambda: now_s)
    for _ in range(1_000):
        breaker.saw(bad=True)
    now_s = 100.0
    for _ in range(9):
        breaker.saw(bad=True)
    with pytest.raises(OperatorError, match="--accept-bad"):
        breaker.saw(bad=True)
