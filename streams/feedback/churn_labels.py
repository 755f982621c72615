"""Scoring moments and their labels: who comes back within the tick after it.

One tick after another while the person is silent for less than the horizon: the last moment gets
its label, whatever it is, when its tick is over, never sooner; so returns and silence of one
moment are learned together. A longer silence stops the ticks until the next purchase.
"""

from msgspec.structs import replace

from streams.contracts.ids import derive_id
from streams.contracts.outputs.effects import Effect, OutcomeLabeled
from streams.contracts.reference.structs import ChurnDefinition
from streams.customer.rhythm import has_returned, is_lapsed, next_tick_ms
from streams.customer.row import Churn, Customer, ScoringMoment
from streams.features.rhythm import churn_example
from streams.feedback.labels import may_train


def start_ticks(person: Customer, at_ms: int, churn: ChurnDefinition) -> Customer:
    """Let the ticks run, if they do not and there is a purchase to go by."""
    if person.churn.next_tick_ms is not None or not _is_watched(person, at_ms, churn):
        return person
    due_ms = next_tick_ms(person.customer_id, at_ms, churn.tick_ms)
    return _with_churn(person, replace(person.churn, next_tick_ms=due_ms))


def label_scoring(
    person: Customer, at_ms: int, churn: ChurnDefinition
) -> tuple[Customer, tuple[Effect, ...]]:
    """The label of the moment that waits, if its tick is over at `at_ms`."""
    waiting = person.churn.waiting
    if waiting is None or waiting.label_due_at_ms > at_ms:
        return person, ()
    person = _with_churn(person, replace(person.churn, waiting=None))
    if person.rhythm is None or not may_train(person):
        return person, ()
    example = churn_example(
        derive_id("x", person.customer_id, "churn", str(waiting.scored_at_ms)),
        waiting,
        has_returned(person.rhythm, waiting.scored_at_ms),
        at_ms,
        person.customer_id,
    )
    return person, (OutcomeLabeled(example),)


def await_label(person: Customer, at_ms: int, churn: ChurnDefinition) -> Customer:
    """Wait for the label of this moment until the next tick; no more ticks for the long gone.

    The first moment after a change of the tick's length or of the person's id may have less than a
    tick before it; it gets no label.
    """
    if person.rhythm is None or not _is_watched(person, at_ms, churn):
        return _with_churn(person, replace(person.churn, next_tick_ms=None, waiting=None))
    due_ms = next_tick_ms(person.customer_id, at_ms, churn.tick_ms)
    full = due_ms - at_ms == churn.tick_ms
    waiting = ScoringMoment(at_ms, due_ms, person.rhythm) if full else None
    return _with_churn(person, replace(person.churn, next_tick_ms=due_ms, waiting=waiting))


def _is_watched(person: Customer, at_ms: int, churn: ChurnDefinition) -> bool:
    return person.rhythm is not None and not is_lapsed(person.rhythm, at_ms, churn.horizon_ms)


def _with_churn(person: Customer, churn: Churn) -> Customer:
    return replace(person, churn=churn)
