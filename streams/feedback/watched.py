"""For how long a customer was watched for churn: what alerts per customer and year count by."""

from streams.contracts.outputs.effects import CustomerWatched, Effect
from streams.contracts.reference.structs import ChurnDefinition
from streams.customer.row import Customer


def watched(person: Customer, at_ms: int, churn: ChurnDefinition) -> tuple[Effect, ...]:
    """The time since the look before, at a look at `at_ms`; asked before the look is noted.

    Looks are a tick apart at most, as long as the ticks run: from a purchase on, until the silence
    is longer than the horizon. More time than that has passed with nobody looking (silent for
    long, or without consent to `profiling`), so it does not count.
    """
    before_ms = person.churn.scored_at_ms
    elapsed_ms = 0 if before_ms is None else at_ms - before_ms
    if not 0 < elapsed_ms <= churn.tick_ms:
        return ()
    return (CustomerWatched(elapsed_ms),)
