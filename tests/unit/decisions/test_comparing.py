"""Comparisons begin alike with an offer, without one and in the holdout; one at a time."""

from typing import Any

import pytest

from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.reference.structs import Arbitration, Arm, Experiment
from streams.contracts.times import DAY_MS
from streams.customer import Customer
from streams.customer.row import Consent, Order
from streams.decisions import Basis, decide
from streams.decisions.policy import Policy
from streams.features import CONTEXT_FEATURES, FEATURES_VERSION
from tests.unit.decisions.people import T0, Fixed, offer, request, shop, someone

ARMS = (
    Arm(name="policy", share=0.6, chooser="policy"),
    Arm(name="uniform", share=0.2, chooser="uniform"),
    Arm(name="holdout", share=0.2, chooser="holdout"),
)
EXPLORES = Arbitration(exploration="epsilon", epsilon=0.3)


def policy(*arms: Arm, **fields: Any) -> Policy:
    """A shop with two offers and these arms."""
    made = Experiment(id="e", salt="s", arms=arms or ARMS)
    fields = {"experiment": made, "arbitration": EXPLORES, **fields}
    return shop(offer("a", class_="food"), offer("b"), **fields)


def decided(person: Customer, of: Policy, number: int = 0) -> tuple[Customer, DecisionLog]:
    """The person after a decision, and its entry."""
    after, effects = decide(person, request(number), T0 + number, Basis(Fixed(), of))
    return after, next(e.entry for e in effects if isinstance(e, DecisionLogged))


def test_everybody_is_compared_alike() -> None:
    """Whatever came of the decision: it is open for twice the window, with P(an offer)."""
    seen = set()
    for number in range(100):
        after, entry = decided(someone(customer_id=f"c-{number}"), policy(), number)
        seen.add(entry.verdict)
        assert after.compared is not None
        (one,) = after.compared.open
        assert one.decision_id == entry.decision_id
        assert one.offer_id == (entry.chosen_offer_id or "")
        assert bool(one.class_) == bool(one.offer_id)
        assert one.opened_at_ms == T0 + number
        assert one.ends_at_ms == one.opened_at_ms + 14 * DAY_MS
        if entry.experiment.arm == "policy":
            expected = 0.6 * (1.0 - entry.no_offer_probability) + 0.2
            assert one.offered == pytest.approx(expected)
    assert seen == {"offer", "no_offer", "holdout"}


def test_an_arm_of_chance_does_not_ask_how_sure_the_model_is() -> None:
    """The model is asked once, for the draw; what chance would withhold does not hang on it."""
    asked = []

    class Counting(Fixed, frozen=True):
        def spreads(self, context: Any, offers: Any, offer_ids: Any) -> Any:
            asked.append(offer_ids)
            return super().spreads(context, offers, offer_ids)

    offers = offer("a", holdout_share=0.999), offer("b")
    of = shop(
        *offers,
        experiment=Experiment(id="e", salt="s", arms=ARMS),
        arbitration=Arbitration(exploration="thompson", epsilon=0.3),
    )
    compared = 0
    for number in range(40):
        person, asked[:] = someone(customer_id=f"c-{number}"), []
        after, effects = decide(person, request(number), T0 + number, Basis(Counting(), of))
        entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
        if entry.experiment.arm == "policy":
            compared += after.compared is not None
            assert len(asked) == 1
    assert compared > 0


def test_who_they_are_is_kept_of_the_first_decision() -> None:
    """One comparison at a time; the next begins when it is over, with the same features."""
    orders = tuple(Order(f"o-{n}", T0 - n * DAY_MS, 9.0, "web") for n in (1, 13, 15, 55, 57))
    after, _ = decided(someone(orders=orders), policy())
    first = after.compared
    assert first is not None
    assert first.orders_before == (2, 4)
    assert len(first.context) == 4 * len(CONTEXT_FEATURES)
    assert (first.since_ms, first.features_version) == (T0, FEATURES_VERSION)
    again, _ = decided(after, policy(), 1)
    assert again.compared == first


def test_nobody_is_compared_who_does_not_let_us_learn() -> None:
    """Without consent to model_training nothing is remembered."""
    refused = {**someone().consents, "model_training": Consent("denied", T0)}
    assert decided(someone(consents=refused), policy())[0].compared is None


def test_without_two_groups_there_is_nothing_to_compare() -> None:
    """Where everybody is offered something, or nobody."""
    for chooser in ("uniform", "holdout"):
        only = Arm(name=chooser, share=1.0, chooser=chooser)
        assert decided(someone(), policy(only))[0].compared is None
