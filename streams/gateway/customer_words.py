"""What is known of a person, in plain words: one line each, for people."""

from collections.abc import Iterator
from datetime import datetime

from streams.contracts.chances import percent_reached
from streams.contracts.outputs.replies import CustomerFacts


def words_of(facts: CustomerFacts) -> Iterator[str]:
    """The lines, in the order in which somebody at a counter would ask."""
    kind = "customer" if facts.known else "visitor"
    yield f"{facts.customer_id}: {kind} since {_day(facts.first_seen_at)}, last seen {_at(facts)}"
    stage = facts.stage or "not looked at yet"
    spent = f"{facts.spend_total:.2f} {facts.spend_currency or ''}".strip()
    yield f"stage {stage}; {facts.orders} orders, {spent} in all"
    for channel, last in sorted(facts.channels.items()):
        yield f"last on {channel} {_minute(last)}"
    yield f"language {facts.locale}, time zone {facts.timezone}, arm {facts.arm}"
    yield f"linked ids: {', '.join(facts.linked_ids) or 'none'}"
    for consent in facts.consents:
        # What holds may be a signal's word: so "denied" is not said to be of the day they spoke.
        at = consent.said_at
        spoke = "they never spoke of it" if at is None else f"they last spoke of it {_minute(at)}"
        yield f"consent to {consent.purpose}: {consent.state} ({spoke})"
    yield from _churn(facts)
    yield from _contacts(facts)


def _churn(facts: CustomerFacts) -> Iterator[str]:
    if facts.stage == "new":
        yield "risk of leaving: not yet, too few orders to say"
    elif facts.risk is not None:
        yield f"risk of leaving {percent_reached(facts.risk)}"
    case = facts.case
    if case is None:
        yield "no churn case is open"
        return
    whose = "to be contacted" if case.treated else "left alone, for comparison"
    yield f"churn case {case.case_id}, {case.risk_band}, since {_minute(case.opened_at)}: {whose}"


def _contacts(facts: CustomerFacts) -> Iterator[str]:
    yield f"messages that the caps still allow now: {facts.contacts_left}"
    if facts.contact_from is not None:
        yield f"no contact before {_minute(facts.contact_from)} (contact.min_gap_ms)"
    for contact in facts.contacts:
        seen = "" if contact.viewed_at is None else f", seen {_minute(contact.viewed_at)}"
        status = "" if contact.status is None else f", {contact.status}"
        sent = f"{contact.offer_id} on {contact.channel} {_minute(contact.sent_at)}"
        yield f"sent: {sent}{status}{seen} ({contact.decision_id})"


def _at(facts: CustomerFacts) -> str:
    return _minute(facts.last_event_at)


def _minute(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")


def _day(at: datetime) -> str:
    return at.strftime("%Y-%m-%d")
