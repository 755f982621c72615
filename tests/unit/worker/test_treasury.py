"""The treasury's shell: what it answers stands in rows, and is said once, whatever is dropped."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from streams import topics
from streams.admin.budgets import newest
from streams.contracts.inputs.decode import decode_routed
from streams.contracts.internal.budgets import BudgetTold
from streams.contracts.internal.leases import LeaseAllotted, LeaseReported, encode_report
from streams.decisions import compile_policy
from streams.leases.treasury import (
    FORGET_MS,
    QUIET_MS,
    Account,
    Holding,
    decode_account,
    new_account,
)
from streams.models import initial_models
from streams.runtime.murmur2 import partition_for
from streams.runtime.records import Record
from streams.settings import Settings
from streams.telemetry.catalogue import decisions as metrics
from streams.telemetry.metric import OTHER
from streams.worker.leases import lease_keys
from streams.worker.meter import Meter
from streams.worker.reference import View
from streams.worker.treasury import LOOK_MS, TreasuryShell
from tests.support.one_partition import OnePartition
from tests.support.scarce_shop import OFFER_ID, scarce

SETTINGS = Settings()
TOPIC = SETTINGS.on_broker(topics.LEASE_REQUESTS)
PARTS = 4
KEYS = lease_keys(PARTS)
AT_MS = round(datetime(2024, 1, 2, tzinfo=UTC).timestamp() * 1000)
FIVE = 50_000  # units


class Treasury(OnePartition[Account]):
    """The treasury's one partition, and what it says."""

    def account(self) -> Account:
        """As it is stored."""
        return decode_account(self.stored[OFFER_ID.encode()])

    def allotted(self) -> list[LeaseAllotted]:
        """What partitions were told, in order."""
        name = SETTINGS.on_broker(topics.CUSTOMER_EVENTS)
        sent = [o for o in self.outputs if o.topic == name]
        words = [decode_routed(o.value) for o in sent]
        assert all(isinstance(word, LeaseAllotted) for word in words)
        for output, word in zip(sent, words, strict=True):
            assert isinstance(word, LeaseAllotted)
            assert output.key == word.key.encode()
            partition = partition_for(word.key.encode(), PARTS)
            assert KEYS[partition] == word.key
        return [word for word in words if isinstance(word, LeaseAllotted)]

    def told(self) -> list[BudgetTold]:
        """What was published of the budget, in order."""
        name = SETTINGS.on_broker(topics.BUDGETS)
        values = [o.value for o in self.outputs if o.topic == name]
        return [msgspec.json.decode(value, type=BudgetTold) for value in values if value]

    def shown(self) -> dict[str, BudgetTold]:
        """What pages and `offers budgets` show of all that was published."""
        name = SETTINGS.on_broker(topics.BUDGETS)
        return newest((o.key, o.value) for o in self.outputs if o.topic == name)


class Shop:
    """The treasury over a shop whose budget can be changed."""

    def __init__(self, coupons: int) -> None:
        self.meter = Meter()
        self.set(coupons)
        self.shell = TreasuryShell(SETTINGS, lambda: self.view, self.meter)
        self.shell.on_restored(0, 0)
        self.partition = Treasury(self.shell)

    def set(self, coupons: int, *names: str) -> None:
        """Money for so many coupons, of each of these offers."""
        shop = scarce(coupons)
        offers = tuple(replace(shop.offers[0], offer_id=name) for name in names or (OFFER_ID,))
        self.view = View(initial_models(), compile_policy(replace(shop, offers=offers)))

    def hear(self, *records: Record) -> None:
        """One batch."""
        self.shell.on_records(self.partition, records)


def report(
    partition: int, told: int, *, wanted: int = FIVE, reserved: int = 0, used: int = 0,
    returned: int = 0, offer_id: str = OFFER_ID,
) -> Record:  # fmt: skip
    """What a partition reports: report number `told`."""
    said = LeaseReported(
        key=KEYS[partition],
        offer_id=offer_id,
        told=told,
        returned=returned,
        used=used,
        reserved=reserved,
        wanted=wanted,
        at_ms=AT_MS,
    )
    return Record(TOPIC, 0, told, AT_MS, offer_id.encode(), encode_report(said), ())


def test_at_the_first_report_of_an_offer_every_partition_gets_a_part() -> None:
    """So the first decision of each finds something; together it is no more than the budget."""
    shop = Shop(80)
    shop.hear(report(1, 1))
    shop.partition.commit()
    words = shop.partition.allotted()
    assert sorted(word.key for word in words) == sorted(KEYS)
    assert all(word.granted >= FIVE for word in words)
    assert sum(word.granted for word in words) <= 80 * FIVE
    (told,) = shop.partition.told()
    assert (told.amount, told.free, told.told_at_ms) == ("400.00", "400.00", AT_MS)
    assert shop.meter.value(metrics.BUDGET, OFFER_ID, "amount") == 400.0


