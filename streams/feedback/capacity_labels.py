"""Looks at which a case could open, told to the learner of the weekly capacity."""

from collections.abc import Iterable

from streams.contracts.ids import derive_id
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.effects import CaseWeighed, Effect, OutcomeLabeled
from streams.customer.row import Customer
from streams.feedback.labels import may_train


def label_weighed(
    person: Customer, said: Iterable[Effect], at_ms: int
) -> tuple[OutcomeLabeled, ...]:
    """What a contact would gain, of a look at which a case could open; label 1 where it did."""
    return tuple(
        OutcomeLabeled(
            LearningExample(
                example_id=derive_id("x", person.customer_id, "capacity", str(at_ms)),
                model="capacity",
                observed_at_ms=at_ms,
                label=float(effect.opened),
                features={"gain": effect.gain},
            )
        )
        for effect in said
        if isinstance(effect, CaseWeighed) and may_train(person)
    )
