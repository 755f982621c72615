"""Levers: a term of the priority by hand, within bounds, until a day; nothing else gives way."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from streams.admin.explained import told
from streams.admin.explaining import explain
from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.outputs.payloads import DecisionLog, Terms
from streams.contracts.reference.structs import Arbitration, Lever, TriggerRule
from streams.contracts.times import from_ms
from streams.customer import Customer
from streams.decisions import Basis, Policy, decide, redecide
from streams.errors import ReferenceDataError
from tests.unit.decisions.people import (
    FREE,
    T0,
    Fixed,
    offer,
    request,
    rule,
    shop,
    someone,
)

NOW = from_ms(T0)
DAY = timedelta(days=1)
LEVER = Lever(lever_id="l", amount=0.25, reason="autumn", valid_until=NOW + DAY)
BY_EACH = rule(channels=("app", "push"))


def entry_of(
    policy: Policy, by: TriggerRule | None = None, person: Customer | None = None
) -> DecisionLog:
    """The log's entry, which is the same to the bit when it is decided again."""
    asked = request(by=by or rule())
    _, effects = decide(person or someone(), asked, T0, Basis(Fixed(), policy))
    entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
    assert redecide(entry, Fixed(), policy) == entry
    return entry


def terms_of(entry: DecisionLog) -> dict[str, Terms]:
    """The terms by offer."""
    return {c.offer_id: c.terms for c in entry.offers if c.terms is not None}


def levers_in(policy: Policy, by: TriggerRule | None = None) -> dict[str, float]:
    """What levers add, by offer."""
    return {name: terms.lever for name, terms in terms_of(entry_of(policy, by)).items()}


@pytest.mark.parametrize(
    ("fields", "a", "b"),
    [
        ({"offer_id": "a"}, 0.25, 0.0),
        ({"class_": "drinks"}, 0.0, 0.25),
        ({"channel": "app"}, 0.25, 0.25),
        ({"channel": "push"}, 0.0, 0.0),
        ({"offer_id": "a", "class_": "drinks"}, 0.0, 0.0),
        ({"offer_id": "a", "valid_from": NOW}, 0.25, 0.0),
        ({"offer_id": "a", "valid_from": NOW + DAY / 2}, 0.0, 0.0),
        ({"offer_id": "a", "valid_until": NOW}, 0.0, 0.0),
    ],
)
def test_a_lever_counts_for_what_it_names_while_it_is_valid(
    fields: dict[str, Any], a: float, b: float
) -> None:
    """Offer, class and channel together; from its first moment on, to its last and not at it."""
    offers = (offer("a"), offer("b", class_="drinks"))
    assert levers_in(shop(*offers, levers=(replace(LEVER, **fields),))) == {"a": a, "b": b}


@pytest.mark.parametrize("count", [2, 17])
def test_it_is_one_term_of_the_priority_and_changes_no_other(count: int) -> None:
    """Of few offers and of many, which are weighed at once."""
    offers = [offer(f"o-{n}") for n in range(count)]
    plain = terms_of(entry_of(shop(*offers)))
    pulled = terms_of(entry_of(shop(*offers, levers=(replace(LEVER, offer_id="o-1"),))))
    of_one = pulled.pop("o-1")
    before = plain.pop("o-1")
    assert pulled == plain
    assert of_one.priority == pytest.approx(before.priority + 0.25)
    assert replace(of_one, lever=0.0, priority=before.priority) == before


def test_together_they_are_never_beyond_the_bound() -> None:
    """Up or down: `arbitration.lever_max`."""
    for sign in (1.0, -1.0):
        each = tuple(
            replace(LEVER, lever_id=str(n), offer_id="a", amount=sign * 0.9) for n in range(3)
        )
        assert levers_in(shop(offer("a"), levers=each)) == {"a": sign}


def test_by_channel_it_moves_the_choice_of_the_channel() -> None:
    """Where the rule lets choose, the offer goes where the owner wants it, and keeps its worth."""
    push = replace(LEVER, channel="push", amount=0.1)
    plain, pulled = (
        terms_of(entry_of(shop(offer("a"), rules=(BY_EACH,), levers=levers), BY_EACH))["a"]
        for levers in ((), (push,))
    )
    assert (plain.channel, plain.lever) == ("app", 0.0)
    assert (pulled.channel, pulled.lever) == ("push", 0.1)
    assert pulled.value == plain.value


@pytest.mark.parametrize(
    ("person", "fields", "shop_fields"),
    [
        (someone(consents={}), {}, {}),
        (someone(), {"stock_product_id": "gone"}, {}),
        (someone(), {"cap": None, "paused": True}, {}),
        (someone(), {}, {"chooser": "holdout"}),
        (someone(), {"holdout_share": 0.999_999}, {}),
        (someone(), {}, {"contact": replace(FREE, calendar_day_max=1, min_gap_ms=9_000_000)}),
    ],
)
def test_it_overrules_nothing(
    person: Customer, fields: dict[str, Any], shop_fields: dict[str, Any]
) -> None:
    """Consent, stock, pause, holdouts and limits: with the greatest lever nothing is sent."""
    greatest = replace(LEVER, offer_id="a", amount=1e6)
    policy = shop(
        offer("a", **fields),
        levers=(greatest,),
        arbitration=Arbitration(lever_max=1e6),
        **shop_fields,
    )
    policy = replace(policy, stock={("gone", "*"): 0})
    if "contact" in shop_fields:
        person, _ = decide(person, request(0, T0 - 1), T0 - 1, Basis(Fixed(), policy))
    assert entry_of(policy, person=person).chosen_offer_id is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"offer_id": "a", "amount": 2.0}, "amount: 2 is beyond arbitration.lever_max, 1"),
        ({"offer_id": "a", "amount": -2.0}, "amount: -2 is beyond arbitration.lever_max, 1"),
        ({}, "l: names no offer_id, class or channel"),
        ({"offer_id": "a", "valid_from": NOW + DAY}, "valid_until: is not after valid_from"),
    ],
)
def test_a_lever_that_does_not_hold_is_refused(fields: dict[str, Any], said: str) -> None:
    """With the place where it stands."""
    with pytest.raises(ReferenceDataError) as refused:
        shop(offer("a"), levers=(replace(LEVER, **fields),))
    assert "policies: $.levers.l" in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("language", "word", "term"),
    [
        ("en", "by hand", "fatigue + lever = priority"),
        ("ja", "手動で", "疲労 + 手動調整 = 優先度"),
        ("zh", "手动将", "疲劳 + 手动调整 = 优先级"),
    ],
)
def test_explain_says_what_was_added_by_hand(language: Any, word: str, term: str) -> None:
    """In a sentence, and in the sum; of an offer without a lever nothing."""
    pulled = shop(offer("a"), offer("b"), levers=(replace(LEVER, offer_id="a", amount=-0.1),))
    lines = list(told(explain(entry_of(pulled), None, language), language))
    (line,) = [line for line in lines if word in line]
    assert "-0.100" in line
    assert any(term in line for line in lines)
    plain = told(explain(entry_of(shop(offer("a"))), None, language), language)
    assert not [line for line in plain if term in line or word in line]
