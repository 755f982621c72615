"""A partition's lease: what is free, what comes back by itself, what a late use does."""

import pytest
from msgspec.structs import replace

from streams.contracts.internal.leases import LeaseAllotted, LeaseReported, LeaseUsed, Reservation
from streams.contracts.outputs.effects import BudgetUsed, Effect, EventRouted, LeaseTold
from streams.contracts.reference.structs import Offer
from streams.contracts.times import DAY_MS, from_ms
from streams.customer import decode_row, due_at_ms, encode_row
from streams.customer.row import ROW_VERSION
from streams.errors import ReferenceDataError, StateError
from streams.leases import (
    Budget,
    Lease,
    LeaseBook,
    LeasedBudget,
    budget_of,
    is_elsewhere,
    lease_key,
    new_lease,
    to_its_lease,
)
from streams.leases.lease import ASK_AGAIN_MS, FORGET_MS, REPORT_MS
from streams.runtime.murmur2 import partition_for
from tests.unit.decisions.people import offer, shop

T0 = 20_000 * DAY_MS
TEN = Budget(amount=1_000, least=10)


def lease_with(granted: int) -> Lease:
    """A lease of one partition with so much of tea-10's money."""
    budget = LeasedBudget(granted=granted, chunk=granted)
    return Lease(version=1, key="lease/1/0/0", partition=0, partitions=1, budgets={"t": budget})


def reports(effects: tuple[Effect, ...]) -> list[LeaseReported]:
    """What the treasury is told."""
    return [effect.report for effect in effects if isinstance(effect, LeaseTold)]


def test_what_was_reserved_is_free_again_after_its_last_day_of_grace() -> None:
    """A coupon for 2 days is reserved for 9, and its money is there on the tenth."""
    book = LeaseBook(lease_with(15))
    held = book.reserve("t", TEN, T0 + 2 * DAY_MS, T0)
    assert held == Reservation("lease/1/0/0", 20_009, 10)
    assert book.free("t", T0 + 10 * DAY_MS - 1) == 5
    assert book.free("t", T0 + 10 * DAY_MS) == 15


def test_a_use_takes_what_it_cost_and_leaves_the_rest_of_its_reservation() -> None:
    """8 of 10 reserved were used: 2 are free again at once."""
    book = LeaseBook(lease_with(15))
    held = book.reserve("t", TEN, T0, T0)
    book.charge(BudgetUsed("t", 8, T0 + 1, held))
    budget = book.lease.budgets["t"]
    assert (budget.used, budget.held, budget.free) == (8, 0, 7)


def test_a_use_after_the_release_is_taken_from_what_is_free_and_told_where_that_is_not_there() -> (
    None
):
    """Nothing is reserved any more, so 10 of 3 free leave 7 below nothing, and it is told."""
    book = LeaseBook(lease_with(13))
    held = book.reserve("t", TEN, T0, T0)
    late_ms = T0 + 20 * DAY_MS
    assert book.free("t", late_ms) == 13
    other = book.reserve("t", TEN, late_ms, late_ms)
    book = LeaseBook(book.lease)
    book.charge(BudgetUsed("t", 10, late_ms, held))
    assert book.lease.budgets["t"].free == -7
    assert [(r.used, r.reserved) for r in reports(book.close())] == [(10, other.units)]


def test_a_use_of_another_partitions_reservation_goes_there() -> None:
    """After a merge the decision is here and its money over there."""
    used = BudgetUsed("t", 8, T0, Reservation("lease/4/2/1", 20_009, 10))
    assert is_elsewhere(used, "lease/4/1/0")
    assert not is_elsewhere(used, "lease/4/2/1")
    message = LeaseUsed(
        key="lease/4/2/1", offer_id="t", until_day=20_009, reserved=10, cost=8, at_ms=T0
    )
    assert to_its_lease(used) == EventRouted("lease/4/2/1", message)


def test_nothing_is_reserved_that_is_not_free() -> None:
    """Whoever decides has asked before; a mistake there is loud and spends nothing."""
    with pytest.raises(ValueError, match="9 are free"):
        LeaseBook(lease_with(9)).reserve("t", TEN, T0, T0)


def test_more_is_asked_for_once_in_good_time_and_once_for_want_of_it() -> None:
    """With half of the grant gone it asks, without money again, and then not for ten minutes."""
    book = LeaseBook(lease_with(40))
    book.reserve("t", TEN, T0, T0)
    assert book.close() == ()
    asked: list[int] = []
    lease = book.lease
    for moment in (T0, T0, T0, T0 + 1, T0 + ASK_AGAIN_MS):
        book = LeaseBook(lease)
        if book.free("t", moment) >= TEN.least:
            book.reserve("t", TEN, T0, moment)
        else:
            book.want("t", TEN.least, moment)
        asked.extend([r.wanted for r in reports(book.close())])
        lease = book.lease
    assert asked == [10, 10, 10]


