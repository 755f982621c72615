"""An offer with a budget, from the decision to the use: reserved, charged, free again."""

from typing import Any

import pytest
from msgspec.structs import replace

from streams.contracts.common import Identity, Money
from streams.contracts.inputs.events import (
    App,
    CouponUse,
    InputEvent,
    OfferFeedback,
    PrivacyRequest,
    Purchase,
    Question,
)
from streams.contracts.outputs.effects import (
    BudgetUsed,
    DecisionLogged,
    Effect,
    LeaseTold,
    OfferDecided,
    QuestionAnswered,
)
from streams.contracts.times import DAY_MS, HOUR_MS, from_ms
from streams.customer import Customer
from streams.decisions import Basis, Policy, redecide
from streams.decisions.choose import decide
from streams.driver import Driver
from streams.leases import LeaseBook, new_lease
from streams.models import initial_models
from streams.pipeline import World, process
from tests.unit.decisions.people import T0, Fixed, offer, request, rule, shop, someone

UNIT = 10_000
TEA: dict[str, Any] = {
    "budget": 20.0,
    "discount": 2.0,
    "discount_max": 8.0,
    "margin": 40.0,
    "coupon_code": "TEA",
}


def tea(**fields: Any) -> Policy:
    """A shop with one offer, of which 8 of 20 are reserved for each coupon."""
    return shop(offer("tea", **{**TEA, **fields}))


class Life:
    """People of a shop, one event after the other."""

    def __init__(self, policy: Policy, people: int = 4) -> None:
        """`people` who agreed to everything: c-1, c-2, and so on."""
        self.driver = Driver(policy, initial_models())
        names = [f"c-{number}" for number in range(1, people + 1)]
        self.driver.rows.update({n: replace(someone(), customer_id=n) for n in names})
        self.now_ms = T0

    def opens(self, who: str) -> tuple[str, str | None]:
        """They open the app: the verdict, and why the tea was not possible."""
        self.now_ms += 60_000
        event = App(
            event_id=f"open-{self.now_ms}",
            event_name="application_opened",
            occurred_at=from_ms(self.now_ms),
            identity=Identity(customer_id=who),
            channel="app",
        )
        entry = next(e.entry for e in self.take(event) if isinstance(e, DecisionLogged))
        return entry.verdict, entry.offers[0].why_not

    def buys(self, who: str, coupon: CouponUse, **fields: Any) -> list[Effect]:
        """They buy something and show a coupon."""
        self.now_ms += 60_000
        event = Purchase(
            event_id=f"order-{self.now_ms}",
            event_name="order_completed",
            occurred_at=from_ms(self.now_ms),
            identity=Identity(customer_id=who),
            channel="store",
            order_id=f"o-{self.now_ms}",
            total=Money(amount="30.00"),
            items=(),
            coupons=(coupon,),
        )
        return self.take(replace(event, **fields))

    def take(self, event: InputEvent) -> list[Effect]:
        """The effects of an event, and of what falls due before it."""
        self.now_ms = max(self.now_ms, event.at_ms)
        return [*self.driver.advance(self.now_ms), *self.driver.handle(event)]

    def wait(self, days: float) -> None:
        """Nothing happens for some days."""
        self.now_ms += round(days * DAY_MS)
        self.driver.advance(self.now_ms)

    def money(self) -> tuple[float, float, float, float]:
        """Used, reserved, free and overdrawn of the tea's budget, once all of it is told."""
        self.wait(0.01)
        state = self.driver.treasury.states()["tea"]
        units = (state.used, state.reserved, state.free, state.overdrawn)
        return tuple(unit / UNIT for unit in units)  # type: ignore[return-value]


def charges(effects: list[Effect]) -> list[float]:
    """What the uses among the effects cost."""
    return [effect.cost / UNIT for effect in effects if isinstance(effect, BudgetUsed)]


def test_coupons_are_sent_until_one_more_could_cost_too_much() -> None:
    """Of 20, two times 8 are reserved; for the third coupon 4 are not enough."""
    life = Life(tea())
    assert [life.opens(f"c-{n}") for n in (1, 2, 3)] == [
        ("offer", None),
        ("offer", None),
        ("nothing_eligible", "budget"),
    ]
    assert life.money() == (0.0, 16.0, 4.0, 0.0)


