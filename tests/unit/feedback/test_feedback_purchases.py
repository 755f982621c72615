"""Orders: explicit coupons win, else the offer viewed last; and the purchase itself by arm."""

import pytest
from msgspec.structs import replace

from streams.contracts.inputs.events import CouponUse
from streams.contracts.outputs.effects import Effect, PurchaseSeen
from streams.contracts.reference.structs import Arm, Experiment, Policies, Reference
from streams.contracts.times import DAY_MS, HOUR_MS
from streams.customer import Sale
from streams.customer.row import Customer, Order
from streams.decisions import compile_policy
from streams.feedback import credit, expire
from tests.support.decisions_open import T0, WINDOW_MS, decision, labels, order, person, seen

ALL = Experiment(arms=(Arm(name="all", share=1.0, chooser="policy"),))
POLICY = compile_policy(Reference(policies=Policies(experiment=ALL)))
NOON = T0 + 12 * HOUR_MS


def viewed(*numbers: int) -> Customer:
    """A person who viewed these offers, the last one last."""
    return person(*(decision(n, viewed_at_ms=T0 + n) for n in numbers))


@pytest.mark.parametrize(
    "coupon",
    [
        CouponUse(decision_id="d-1"),
        CouponUse(decision_id="d-1", offer_id="o-1"),
        CouponUse(offer_id="o-1"),
        CouponUse(code="o-1"),
        CouponUse(code="TEA-10"),
        CouponUse(gcn="9501101020917"),
        CouponUse(gcn="9501101020917000123"),
    ],
)
def test_a_coupon_wins_over_the_last_view(coupon: CouponUse) -> None:
    """Offer 2 was viewed last, but the order says offer 1: by an id, its code, its GCN."""
    codes = decision(1, viewed_at_ms=T0 + 1, coupons=("TEA-10", "9501101020917"))
    people = person(codes, decision(2, viewed_at_ms=T0 + 2))
    after, effects = credit(people, order(NOON, coupon), NOON, POLICY)
    assert labels(effects) == [("o-1", 1.0)]
    assert seen(effects) == [("d-1", "redeemed")]
    assert [r.offer_id for r in after.redemptions] == ["o-1"]


def test_two_coupons_share_the_order() -> None:
    """Each coupon credits its own decision with an equal part of the amount."""
    coupons = CouponUse(decision_id="d-1"), CouponUse(decision_id="d-2")
    _, effects = credit(viewed(1, 2), order(NOON, *coupons), NOON, POLICY)
    assert labels(effects) == [("o-1", 1.0), ("o-2", 1.0)]
    assert [getattr(e, "amount", None) for e in effects if seen((e,))] == [20.0, 20.0]


def test_the_offer_viewed_last_is_credited_but_not_redeemed() -> None:
    """An assisted purchase: label 1 once, nothing redeemed, no label 0 later."""
    after, effects = credit(viewed(1, 2), order(NOON), NOON, POLICY)
    assert labels(effects) == [("o-2", 1.0)]
    assert seen(effects) == []
    assert after.redemptions == ()
    assert labels(expire(after, T0 + WINDOW_MS)[1]) == [("o-1", 0.0)]


def test_an_assisted_offer_that_is_used_later_is_not_labeled_again() -> None:
    """The coupon still counts as a redemption."""
    after, _ = credit(viewed(1), order(NOON), NOON, POLICY)
    later = NOON + HOUR_MS
    after, effects = credit(after, order(later, CouponUse(offer_id="o-1")), later, POLICY)
    assert labels(effects) == []
    assert seen(effects) == [("d-1", "redeemed")]
    assert [r.offer_id for r in after.redemptions] == ["o-1"]


