"""What the shop earns of a person after their first decision: told once, in every arm."""

from typing import Any, get_args

import pytest
from msgspec.structs import replace

from streams.contracts.outputs.effects import OutcomeLabeled
from streams.contracts.outputs.payloads import Verdict
from streams.contracts.reference.structs import Chooser
from streams.contracts.times import DAY_MS
from streams.customer import Customer
from streams.customer.merge import merge_customers
from streams.customer.row import Contact, Order, due_at_ms, new_customer
from streams.decisions import Basis, Policy, decide
from streams.feedback import enroll, tell_margin
from streams.feedback.enrollment import ENROLLING, margin_id
from tests.unit.decisions.people import T0, Fixed, offer, request, shop, someone

WINDOW_MS = 28 * DAY_MS


def enrolled(chooser: Chooser, **fields: Any) -> tuple[Customer, Policy]:
    """Somebody after a decision that could make an offer of 0.05 to contact."""
    policy = shop(offer("a", contact_cost=0.05), chooser=chooser)
    person, effects = decide(someone(**fields), request(), T0, Basis(Fixed(), policy))
    return enroll(person, effects, policy.policies), policy


def told(person: Customer, at_ms: int, policy: Policy) -> tuple[Customer, list[OutcomeLabeled]]:
    """What is told by then."""
    person, effects = tell_margin(person, at_ms, policy)
    return person, list(effects)


@pytest.mark.parametrize("chooser", get_args(Chooser))
def test_margin_of_the_window_is_told_once_in_every_arm(chooser: Chooser) -> None:
    """Orders that stand, at a margin share of .3, less .05 for an offer; of the window alone.

    100 and 20 less 5 given back: 34.5. The row wakes for it, and is at rest then.
    """
    person, policy = enrolled(chooser)
    assert due_at_ms(replace(person, open_decisions=(), compared=None)) == T0 + WINDOW_MS
    orders = (
        Order("o-0", T0 - 1, 70.0, "web"),
        Order("o-1", T0 + DAY_MS, 100.0, "web"),
        Order("o-2", T0 + 2 * DAY_MS, 20.0, "web", refunded=5.0),
        Order("o-3", T0 + 3 * DAY_MS, 90.0, "web", cancelled=True),
        Order("o-4", T0 + WINDOW_MS, 80.0, "web"),
    )
    person = replace(person, orders=orders, open_decisions=(), compared=None)
    assert told(person, T0 + WINDOW_MS - 1, policy) == (person, [])
    person, (label,) = told(person, T0 + WINDOW_MS, policy)
    assert label.example.label == pytest.approx(34.5 - (0.0 if chooser == "holdout" else 0.05))
    assert label.example.features[f"chooser_{chooser}"] == 1.0
    assert label.example.example_id == margin_id(request().decision_id)
    assert due_at_ms(person) is None
    assert told(person, T0 + 2 * WINDOW_MS, policy) == (person, [])


def test_an_experiment_counts_a_person_once() -> None:
    """A second decision changes nothing; under another experiment it enrolls anew."""
    person, policy = enrolled("holdout")
    later = T0 + DAY_MS
    _, effects = decide(person, request(2), later, Basis(Fixed(), policy))
    assert enroll(person, effects, policy.policies) is person
    experiment = replace(policy.policies.experiment, id="autumn")
    again = enroll(person, effects, replace(policy.policies, experiment=experiment))
    assert again.enrollment is not None
    assert person.enrollment is not None
    assert again.enrollment.experiment != person.enrollment.experiment
    assert again.enrollment.since_ms == later


def test_who_could_not_be_offered_anything_is_not_enrolled() -> None:
    """Nothing eligible, no consent, a limit, an anonymous visitor."""
    assert set(ENROLLING) < set(get_args(Verdict))
    paused = shop(offer("a", paused=True))
    nobody = replace(someone(), known=False)
    for person, policy in ((someone(), paused), (nobody, shop(offer("a")))):
        _, effects = decide(person, request(), T0, Basis(Fixed(), policy))
        assert enroll(person, effects, policy.policies) is person


def test_nothing_is_learned_without_consent() -> None:
    """Without `model_training` the window closes in silence."""
    person, policy = enrolled("policy")
    person, effects = told(replace(person, consents={}), T0 + WINDOW_MS, policy)
    assert effects == []
    assert person.enrollment is not None
    assert person.enrollment.told


def test_a_merge_keeps_the_customers_own() -> None:
    """Who takes the other in stays as enrolled; else the other's goes on."""
    person, _ = enrolled("holdout", contacts=(Contact(T0 - DAY_MS, "z", "app", "d"),))
    other = new_customer("c-9", T0)
    assert merge_customers(person, other, T0).enrollment == person.enrollment
    assert merge_customers(other, person, T0).enrollment == person.enrollment
