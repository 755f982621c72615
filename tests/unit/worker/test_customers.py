"""The shell is told what became of its epochs, and measures by that."""

from collections import Counter

from streams.decisions import compile_policy
from streams.telemetry import catalogue as metrics
from tests.support import small_shop
from tests.support.memory_runtime import World

CUSTOMERS = 20


def world() -> World:
    """Twenty people say yes to everything and open the app, in one partition."""
    opened = [small_shop.opened(n, 600) for n in range(CUSTOMERS)]
    sent = [*small_shop.consents(CUSTOMERS), *opened]
    shop = compile_policy(small_shop.reference())
    return World([(topic, 0, key, value) for topic, key, value in sent], (), shop, 1)


def latencies(of: World) -> float:
    """How many offers' waits were observed."""
    return of.meter.observations_of(metrics.EVENT_TO_OFFER).get((), 0.0)


def test_latencies_are_right_when_other_topics_come_first_after_a_drop() -> None:
    """What was read before a drop may come again behind records of a topic that was late."""
    played = world()
    played.hidden.add("events.profile")
    while played.deliver(0):
        pass
    played.drop(0)
    played.hidden.clear()
    for _ in range(CUSTOMERS):
        played.deliver(0)
    played.begin_commit(0)
    while played.deliver(0):
        pass
    played.end_commit(0)
    assert latencies(played) == 0  # the first epoch held consents only
    played.run_to_the_end()
    offers = Counter(output.topic for output in played.outputs)["next-best-offers"]
    assert offers > 0
    assert latencies(played) == offers


def test_rows_that_a_dropped_epoch_made_are_counted_once() -> None:
    """The shell's count of new rows is that of the rows in the end."""
    played = world()
    while played.deliver(0):
        pass
    played.drop(0)
    assert played.shell.created.get(0, 0) == 0
    played.run_to_the_end()
    assert played.shell.created == {0: CUSTOMERS}
    assert len(played.rows_as_stored()) == CUSTOMERS