def test_the_category_must_match() -> None:
    """An offer on shoes is not credited with tea; one on everything is."""
    shoes = decision(1, viewed_at_ms=T0 + 5, categories=("shoes",))
    tea = decision(2, viewed_at_ms=T0 + 4, categories=("tea", "rice"))
    _, effects = credit(person(shoes, tea), order(NOON), NOON, POLICY)
    assert labels(effects) == [("o-2", 1.0)]
    assert labels(credit(person(shoes), order(NOON), NOON, POLICY)[1]) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"viewed_at_ms": None},
        {"viewed_at_ms": T0 - 8 * DAY_MS},
        {"viewed_at_ms": NOON + 1},
        {"dismissed_at_ms": T0 + 3},
        {"status": "assisted"},
        {"coupons": ("TEA-10",)},
    ],
)
def test_what_is_not_attributed(changes: dict[str, int | bool | None]) -> None:
    """Not viewed, viewed too long ago or later, dismissed, labeled already, used by coupon."""
    row = person(decision(1, **{"viewed_at_ms": T0 + 1, **changes}))
    assert labels(credit(row, order(NOON), NOON, POLICY)[1]) == []


def test_a_foreign_coupon_does_not_hide_the_view() -> None:
    """A newspaper's code names no offer of ours, so the order is attributed."""
    row = viewed(1)
    _, effects = credit(row, order(NOON, CouponUse(code="PAPER-5")), NOON, POLICY)
    assert labels(effects) == [("o-1", 1.0)]


def told(*changes: dict[str, float]) -> tuple[Effect, ...]:
    """What the metrics hear of an order of 40 whose facts change like this."""
    known: Order | None = None
    effects: tuple[Effect, ...] = ()
    for change in ({}, *changes):
        after = replace(known or Order("o", T0, 40.0, "web", completed=40.0), **change)
        event = order(NOON) if known is None else replace(order(NOON), event_name="order_updated")
        effects += credit(person(), event, NOON, POLICY, Sale(known, after))[1]
        known = after
    return effects


def test_purchase_by_arm_with_its_margin() -> None:
    """40 paid at a share of .3; a coupon of 5 was in the price before: 45 * .3 - 5."""
    assert told() == (PurchaseSeen("all", False, 40.0, 12.0, is_new=True),)
    paid = Order("o", T0, 40.0, "web", completed=40.0, coupon_discount=5.0)
    _, effects = credit(person(), order(NOON), NOON, POLICY, Sale(None, paid))
    assert effects == (PurchaseSeen("all", False, 40.0, 8.5, is_new=True),)


def test_paid_15_of_20_earns_one() -> None:
    """The goods cost 14 of 20: with a coupon of 5 one is left, and a cancel takes it back."""
    paid = Order("o", T0, 15.0, "web", completed=15.0, coupon_discount=5.0)
    back = replace(paid, refunded=15.0, cancelled=True)
    _, bought = credit(person(), order(NOON), NOON, POLICY, Sale(None, paid))
    gone = replace(order(NOON), event_name="order_cancelled")
    _, cancelled = credit(person(), gone, NOON, POLICY, Sale(paid, back))
    assert bought == (PurchaseSeen("all", False, 15.0, 1.0, is_new=True),)
    assert cancelled == (PurchaseSeen("all", False, -15.0, -1.0),)


def test_the_holdout_is_marked() -> None:
    """Whoever gets nothing personalized buys as well."""
    arms = (Arm(name="control", share=1.0, chooser="holdout"),)
    policies = Policies(experiment=Experiment(arms=arms))
    policy = compile_policy(Reference(policies=policies))
    paid = Order("o", T0, 40.0, "web", completed=40.0)
    _, effects = credit(person(), order(NOON), NOON, policy, Sale(None, paid))
    assert effects == (PurchaseSeen("control", True, 40.0, 12.0, is_new=True),)


def test_what_is_given_back_is_seen_by_arm() -> None:
    """Money and margin go down by the difference; a total that rises is no second purchase."""
    _, refund, rise = told({"refunded": 10.0}, {"amount": 60.0})
    assert refund == PurchaseSeen("all", False, -10.0, -3.0)
    assert rise == PurchaseSeen("all", False, 20.0, 6.0)
