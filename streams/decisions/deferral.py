"""Requests that wait: for the end of quiet hours, for their turn, for a link that is under way.

What waited is decided anew from everything known then: a request whose reason is gone is
`overtaken`, and logged as that. docs/decisions.md has the table.
"""

from collections.abc import Callable, Iterable
from typing import Literal

from msgspec import json
from msgspec.structs import replace

from streams.contracts.reference.structs import TriggerRule
from streams.contracts.times import DAY_MS
from streams.customer import Customer, TriggerEvent, elapse
from streams.customer.complaints import complains
from streams.customer.row import DEFERRED_BYTES_MAX, DEFERRED_MAX, Reminder
from streams.decisions.policy import CompiledTrigger, Policy
from streams.decisions.rearm import fired_beside, not_fired
from streams.decisions.requests import DecisionRequest

DEFERRED: Literal["deferred"] = "deferred"
LINKING: Literal["linking"] = "linking"
LINK_WAIT_MS = 1_000
DEFERRED_FOR_MS_MAX = 2 * DAY_MS


def put_off(
    person: Customer,
    request: DecisionRequest,
    until_ms: int,
    kind: Literal["deferred", "linking"] = DEFERRED,
) -> Customer | None:
    """The request comes again at `until_ms`, about the same trigger event; None: no room."""
    said = json.encode(request.trigger_event).decode()
    reminder = Reminder(kind, until_ms, request.rule.rule_id, request.trigger_event.event_id, said)
    if _kept((*_waiting(person), reminder))[-1:] != (reminder,):
        return None
    return replace(person, reminders=(*person.reminders, reminder))


def take_crowded(
    person: Customer, at_ms: int, policy: Policy
) -> tuple[Customer, tuple[DecisionRequest, ...]]:
    """After a merge: the requests for which the row of both has no room, to be ended and logged.

    Those that are due first stay.
    """
    waiting = sorted(_waiting(person), key=lambda r: (r.due_at_ms, r.rule_id, r.event_id))
    kept = _kept(waiting)
    crowded = tuple(r for r in waiting if r not in kept)
    if not crowded:
        return person, ()
    rest = tuple(r for r in person.reminders if r not in crowded)
    person = replace(person, reminders=rest)
    person, ended = _all_again(person, crowded, at_ms, policy)
    return person, tuple(replace(request, has_room=False) for request in ended)


def in_turn(due: Iterable[Reminder]) -> tuple[Reminder, ...]:
    """What is due at once, the earliest asked first; what is about the cart as it is, before it."""
    several = tuple(due)
    return tuple(sorted(several, key=_asked_at)) if len(several) > 1 else several


def _asked_at(reminder: Reminder) -> tuple[int, int]:
    asked_ms = json.decode(reminder.ref, type=TriggerEvent).at_ms if reminder.ref else 0
    return reminder.due_at_ms, asked_ms


def _waiting(person: Customer) -> tuple[Reminder, ...]:
    return tuple(r for r in person.reminders if r.kind in (DEFERRED, LINKING))


def _kept(waiting: Iterable[Reminder]) -> tuple[Reminder, ...]:
    """The first of them for which a row has room, by number and by bytes."""
    kept: list[Reminder] = []
    size = 0
    for reminder in waiting:
        size += reminder.size
        if len(kept) == DEFERRED_MAX or size > DEFERRED_BYTES_MAX:
            break
        kept.append(reminder)
    return tuple(kept)


def await_links(
    person: Customer, requests: tuple[DecisionRequest, ...], at_ms: int
) -> tuple[Customer, tuple[DecisionRequest, ...]]:
    """While a link is under way the requests wait for its answer, for a second at most.

    Whoever asked for an offer waits no longer than for its answer.

    Returns:
        The person, and the requests that are to be answered at once.
    """
    if not person.links_asked or at_ms > person.last_at_ms + LINK_WAIT_MS:
        return person, requests
    at_once: list[DecisionRequest] = []
    for request in requests:
        asked_for = request.trigger_event.kind == "offer_requested"
        waiting = None if asked_for else put_off(person, request, at_ms + LINK_WAIT_MS, LINKING)
        if waiting is None:
            at_once.append(request)
        else:
            person = waiting
    return person, tuple(at_once)


def take_linking(
    person: Customer, at_ms: int, policy: Policy
) -> tuple[Customer, tuple[DecisionRequest, ...]]:
    """What waits for a link, now: the link is answered, or the person has gone on."""
    if not any(r.kind == LINKING for r in person.reminders):
        return person, ()
    due = in_turn(r for r in person.reminders if r.kind == LINKING)
    kept = tuple(r for r in person.reminders if r.kind != LINKING)
    return _all_again(replace(person, reminders=kept), due, at_ms, policy)


def _all_again(
    person: Customer, due: tuple[Reminder, ...], at_ms: int, policy: Policy
) -> tuple[Customer, tuple[DecisionRequest, ...]]:
    requests: list[DecisionRequest] = []
    for place, reminder in enumerate(due):
        person, request = again(person, reminder, at_ms, policy, due[place + 1 :])
        requests.append(request)
    return person, tuple(requests)


