"""What the shop earns of people who were sent an offer, and of its holdout: told once, for each."""

import pytest
from msgspec.structs import replace

from streams.contracts.outputs.effects import OutcomeLabeled
from streams.contracts.reference.structs import Experiment
from streams.contracts.times import DAY_MS
from streams.customer import Customer
from streams.customer.merge import merge_customers
from streams.customer.offer_counts import COUNTED_MAX
from streams.customer.row import OFFER_ENROLLMENTS_MAX, Order, due_at_ms
from streams.customer.trimming import trimmed
from streams.decisions import Basis, Policy, decide
from streams.feedback import enroll_for_offers, tell_offer_margins
from streams.identity import is_held_out
from tests.unit.decisions.people import T0, Fixed, offer, request, shop, someone

WINDOW_MS = 28 * DAY_MS
SHARE = 0.3
IDS = [f"c-{n}" for n in range(99)]
HELD = next(i for i in IDS if is_held_out(Experiment(), "a", SHARE, i))
FREE = next(i for i in IDS if not is_held_out(Experiment(), "a", SHARE, i))


def free(person: Customer) -> Customer:
    """The person whom nothing keeps from the next offer."""
    return replace(person, open_decisions=(), coupons_out=(), contacts=())


def decided(person: Customer, policy: Policy, number: int = 1, at_ms: int = T0) -> Customer:
    """The person after a decision, enrolled where that is due."""
    person, effects = decide(person, request(number), at_ms, Basis(Fixed(), policy))
    return enroll_for_offers(person, effects, policy)


def test_both_groups_are_told_of_once() -> None:
    """An order of 100 at a margin share of .3; the contact costs .05 only where it was made."""
    policy = shop(offer("a", contact_cost=0.05, holdout_share=SHARE))
    for who, label in ((FREE, 29.95), (HELD, 30.0)):
        person = decided(replace(someone(), customer_id=who), policy)
        (enrolled,) = person.offer_enrollments
        assert enrolled.withheld == (who == HELD)
        orders = (Order("o-1", T0 + DAY_MS, 100.0, "web"), Order("o-2", T0 - 1, 50.0, "web"))
        person = replace(person, orders=orders, open_decisions=(), compared=None)
        assert due_at_ms(person) == T0 + WINDOW_MS
        assert tell_offer_margins(person, T0 + WINDOW_MS - 1, policy) == (person, ())
        person, (told,) = tell_offer_margins(person, T0 + WINDOW_MS, policy)
        assert isinstance(told, OutcomeLabeled)
        assert (told.example.model, told.example.offer_id) == ("offer_margin", "a")
        assert told.example.label == pytest.approx(label)
        assert told.example.features["withheld"] == float(who == HELD)
        assert told.example.features["share"] == SHARE
        assert due_at_ms(person) is None
        assert tell_offer_margins(person, T0 + 2 * WINDOW_MS, policy) == (person, ())
        again = decided(person, policy, 2, T0 + 2 * WINDOW_MS)
        assert again.offer_enrollments == person.offer_enrollments, "once in an experiment"


def test_offers_without_a_holdout_and_visitors_enroll_nobody() -> None:
    """Nothing to compare with; and a visitor's holdout gives way to the customer's."""
    plain, with_holdout = shop(offer("a")), shop(offer("a", holdout_share=SHARE))
    assert decided(someone(), plain).offer_enrollments == ()
    visitor = replace(someone(), known=False)
    assert decided(visitor, with_holdout).offer_enrollments == ()


def test_without_consent_nothing_is_learned() -> None:
    """The window closes in silence."""
    person = decided(someone(), policy := shop(offer("a", holdout_share=SHARE)))
    person, effects = tell_offer_margins(replace(person, consents={}), T0 + WINDOW_MS, policy)
    assert effects == ()
    assert [e.told for e in person.offer_enrollments] == [True]


def test_a_row_holds_a_few_and_makes_room_of_what_is_told() -> None:
    """Eight at most; what is told makes room for what is drawn first now."""
    offers = [offer(f"o-{n}", holdout_share=SHARE) for n in range(12)]
    person = someone()
    for n in range(12):
        person = decided(person, shop(*offers[: n + 1]), n, T0 + n)
        person = replace(person, open_decisions=(), contacts=())
    names = {e.offer_id for e in person.offer_enrollments}
    assert len(person.offer_enrollments) == len(names) <= OFFER_ENROLLMENTS_MAX
    person, _ = tell_offer_margins(person, T0 + 2 * WINDOW_MS, shop(*offers))
    person = decided(person, shop(offer("new", holdout_share=SHARE)), 99, T0 + 2 * WINDOW_MS)
    names = {e.offer_id for e in person.offer_enrollments}
    assert ("new" in names, len(names) <= OFFER_ENROLLMENTS_MAX) == (True, True)


