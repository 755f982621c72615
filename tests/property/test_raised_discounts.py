"""What an order's coupon costs the budget: the most that any of its events tells, charged once.

In any order of arrival, told twice, when the decision has left the row, before or after a login,
through stored rows, with a budget that is removed and put back meanwhile, a cancellation, a person
who is erased.
"""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.common import Identity, Money
from streams.contracts.inputs.events import App, CouponUse, InputEvent, PrivacyRequest, Purchase
from streams.contracts.outputs.effects import BudgetUsed
from streams.contracts.times import HOUR_MS, from_ms
from streams.customer import Customer, decode_row, encode_row
from tests.unit.decisions.test_budget_charges import sent
from tests.unit.decisions.test_budgets import UNIT, Life, tea

NAMED = ("code", "offer_id", "decision_id", "both")
WAITS_DAYS = (0.0, 1.0, 3.0, 9.0, 40.0)
discounts = st.sampled_from((0.5, 1.25, 3.0, 5.5, 8.0, 9.75))


class Word(Struct, frozen=True):
    """One event of the order: what it is, what the coupon took off, by which of its names."""

    is_update: bool
    discount: float
    named: str
    hours: int


words = st.builds(Word, st.booleans(), discounts, st.sampled_from(NAMED), st.integers(0, 40))
lines = st.lists(st.tuples(discounts, st.sampled_from(NAMED)), min_size=1, max_size=2)
orders = st.lists(words, min_size=1, max_size=6).filter(lambda o: any(not w.is_update for w in o))


def coupon_of(named: str, discount: float, decision_id: str) -> CouponUse:
    """The coupon by one of its names."""
    names: dict[str, Any] = {
        "code": {"code": "tea"},
        "offer_id": {"offer_id": "tea"},
        "decision_id": {"decision_id": decision_id},
        "both": {"code": "TEA", "decision_id": decision_id},
    }
    return CouponUse(discount=discount, **names[named])


def said_of(word: Word, number: int, decision_id: str, at_ms: int) -> Purchase:
    """The event of a word."""
    return Purchase(
        event_id=f"w-{number}",
        event_name="order_updated" if word.is_update else "order_completed",
        occurred_at=from_ms(at_ms + word.hours * HOUR_MS // 60),
        identity=Identity(customer_id="c-1"),
        channel="store",
        order_id="o-1",
        total=Money(amount="30.00"),
        items=(),
        coupons=(coupon_of(word.named, word.discount, decision_id),),
    )


def charged(life: Life, event: InputEvent) -> int:
    """What an event costs the budget, in units; rows are stored and read back after it."""
    effects = life.take(event)
    rows = life.driver.rows
    for key, row in list(rows.items()):
        rows[key] = decode_row(encode_row(row))
    return sum(e.cost for e in effects if isinstance(e, BudgetUsed))


@settings(max_examples=120)
@given(
    orders,
    st.randoms(use_true_random=False),
    st.lists(st.integers(0, 5), max_size=3),
    st.sampled_from(WAITS_DAYS),
    st.integers(0, 6),
)
def test_the_most_that_is_told_is_charged_once_in_any_order(
    order: list[Word], shuffled: Any, again: list[int], days: float, waits: int
) -> None:
    """Whatever order its events come in, however often and late."""
    life = Life(tea(budget=1_000.0))
    decision_id, at_ms = sent(life), life.now_ms + 1
    told = [said_of(word, number, decision_id, at_ms) for number, word in enumerate(order)]
    come = [*told, *(told[n] for n in again if n < len(told))]
    shuffled.shuffle(come)
    costs = []
    for number, event in enumerate(come):
        if number == waits:
            life.wait(days)
        costs.append(charged(life, event))
    most = round(max(word.discount for word in order) * UNIT)
    assert sum(costs) == most
    assert min(costs) >= 0
    life.wait(0.01)
    state = life.driver.treasury.states()["tea"]
    assert (state.used, state.reserved, state.overdrawn) == (most, 0, 0)


@settings(max_examples=120)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 2), lines), min_size=1, max_size=5),
    st.sampled_from(WAITS_DAYS),
    st.integers(0, 5),
)
def test_each_order_costs_the_most_that_one_of_its_events_adds_up_to(
    told: list[tuple[bool, int, list[tuple[float, str]]]], days: float, waits: int
) -> None:
    """Of two orders with one coupon, named once or line by line, whenever the decision leaves."""
    life = Life(tea(budget=1_000.0))
    decision_id, at_ms = sent(life), life.now_ms + 1
    costs, due = [], dict[int, float]()
    for number, (is_update, order, coupons) in enumerate(told):
        if number == waits:
            life.wait(days)
        said = said_of(Word(is_update, 0.0, "code", 0), number, decision_id, at_ms)
        shown = tuple(coupon_of(named, off, decision_id) for off, named in coupons)
        costs.append(charged(life, replace(said, order_id=f"o-{order}", coupons=shown)))
        due[order] = max(due.get(order, 0.0), sum(off for off, _ in coupons))
    made = {order for is_update, order, _ in told if not is_update}
    assert min(costs) >= 0
    assert sum(costs) == sum(round(due[order] * UNIT) for order in made)


