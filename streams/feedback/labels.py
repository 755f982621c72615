"""Labeled examples out of decisions: what the model saw then, what became of it now."""

import math
from typing import Literal

from streams.contracts.ids import derive_id
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.effects import OutcomeLabeled
from streams.customer.consents import is_granted
from streams.customer.row import Customer, OpenDecision
from streams.features import CONTEXT_FEATURES, FEATURES_VERSION, OFFER_FEATURES, unpack
from streams.features.offers import LOG_REACH

Outcome = Literal["used", "not_used", "late_conversion"]
RESPONSE_PROBABILITY_MAX = 0.9


def may_train(person: Customer) -> bool:
    """Whether the person lets us learn from them: granted, and no objection (GPC) on top."""
    return is_granted(person, "model_training")


def used(person: Customer, decision: OpenDecision, at_ms: int) -> tuple[OutcomeLabeled, ...]:
    """Label 1: the offer was used, or led to a purchase, inside its window."""
    return _label(person, decision, at_ms, "used")


def not_used(person: Customer, decision: OpenDecision, at_ms: int) -> tuple[OutcomeLabeled, ...]:
    """Label 0: the window closed, and nothing had happened."""
    return _label(person, decision, at_ms, "not_used")


def late_conversion(
    person: Customer, decision: OpenDecision, at_ms: int
) -> tuple[OutcomeLabeled, ...]:
    """Label 1 for a use that became known after label 0 was learned.

    At a response probability p the wrong label moved the log odds by -p, the right one would have
    moved them by 1 - p; a weight of 1 / (1 - p) makes up for both.
    """
    weight = 1.0 / (1.0 - min(decision.response_probability, RESPONSE_PROBABILITY_MAX))
    return _label(person, decision, at_ms, "late_conversion", round(weight, 6))


def _label(
    person: Customer,
    decision: OpenDecision,
    at_ms: int,
    outcome: Outcome,
    weight: float = 1.0,
) -> tuple[OutcomeLabeled, ...]:
    if not may_train(person) or decision.features_version != FEATURES_VERSION:
        return ()
    example = LearningExample(
        example_id=derive_id("x", decision.decision_id, outcome),
        model="response",
        observed_at_ms=at_ms,
        label=0.0 if outcome == "not_used" else 1.0,
        features=_features(decision),
        weight=weight,
        offer_id=decision.offer_id,
        action_probability=decision.probability,
        model_version=decision.model_version,
        arm=decision.arm,
    )
    return (OutcomeLabeled(example),)


def _features(decision: OpenDecision) -> dict[str, float]:
    """The features of decision time by name: `c.` for the context, `o.` for the offer.

    Where a channel was chosen, its reach as well: the model says P(used) where people answer best.
    """
    context = unpack(decision.context).tolist()
    offer = unpack(decision.offer).tolist()
    named = {f"c.{name}": x for name, x in zip(CONTEXT_FEATURES, context, strict=True)}
    named.update({f"o.{name}": x for name, x in zip(OFFER_FEATURES, offer, strict=True)})
    if decision.reach is not None:
        named[LOG_REACH] = math.log(decision.reach)
    return named
