"""The worker knows its partition's lease without asking the store, and never a dropped one."""

from collections.abc import Iterator
from itertools import islice

import pytest
from msgspec.structs import replace

from streams.contracts.internal.leases import LeaseAllotted
from streams.contracts.outputs.encode import encode_routed
from streams.customer import Row
from streams.decisions import compile_policy
from streams.leases import Lease
from streams.models import initial_models
from streams.runtime.records import Record
from streams.settings import Settings
from streams.telemetry import catalogue as metrics
from streams.topics import CUSTOMER_EVENTS
from streams.worker.customers import CustomerShell
from streams.worker.leases import lease_keys
from streams.worker.meter import Meter
from streams.worker.reference import View
from tests.support.one_partition import OnePartition
from tests.support.scarce_shop import OFFER_ID, agreed, opens, scarce
from tests.support.small_shop import Sent

SETTINGS = Settings(clock="event_time")
KEY = lease_keys(1)[0]
FIVE = 50_000  # units


class Shop:
    """A worker of one partition; its shop has a budget or none."""

    def __init__(self, *, budget: bool) -> None:
        self.meter = Meter()
        self.set(budget=budget)
        self.shell = CustomerShell(SETTINGS, lambda: self.view, self.meter)
        self.shell.on_restored(0, 0)
        self.partition: OnePartition[Row] = OnePartition(self.shell)

    def set(self, *, budget: bool) -> None:
        """The shop's file has the offer with its budget, or without."""
        shop = scarce(10)
        if not budget:
            offer = replace(shop.offers[0], budget=None, discount_max=None)
            shop = replace(shop, offers=(offer,))
        self.view = View(initial_models(), compile_policy(shop))

    def take(self, sent: Iterator[Sent]) -> None:
        """One batch."""
        records = [
            Record(topic, 0, number, 0, key, value, ())
            for number, (topic, key, value) in enumerate(sent)
        ]
        self.shell.on_records(self.partition, records)

    def grant(self, granted: int, key: str = KEY) -> None:
        """The treasury's word."""
        word = LeaseAllotted(key=key, offer_id=OFFER_ID, granted=granted, recalled=0)
        topic = SETTINGS.on_broker(CUSTOMER_EVENTS)
        record = Record(topic, 0, 0, 0, key.encode(), encode_routed(word), ())
        self.shell.on_records(self.partition, [record])

    def lease(self) -> Lease | None:
        """As it is stored."""
        data = self.partition.stored.get(KEY.encode())
        row = None if data is None else self.shell.decode_row(data)
        assert row is None or isinstance(row, Lease)
        return row

    def asked(self) -> int:
        """How often the lease's row was asked for."""
        return self.partition.asked.count(KEY.encode())

    def reserved(self) -> int:
        """What is reserved of the offer's money, as it is stored."""
        lease = self.lease()
        return 0 if lease is None else lease.budgets[OFFER_ID].held


@pytest.mark.parametrize("budget", [False, True])
def test_the_lease_is_asked_for_once_an_opening(budget: bool) -> None:
    """Also where there is none; after a drop, and where the partition was elsewhere, anew."""
    shop = Shop(budget=budget)
    for _ in range(3):
        shop.take(agreed(5))
        shop.partition.commit()
    assert shop.asked() == 1
    shop.partition.drop()
    shop.take(agreed(5))
    assert shop.asked() == 2
    shop.partition.commit()
    shop.shell.on_restored(0, 1)
    shop.take(agreed(5))
    assert shop.asked() == 3


def test_what_was_dropped_was_never_reserved() -> None:
    """The lease is that of the last commit, not of the epoch that never was."""
    shop = Shop(budget=True)
    shop.take(agreed(3))
    shop.grant(3 * FIVE)
    shop.partition.commit()
    people = opens(3)
    shop.take(islice(people, 1))
    shop.partition.commit()
    assert shop.reserved() == FIVE
    second = list(islice(people, 1))
    shop.take(iter(second))
    shop.partition.drop()
    shop.take(iter(second))
    shop.partition.commit()
    assert shop.reserved() == 2 * FIVE


def test_a_lease_that_comes_where_there_was_none_is_known_at_once() -> None:
    """The shop has no budget; then the treasury's word makes the row, and the shop gets one."""
    shop = Shop(budget=False)
    shop.take(agreed(2))
    shop.grant(2 * FIVE)
    shop.set(budget=True)
    shop.take(opens(2))
    shop.partition.commit()
    assert shop.reserved() == 2 * FIVE
    assert shop.shell.created == {0: 3}


def test_a_lease_of_other_partitions_is_not_this_one() -> None:
    """A word from when there were more partitions makes a row, and nobody spends of it."""
    shop = Shop(budget=True)
    shop.take(agreed(2))
    shop.grant(2 * FIVE, "lease/4/0/0")
    shop.take(opens(2))
    shop.partition.commit()
    assert shop.reserved() == 0
    assert shop.meter.value(metrics.WITHHELD, "budget") == 2.0


def test_a_budget_that_was_removed_still_has_its_lease() -> None:
    """What was reserved is released on its day, and given back money is told."""
    shop = Shop(budget=True)
    shop.take(agreed(2))
    shop.grant(2 * FIVE)
    shop.take(opens(1))
    shop.partition.commit()
    shop.set(budget=False)
    shop.take(opens(2, from_minute=60 * 24 * 40.0))
    while due := shop.partition.due(shop.shell.now_ms(0), 1):
        shop.shell.on_due(shop.partition, shop.shell.now_ms(0))
        assert shop.partition.due(shop.shell.now_ms(0), 1) != due
    shop.partition.commit()
    assert shop.reserved() == 0
