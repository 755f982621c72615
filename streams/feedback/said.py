"""What was said at a moment that waits for its horizon, and what it teaches when that is over."""

from msgspec.structs import replace

from streams.contracts.ids import derive_id
from streams.contracts.outputs.effects import Effect, OutcomeLabeled
from streams.customer.row import Customer, Said, ScoringMoment
from streams.features.calibration import CALIBRATION_MODEL, calibration_example
from streams.features.churn_signals import LIFTS_MODEL, lift_example


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
    said = moment.said
    if said is None:
        return ()
    horizon_ms, scored = moment.label_due_at_ms - moment.scored_at_ms, str(moment.scored_at_ms)
    of_lifts = derive_id("x", customer_id, LIFTS_MODEL, scored)
    of_risk = derive_id("x", customer_id, CALIBRATION_MODEL, scored)
    return (
        OutcomeLabeled(lift_example(of_lifts, said, horizon_ms, returned, at_ms)),
        OutcomeLabeled(
            calibration_example(of_risk, said, horizon_ms, returned, at_ms, customer_id)
        ),
    )
