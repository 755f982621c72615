"""What is said before an offer is said of this offer: never of one that it is not true of."""

from typing import Any

import pytest

from streams.contracts.outputs.effects import OfferDecided
from streams.contracts.outputs.payloads import Texts
from streams.contracts.reference.structs import Conditions, TriggerKind
from streams.contracts.times import DAY_MS
from streams.customer import Customer
from streams.customer.row import Cart, CartItem, ChannelActivity, Spend
from streams.decisions import Basis, decide
from tests.unit.decisions.people import T0, Fixed, offer, request, rule, shop, someone

GARDEN = Conditions(categories=("garden",))
COFFEE = CartItem("latte", "coffee", 1, 3.0)


def said(
    kind: TriggerKind, conditions: Conditions, person: Customer | None = None, **event: Any
) -> Texts:
    """The text of the one offer that there is."""
    by = rule("r", kind=kind)
    made = offer("o", title={"en": "20 % off", "ja": "20%引き"}, conditions=conditions)
    asked = request(by=by, **event)
    effects = decide(person or someone(), asked, T0, Basis(Fixed(), shop(made, rules=(by,))))[1]
    (sent,) = [effect.offer for effect in effects if isinstance(effect, OfferDecided)]
    return sent.text


@pytest.mark.parametrize("kind", ["zone_entered", "zone_dwelled"])
def test_who_is_beside_the_coffee_is_not_beside_the_garden(kind: TriggerKind) -> None:
    """In the coffee zone an offer for the garden says only where the person is."""
    text = said(kind, GARDEN, store_id="s-1", zone_id="z-1", zone_type="coffee")
    assert text == {
        "en": "While you are in the store: 20 % off",
        "ja": "ご来店ありがとうございます：20%引き",
        "zh": "趁您在店里：20 % off",
    }
    beside = said("zone_entered", GARDEN, store_id="s-1", zone_id="z-1", zone_type="garden")
    assert beside["en"] == "You are right beside it: 20 % off"
    nowhere = said("zone_entered", Conditions(), store_id="s-1", zone_id="z-1")
    assert nowhere["en"] == "While you are in the store: 20 % off"


def test_only_what_was_looked_at_is_like_it() -> None:
    """By category; an offer for everything is like nothing."""
    viewed: dict[str, Any] = {"product_id": "spade", "category": "garden"}
    assert said("product_viewed", GARDEN, **viewed)["en"].startswith("You looked at something like")
    for other in (Conditions(categories=("coffee",)), Conditions()):
        assert said("product_viewed", other, **viewed)["en"] == "For you: 20 % off"


def test_what_waits_in_the_cart_is_what_the_offer_counts_for() -> None:
    """Of another offer it is said that it comes beside the cart."""
    person = someone(cart=Cart("c", T0, (COFFEE,)))
    for conditions in (Conditions(), Conditions(categories=("coffee",))):
        text = said("cart_abandoned", conditions, person)
        assert text["en"] == "Something waits in your cart: 20 % off"
    text = said("cart_abandoned", GARDEN, person)
    assert text["en"] == "Your cart is waiting. Also for you: 20 % off"


@pytest.mark.parametrize(("days", "words"), [(6, "For you"), (7, "We have missed you")])
def test_nobody_is_missed_who_was_there_this_week(days: int, words: str) -> None:
    """Whatever the risk says."""
    person = someone(channels={"web": ChannelActivity(T0 - days * DAY_MS)})
    assert said("churn_band_entered", GARDEN, person)["en"] == f"{words}: 20 % off"


@pytest.mark.parametrize(("orders", "words"), [(0, "first"), (1, "second"), (2, None)])
def test_the_order_that_is_welcomed_is_the_one_to_come(orders: int, words: str | None) -> None:
    """First and second purchases; after more, no number is said."""
    person = someone(spend=Spend(T0, orders=orders))
    kinds: dict[str, TriggerKind] = {
        "first": "first_purchase_due",
        "second": "second_purchase_due",
    }
    for name, kind in kinds.items():
        text = said(kind, GARDEN, person)["en"]
        assert (name in text) == (name == words)
        assert text.startswith("A welcome" if name == words else "For you: ")