def test_a_share_that_was_lifted_for_a_while_enrolls_nobody_twice() -> None:
    """What was told of is remembered through times without a holdout."""
    both = shop(offer("a", holdout_share=SHARE), offer("b", holdout_share=SHARE))
    only_b = shop(offer("b", holdout_share=SHARE))
    person = decided(someone(), shop(offer("a", holdout_share=SHARE)))
    person, told = tell_offer_margins(person, T0 + WINDOW_MS, both)
    assert len(told) == 1
    person = decided(free(person), only_b, 2, T0 + WINDOW_MS)
    again = decided(free(person), shop(offer("a", holdout_share=SHARE)), 3, T0 + 2 * WINDOW_MS)
    assert [(e.offer_id, e.told) for e in again.offer_enrollments] == [("a", True), ("b", False)]


def test_a_first_draw_without_room_is_never_made_up_for() -> None:
    """The ninth offer is not counted later, when there is room: that draw is not the first."""
    offers = [offer(f"o-{n}", holdout_share=SHARE) for n in range(10)]
    person = someone()
    for n, one in enumerate(offers[:9]):
        person = free(decided(person, shop(one), n, T0 + n))
    assert {e.offer_id for e in person.offer_enrollments} == {f"o-{n}" for n in range(8)}
    at_ms = T0 + 2 * WINDOW_MS
    person, told = tell_offer_margins(person, at_ms, shop(*offers))
    assert len(told) == 8
    for n, one in enumerate(offers):
        person = free(decided(person, shop(one), 20 + n, at_ms + n))
    assert [e.offer_id for e in person.offer_enrollments] == ["o-9"]
    person, told = tell_offer_margins(person, at_ms + 2 * WINDOW_MS, shop(*offers))
    assert [t.example.offer_id for t in told] == ["o-9"]


def test_a_row_that_is_cut_counts_nobody_again() -> None:
    """Trimmed, or merged without room: what was enrolled is not enrolled once more."""
    policy = shop(offer("a", holdout_share=SHARE))
    person = decided(someone(), policy)
    cut = trimmed(person, lambda row: isinstance(row, Customer) and not row.offer_enrollments)
    assert isinstance(cut, Customer)
    assert decided(free(cut), policy, 2).offer_enrollments == ()
    full = someone()
    for n in range(8):
        full = free(decided(full, shop(offer(f"o-{n}", holdout_share=SHARE)), n, T0 + n))
    merged = merge_customers(full, replace(cut, customer_id="c-2"), T0)
    assert decided(free(merged), policy, 3).offer_enrollments == full.offer_enrollments
    merged = merge_customers(full, replace(person, customer_id="c-2"), T0)
    at_ms = T0 + 2 * WINDOW_MS
    merged, told = tell_offer_margins(merged, at_ms, policy)
    assert len(told) == 8
    after = decided(free(merged), policy, 4, at_ms)
    assert after.offer_enrollments == merged.offer_enrollments


def test_of_more_offers_than_are_remembered_none_is_taken_for_new() -> None:
    """Once hashes are full nobody is enrolled: which draw is the first is not known any more."""
    person = someone()
    for n in range(40):
        at_ms = T0 + n * WINDOW_MS
        policy = shop(offer(f"o-{n}", holdout_share=SHARE))
        person, _ = tell_offer_margins(person, at_ms, policy)
        person = free(decided(person, policy, n, at_ms))
    assert person.offers_counted is not None
    assert len(person.offers_counted.offers) == COUNTED_MAX
    assert [e.offer_id for e in person.offer_enrollments] == ["o-32"]


def test_a_merge_keeps_the_customers_own_and_enrolls_nobody_again() -> None:
    """What the other row took part in is remembered and told no more."""
    policy = shop(offer("a", holdout_share=SHARE))
    mine = decided(replace(someone(), customer_id=HELD), policy)
    other = decided(replace(someone(), customer_id=FREE), policy)
    assert merge_customers(mine, other, T0).offer_enrollments == mine.offer_enrollments
    (kept,) = merge_customers(someone(), other, T0).offer_enrollments
    assert kept == replace(other.offer_enrollments[0], told=True)
