"""The treasury: parts of a budget granted, asked back, and never more than there is."""

import pytest
from msgspec.structs import replace

from streams.contracts.internal.leases import LeaseAllotted, LeaseReported
from streams.contracts.outputs.effects import LeaseTold
from streams.contracts.times import DAY_MS
from streams.errors import StateError
from streams.leases import Budget, LeaseBook, new_lease
from streams.leases.lease import Lease, LeasedBudget
from streams.leases.treasury import (
    KEEP_MS,
    QUIET_MS,
    Account,
    Holding,
    TakenOver,
    answer,
    decode_account,
    encode_account,
    look,
    new_account,
    settle,
    state,
)

KEYS = ("lease/2/0/0", "lease/2/1/0")
BUDGET = Budget(amount=100, least=10)


def report(of: int, told: int = 1, **sums: int) -> LeaseReported:
    """What partition `of` of two says."""
    known = {"returned": 0, "used": 0, "reserved": 0, "wanted": 0, **sums}
    return LeaseReported(key=KEYS[of], offer_id="t", told=told, at_ms=5, **known)


def words(told: tuple[LeaseAllotted, ...]) -> list[tuple[str, int, int]]:
    """Who is told what: granted in all, asked back in all."""
    return [(word.key, word.granted, word.recalled) for word in told]


def opened() -> Account:
    """Both partitions have their first part, 25 of 100 each."""
    account, told = look(new_account("t"), BUDGET, KEYS, at_ms=1)
    assert words(told) == [(KEYS[0], 25, 0), (KEYS[1], 25, 0)]
    return account


def test_each_partition_gets_a_first_part_before_anybody_asks() -> None:
    """Half of an equal share; the rest waits for who needs it. A second look grants nothing."""
    account = opened()
    assert look(account, BUDGET, KEYS) == (account, ())


def test_who_asks_in_good_time_gets_a_chunk_of_what_is_left() -> None:
    """Of 100 - 20 reserved, a quarter of what is free anywhere."""
    account, told = answer(opened(), report(0, reserved=20, wanted=10), BUDGET)
    assert words(told) == [(KEYS[0], 45, 0)]
    assert account.waiting == ()


def test_where_nothing_is_left_it_is_asked_back_from_who_has_it_free() -> None:
    """The second has 25 free; the first lacks 10, gets them when they are given back."""
    account, _ = answer(opened(), report(0, told=1, used=25, wanted=10), Budget(50, 10))
    assert account.waiting == (KEYS[0],)
    assert account.holdings[KEYS[1]].recalled == 10
    account, told = answer(account, report(1, returned=10), Budget(50, 10))
    assert words(told) == [(KEYS[0], 35, 0)]
    assert account.waiting == ()


def test_a_report_that_comes_twice_or_late_changes_nothing() -> None:
    """It is known by its number."""
    newer = answer(opened(), report(0, told=2, used=8), BUDGET)[0]
    assert answer(newer, report(0, told=2, used=8), BUDGET) == (newer, ())
    assert answer(newer, report(0, told=1, reserved=9, wanted=10), BUDGET) == (newer, ())


def test_a_raised_budget_serves_who_waited() -> None:
    """All is used; 30 more come, and the waiting one gets a part without asking again."""
    account, told = answer(opened(), report(0, used=25, wanted=10), Budget(25, 10))
    assert account.waiting == (KEYS[0],)
    account, told = look(account, Budget(80, 10), KEYS)
    assert (KEYS[0], 38, 0) in words(told)


def test_a_lowered_budget_is_asked_back_from_what_is_not_used() -> None:
    """60 of 100 remain: the pool's 50 go first, then 10 of what is free."""
    account, _ = look(opened(), Budget(40, 10), KEYS)
    assert sum(h.recalled for h in account.holdings.values()) == 10
    account, _ = look(opened(), Budget(1, 10), KEYS)
    assert sum(h.recalled for h in account.holdings.values()) == 49


def test_a_grant_takes_back_what_was_asked_back_in_vain() -> None:
    """Lowered, all was used: of a raised budget a part is granted, and nothing of it recalled."""
    account, _ = answer(opened(), report(0, told=1, reserved=25), BUDGET)
    account, _ = look(account, Budget(1, 10), KEYS)
    assert account.holdings[KEYS[0]].recalled > 0
    account, _ = answer(account, report(0, told=2, used=25, wanted=10), Budget(1, 10))
    account, told = look(account, Budget(200, 10), KEYS)
    assert (KEYS[0], account.holdings[KEYS[0]].granted, 0) in words(told)
    assert account.holdings[KEYS[0]].free >= 10


