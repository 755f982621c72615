"""Which trigger events ask for a decision: rules that listen, re-arm times, reminders."""

from collections.abc import Iterable
from typing import Literal

from msgspec import json
from msgspec.structs import replace

from streams.contracts.ids import derive_id
from streams.contracts.reference.structs import TriggerRule
from streams.customer import Customer, TriggerEvent
from streams.customer.row import ARMED_MAX, REMINDERS_MAX, Armed, Cart, Reminder
from streams.decisions.policy import CompiledTrigger, Policy
from streams.decisions.requests import DecisionRequest

CART_ABANDONED: Literal["cart_abandoned"] = "cart_abandoned"
DEFERRED: Literal["deferred"] = "deferred"


def fire(
    person: Customer, trigger_events: tuple[TriggerEvent, ...], policy: Policy
) -> tuple[Customer, tuple[DecisionRequest, ...]]:
    """The requests of these trigger events, and the person with the rules that fired disarmed."""
    requests: list[DecisionRequest] = []
    for trigger_event in trigger_events:
        person, requested = _requests_of(
            person, trigger_event, policy.listeners.get(trigger_event.kind, ())
        )
        requests.extend(requested)
    return person, tuple(requests)


def _requests_of(
    person: Customer, trigger_event: TriggerEvent, triggers: Iterable[CompiledTrigger]
) -> tuple[Customer, list[DecisionRequest]]:
    """The requests of one trigger event by these triggers."""
    requests: list[DecisionRequest] = []
    for trigger in triggers:
        rule, when = trigger.rule, trigger.when
        if _listens(rule, person, trigger_event) and when.holds_for(
            person, trigger_event, trigger_event.at_ms
        ):
            person = _disarmed(person, rule.rule_id, trigger_event.at_ms)
            requests.append(DecisionRequest(rule, trigger_event))
    return person, requests


def set_reminders(person: Customer, now_ms: int, policy: Policy) -> Customer:
    """One reminder for each rule on abandoned carts while the cart holds something new."""
    others = tuple(r for r in person.reminders if r.kind != CART_ABANDONED)
    wanted = _cart_reminders(person, now_ms, policy) if person.cart else ()
    reminders = (*wanted, *others)[:REMINDERS_MAX]
    return person if reminders == person.reminders else replace(person, reminders=reminders)


def take_due(
    person: Customer, at_ms: int, policy: Policy
) -> tuple[Customer, tuple[DecisionRequest, ...]]:
    """What is due: requests for an abandoned cart, and requests that were put off.

    A reminder about a cart belongs to one rule and wakes only that one: a rule that waits a day
    does not speak when a rule that waits an hour does.
    """
    due = tuple(r for r in person.reminders if r.due_at_ms <= at_ms)
    if not due:
        return person, ()
    kept = tuple(r for r in person.reminders if r.due_at_ms > at_ms)
    person = replace(person, reminders=kept)
    rules = {t.rule.rule_id: t.rule for t in policy.triggers}
    requests: list[DecisionRequest] = []
    for reminder in due:
        rule = rules.get(reminder.rule_id)
        if reminder.kind == DEFERRED and rule is not None:
            requests.append(
                DecisionRequest(rule, _deferred_trigger_event(person, reminder, rule, at_ms))
            )
        elif rule is not None:
            own = (t for t in policy.listeners.get(rule.kind, ()) if t.rule is rule)
            person, requested = _requests_of(
                person, _trigger_event_of(person, reminder, rule, at_ms), own
            )
            requests.extend(requested)
    return person, tuple(requests)


def put_off(person: Customer, request: DecisionRequest, until_ms: int) -> Customer:
    """The request comes again at `until_ms`, about the same trigger event."""
    said = json.encode(request.trigger_event).decode()
    reminder = Reminder(
        DEFERRED, until_ms, request.rule.rule_id, request.trigger_event.event_id, said
    )
    return replace(person, reminders=(*person.reminders, reminder)[-REMINDERS_MAX:])


def _listens(rule: TriggerRule, person: Customer, trigger_event: TriggerEvent) -> bool:
    """Whether a rule of this kind takes the event: looked at for long enough, and armed."""
    if trigger_event.dwell_ms < rule.min_dwell_ms:
        return False
    fired_at = next((a.fired_at_ms for a in person.fired if a.rule_id == rule.rule_id), None)
    return fired_at is None or trigger_event.at_ms - fired_at >= rule.rearm_ms


def _disarmed(person: Customer, rule_id: str, at_ms: int) -> Customer:
    others = tuple(a for a in person.fired if a.rule_id != rule_id)
    return replace(person, fired=(*others, Armed(rule_id, at_ms))[-ARMED_MAX:])


def _cart_reminders(person: Customer, now_ms: int, policy: Policy) -> tuple[Reminder, ...]:
    cart = person.cart
    if cart is None or not cart.items:
        return ()
    event_id = _abandoned_id(person, cart)
    return tuple(
        Reminder(CART_ABANDONED, cart.updated_at_ms + t.rule.after_ms, t.rule.rule_id, event_id)
        for t in policy.triggers
        if t.rule.kind == CART_ABANDONED
        and t.rule.enabled
        and cart.updated_at_ms + t.rule.after_ms > now_ms
    )


def _abandoned_id(person: Customer, cart: Cart) -> str:
    return derive_id("cart", person.customer_id, cart.cart_id, str(cart.updated_at_ms))


def _deferred_trigger_event(
    person: Customer, reminder: Reminder, rule: TriggerRule, at_ms: int
) -> TriggerEvent:
    if not reminder.ref:
        return _trigger_event_of(person, reminder, rule, at_ms)
    return replace(json.decode(reminder.ref, type=TriggerEvent), at_ms=at_ms)


def _trigger_event_of(
    person: Customer, reminder: Reminder, rule: TriggerRule, at_ms: int
) -> TriggerEvent:
    items = person.cart.items if person.cart else ()
    dearest = max(items, key=lambda item: item.price * item.quantity, default=None)
    return TriggerEvent(
        kind=rule.kind,
        at_ms=at_ms,
        event_id=reminder.event_id,
        channel=rule.channel,
        category=dearest.category if dearest else "",
        product_id=dearest.product_id if dearest else "",
        value=person.cart.value if person.cart else 0.0,
    )