def test_what_is_reserved_is_on_the_offer() -> None:
    """`constraints.budget_reserved` says the amount; an offer without a budget says nothing."""
    book = LeaseBook(new_lease("lease/1/0/0"))
    policy = tea()
    _, nothing = decide(someone(), request(), T0, Basis(Fixed(), policy, book=book))
    assert not [e for e in nothing if isinstance(e, OfferDecided)]
    assert book.close() != ()
    life = Life(policy, people=1)
    event = App(
        event_id="open",
        event_name="application_opened",
        occurred_at=from_ms(T0),
        identity=Identity(customer_id="c-1"),
        channel="app",
    )
    [sent] = [e.offer for e in life.take(event) if isinstance(e, OfferDecided)]
    assert sent.constraints.budget_reserved == Money(amount="8.00", currency="EUR")
    _, effects = decide(someone(), request(), T0, Basis(Fixed(), shop(offer("a"))))
    [other] = [e.offer for e in effects if isinstance(e, OfferDecided)]
    assert other.constraints.budget_reserved is None


def test_a_use_costs_what_the_coupon_took_off_and_frees_the_rest() -> None:
    """3 of 8 were taken off: 17 are free, and the third person gets a coupon."""
    life = Life(tea())
    life.opens("c-1")
    life.opens("c-2")
    assert charges(life.buys("c-1", CouponUse(code="TEA", discount=3.0))) == [3.0]
    assert life.money() == (3.0, 8.0, 9.0, 0.0)
    assert life.opens("c-3") == ("offer", None)


def test_a_use_that_nobody_prices_costs_all_that_was_reserved() -> None:
    """A report of the app is charged in full; a second word, on the order, costs nothing."""
    life = Life(tea())
    life.opens("c-1")
    row = life.driver.rows["c-1"]
    assert isinstance(row, Customer)
    used = OfferFeedback(
        event_id="used",
        event_name="offer_redeemed",
        occurred_at=from_ms(life.now_ms + HOUR_MS),
        identity=Identity(customer_id="c-1"),
        channel="app",
        decision_id=row.open_decisions[0].decision_id,
        offer_id="tea",
    )
    assert charges(life.take(used)) == [8.0]
    assert charges(life.buys("c-1", CouponUse(code="TEA", discount=3.0))) == []
    assert life.money() == (8.0, 0.0, 12.0, 0.0)


def test_unused_coupons_give_their_money_back_after_the_days_of_grace() -> None:
    """A coupon of one day is free again eight days later, also where nothing happens."""
    life = Life(tea())
    life.opens("c-1")
    life.opens("c-2")
    life.wait(8)
    assert life.money() == (0.0, 16.0, 4.0, 0.0)
    life.wait(1)
    assert life.money() == (0.0, 0.0, 20.0, 0.0)


def test_a_use_after_the_release_takes_what_is_free_and_is_overdrawn_beyond_it() -> None:
    """Its money was promised to others: 8 used, 16 reserved of 20, so 4 are overdrawn."""
    life = Life(tea(redeem_within_days=3.0, once_per_person=True))
    life.opens("c-1")
    row = life.driver.rows["c-1"]
    assert isinstance(row, Customer)
    decision_id = row.open_decisions[0].decision_id
    life.wait(30)
    life.opens("c-2")
    life.opens("c-3")
    late = CouponUse(decision_id=decision_id, offer_id="tea", discount=8.0)
    assert charges(life.buys("c-1", late)) == [8.0]
    assert life.money() == (8.0, 16.0, 0.0, 4.0)


def test_a_coupon_of_somebody_whom_nobody_sent_it_is_charged_once() -> None:
    """By its code alone, told twice; when it turns out whose it was, that coupon's part is free."""
    life = Life(tea())
    life.opens("c-1")
    shown = CouponUse(code="TEA", discount=5.0)
    visitor = Identity(anonymous_id="x")
    order = {"identity": visitor, "order_id": "o-x"}
    assert charges(life.buys("", shown, **order)) == [5.0]
    again = {**order, "event_name": "order_updated"}
    assert charges(life.buys("", shown, **again)) == []
    assert life.money() == (5.0, 8.0, 7.0, 0.0)
    login = App(
        event_id="login",
        event_name="screen_viewed",
        occurred_at=from_ms(life.now_ms + 1),
        identity=Identity(customer_id="c-1", anonymous_id="x"),
        channel="app",
        screen=None,
    )
    assert charges(life.take(login)) == [0.0]
    assert life.money() == (5.0, 0.0, 15.0, 0.0)


