"""On processing time offers whose time is over are withheld; on event time none ever is."""

import json
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Literal

import pytest

from streams import topics
from streams.decisions import compile_policy
from streams.settings import Settings
from streams.telemetry import catalogue as metrics
from tests.support.memory_runtime import World
from tests.support.small_shop import Sent, consents, reference

CUSTOMERS = 20
HOUR_S = 3_600  # how long an answer of the small shop's rules is of use


def opened(customer: int, at_s: float) -> Sent:
    """Somebody opens the app."""
    key = f"c{customer:04}"
    event = {
        "event_id": f"opened-{customer}",
        "event_name": "application_opened",
        "occurred_at": datetime.fromtimestamp(at_s, UTC).isoformat(),
        "channel": "app",
        "identity": {"customer_id": key},
    }
    return topics.APP.name, key.encode(), json.dumps(event).encode()


@pytest.mark.parametrize(
    ("clock", "ago_s", "stale"),
    [
        ("processing_time", HOUR_S + 60, True),
        ("processing_time", 60, False),
        ("event_time", HOUR_S + 60, False),
    ],
)
def test_what_came_an_hour_late_is_offered_nothing(
    clock: Literal["processing_time", "event_time"], ago_s: int, stale: bool
) -> None:
    """Twenty people opened the app: all are decided on, none or some are offered something."""
    visits = [opened(n, time.time() - ago_s) for n in range(CUSTOMERS)]
    sent = [*consents(CUSTOMERS), *visits]
    records = [(topic, 0, key, value) for topic, key, value in sent]
    settings = Settings(clock=clock)
    world = World(records, (), compile_policy(reference()), 1, settings=settings)
    world.run_to_the_end()
    said = Counter(output.topic for output in world.outputs)
    counted = world.meter.values_of(metrics.DECISIONS)
    withheld = sum(n for (_, verdict, _), n in counted.items() if verdict == "stale")
    assert said[topics.DECISION_LOG.name] == CUSTOMERS
    assert withheld == (CUSTOMERS if stale else 0)
    assert (said[topics.NEXT_BEST_OFFERS.name] > 0) != stale