def test_the_treasurys_word_counts_once_and_what_is_asked_back_is_given_as_it_gets_free() -> None:
    """12 of 20 are asked back: 10 are free and go at once, 2 when the reservation is over."""
    book = LeaseBook(lease_with(20))
    book.reserve("t", TEN, T0, T0)
    word = LeaseAllotted(key=book.lease.key, offer_id="t", granted=20, recalled=12, at_ms=T0)
    book.hear(word)
    assert [r.returned for r in reports(book.close())] == [10]
    again = LeaseBook(book.lease)
    again.hear(word)
    assert [r.returned for r in reports(again.close())] == [10]
    again.elapse(T0 + 9 * DAY_MS)
    assert again.lease.budgets["t"].returned == 12
    assert again.lease.budgets["t"].free == 8


def test_a_grant_is_not_given_back_for_what_was_asked_back_before() -> None:
    """All was used when it was asked back; new money stays. An old word costs it once, no more."""
    book = LeaseBook(lease_with(20))
    for _ in range(2):
        book.charge(BudgetUsed("t", 10, T0, book.reserve("t", TEN, T0, T0)))
    old = LeaseAllotted(key=book.lease.key, offer_id="t", granted=20, recalled=20, at_ms=T0)
    book.hear(old)
    assert book.lease.budgets["t"].recalled == 20
    book.hear(replace(old, granted=50, recalled=0))
    assert book.free("t", T0) == 30
    book.hear(replace(old, granted=50, recalled=5))
    assert book.free("t", T0) == 25
    for _ in range(2):
        book.hear(old)
        assert book.free("t", T0) == 10
    book.hear(replace(old, granted=90, recalled=20))
    assert book.free("t", T0) == 50


def test_a_change_is_told_after_five_minutes_though_nothing_is_asked() -> None:
    """The lease is due for its report; told once, it waits for the end of the reservation."""
    book = LeaseBook(lease_with(100))
    book.reserve("t", TEN, T0, T0)
    assert book.close() == ()
    assert due_at_ms(book.lease) == T0 + REPORT_MS
    book.elapse(T0 + REPORT_MS)
    assert [(r.told, r.reserved, r.wanted) for r in reports(book.close())] == [(1, 10, 0)]
    assert due_at_ms(book.lease) == T0 + 8 * DAY_MS


def word(**sums: int) -> LeaseAllotted:
    """The treasury's word."""
    return LeaseAllotted(key="lease/1/0/0", offer_id="t", **{"granted": 0, "recalled": 0, **sums})


def told(lease: Lease, *words: LeaseAllotted) -> tuple[Lease, list[LeaseReported]]:
    """The lease after these words, and what it tells of them."""
    said: list[LeaseReported] = []
    for one in words:
        book = LeaseBook(lease)
        book.hear(one)
        said += reports(book.close())
        lease = book.lease
    return lease, said


def test_a_part_that_was_settled_is_forgotten_30_days_later() -> None:
    """Words of its earlier life do nothing meanwhile; in the end nothing of it is stored."""
    lease = lease_with(30)
    lease = replace(lease, budgets={"t": replace(lease.budgets["t"], used=30, told=4)})
    settled = word(life=1, settled=30, at_ms=T0)
    lease, said = told(lease, settled, settled, word(granted=90))
    assert (said, lease.budgets["t"].free) == ([], 0)
    assert due_at_ms(lease) == T0 + FORGET_MS
    for at_ms, left in ((T0 + FORGET_MS - 1, 1), (T0 + FORGET_MS, 0)):
        book = LeaseBook(lease)
        book.elapse(at_ms)
        assert (len(book.lease.budgets), book.close()) == (left, ())


def test_what_was_used_since_it_was_told_is_carried_into_the_new_life() -> None:
    """Of 37 used, 30 are settled; 7 and what is reserved are told anew, and nothing is free."""
    lease = lease_with(60)
    part = replace(lease.budgets["t"], used=37, reserved=((20_007, 10),), told=4)
    lease, (said,) = told(replace(lease, budgets={"t": part}), word(life=1, settled=30, at_ms=T0))
    assert (said.used, said.reserved, said.told, said.life) == (7, 10, 5, 1)
    assert lease.budgets["t"].free == -17
    lease, _ = told(lease, word(life=1, granted=27, at_ms=T0))
    assert lease.budgets["t"].free == 10
    assert due_at_ms(lease) == 20_008 * DAY_MS


def test_who_asked_before_it_knew_of_the_new_life_asks_again() -> None:
    """What it wants goes out once more, and the grant of that life is taken."""
    book = LeaseBook(new_lease("lease/1/0/0"))
    book.begin({"t": TEN}, T0)
    book.close()
    lease, said = told(book.lease, word(life=2, at_ms=T0))
    assert [(one.wanted, one.life, one.told) for one in said] == [(10, 2, 2)]
    lease, said = told(lease, word(life=2, granted=40, at_ms=T0))
    assert (lease.budgets["t"].free, said) == (40, [])


def test_nothing_is_stored_of_an_offer_that_was_settled_and_is_not_known_here() -> None:
    """Its word comes where the part was forgotten, or never was."""
    lease, said = told(new_lease("lease/1/0/0"), word(life=3, settled=5, at_ms=T0))
    assert (dict(lease.budgets), said) == ({}, [])