def test_a_purchase_that_an_offer_without_coupon_led_to_is_its_use() -> None:
    """Nobody reports the use of what has no coupon, so the purchase is charged, and once."""
    life = Life(tea(coupon_code=None))
    life.opens("c-1")
    row = life.driver.rows["c-1"]
    assert isinstance(row, Customer)
    decision_id = row.open_decisions[0].decision_id

    def feedback(name: str) -> OfferFeedback:
        return OfferFeedback(
            event_id=name,
            event_name=name,  # type: ignore[arg-type]
            occurred_at=from_ms(life.now_ms + 1),
            identity=Identity(customer_id="c-1"),
            channel="app",
            decision_id=decision_id,
            offer_id="tea",
        )

    life.take(feedback("offer_viewed"))
    assert charges(life.buys("c-1", CouponUse(), coupons=())) == [8.0]
    assert charges(life.take(feedback("offer_redeemed"))) == []
    assert life.money() == (8.0, 0.0, 12.0, 0.0)


def test_an_erased_person_takes_no_money_along() -> None:
    """What was reserved for them is free again with its day."""
    life = Life(tea())
    life.opens("c-1")
    erased = PrivacyRequest(
        event_id="erase",
        event_name="erasure_requested",
        request_id="r-1",
        requested_at=from_ms(life.now_ms + 1),
        occurred_at=from_ms(life.now_ms + 1),
        channel="app",
        identity=Identity(customer_id="c-1"),
    )
    life.take(erased)
    assert life.money() == (0.0, 8.0, 12.0, 0.0)
    life.wait(9)
    assert life.money() == (0.0, 0.0, 20.0, 0.0)


def test_a_question_what_would_be_decided_reserves_nothing() -> None:
    """Asked as often as one likes, nothing is reserved; but for an offer that was asked for."""
    asks = rule("asks", kind="offer_requested", placement="desk")
    life = Life(shop(offer("tea", **TEA), rules=(asks,)))
    for number in range(3):
        asked = Question(
            event_id=f"q-{number}",
            event_name="customer_requested",
            occurred_at=from_ms(life.now_ms + 1 + number),
            identity=Identity(customer_id="c-1"),
            channel="app",
            placement="desk",
            reply_to="g-1",
        )
        [told] = [e.reply for e in life.take(asked) if isinstance(e, QuestionAnswered)]
        assert told.would_decide is not None
        assert told.would_decide.chosen_offer_id == "tea"
    assert life.money() == (0.0, 0.0, 20.0, 0.0)
    life.take(replace(asked, event_name="offer_requested", event_id="q-9"))
    assert life.money() == (0.0, 8.0, 12.0, 0.0)


def test_a_lowered_budget_is_not_spent_beyond_what_is_out_already() -> None:
    """8 are reserved and 20 become 10: no coupon goes out until 20 are there again."""
    life = Life(tea())
    life.opens("c-1")
    life.driver.policy = tea(budget=10.0)
    assert life.opens("c-2") == ("nothing_eligible", "budget")
    life.driver.policy = tea(budget=16.0)
    assert life.opens("c-2") == ("offer", None)


@pytest.mark.parametrize("people", [1, 3])
def test_decided_again_from_the_log_it_is_the_same(people: int) -> None:
    """What the budget withheld is on the record, as everything that objects is."""
    life = Life(tea(budget=8.0), people)
    for number in range(1, people + 1):
        life.now_ms += 1
        event = App(
            event_id=f"open-{number}",
            event_name="application_opened",
            occurred_at=from_ms(life.now_ms),
            identity=Identity(customer_id=f"c-{number}"),
            channel="app",
        )
        for effect in life.take(event):
            if isinstance(effect, DecisionLogged):
                models = life.driver.models
                again = redecide(effect.entry, models.champion, life.driver.policy, models.uplift)
                assert again == effect.entry


def test_a_partition_asks_for_its_part_before_the_first_decision() -> None:
    """Any message makes it ask, once for each offer that its lease does not know."""
    policy, lease = tea(), new_lease("lease/4/1/0")
    event = App(
        event_id="seen",
        event_name="screen_viewed",
        occurred_at=from_ms(T0),
        identity=Identity(customer_id="c-1"),
        channel="app",
    )
    step = process(event, None, World(initial_models(), policy, lease=lease))
    assert [e.report.wanted for e in step.effects if isinstance(e, LeaseTold)] == [8 * UNIT]
    again = process(
        replace(event, event_id="more"), step.row, World(initial_models(), policy, lease=step.lease)
    )
    assert not [e for e in again.effects if isinstance(e, LeaseTold)]
    assert again.lease is step.lease


def test_a_shop_without_budgets_has_no_lease() -> None:
    """Nothing is kept, and nothing is told."""
    life = Life(shop(offer("a")))
    life.opens("c-1")
    assert set(life.driver.rows) == {"c-1", "c-2", "c-3", "c-4"}
    assert life.driver.treasury.states() == {}
