"""One CEL context for a person at a moment: built once, used by every rule of a decision."""

from typing import Any

import cel

from streams.customer import Customer, Moment
from streams.decisions.facts import facts_of


def context_of(person: Customer, moment: Moment, now_ms: int) -> Any:
    """The context in which all rules of this moment are evaluated."""
    return cel.Context(variables=facts_of(person, moment, now_ms))