def again(
    person: Customer,
    reminder: Reminder,
    at_ms: int,
    policy: Policy,
    due: tuple[Reminder, ...] = (),
) -> tuple[Customer, DecisionRequest]:
    """The request that waited, with what is known now, and whether it still holds.

    `due`: the reminders that come after it, and are no longer in the row.

    Returns:
        The person, whose rule has not fired where the request is overtaken; and the request.
    """
    event = json.decode(reminder.ref, type=TriggerEvent)
    waited = LINKING if reminder.kind == LINKING else DEFERRED
    trigger = next((t for t in policy.triggers if t.rule.rule_id == reminder.rule_id), None)
    if trigger is None:
        rule = _rule_that_was(reminder, event)
        return person, DecisionRequest(rule, event, waited=waited, holds=False)
    others = (*person.reminders, *due)
    repeated = _is_repeated(reminder, event, others)
    repeated = repeated or fired_beside(person, trigger.rule, event, others)
    if event.kind == "cart_abandoned":
        event = about_cart(person, reminder.event_id, trigger.rule, event.at_ms)
    # of two who became one, one has gone on: a visit of the other may be over by now
    now = elapse(person, at_ms, policy.places)[0] if event.zone_id else person
    holds = not repeated and still_holds(now, trigger, event, at_ms)
    if not holds:
        person = not_fired(person, reminder.rule_id, reminder.event_id)
    return person, DecisionRequest(trigger.rule, event, waited=waited, holds=holds)


def still_holds(
    person: Customer, trigger: CompiledTrigger, event: TriggerEvent, at_ms: int
) -> bool:
    """Whether what the trigger event said is still so, and its rule would still fire."""
    if not trigger.rule.enabled or trigger.rule.kind != event.kind:
        return False
    if at_ms - event.at_ms > DEFERRED_FOR_MS_MAX:
        return False
    still = STILL.get(event.kind)
    if still is not None and not still(person, event):
        return False
    return trigger.when.holds_for(person, event, at_ms)


def about_cart(person: Customer, event_id: str, rule: TriggerRule, at_ms: int) -> TriggerEvent:
    """The trigger event of a cart that was left behind, told by its dearest line."""
    items = person.cart.items if person.cart else ()
    dearest = max(items, key=lambda item: item.price * item.quantity, default=None)
    return TriggerEvent(
        kind=rule.kind,
        at_ms=at_ms,
        event_id=event_id,
        channel=rule.channel,
        category=dearest.category if dearest else "",
        product_id=dearest.product_id if dearest else "",
        value=person.cart.value if person.cart else 0.0,
    )


def _cart_rests(person: Customer, event: TriggerEvent) -> bool:
    """The cart holds something and was not changed since; a changed one has its own reminder."""
    cart = person.cart
    return cart is not None and bool(cart.items) and cart.updated_at_ms <= event.at_ms


def _is_repeated(reminder: Reminder, event: TriggerEvent, others: Iterable[Reminder]) -> bool:
    """Whether a later request of the rule waits about the same cart (of a merge, of a late change).

    There is one cart, and one of them speaks of it: the one that was put off last.
    """
    if event.kind != "cart_abandoned":
        return False
    later = (
        json.decode(r.ref, type=TriggerEvent)
        for r in others
        if r.rule_id == reminder.rule_id and r.kind in (DEFERRED, LINKING)
    )
    return any((e.at_ms, e.event_id) > (event.at_ms, event.event_id) for e in later)


def _is_there(person: Customer, event: TriggerEvent) -> bool:
    return any(
        v.zone_id == event.zone_id and v.store_id == event.store_id and v.exited_at_ms is None
        for v in person.visits
    )


def _case_is_open(person: Customer, event: TriggerEvent) -> bool:
    """The case goes on, nobody has snoozed it, and the person has not complained meanwhile."""
    case = person.churn.case
    if case is None or not case.treated or complains(person, event.at_ms):
        return False
    if person.last_at_ms < person.churn.snoozed_until_ms:
        return False
    return case.opened_at_ms <= event.at_ms


def _is_awaited(person: Customer, event: TriggerEvent) -> bool:
    """The purchase has not been made."""
    track = person.churn.track
    return track is not None and event.kind == f"{track.name}_due"


STILL: dict[str, Callable[[Customer, TriggerEvent], bool]] = {
    "cart_abandoned": _cart_rests,
    "zone_entered": _is_there,
    "zone_dwelled": _is_there,
    "churn_band_entered": _case_is_open,
    "first_purchase_due": _is_awaited,
    "second_purchase_due": _is_awaited,
}
"""What must still be so, by kind of trigger event; the other kinds tell of what has happened."""


def _rule_that_was(reminder: Reminder, event: TriggerEvent) -> TriggerRule:
    """For the log: a rule that is no longer there has no placement that we know of."""
    return TriggerRule(
        rule_id=reminder.rule_id, kind=event.kind, channel="web", placement="unknown", enabled=False
    )