@pytest.mark.parametrize("first", [1, 2, 3])
def test_what_was_dropped_is_answered_again_and_said_once(first: int) -> None:
    """Accounts and outputs are those of a treasury that nothing happened to."""
    records = [report(0, 1), report(1, 1), report(0, 2, reserved=FIVE), report(0, 2, reserved=FIVE)]
    quiet, shop = Shop(20), Shop(20)
    for one in records:
        quiet.hear(one)
        quiet.partition.commit()
    shop.hear(*records[:first])
    shop.partition.drop()
    for one in records:
        shop.hear(one)
        shop.partition.commit()
    assert shop.partition.account() == quiet.partition.account()
    assert shop.partition.outputs == quiet.partition.outputs
    assert shop.meter.value(metrics.LEASES_ANSWERED, "answered") == 4.0
    assert quiet.partition.told()[-1].reserved == "5.00"


def test_a_budget_that_is_lowered_is_called_back_though_nobody_asks() -> None:
    """The file says less than was granted: by the next look partitions are told."""
    shop = Shop(80)
    shop.hear(report(0, 1))
    shop.partition.commit()
    granted = sum(word.granted for word in shop.partition.allotted())
    assert granted > 10 * FIVE
    due_ms = shop.partition.due_ms[OFFER_ID.encode()]
    shop.shell.on_due(shop.partition, due_ms - 1)
    shop.partition.commit()
    before = len(shop.partition.allotted())
    shop.set(10)
    shop.shell.on_due(shop.partition, due_ms)
    shop.partition.commit()
    called = shop.partition.allotted()[before:]
    assert sum(word.recalled for word in called) >= granted - 10 * FIVE
    assert shop.partition.told()[-1].amount == "50.00"


def test_a_look_that_changes_nothing_only_looks_again() -> None:
    """No record goes out; the figures of Prometheus are there after a restart, too."""
    shop = Shop(80)
    shop.hear(report(0, 1))
    shop.partition.commit()
    said = list(shop.partition.outputs)
    due_ms = shop.partition.due_ms[OFFER_ID.encode()]
    shop.meter = Meter()
    shop.shell = TreasuryShell(SETTINGS, lambda: shop.view, shop.meter)
    shop.shell.on_restored(0, 1)
    shop.shell.on_due(shop.partition, due_ms)
    assert shop.partition.due_ms[OFFER_ID.encode()] == due_ms + LOOK_MS
    shop.partition.shell = shop.shell
    shop.partition.commit()
    assert shop.partition.outputs == said
    assert shop.meter.value(metrics.BUDGET, OFFER_ID, "free") == 400.0


def test_a_report_that_cannot_be_read_is_a_dead_letter() -> None:
    """The others of the batch are answered."""
    shop = Shop(80)
    bad = Record(TOPIC, 0, 7, AT_MS, b"x", b"nonsense", ())
    shop.hear(bad, report(0, 1))
    shop.partition.commit()
    (letter,) = [o for o in shop.partition.outputs if o.topic == "dead-letters"]
    assert dict(letter.headers)["os_source_topic"] == b"lease-requests"
    assert len(shop.partition.allotted()) == PARTS
    assert shop.meter.value(metrics.LEASES_ANSWERED, "unreadable") == 1.0


def test_the_keys_of_leases_fall_on_their_partitions() -> None:
    """By the partitioner that all of our topics have."""
    for count in (1, 4, 7):
        keys = lease_keys(count)
        assert [partition_for(key.encode(), count) for key in keys] == list(range(count))
    assert timedelta(milliseconds=LOOK_MS) <= timedelta(minutes=1)


def test_what_offers_without_a_gauge_overdraw_is_told_in_one_sum() -> None:
    """Of 52 offers three have no gauges; two are overdrawn by 10 and 5. A sum of some is none."""
    shop, names = Shop(1), [f"o-{number:02}" for number in range(52)]
    shop.set(1, *names)
    for number, used in ((0, FIVE), (49, 3 * FIVE), (50, 2 * FIVE), (51, FIVE)):
        shop.hear(report(0, 1, used=used, offer_id=names[number]))
    shop.partition.commit()
    assert shop.meter.value(metrics.BUDGET, "o-00", "used") == 5.0
    assert (OTHER, "overdrawn") not in shop.meter.values_of(metrics.BUDGET)
    due_ms = max(shop.partition.due_ms.values())
    shop.shell.on_due(shop.partition, due_ms + LOOK_MS)
    shop.partition.commit()
    assert shop.meter.value(metrics.BUDGET, OTHER, "overdrawn") == 15.0
    assert {labels[0] for labels in shop.meter.values_of(metrics.BUDGET)} == {"o-00", OTHER}


