"""Time in which a customer is watched: between looks, as long as there are looks."""

import pytest
from msgspec.structs import replace

from streams.contracts.outputs.effects import CustomerWatched
from streams.contracts.reference.structs import ChurnDefinition
from streams.contracts.times import DAY_MS, WEEK_MS
from streams.feedback import watched
from tests.support.decisions_open import T0, person

CHURN = ChurnDefinition()


@pytest.mark.parametrize(
    ("before_ms", "counted_ms"),
    [
        (None, None),  # the first purchase begins it
        (0, None),
        (3 * DAY_MS, 3 * DAY_MS),
        (WEEK_MS, WEEK_MS),
        (WEEK_MS + 1, None),  # nobody looked: lapsed, or without consent
    ],
)
def test_the_time_since_the_look_before(before_ms: int | None, counted_ms: int | None) -> None:
    """At most a tick, for looks are not further apart while they run."""
    row = person()
    scored_at_ms = None if before_ms is None else T0 - before_ms
    row = replace(row, churn=replace(row.churn, scored_at_ms=scored_at_ms))
    expected = () if counted_ms is None else (CustomerWatched(counted_ms),)
    assert watched(row, T0, CHURN) == expected
