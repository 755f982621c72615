"""apply(): how an event changes a row. A new event name is one line in `APPLIERS`."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.common import Context
from streams.contracts.inputs.events import (
    Beacon,
    Event,
    FeedbackName,
    InputEvent,
    PrivacyRequest,
    names_of,
)
from streams.contracts.outputs.effects import (
    DataDropped,
    Effect,
    EventIgnored,
    EventLate,
    TimeZoneUnknown,
)
from streams.contracts.times import to_ms
from streams.customer import asking, browsing, consents, phones, profiles, purchases, recent, zones
from streams.customer.activity import active
from streams.customer.change import Change, EventTiming, Sale
from streams.customer.clocks import in_zone
from streams.customer.places import Places
from streams.customer.row import Customer
from streams.customer.trigger_events import TriggerEvent
from streams.customer.visit_times import withdrawn
from streams.customer.zone_time import zone_name

Applier = Callable[[Customer, Any, EventTiming], Change]


def _noted(person: Customer, event: Event, timing: EventTiming) -> Change:
    """Only that it happened: `identity` and `feedback` read these events themselves."""
    return Change(person)


APPLIERS: dict[str, Applier] = {
    **dict.fromkeys(browsing.COUNTED_AS, browsing.looked),
    **dict.fromkeys(phones.COUNTED_AS, phones.happened),
    "coupon_entered": browsing.looked,
    "coupon_removed": browsing.looked,
    "checkout_started": browsing.checked_out,
    "product_viewed": browsing.viewed_product,
    "products_searched": browsing.searched,
    "product_added": browsing.added_product,
    "product_removed": browsing.removed_product,
    "application_opened": browsing.opened_app,
    "application_backgrounded": phones.happened,
    "application_updated": phones.happened,
    "application_uninstalled": phones.uninstalled,
    "push_received": phones.happened,
    "permission_changed": phones.permitted,
    "beacon_sighted": zones.noticed,
    "zone_entered": zones.noticed,
    "zone_exited": zones.noticed,
    "zone_dwelled": zones.noticed,
    "order_completed": purchases.completed,
    "order_updated": purchases.updated,
    "order_refunded": purchases.refunded,
    "order_cancelled": purchases.cancelled,
    **dict.fromkeys(names_of(FeedbackName), phones.happened),
    "profile_updated": profiles.updated,
    "consent_updated": consents.answered,
    "service_case_opened": profiles.case_opened,
    "service_case_closed": profiles.case_closed,
    "survey_answered": profiles.survey_answered,
    "identity_linked": _noted,
    "identity_unlinked": _noted,
    "retention_outcome": _noted,
    "offer_requested": asking.asked,
    "customer_requested": _noted,
}


class Applied(Struct, frozen=True):
    """A person after an event, and what there is to do about it.

    `at_ms` is the row's time: it never goes back. `ignored`: the event changed nothing that
    counts (a duplicate, a conflict, a purchase that is known). `sale`: what it changed of an order.
    """

    person: Customer
    trigger_events: tuple[TriggerEvent, ...]
    effects: tuple[Effect, ...]
    ignored: bool
    purchased: bool
    at_ms: int
    event_id: str
    sale: Sale | None = None


def apply(person: Customer, event: InputEvent, places: Places) -> Applied:
    """What an event makes of a person. Total: any valid event on any row, never an exception.

    Args:
        person: the row; it is not changed.
        event: a decoded event of this person.
        places: beacons, zone rules, and what counts as late.

    Returns:
        The person, the trigger events, and effects for what was ignored or late.
    """
    at_ms = to_ms(event.requested_at) if isinstance(event, PrivacyRequest) else event.at_ms
    now_ms = max(at_ms, person.last_at_ms)
    applier = APPLIERS.get(event.event_name)
    if applier is None:
        return _ignored(person, now_ms, EventIgnored("not_applicable", event.event_id))
    mark = recent.mark_of(event)
    again = recent.seen_before(person, mark)
    if again is not None:
        return _ignored(person, now_ms, EventIgnored(again, event.event_id))
    late = at_ms < person.last_at_ms - places.offer_ttl_late_ms
    timing = EventTiming(at_ms, now_ms, late, places)
    visits = person.visits
    person = recent.remember(person, mark, now_ms)
    person = _in_context(person, event, timing)
    change = applier(person, event, timing)
    odd = (DataDropped("odd_shape", event.event_id, event.odd_parts),) if event.odd_parts else ()
    if change.ignored is not None:
        ignored = EventIgnored(change.ignored, event.event_id)
        return _ignored(change.person, now_ms, ignored, *odd, *change.effects)
    ended = withdrawn(visits) if visits and not change.person.visits else ()
    was_late = (EventLate(event.event_id, now_ms - at_ms),) if late else ()
    unknown = (TimeZoneUnknown(event.event_id),) if _names_no_zone(event.context) else ()
    return Applied(
        _active(change.person, event, at_ms),
        () if late else change.trigger_events,
        (*was_late, *unknown, *odd, *change.effects, *ended),
        False,
        change.purchased,
        now_ms,
        event.event_id,
        change.sale,
    )


def objected(person: Customer, event: InputEvent) -> tuple[Customer, tuple[Effect, ...]]:
    """What a refused event says of consent all the same; nothing else of it counts."""
    if event.context.consent is None:
        return person, ()
    after = consents.signaled(person, event, event.at_ms)
    ended = withdrawn(person.visits) if person.visits and not after.visits else ()
    return after, ended


def _ignored(person: Customer, now_ms: int, ignored: EventIgnored, *more: Effect) -> Applied:
    return Applied(person, (), (*more, ignored), True, False, now_ms, ignored.event_id)


def _active(person: Customer, event: InputEvent, at_ms: int) -> Customer:
    """Where a person walks in a store is not even counted without `location_beacon`."""
    if isinstance(event, Beacon) and not consents.is_granted(person, "location_beacon"):
        return person
    return active(person, event, event.event_name, at_ms)


_NO_CONTEXT = Context()


def _names_no_zone(context: Context) -> bool:
    return context.timezone is not None and zone_name(context.timezone) is None


def _in_context(person: Customer, event: Event, timing: EventTiming) -> Customer:
    """Time zone, language and consent signals that travel with the event.

    What the event does not say changes nothing. A language that the person has chosen (the trait
    `language`) stays, whatever the page is in.
    """
    context = event.context
    if context is _NO_CONTEXT or context == _NO_CONTEXT:
        return person
    person = in_zone(person, context.timezone, timing)
    if timing.in_order:
        chosen = "language" in person.traits
        if context.locale and context.locale != person.locale and not chosen:
            person = replace(person, locale=context.locale)
    if context.consent is not None:
        person = consents.signaled(person, event, timing.at_ms)
    return person
