"""A trigger rule that fired rests for `rearm_ms`: asked when an event comes, and of what waited.

Two people who become one may both have fired a rule before anybody knew. Then the one that was
answered stands, and of two that still wait the earlier.
"""

from collections.abc import Iterable

from msgspec import json
from msgspec.structs import replace

from streams.contracts.ids import hash64
from streams.contracts.reference.structs import TriggerRule
from streams.customer import Customer, TriggerEvent
from streams.customer.fires import newest_fires
from streams.customer.row import Armed, Reminder

FIRED_BY_BITS = 0x7FFF_FFFF


def is_armed(person: Customer, rule: TriggerRule, at_ms: int) -> bool:
    """Whether the rule may fire: it never did, or `rearm_ms` ago at least."""
    return all(
        at_ms - fire.fired_at_ms >= rule.rearm_ms
        for fire in person.fired
        if fire.rule_id == rule.rule_id
    )


def fired(person: Customer, rule_id: str, event: TriggerEvent) -> Customer:
    """The person whose rule has fired; what it fired on before is kept while something waits."""
    waits = any(r.rule_id == rule_id and r.ref for r in person.reminders)
    others = person.fired if waits else [f for f in person.fired if f.rule_id != rule_id]
    fire = Armed(rule_id, event.at_ms, _mark(event.event_id))
    return replace(person, fired=newest_fires((*others, fire)))


def not_fired(person: Customer, rule_id: str, event_id: str) -> Customer:
    """The person for whom a request that was overtaken does not count as the rule's."""
    mark = _mark(event_id)
    kept = tuple(f for f in person.fired if (f.rule_id, f.fired_by) != (rule_id, mark))
    return person if len(kept) == len(person.fired) else replace(person, fired=kept)


def fired_unheard(person: Customer, rule_id: str, event_id: str) -> Customer:
    """The person whose rule fired where consent forbids to speak: it rests for this row alone.

    A visitor who was asked for no consent yet was told nothing, so the customer that the login
    shows may be.
    """
    mark = _mark(event_id)
    fires = tuple(
        replace(f, fired_by=0) if (f.rule_id, f.fired_by) == (rule_id, mark) else f
        for f in person.fired
    )
    return replace(person, fired=fires)


def fired_beside(
    person: Customer, rule: TriggerRule, event: TriggerEvent, waiting: Iterable[Reminder]
) -> bool:
    """Whether the rule has fired too near to the event that waited: answered, or waiting longer.

    Of the carts that wait another one speaks (`deferral`), so they are not asked here.
    """
    marks = {_mark(event.event_id)}
    for reminder in waiting:
        if reminder.rule_id != rule.rule_id or not reminder.ref:
            continue
        other = json.decode(reminder.ref, type=TriggerEvent)
        marks.add(_mark(other.event_id))
        earlier = (other.at_ms, other.event_id) < (event.at_ms, event.event_id)
        near = event.at_ms - other.at_ms < rule.rearm_ms
        if earlier and near and event.kind != "cart_abandoned":
            return True
    return any(
        f.fired_by not in marks and abs(f.fired_at_ms - event.at_ms) < rule.rearm_ms
        for f in person.fired
        if f.rule_id == rule.rule_id and f.fired_by
    )


def _mark(event_id: str) -> int:
    return (hash64(event_id) & FIRED_BY_BITS) or 1
