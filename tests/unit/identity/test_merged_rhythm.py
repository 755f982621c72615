"""A rhythm that two rows make together is the one that one row would have had."""

from typing import Literal

import pytest

from streams.contracts.common import Identity, Money
from streams.contracts.inputs.events import Purchase
from streams.contracts.reference.structs import ChurnDefinition, Policies, Reference
from streams.contracts.times import DAY_MS, from_ms
from streams.customer import Customer
from streams.customer.rhythm import Rhythm
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.models import initial_models

T0 = 1_770_000_000_000


def bought(day: int, identity: Identity) -> Purchase:
    """An order of ten euros, so many days after the first."""
    return Purchase(
        event_id=f"e-{day}",
        event_name="order_completed",
        occurred_at=from_ms(T0 + day * DAY_MS),
        identity=identity,
        channel="web",
        order_id=f"o-{day}",
        total=Money(amount="10.00", currency="EUR"),
        items=(),
    )


def rhythm_after(*events: Purchase, tick: Literal["week", "day"]) -> Rhythm:
    """Of `c-1`, in a shop with this tick."""
    policies = Policies(churn=ChurnDefinition(tick=tick))
    driver = Driver(compile_policy(Reference(policies=policies)), initial_models())
    for event in events:
        driver.advance(event.at_ms)
        driver.handle(event)
    row = driver.rows["c-1"]
    assert isinstance(row, Customer)
    assert row.rhythm is not None
    return row.rhythm


@pytest.mark.parametrize("tick", ["week", "day"])
def test_who_logs_in_late_has_the_rhythm_of_who_was_known(tick: Literal["week", "day"]) -> None:
    """What was bought as a visitor fades by the shop's own tick, as all else does."""
    visitor, known = Identity(anonymous_id="a-1"), Identity(customer_id="c-1")
    both = Identity(customer_id="c-1", anonymous_id="a-1")
    late = rhythm_after(
        bought(0, visitor), bought(3, visitor), bought(6, both), bought(9, both), tick=tick
    )
    assert late == rhythm_after(*(bought(day, known) for day in (0, 3, 6, 9)), tick=tick)
