"""Where an owner states no expected rate, offers of the same category tell it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.contracts.reference.structs import Conditions, Offer, ProductInfo, Reference
from streams.features import expected_rates
from tests.unit.decisions.people import offer, shop

PRODUCTS = (ProductInfo(product_id="p-1", category="tea"),)
TEA, WINE = Conditions(categories=("tea",)), Conditions(categories=("wine",))
BOTH = Conditions(categories=("tea", "wine"))
GREEN_TEA = Conditions(product_ids=("p-1",))
STATED = {
    "tea-1": (TEA, 0.1),
    "tea-2": (TEA, 0.3),
    "wine": (WINE, 0.02),
    "both": (BOTH, 0.06),
    "basket": (Conditions(), 0.5),
}


def made(name: str, conditions: Conditions, rate: float | None) -> Offer:
    """An offer for these goods."""
    return offer(name, conditions=conditions, expected_rate=rate)


def rates(*more: Offer) -> dict[str, float]:
    """Of the offers that state one, and these."""
    offers = (*more, *(made(name, *told) for name, told in STATED.items()))
    found = expected_rates(Reference(offers=offers, products=PRODUCTS))
    return dict(zip((one.offer_id for one in offers), found, strict=True))


@pytest.mark.parametrize(
    ("conditions", "rate"),
    [
        (TEA, (0.1 + 0.3 + 0.06) / 3),
        (GREEN_TEA, (0.1 + 0.3 + 0.06) / 3),
        (WINE, (0.02 + 0.06) / 2),
        (BOTH, (0.1 + 0.3 + 0.02 + 0.06) / 4),
        (Conditions(), 0.5),
        (Conditions(categories=("garden",)), (0.1 + 0.3 + 0.02 + 0.06 + 0.5) / 5),
    ],
)
def test_a_rate_that_is_not_stated_is_that_of_its_category(
    conditions: Conditions, rate: float
) -> None:
    """An offer of two categories counts once; of a category without a rate all offers tell."""
    found = rates(made("new", conditions, None))
    assert found.pop("new") == pytest.approx(rate)
    assert found == {name: told for name, (_, told) in STATED.items()}


def test_a_rate_of_none_says_nothing_of_others() -> None:
    """Whatever is sent for certain may state 0: no reason to offer nothing else."""
    nothing = made("recall", TEA, 0.0)
    assert rates(made("new", TEA, None), nothing)["new"] == rates(made("new", TEA, None))["new"]
    assert expected_rates(Reference(offers=(nothing, made("new", TEA, None)))) == [0.0, 0.05]


def test_where_nobody_states_one_it_is_five_percent() -> None:
    """And those without one say nothing to each other."""
    offers = (made("a", TEA, None), made("b", WINE, None))
    assert expected_rates(Reference(offers=offers)) == [0.05, 0.05]


@given(st.permutations(sorted(STATED)))
def test_the_order_of_the_offers_changes_no_bit(order: list[str]) -> None:
    """Workers and files may have them in another order; a decision is made again all the same."""
    offers = [made(name, *STATED[name]) for name in order]
    found = expected_rates(Reference(offers=(*offers, made("new", BOTH, None))))[-1]
    assert found == rates(made("new", BOTH, None))["new"]


def test_a_decision_begins_there() -> None:
    """P(used) of who has learned nothing, and the feature that the learner finds it again by."""
    policy: Any = shop(made("new", TEA, None), made("tea", TEA, 0.3), made("wine", WINE, 0.02))
    assert policy.by_id["new"].prior_log_odds == policy.by_id["tea"].prior_log_odds
    assert policy.table.fixed[0].tolist() == policy.table.fixed[1].tolist()
