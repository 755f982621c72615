"""Which trigger events ask for a decision: rules that listen, re-arm times, reminders."""

from collections.abc import Iterable
from itertools import islice
from typing import Literal

from msgspec.structs import replace

from streams.contracts.ids import derive_id
from streams.contracts.reference.structs import TriggerRule
from streams.customer import Customer, TriggerEvent
from streams.customer.row import CART_REMINDERS_MAX, Cart, Reminder
from streams.decisions.deferral import about_cart, again, in_turn
from streams.decisions.policy import CompiledTrigger, Policy
from streams.decisions.rearm import fired, is_armed
from streams.decisions.requests import DecisionRequest

CART_ABANDONED: Literal["cart_abandoned"] = "cart_abandoned"
OFFER_REQUESTED: Literal["offer_requested"] = "offer_requested"


def fire(
    person: Customer, trigger_events: tuple[TriggerEvent, ...], policy: Policy
) -> tuple[Customer, tuple[DecisionRequest, ...]]:
    """The requests of these trigger events, and the person with the rules that fired disarmed."""
    requests: list[DecisionRequest] = []
    for trigger_event in trigger_events:
        triggers = policy.listeners.get(trigger_event.kind, ())
        if trigger_event.kind == OFFER_REQUESTED:
            requests.extend(_requested(person, trigger_event, triggers))
            continue
        person, requested = _requests_of(person, trigger_event, triggers)
        requests.extend(requested)
    return person, tuple(requests)


def _requested(
    person: Customer, trigger_event: TriggerEvent, triggers: Iterable[CompiledTrigger]
) -> list[DecisionRequest]:
    """One request by the first rule of the placement; who asks is answered, so no rule rests."""
    own = (
        DecisionRequest(trigger.rule, trigger_event)
        for trigger in triggers
        if trigger.rule.placement == trigger_event.placement
        and trigger.when.holds_for(person, trigger_event, trigger_event.at_ms)
    )
    return list(islice(own, 1))


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
            request = DecisionRequest(rule, trigger_event)
            if _is_decided(person, request):
                continue
            person = fired(person, rule.rule_id, trigger_event)
            requests.append(request)
    return person, requests


def set_reminders(person: Customer, now_ms: int, policy: Policy) -> Customer:
    """One reminder for each rule on abandoned carts while the cart holds something new."""
    if not person.reminders and person.cart is None:
        return person
    others = tuple(r for r in person.reminders if r.kind != CART_ABANDONED)
    wanted = _cart_reminders(person, now_ms, policy) if person.cart else ()
    reminders = (*wanted[:CART_REMINDERS_MAX], *others)
    return person if reminders == person.reminders else replace(person, reminders=reminders)


def take_due(
    person: Customer, at_ms: int, policy: Policy
) -> tuple[Customer, tuple[DecisionRequest, ...]]:
    """What is due: requests for an abandoned cart, and requests that had to wait.

    A reminder about a cart belongs to one rule and wakes only that one: a rule that waits a day
    does not speak when a rule that waits an hour does. One whose cart is gone, or has changed since
    (after a merge), says nothing.
    """
    due = in_turn(r for r in person.reminders if r.due_at_ms <= at_ms)
    if not due:
        return person, ()
    kept = tuple(r for r in person.reminders if r.due_at_ms > at_ms)
    person = replace(person, reminders=kept)
    requests: list[DecisionRequest] = []
    for place, reminder in enumerate(due):
        if reminder.kind != CART_ABANDONED:
            person, request = again(person, reminder, at_ms, policy, due[place + 1 :])
            requests.append(request)
            continue
        own = [
            t
            for t in policy.listeners.get(CART_ABANDONED, ())
            if t.rule.rule_id == reminder.rule_id and _is_left_behind(person, t.rule, at_ms)
        ]
        for trigger in own:
            event = about_cart(person, reminder.event_id, trigger.rule, at_ms)
            person, requested = _requests_of(person, event, (trigger,))
            requests.extend(requested)
    return person, tuple(requests)


def _is_left_behind(person: Customer, rule: TriggerRule, at_ms: int) -> bool:
    cart = person.cart
    return cart is not None and bool(cart.items) and cart.updated_at_ms + rule.after_ms <= at_ms


def _is_decided(person: Customer, request: DecisionRequest) -> bool:
    """Whether this event has led to a decision by this rule before, as far as the row remembers."""
    if not (person.contacts or person.open_decisions or person.reminders):
        return False
    decision_id = request.decision_id
    known = [c.decision_id for c in person.contacts]
    known += [d.decision_id for d in person.open_decisions]
    if decision_id in known:
        return True
    event_id, rule_id = request.trigger_event.event_id, request.rule.rule_id
    waiting = [(r.event_id, r.rule_id) for r in person.reminders if r.kind != CART_ABANDONED]
    return (event_id, rule_id) in waiting


def _listens(rule: TriggerRule, person: Customer, trigger_event: TriggerEvent) -> bool:
    """Whether a rule of this kind takes the event: looked at for long enough, and armed."""
    if trigger_event.dwell_ms < rule.min_dwell_ms:
        return False
    if trigger_event.dwell_before_ms >= max(rule.min_dwell_ms, 1):
        return False  # this visit's dwell was long enough before
    return is_armed(person, rule, trigger_event.at_ms)


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
