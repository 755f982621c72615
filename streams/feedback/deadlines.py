"""Deadlines: an offer's window closes in event time, and what had not happened is label 0.

The decision stays in the row for a while, `closed`, for a report that comes late (a till that was
off line): it then makes one corrective example. Where money is reserved for it, it stays until the
last day of that: a use that is told by then takes its own reservation and no other money.
"""

from msgspec.structs import replace

from streams.contracts.outputs.effects import Effect
from streams.contracts.times import DAY_MS
from streams.customer.row import Customer, OpenDecision
from streams.customer.waiting import still_out, with_answer
from streams.feedback.closing import outcome
from streams.feedback.labels import not_used

LATE_REPORT_MS = 3 * DAY_MS
CLOSED_MAX = 4


def expire(person: Customer, at_ms: int) -> tuple[Customer, tuple[Effect, ...]]:
    """Close every decision whose deadline is at or before `at_ms`; the row has none left then."""
    waiting = (*person.open_decisions, *person.coupons_out)
    if all(decision.deadline_ms > at_ms for decision in waiting):
        return person, ()
    kept, out, effects = list[OpenDecision](), list[OpenDecision](), list[Effect]()
    for decision in waiting:
        after = decision
        if decision.deadline_ms <= at_ms:
            person = with_answer(person, decision, at_ms)
            if decision.status != "open":
                continue
            effects.extend((outcome(decision, "expired"), *not_used(person, decision, at_ms)))
            until_ms = max(at_ms, decision.redeem_until_ms) + LATE_REPORT_MS
            if decision.reserved is not None:  # as long as its money waits for it
                until_ms = max(until_ms, (decision.reserved.until_day + 1) * DAY_MS)
            after = replace(decision, status="closed", deadline_ms=until_ms, channel=None)
        stays = decision in person.open_decisions and not (after is not decision and after.coupons)
        (kept if stays else out).append(after)
    person = replace(person, open_decisions=_newest_closed(kept), coupons_out=still_out(out, at_ms))
    return person, tuple(effects)


def _newest_closed(decisions: list[OpenDecision]) -> tuple[OpenDecision, ...]:
    """All that are open, and of the closed ones the last `CLOSED_MAX`."""
    closed = [d.decision_id for d in decisions if d.status == "closed"]
    dropped = set(closed[: max(len(closed) - CLOSED_MAX, 0)])
    return tuple(d for d in decisions if d.decision_id not in dropped)
