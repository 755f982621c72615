"""Decisions that wait for their outcome: the newest few, and behind them every coupon in hand.

A coupon can be used until its offer's end of redemption, long after the decision's own window and
whatever was decided since. So a decision with a coupon that leaves the newest few goes on waiting
among `coupons_out`.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from streams.customer.answers import with_contact_over
from streams.customer.row import (
    COUPONS_OUT_MAX,
    OPEN_DECISIONS_MAX,
    Customer,
    OpenDecision,
)


def with_open_decision(person: Customer, decision: OpenDecision) -> Customer:
    """One more; where there is no room one that has its outcome leaves, else the oldest."""
    waiting = person.open_decisions
    if len(waiting) < OPEN_DECISIONS_MAX:
        return replace(person, open_decisions=(*waiting, decision))
    leaving = next((d for d in waiting if d.status != "open"), waiting[0])
    kept = tuple(d for d in waiting if d is not leaving)
    out_before, at_ms = (*person.coupons_out, leaving), decision.decided_at_ms
    out = still_out(out_before, at_ms)
    for gone in (d for d in out_before if d not in out):
        person = with_answer(person, gone, at_ms)
    return replace(person, open_decisions=(*kept, decision), coupons_out=out)


def with_answer(person: Customer, decision: OpenDecision, at_ms: int) -> Customer:
    """Its contact counts, once: as answered where it was viewed or used.

    When its time is over, or where it leaves the row before that, by what is known by then.
    """
    if decision.channel is None or decision.status == "closed":
        return person
    answered = decision.viewed_at_ms is not None or decision.status != "open"
    known = with_contact_over(person.answers, decision.channel, at_ms, answered=answered)
    return replace(person, answers=known)


def still_out(decisions: Iterable[OpenDecision], at_ms: int) -> tuple[OpenDecision, ...]:
    """Those whose coupon may still be shown, or reported late; the newest `COUPONS_OUT_MAX`.

    Beyond it those that were used leave first.
    """
    out = [d for d in decisions if d.coupons and max(d.deadline_ms, d.redeem_until_ms) > at_ms]
    out.sort(key=lambda d: (d.status != "used", d.decided_at_ms, d.decision_id))
    return tuple(sorted(out[-COUPONS_OUT_MAX:], key=lambda d: (d.decided_at_ms, d.decision_id)))