def test_a_part_that_began_anew_after_it_was_forgotten_tells_all_that_it_used() -> None:
    """What the one before had told, 30, is not of its 5 uses, nor of its 40."""
    for used in (5, 40):
        lease = lease_with(0)
        part = replace(lease.budgets["t"], used=used, told=1, began_ms=T0)
        old = word(life=1, settled=30, settled_ms=T0 - FORGET_MS, at_ms=T0)
        lease, (said,) = told(replace(lease, budgets={"t": part}), old)
        assert said.used == used


def test_a_part_of_a_later_life_takes_no_word_of_an_earlier_ones_uses() -> None:
    """It told nothing in its life, so all of it is carried over."""
    lease = lease_with(0)
    part = replace(lease.budgets["t"], used=9, told=6, life=1)
    lease, (said,) = told(
        replace(lease, budgets={"t": part}), word(life=2, settled=7, settled_ms=T0, at_ms=T0)
    )
    assert (said.used, said.life) == (9, 2)


def test_a_lease_is_a_row_under_a_key_that_its_partition_gets() -> None:
    """Written and read it is the same, and murmur2 puts each key where it belongs."""
    keys = [lease_key(p, 12, partition_for) for p in range(12)]
    assert [partition_for(key.encode(), 12) for key in keys] == list(range(12))
    lease = new_lease(keys[7])
    assert (lease.partition, lease.partitions, lease.key) == (7, 12, keys[7])
    lease = lease_with(20)
    assert decode_row(encode_row(lease)) == lease


def test_a_lease_of_a_newer_version_is_refused() -> None:
    """Like any row; there is none of the versions that an older program takes for a person's."""
    for version in (2, 3, 9):
        lease = Lease(version=version, key="lease/1/0/0", partition=0, partitions=1)
        with pytest.raises(StateError, match=f"version {version}"):
            decode_row(encode_row(lease))


def test_a_lease_with_a_settled_part_is_of_a_version_that_older_programs_refuse() -> None:
    """They would drop the life of the part; before there is one they can read all of it."""
    lease, _ = told(lease_with(30), word(granted=40))
    assert lease.version == 1
    lease, _ = told(lease, word(life=1, at_ms=T0))
    assert lease.version > ROW_VERSION
    assert decode_row(encode_row(lease)) == lease


def test_the_least_is_the_most_that_one_use_can_cost() -> None:
    """`discount_max` where it is said, else `discount`; money has no drift."""

    def offer(**fields: float) -> Offer:
        return Offer(
            offer_id="t",
            kind="amount",
            title={"en": "Tea"},
            valid_from=from_ms(T0),
            valid_until=from_ms(T0 + DAY_MS),
            margin=9.0,
            **fields,  # type: ignore[arg-type]
        )

    assert budget_of(offer(discount=3.1)) is None
    assert budget_of(offer(discount=3.1, budget=0.3)) == Budget(amount=3_000, least=31_000)
    assert budget_of(offer(discount_max=8.0, budget=5000.0)) == Budget(50_000_000, 80_000)


STORED = bytes.fromhex(
    "960401ab6c656173652f342f312f33010481a67465612d31309bcd01901e32509292cd4e29cca092cd4e2c5002cf"
    "0000019254d380006407cf0000019254d506a050"
)


def test_a_lease_that_version_1_stored_is_read() -> None:
    """Money that was reserved then is reserved still."""
    lease = decode_row(STORED)
    assert isinstance(lease, Lease)
    assert (lease.key, lease.partition, lease.partitions) == ("lease/4/1/3", 1, 4)
    budget = lease.budgets["tea-10"]
    assert budget.reserved == ((20_009, 160), (20_012, 80))
    assert (budget.granted, budget.used, budget.told, budget.free) == (400, 80, 7, 50)


STORED_V4 = bytes.fromhex(
    "960404ab6c656173652f312f302f30000181a1749d000000079192cd4e270a0000000500000100"
)


def test_a_lease_that_version_4_stored_is_read() -> None:
    """One part of it is in its second life."""
    lease = decode_row(STORED_V4)
    assert isinstance(lease, Lease)
    budget = lease.budgets["t"]
    assert (budget.life, budget.used, budget.held, budget.told) == (1, 7, 10, 5)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"discount_max": 8.0}, "$.discount_max: bounds a budget, and the offer has none"),
        ({"budget": 9.0, "discount": 0.0}, "$.budget: needs a discount_max or a discount above 0"),
        ({"budget": 9.0, "discount_max": 0.4}, "$.discount_max: is below discount, 0.5"),
        ({"budget": 9.0, "class_": "mandatory"}, "$.budget: a mandatory offer is for everybody"),
        ({"budget": 7.0, "discount_max": 8.0}, "$.budget: is below what one use can cost, 8"),
    ],
)
def test_a_budget_that_cannot_work_is_refused(fields: dict[str, float], fault: str) -> None:
    """With what is wrong of it."""
    with pytest.raises(ReferenceDataError) as refused:
        shop(offer("tea", **fields))
    assert f"offers: tea: {fault}" in str(refused.value)