@settings(max_examples=80)
@given(orders, st.sampled_from(NAMED), st.integers(0, 6), st.integers(0, 6), st.booleans())
def test_it_is_charged_once_also_where_a_visitor_turns_out_to_be_the_customer(
    order: list[Word], named: str, logs_in: int, gone: int, back: bool
) -> None:
    """The visitor shows what the customer was sent; the shop may take the budget out meanwhile.

    All events name the coupon alike. Nothing is charged twice; where the budget was there all the
    time, and a budget knows whose money it is before the login, the most was charged.
    """
    life = Life(tea(budget=1_000.0))
    decision_id, at_ms = sent(life), life.now_ms + 1
    order = sorted(order, key=lambda w: (w.is_update, w.hours))
    order = [replace(word, named=named) for word in order]
    total = 0
    for number, word in enumerate(order):
        if number == gone:
            life.driver.policy = tea(budget=None, discount_max=None)
        if number == gone + 1 and back:
            life.driver.policy = tea(budget=1_000.0)
        if number == logs_in:
            total += charged(life, _login(life))
        event = said_of(word, number, decision_id, at_ms)
        who = event.identity if number >= logs_in else Identity(anonymous_id="v")
        total += charged(life, replace(event, identity=who))
    total += charged(life, _login(life, "last"))
    most = round(max(word.discount for word in order) * UNIT)
    assert total <= most
    if gone >= len(order):
        assert total == most


@settings(max_examples=60)
@given(orders, st.integers(0, 6), st.booleans())
def test_a_replay_charges_the_same_and_an_erased_person_nothing_more(
    order: list[Word], erased: int, cancelled: bool
) -> None:
    """Two lives of the same events are equal; updates of an order that is forgotten are nobody's.

    An order that is completed anew after the erasure is a new one: a code that goes round.
    """
    lives = [Life(tea(budget=1_000.0)) for _ in range(2)]
    costs: list[list[int]] = [[], []]
    for life, own in zip(lives, costs, strict=True):
        decision_id, at_ms = sent(life), life.now_ms + 1
        for number, word in enumerate(sorted(order, key=lambda w: (w.is_update, w.hours))):
            if number == erased:
                own.append(charged(life, _erasure(life)))
            own.append(charged(life, said_of(word, number, decision_id, at_ms)))
            if cancelled and number == 0:
                event = said_of(word, 99, decision_id, at_ms)
                own.append(charged(life, replace(event, event_name="order_cancelled", coupons=())))
        row = life.driver.rows["c-1"]
        if isinstance(row, Customer):
            assert len([use for use in row.redemptions if use.order_id == "o-1"]) <= 1
    assert costs[0] == costs[1]
    assert lives[0].driver.rows == lives[1].driver.rows
    completed = sum(not word.is_update for word in order)
    if erased >= completed:
        kept = sorted(order, key=lambda w: (w.is_update, w.hours))[:erased]
        assert sum(costs[0]) == round(max(word.discount for word in kept) * UNIT)


def _login(life: Life, name: str = "login") -> App:
    life.now_ms += 1_000
    return App(
        event_id=name,
        event_name="application_opened",
        occurred_at=from_ms(life.now_ms),
        identity=Identity(customer_id="c-1", anonymous_id="v"),
        channel="app",
    )


def _erasure(life: Life) -> PrivacyRequest:
    life.now_ms += 1_000
    at = from_ms(life.now_ms)
    return PrivacyRequest(
        event_id="erase",
        event_name="erasure_requested",
        occurred_at=at,
        identity=Identity(customer_id="c-1"),
        channel="app",
        request_id="r-1",
        requested_at=at,
    )


@settings(max_examples=120)
@given(orders, st.sampled_from(WAITS_DAYS))
def test_a_visitor_pays_once_by_whatever_names_the_words_tell_the_coupon(
    order: list[Word], days: float
) -> None:
    """Before the login a decision's id alone says nothing; with it the most is charged."""
    life = Life(tea(budget=1_000.0))
    decision_id, at_ms = sent(life), life.now_ms + 1
    life.wait(days)
    costs = []
    for number, word in enumerate(order):
        event = said_of(word, number, decision_id, at_ms)
        costs.append(charged(life, replace(event, identity=Identity(anonymous_id="v"))))
    costs.append(charged(life, _login(life)))
    assert min(costs) >= 0
    assert sum(costs) == round(max(word.discount for word in order) * UNIT)


@settings(max_examples=120)
@given(orders, st.integers(0, 6), st.integers(0, 6))
@example([Word(False, 0.5, "code", 0), Word(True, 1.25, "decision_id", 0)], 1, 2)
def test_a_visitors_order_is_charged_once_whenever_they_log_in_or_are_sent_the_coupon(
    order: list[Word], sends: int, logs_in: int
) -> None:
    """Also a coupon of which a decision is made after the order, as one that goes round.

    Before that nobody can name the decision, so the offer is named instead.
    """
    life = Life(tea(budget=1_000.0))
    order = sorted(order, key=lambda w: (w.is_update, w.hours))
    costs, ids = [], list[str]()
    for number, word in enumerate(order):
        if number == logs_in:
            costs.append(charged(life, _login(life)))
        if number == sends:
            life.opens("c-1")
        row = life.driver.rows["c-1"]
        assert isinstance(row, Customer)
        ids += [d.decision_id for d in row.open_decisions if d.offer_id == "tea"]
        known = word if ids else replace(word, named="offer_id")
        event = said_of(known, number, ids[0] if ids else "", life.now_ms + number + 1)
        who = event.identity if number >= logs_in else Identity(anonymous_id="v")
        costs.append(charged(life, replace(event, identity=who)))
    costs.append(charged(life, _login(life, "last")))
    assert min(costs) >= 0
    assert sum(costs) == round(max(word.discount for word in order) * UNIT)
