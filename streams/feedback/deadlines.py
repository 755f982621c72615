"""Deadlines: an offer's window closes in event time, and what had not happened is label 0.

The decision stays in the row for a while, `closed`, for a report that comes late (a till that was
off line): it then makes one corrective example.
"""

from msgspec.structs import replace

from streams.contracts.outputs.effects import Effect
from streams.contracts.times import DAY_MS
from streams.customer.row import Customer, OpenDecision
from streams.feedback.closing import outcome
from streams.feedback.labels import not_used

LATE_REPORT_MS = 3 * DAY_MS
CLOSED_MAX = 4


def expire(person: Customer, at_ms: int) -> tuple[Customer, tuple[Effect, ...]]:
    """Close every decision whose deadline is at or before `at_ms`; the row has none left then."""
    if all(decision.deadline_ms > at_ms for decision in person.open_decisions):
        return person, ()
    kept: list[OpenDecision] = []
    effects: list[Effect] = []
    for decision in person.open_decisions:
        if decision.deadline_ms > at_ms:
            kept.append(decision)
        elif decision.status == "open":
            effects.append(outcome(decision, "expired"))
            effects.extend(not_used(person, decision, at_ms))
            until_ms = at_ms + LATE_REPORT_MS
            kept.append(replace(decision, status="closed", deadline_ms=until_ms))
    return replace(person, open_decisions=_newest_closed(kept)), tuple(effects)


def _newest_closed(decisions: list[OpenDecision]) -> tuple[OpenDecision, ...]:
    """All that are open, and of the closed ones the last `CLOSED_MAX`."""
    closed = [d.decision_id for d in decisions if d.status == "closed"]
    dropped = set(closed[: max(len(closed) - CLOSED_MAX, 0)])
    return tuple(d for d in decisions if d.decision_id not in dropped)