def test_free_money_is_asked_back_though_somebody_reserved_what_was_to_come() -> None:
    """The second had 10 free when they were asked back, and sent a coupon; the third has 10."""
    keys = tuple(f"lease/3/{number}/0" for number in range(3))
    waits = Holding(granted=10, reserved=10, wanted=10, told=1)
    gone = Holding(granted=20, recalled=10, reserved=20, told=1)
    has = Holding(granted=20, reserved=10, told=1)
    parts = dict(zip(keys, (waits, gone, has), strict=True))
    account = Account(1, "t", 50, parts, (keys[0],))
    account, told = look(account, Budget(50, 10), keys, at_ms=KEEP_MS)
    assert words(told) == [(keys[2], 20, 10)]
    assert look(account, Budget(50, 10), keys, at_ms=KEEP_MS)[0] == account


def test_a_use_beyond_a_part_is_off_the_pool_at_once_and_overdrawn_where_the_budget_ends() -> None:
    """A part of 25 of which 70 are used takes 70; 110 used of 100 are 10 overdrawn."""
    account, _ = answer(opened(), report(0, used=70), BUDGET)
    assert account.pool == 5
    account, _ = answer(account, report(1, used=40), BUDGET)
    assert state(account).overdrawn == 10
    assert state(account).free == 0


def test_an_offer_that_is_gone_from_the_file_gets_nothing_more() -> None:
    """Who asks waits; what is free is asked back, and so is what is reserved, once it is free."""
    account, told = answer(opened(), report(0, reserved=20, wanted=10), None)
    assert words(told) == [(KEYS[1], 25, 25), (KEYS[0], 25, 25)]
    account, told = answer(account, report(0, told=2, returned=5, used=20, wanted=10), None)
    assert (told, account.waiting) == ((), (KEYS[0],))
    account, told = look(account, BUDGET)
    assert words(told)[-1] == (KEYS[0], 45, 5)


def gone(*, used: int = 7) -> Account:
    """The offer has no budget any more, and each partition has given back what was not used."""
    account = opened()
    for part in (0, 1):
        account, _ = answer(account, report(part, used=used, returned=25 - used), None)
    return account


def test_parts_of_an_offer_that_is_gone_are_settled_when_they_are_quiet() -> None:
    """What was used is kept as one sum; each part hears what of it was its own."""
    account = gone()
    quiet_ms = 5 + QUIET_MS
    assert settle(account, BUDGET, quiet_ms) == (account, ())
    assert settle(account, None, quiet_ms - 1) == (account, ())
    settled, told = settle(account, None, quiet_ms)
    assert settled is not None
    assert [(w.key, w.life, w.settled, w.granted) for w in told] == [
        (KEYS[0], 1, 7, 0),
        (KEYS[1], 1, 7, 0),
    ]
    assert (settled.holdings, settled.spent, settled.life) == ({}, 14, 1)
    assert decode_account(encode_account(settled)) == settled


def test_parts_are_not_settled_while_money_is_free_or_reserved() -> None:
    """Somebody could still spend it."""
    for sums in ({"reserved": 10, "returned": 15}, {"returned": 24}):
        account, _ = answer(gone(), report(0, told=2, **sums), None)
        assert settle(account, None, 10 * QUIET_MS) == (account, ())


def test_a_budget_that_comes_back_has_what_was_used_and_after_400_days_it_has_not() -> None:
    """Of 100, 14 were used in the life before."""
    settled_ms = 5 + QUIET_MS
    account, _ = settle(gone(), None, settled_ms)
    assert account is not None
    back, told = look(account, BUDGET, KEYS, at_ms=settled_ms)
    assert words(told) == [(KEYS[0], 21, 0), (KEYS[1], 21, 0)]
    assert {word.life for word in told} == {1}
    known = state(back)
    assert (known.used, known.free, known.granted) == (14, 86, 14 + 42)
    assert settle(account, None, settled_ms + 400 * DAY_MS - 1) == (account, ())
    assert settle(account, None, settled_ms + 400 * DAY_MS) == (None, ())


