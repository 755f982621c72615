"""What was said at a moment that waits for its horizon, and what it teaches when that is over."""

from msgspec.structs import replace

from streams.contracts.ids import derive_id
from streams.contracts.outputs.effects import Effect, OutcomeLabeled
from streams.customer.row import Customer, Said, ScoringMoment
from streams.features.calibration import CALIBRATION_MODEL, calibration_example
from streams.features.churn_signals import LIFTS_MODEL, lift_example

TAUGHT = ((LIFTS_MODEL, lift_example), (CALIBRATION_MODEL, calibration_example))


def awaits_said(person: Customer, at_ms: int) -> bool:
    """Whether a moment of now waits for its horizon: what is said now belongs to it."""
    waiting = person.churn.horizons
    return bool(waiting) and waiting[-1].scored_at_ms == at_ms


def remember_said(person: Customer, said: Said) -> Customer:
    """The newest moment with what was said at it.

    Of somebody in a case that is treated nothing is remembered: what they do next is what the
    contact did as well.
    """
    case = person.churn.case
    if case is not None and case.treated:
        return person
    *earlier, newest = person.churn.horizons
    horizons = (*earlier, replace(newest, said=said))
    return replace(person, churn=replace(person.churn, horizons=horizons))


def label_said(
    customer_id: str, moment: ScoringMoment, returned: bool, at_ms: int
) -> tuple[Effect, ...]:
    """What a moment whose horizon is over teaches of what was said; empty where nothing was."""
    if moment.said is None:
        return ()
    horizon_ms = moment.label_due_at_ms - moment.scored_at_ms
    return tuple(
        OutcomeLabeled(
            teach(
                derive_id("x", customer_id, model, str(moment.scored_at_ms)),
                moment.said,
                horizon_ms,
                returned,
                at_ms,
            )
        )
        for model, teach in TAUGHT
    )