def test_a_budget_that_was_removed_has_no_gauges() -> None:
    """Nor is it in the sum of the others."""
    shop = Shop(1)
    shop.hear(report(0, 1, used=2 * FIVE))
    shop.partition.commit()
    assert shop.meter.value(metrics.BUDGET, OFFER_ID, "overdrawn") == 5.0
    shop.set(1, "another")
    shop.shell.on_due(shop.partition, shop.partition.due_ms[OFFER_ID.encode()] + LOOK_MS)
    shop.partition.commit()
    assert shop.meter.values_of(metrics.BUDGET) == {}


def test_a_budget_that_was_removed_is_shown_no_more() -> None:
    """One record without a value says so; what comes of coupons that are out is not published."""
    shop = Shop(80)
    shop.hear(report(0, 1, reserved=FIVE), report(0, 1, offer_id="o-1"))
    shop.partition.commit()
    assert set(shop.partition.shown()) == {OFFER_ID}
    said = len(shop.partition.outputs)
    shop.set(1, "another")
    due_ms = shop.partition.due_ms[OFFER_ID.encode()]
    for _ in range(3):
        shop.shell.on_due(shop.partition, due_ms)
        shop.partition.commit()
        due_ms += LOOK_MS
        shop.hear(report(0, round(due_ms), used=FIVE))
    published = [o for o in shop.partition.outputs[said:] if o.topic.endswith("-budgets")]
    assert [(o.key, o.value) for o in published] == [(OFFER_ID.encode(), None)]
    assert shop.partition.shown() == {}
    shop.set(80)
    shop.shell.on_due(shop.partition, due_ms)
    shop.partition.commit()
    assert shop.partition.shown()[OFFER_ID].used == "5.00"


def test_of_an_offer_that_is_long_gone_nothing_is_kept() -> None:
    """Its parts are settled 30 days after they were quiet, what was used is known for 400 more."""
    shop = Shop(20)
    shop.hear(report(0, 1), report(1, 1))
    shop.partition.commit()
    granted = {word.key: word.granted for word in shop.partition.allotted()}
    shop.set(1, "another")
    for part in range(PARTS):
        back = granted[KEYS[part]] - (FIVE if part == 0 else 0)
        used = FIVE if part == 0 else 0
        shop.hear(report(part, 9, wanted=0, used=used, returned=back))
    shop.partition.commit()
    said = len(shop.partition.allotted())
    quiet_ms = AT_MS + QUIET_MS
    for now_ms, settled in ((quiet_ms - 1, 0), (quiet_ms, PARTS), (quiet_ms + 1, PARTS)):
        shop.partition.due_ms[OFFER_ID.encode()] = 0
        shop.shell.on_due(shop.partition, now_ms)
        shop.partition.drop()
        shop.partition.due_ms[OFFER_ID.encode()] = 0
        shop.shell.on_due(shop.partition, now_ms)
        shop.partition.commit()
        assert len(shop.partition.allotted()) - said == settled
    assert (shop.partition.account().spent, shop.partition.account().holdings) == (FIVE, {})
    shop.partition.due_ms[OFFER_ID.encode()] = 0
    shop.shell.on_due(shop.partition, quiet_ms + FORGET_MS)
    shop.partition.commit()
    assert shop.partition.stored == {}


def test_after_a_late_use_a_budget_that_comes_back_starts_on_every_partition() -> None:
    """Though only the partition of that use has a part when it does."""
    shop = Shop(20)
    account = replace(
        new_account(OFFER_ID, life=1), holdings={KEYS[2]: Holding(used=FIVE, told=3, at_ms=AT_MS)}
    )
    shop.partition.put(OFFER_ID.encode(), account)
    shop.partition.due_ms[OFFER_ID.encode()] = 0
    shop.shell.on_due(shop.partition, AT_MS)
    shop.partition.commit()
    assert {word.key for word in shop.partition.allotted()} == set(KEYS)


def test_a_budget_that_comes_back_after_its_parts_were_settled_starts_by_itself() -> None:
    """The next look gives every partition its part again; what was used is off the budget."""
    shop = Shop(20)
    shop.hear(report(0, 1))
    shop.partition.commit()
    granted = {word.key: word.granted for word in shop.partition.allotted()}
    shop.set(1, "another")
    for part in range(PARTS):
        shop.hear(report(part, 9, wanted=0, used=FIVE, returned=granted[KEYS[part]] - FIVE))
    shop.partition.due_ms[OFFER_ID.encode()] = 0
    shop.shell.on_due(shop.partition, AT_MS + QUIET_MS)
    shop.partition.commit()
    said = len(shop.partition.allotted())
    shop.set(20)
    shop.partition.due_ms[OFFER_ID.encode()] = 0
    shop.shell.on_due(shop.partition, AT_MS + QUIET_MS + LOOK_MS)
    shop.partition.commit()
    words = shop.partition.allotted()[said:]
    assert sorted(word.key for word in words) == sorted(KEYS)
    assert {word.life for word in words} == {1}
    assert sum(word.granted for word in words) <= (20 - PARTS) * FIVE
    assert shop.partition.shown()[OFFER_ID].used == "20.00"
