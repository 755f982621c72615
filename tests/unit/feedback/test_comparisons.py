"""What is bought after decisions: learned when the time is over, of who agrees, and bounded."""

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from streams.contracts.outputs.effects import OutcomeLabeled
from streams.contracts.reference.structs import Policies
from streams.contracts.times import DAY_MS
from streams.customer.merge import merge_customers
from streams.customer.row import (
    COMPARISONS_MAX,
    Compared,
    Comparison,
    Customer,
    Order,
    due_at_ms,
)
from streams.features import CONTEXT_FEATURES, FEATURES_VERSION, pack
from streams.feedback import end_comparisons
from streams.feedback.closing import Use, assist, redeem
from tests.support.decisions_open import T0, decision, person

OVER = T0 + 14 * DAY_MS
POLICIES = Policies()
CONTEXT = pack(np.ones(len(CONTEXT_FEATURES), np.float32))
WHO = Compared(T0, FEATURES_VERSION, CONTEXT, orders_before=(2, 7))


def comparison(number: int = 1, **fields: Any) -> Comparison:
    """Of decision `d-<number>` and its offer, open for two weeks."""
    made = Comparison(f"d-{number}", T0, OVER, f"o-{number}", "standard", 0.6)
    return replace(made, **fields)


def compared(*open_: Comparison, **fields: Any) -> Customer:
    """Somebody with decision `d-1` and these comparisons."""
    return person(decision(1), compared=replace(WHO, open=open_ or (comparison(),)), **fields)


def order(at_ms: int, amount: float = 50.0, **fields: Any) -> Order:
    """An order, by its time."""
    return Order(f"o-{at_ms}", at_ms, amount, "web", **fields)


def learned(row: Customer, at_ms: int = OVER) -> tuple[float, dict[str, float]]:
    """Label and features of the one example."""
    _, (effect,) = end_comparisons(row, at_ms, POLICIES)
    assert isinstance(effect, OutcomeLabeled)
    assert effect.example.model == "uplift"
    return effect.example.label, effect.example.features


def test_it_is_due_when_its_time_is_over() -> None:
    """It wakes the row exactly then; who the person was stays, for the next comparison."""
    row = compared(open_decisions=())
    assert due_at_ms(row) == OVER
    assert end_comparisons(row, OVER - 1, POLICIES) == (row, ())
    row, effects = end_comparisons(row, OVER, POLICIES)
    assert len(effects) == 1
    assert row.compared == WHO
    assert due_at_ms(row) is None


def test_orders_count_that_stand_when_it_is_over() -> None:
    """Inside the time, and neither cancelled nor given back; the margin is of what is left."""
    orders = (
        order(T0),
        order(T0 + 1),
        order(T0 + 2, cancelled=True, refunded=50.0),
        order(T0 + 3, refunded=50.0),
        order(T0 + 4, refunded=25.0),
        order(OVER),
        order(OVER + 1),
    )
    label, features = learned(compared(orders=orders))
    assert label == 3.0
    assert features["margin"] == pytest.approx((50.0 + 25.0 + 50.0) * 0.3)


def test_what_is_learned_names_features_and_the_class() -> None:
    """Numbers by name, the offer by its id; without an offer there is no class."""
    _, features = learned(compared())
    assert features["c.recency"] == features["class_standard"] == 1.0
    assert (features["offered"], features["uses"], features["own_uses"]) == (0.6, 0.0, 0.0)
    assert len(features) == len(CONTEXT_FEATURES) + 7
    assert (features["orders_before"], features["orders_long_before"]) == (2.0, 7.0)
    without = compared(comparison(offer_id="", class_=""))
    _, (effect,) = end_comparisons(without, OVER, POLICIES)
    assert effect.example.offer_id is None
    assert not any(name.startswith("class_") for name in effect.example.features)


def test_features_of_another_version_are_left_out() -> None:
    """They no longer mean what they did; the comparison counts all the same."""
    old = replace(WHO, features_version=FEATURES_VERSION - 1, open=(comparison(),))
    label, features = learned(person(compared=old, orders=(order(T0 + 1),)))
    assert label == 1.0
    assert not any(name.startswith("c.") for name in features)


def test_nothing_is_learned_of_who_does_not_agree() -> None:
    """Asked when the time is over; the comparison is gone all the same."""
    row, effects = end_comparisons(compared(training="denied"), OVER, POLICIES)
    assert effects == ()
    assert row.compared == WHO


def test_uses_count_once_and_only_in_their_time() -> None:
    """The decision's own and those of others; by coupon or without."""
    first = decision(1)
    row, _ = redeem(compared(), first, Use(T0 + DAY_MS, T0 + DAY_MS, 9.0))
    row, _ = redeem(row, row.open_decisions[0], Use(T0 + DAY_MS, T0 + DAY_MS, 9.0))
    other, late = decision(2), decision(3)
    row, _ = assist(row, other, T0 + 2 * DAY_MS)
    row, _ = redeem(row, replace(other, status="assisted"), Use(T0 + 3 * DAY_MS, OVER, 9.0))
    row, _ = redeem(row, late, Use(T0 - 1, OVER, 9.0))
    _, features = learned(row)
    assert (features["uses"], features["own_uses"]) == (2.0, 1.0)


def test_two_rows_become_one_person() -> None:
    """Comparisons of both stay, at most the newest few; who they were is the earlier of the two."""
    later = replace(WHO, since_ms=T0 + 1, context=b"", open=(comparison(2), comparison(3)))
    other = replace(person(compared=later), customer_id="c-2")
    merged = merge_customers(other, compared(), T0 + 2)
    assert merged.compared is not None
    assert merged.compared.context == WHO.context
    assert len(merged.compared.open) == COMPARISONS_MAX
    assert merge_customers(person(), compared(), T0).compared == compared().compared