def test_a_part_that_has_not_heard_of_the_new_life_is_told() -> None:
    """Its report counts when it comes again; what an account does not know it does not take."""
    account, _ = settle(gone(), None, 5 + QUIET_MS)
    assert account is not None
    same, told = answer(account, report(1, told=9, used=8, wanted=10), BUDGET)
    assert same == replace(account, amount=100)
    assert [(w.key, w.life, w.granted, w.settled) for w in told] == [(KEYS[1], 1, 0, 7)]
    account, told = answer(same, report(1, told=10, used=1, wanted=10, life=1), BUDGET)
    assert state(account).used == 15
    assert [w.key for w in told] == [KEYS[1]]
    assert answer(opened(), report(0, life=3), BUDGET) == (opened(), ())
    fresh, _ = answer(None, report(0, life=3, wanted=10), BUDGET)
    assert fresh.life == 3


STORED = bytes.fromhex(
    "9501a1746482ab6c656173652f322f302f30981900000000000000ab6c656173652f322f312f3098190000000000000090"
)


STORED_V2 = bytes.fromhex(
    "9902a1746481ab6c656173652f322f302f309915000000000000000090010ece9a7ec80582ab6c656173652f32"
    "2f302f30930007ce9a7ec805ab6c656173652f322f312f30930007ce9a7ec805"
)


def test_an_account_that_version_2_stored_is_read() -> None:
    """What was spent in its first life is off the budget, and each part can hear of it."""
    account = decode_account(STORED_V2)
    assert (account.life, account.spent, state(account).granted) == (1, 14, 14 + 21)
    assert account.settled == {key: TakenOver(life=0, used=7, at_ms=5 + QUIET_MS) for key in KEYS}


def test_an_account_is_read_as_it_was_written() -> None:
    """Also as version 1 stored it; a newer one is refused, and a damaged one."""
    account = opened()
    assert decode_account(encode_account(account)) == account
    assert decode_account(STORED) == account
    with pytest.raises(StateError, match="version 9"):
        decode_account(encode_account(Account(9, "t")))
    with pytest.raises(StateError, match="damaged"):
        decode_account(b"\xc1")


def test_an_account_that_was_settled_is_of_a_version_that_refuses_older_programs() -> None:
    """They would drop what was spent; what was never settled they can still read."""
    assert (opened().version, new_account("t", life=2).version) == (1, 2)
    account, _ = settle(gone(), None, 5 + QUIET_MS)
    assert account is not None
    assert (account.version, decode_account(encode_account(account))) == (2, account)
    back, _ = look(account, BUDGET, KEYS)
    assert back.version == 2


@pytest.mark.parametrize("lives", [1, 2])
@pytest.mark.parametrize("hears", [True, False])
def test_no_use_counts_twice_where_the_word_of_a_settling_is_lost(lives: int, hears: bool) -> None:
    """A part used 9 and had told 7: the budget comes back, and 2 more are off it, once."""
    part = LeasedBudget(granted=25, returned=18, used=9, told=1)
    lease = replace(new_lease(KEYS[0]), budgets={"t": part})
    account, said = settle(gone(), None, 5 + QUIET_MS)
    assert account is not None
    if hears:
        lease, account = heard(lease, said, account, None)
    if lives == 2:
        account, _ = answer(account, report(1, told=2, used=3, life=1), None)
        account, _ = settle(account, None, 6 * QUIET_MS)
        assert account is not None
    account, said = look(account, BUDGET, KEYS, at_ms=5)
    assert {word.life for word in said} == {lives}
    lease, account = heard(lease, said, account, BUDGET)
    assert state(account).used == 7 + 9 + (3 if lives == 2 else 0)
    assert lease.version > 3


def heard(
    lease: Lease, said: tuple[LeaseAllotted, ...], account: Account, budget: Budget | None
) -> tuple[Lease, Account]:
    """The lease and the account after what it hears of these words, and all that follows."""
    waiting = [word for word in said if word.key == lease.key]
    while waiting:
        book = LeaseBook(lease)
        book.hear(waiting.pop(0))
        for effect in book.close():
            assert isinstance(effect, LeaseTold)
            account, more = answer(account, effect.report, budget)
            waiting += [word for word in more if word.key == lease.key]
        lease = book.lease
    return lease, account
