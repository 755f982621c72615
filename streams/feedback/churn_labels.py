"""Scoring moments and their labels: who comes back within the tick, or the horizon, after it.

One tick after another while the person is silent for less than the horizon: the last moment gets
its label, whatever it is, when its tick is over, never sooner; so returns and silence of one
moment are learned together. A longer silence stops the ticks until the next purchase. Each fourth
of a horizon a moment also waits for the label of the whole horizon, past the end of the ticks.
"""

from msgspec.structs import replace

from streams.contracts.ids import derive_id
from streams.contracts.outputs.effects import Effect, OutcomeLabeled
from streams.contracts.reference.structs import ChurnDefinition
from streams.customer.rhythm import (
    HORIZONS_WAITING_MAX,
    Rhythm,
    awaits_horizon,
    has_returned,
    is_lapsed,
    next_tick_ms,
)
from streams.customer.row import Churn, Customer, ScoringMoment
from streams.features.rhythm import churn_example, horizon_example
from streams.feedback.labels import may_train
from streams.feedback.said import label_said


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


def label_horizons(
    person: Customer, at_ms: int, churn: ChurnDefinition
) -> tuple[Customer, tuple[Effect, ...]]:
    """The labels of the moments whose horizon is over at `at_ms`."""
    due = tuple(m for m in person.churn.horizons if m.label_due_at_ms <= at_ms)
    if not due:
        return person, ()
    kept = person.churn.horizons[len(due) :]
    person = _with_churn(person, replace(person.churn, horizons=kept))
    if person.rhythm is None or not may_train(person):
        return person, ()
    labels = (_labels_of(person, person.rhythm, moment, at_ms, churn) for moment in due)
    return person, tuple(label for labels_of_one in labels for label in labels_of_one)


def _labels_of(
    person: Customer, rhythm: Rhythm, moment: ScoringMoment, at_ms: int, churn: ChurnDefinition
) -> tuple[Effect, ...]:
    """What a moment whose horizon is over teaches: of the rhythm, and of the signals then."""
    who, returned = person.customer_id, has_returned(rhythm, moment.scored_at_ms)
    example_id = derive_id("x", who, "horizon", str(moment.scored_at_ms))
    example = horizon_example(example_id, moment, returned, at_ms, churn.tick_ms, who)
    return (OutcomeLabeled(example), *label_said(who, moment, returned, at_ms))


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
    changed = replace(
        person.churn,
        next_tick_ms=due_ms,
        waiting=waiting,
        horizons=_horizons(person, person.rhythm, at_ms, churn),
    )
    return _with_churn(person, changed)


def _horizons(
    person: Customer, rhythm: Rhythm, at_ms: int, churn: ChurnDefinition
) -> tuple[ScoringMoment, ...]:
    """What waits for a horizon, with this moment where it is its turn and there is room."""
    waiting = person.churn.horizons
    due_ms = at_ms + churn.horizon_ms
    late = bool(waiting) and waiting[-1].label_due_at_ms > due_ms
    if late or len(waiting) == HORIZONS_WAITING_MAX or not may_train(person):
        return waiting
    if not awaits_horizon(person.customer_id, at_ms, churn.tick_ms, churn.horizon_ms):
        return waiting
    return (*waiting, ScoringMoment(at_ms, due_ms, rhythm))


def _is_watched(person: Customer, at_ms: int, churn: ChurnDefinition) -> bool:
    return person.rhythm is not None and not is_lapsed(person.rhythm, at_ms, churn.horizon_ms)


def _with_churn(person: Customer, churn: Churn) -> Customer:
    return replace(person, churn=churn)
