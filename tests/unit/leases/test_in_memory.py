"""The treasury of a run in memory hears of every change of the shop's file, the last one too."""

from streams.contracts.inputs.events import CouponUse
from streams.decisions import Policy
from tests.unit.decisions.people import offer, shop
from tests.unit.decisions.test_budgets import TEA, Life, tea

UNIT = 10_000


def without() -> Policy:
    """The shop's tea, without a budget."""
    return tea(budget=None, discount_max=None)


def test_a_removed_budget_is_not_told_and_its_free_money_is_given_back() -> None:
    """Also where it is the last one; what is reserved is given back as it gets free."""
    life = Life(tea())
    assert life.opens("c-1") == ("offer", None)
    assert set(life.driver.treasury.states()) == {"tea"}
    life.driver.policy = without()
    assert life.opens("c-2") == ("offer", None)
    assert life.driver.treasury.states() == {}
    assert life.driver.budgets() == {}
    (lease,) = [row for key, row in life.driver.rows.items() if key.startswith("lease/")]
    part = lease.budgets["tea"]  # type: ignore[union-attr]
    assert (part.free, part.held) == (0, 8 * UNIT)
    life.wait(30.0)
    (lease,) = [row for key, row in life.driver.rows.items() if key.startswith("lease/")]
    assert lease.budgets["tea"].granted == lease.budgets["tea"].returned  # type: ignore[union-attr]


def test_a_budget_that_comes_back_knows_what_was_used() -> None:
    """Of 20, a use took 8; one more coupon is reserved, and there is none for a third."""
    life = Life(tea())
    assert life.opens("c-1") == ("offer", None)
    life.driver.policy = without()
    life.buys("c-1", CouponUse(code="TEA", discount=8.0))
    life.driver.policy = tea()
    assert life.opens("c-2") == ("offer", None)
    assert life.opens("c-3") == ("nothing_eligible", "budget")
    assert life.money() == (8.0, 8.0, 4.0, 0.0)


def test_a_renamed_offer_has_a_budget_of_its_own() -> None:
    """Uses of coupons that were sent under the old name are not charged to the new one."""
    life = Life(tea())
    assert life.opens("c-1") == ("offer", None)
    life.driver.policy = shop(offer("tea-2", **{**TEA, "coupon_code": "TEA2"}))
    life.buys("c-1", CouponUse(code="TEA", discount=8.0))
    assert life.opens("c-2") == ("offer", None)
    life.wait(0.01)
    states = life.driver.treasury.states()
    assert {name: (s.used, s.reserved) for name, s in states.items()} == {"tea-2": (0, 8 * UNIT)}
