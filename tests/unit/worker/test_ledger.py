"""What was measured counts when its epoch is durable, and with no other."""

from types import SimpleNamespace
from typing import Any

from streams.telemetry import catalogue as metrics
from streams.worker.ledger import Ledger
from streams.worker.meter import Meter


def opened() -> tuple[Ledger, Meter, Any]:
    """A ledger, what it writes to, and a partition whose first epoch is open."""
    meter = Meter()
    return Ledger(meter), meter, SimpleNamespace(number=0, epoch=1)


def offers(meter: Meter) -> float:
    """How many offers' waits were observed."""
    return meter.observations_of(metrics.EVENT_TO_OFFER).get((), 0.0)


def test_an_offer_of_the_next_epoch_waits_for_the_next_commit() -> None:
    """What is gathered while a commit is on its way is not counted with it."""
    ledger, meter, partition = opened()
    ledger.account(partition).offers_came_ms.append(0)
    partition.epoch = 2
    ledger.account(partition).offers_came_ms.append(0)
    ledger.account(partition).rows += 1
    assert offers(meter) == 0
    assert ledger.committed(0, 1).rows == 0
    assert offers(meter) == 1
    assert ledger.committed(0, 2).rows == 1
    assert offers(meter) == 2


def test_what_was_dropped_never_counts_whatever_comes_first_afterwards() -> None:
    """Both epochs are forgotten; the first one after the drop has their numbers again."""
    ledger, meter, partition = opened()
    for epoch in (1, 2):
        partition.epoch = epoch
        ledger.account(partition).offers_came_ms.append(0)
        ledger.account(partition).measure(metrics.TICKS)
    ledger.dropped(0)
    assert meter.value(metrics.COMMITS, "aborted") == 1
    partition.epoch = 1
    ledger.account(partition).measure(metrics.TICKS)
    ledger.committed(0, 1)
    assert offers(meter) == 0
    assert meter.value(metrics.TICKS) == 1


def test_the_greatest_event_time_is_that_of_the_newest_epoch_that_was_not_dropped() -> None:
    """A new epoch begins where the one before stands; a drop goes back to what is durable."""
    ledger, _, partition = opened()
    ledger.account(partition).event_time_ms = 600
    ledger.committed(0, 1)
    partition.epoch = 2
    assert ledger.account(partition).event_time_ms == 600
    ledger.account(partition).event_time_ms = 660
    assert ledger.event_time_ms(0) == 660
    ledger.dropped(0)
    assert ledger.event_time_ms(0) == 600
    ledger.opened(0)
    assert ledger.event_time_ms(0) == 0


def test_partitions_have_accounts_of_their_own() -> None:
    """A drop on one leaves the others' epochs alone."""
    ledger, meter, partition = opened()
    other: Any = SimpleNamespace(number=1, epoch=1)
    for one in (partition, other):
        ledger.account(one).measure(metrics.TICKS)
    ledger.dropped(0)
    ledger.committed(1, 1)
    assert meter.value(metrics.TICKS) == 1
