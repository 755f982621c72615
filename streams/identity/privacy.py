"""Privacy requests: erase a person with every forwarding address to them; say what is held."""

from msgspec.structs import replace

from streams.contracts.catalogue import topic_of
from streams.contracts.common import Identity
from streams.contracts.inputs.events import PrivacyRequest
from streams.contracts.internal.routing import RoutedEvent
from streams.contracts.outputs.effects import EventRouted, ReceiptIssued
from streams.contracts.outputs.payloads import PrivacyReceipt
from streams.contracts.times import from_ms
from streams.customer.row import Alias, Customer, Row
from streams.identity.resolution import Resolution, done, event_at_ms


def requested(
    request: PrivacyRequest, key: str, row: Customer | None, *, beside: bool
) -> Resolution:
    """A privacy request at the person under `key`; every row that is erased gets a receipt.

    `beside`: the request is here for the first time, so it is sent on to the other ids that it
    names; each carries it out for itself.
    """
    at_ms = event_at_ms(request)
    others = _named_beside(request, key, row) if beside else ()
    if request.event_name == "access_requested":
        return done(row, at_ms, _receipt(request, 0, held(row)), *others)
    linked = row.linked_ids if row is not None else ()
    forget = tuple(_forget(request, key, other) for other in linked)
    return done(None, at_ms, _receipt(request, int(row is not None), held(row)), *forget, *others)


def forgotten(request: PrivacyRequest, row: Row | None) -> Resolution:
    """The erasure of the person whose id the request carries, at an id that was linked to them.

    Only a forwarding address to that very person is deleted; whoever else is here stays.
    """
    at_ms = event_at_ms(request)
    if isinstance(row, Alias) and row.moved_to == request.identity.key:
        return done(None, at_ms, _receipt(request, 1, {"alias": 1}))
    return done(row, at_ms)


def held(row: Customer | None) -> dict[str, int]:
    """What is held of a person, in pieces by category; categories without pieces are left out."""
    if row is None:
        return {}
    pieces = {
        "linked_ids": len(row.linked_ids),
        "activity": len(row.channels) + len(row.counters) + int(row.session is not None),
        "cart_items": len(row.cart.items) if row.cart is not None else 0,
        "interests": len(row.affinities) + len(row.views),
        "orders": row.spend.orders if row.spend is not None else 0,
        "zone_visits": len(row.visits),
        "consents": len(row.consents),
        "offers": len(row.contacts)
        + len(row.redemptions)
        + len(row.open_decisions)
        + len(row.refusals),
        "churn": len(row.signals) + int(row.churn.risk is not None),
        "traits": len(row.traits),
        "service": len(row.service_cases) + int(row.nps is not None),
    }
    return {category: count for category, count in pieces.items() if count}


def _receipt(request: PrivacyRequest, rows_erased: int, pieces: dict[str, int]) -> ReceiptIssued:
    erasing = request.event_name == "erasure_requested"
    return ReceiptIssued(
        PrivacyReceipt(
            request_id=request.request_id,
            kind="erasure" if erasing else "access",
            completed_at=from_ms(event_at_ms(request)),
            rows_erased=rows_erased,
            held=pieces,
        )
    )


def _forget(request: PrivacyRequest, person_id: str, linked_id: str) -> EventRouted:
    """The erasure goes on to an id that may forward to this person, and says whose it is."""
    theirs = replace(request, identity=Identity(customer_id=person_id))
    return EventRouted(linked_id, RoutedEvent(key=linked_id, topic=topic_of(request), event=theirs))


def _named_beside(
    request: PrivacyRequest, key: str, row: Customer | None
) -> tuple[EventRouted, ...]:
    """The other ids of the request that are not known to be this person's already."""
    linked = row.linked_ids if row is not None else ()
    identity = request.identity
    routed = []
    for other, own in (
        (identity.anonymous_id, Identity(anonymous_id=identity.anonymous_id)),
        (identity.device_id, Identity(device_id=identity.device_id)),
    ):
        if other is None or other == key or other in linked:
            continue
        event = replace(request, identity=own)
        message = RoutedEvent(key=other, topic=topic_of(request), event=event)
        routed.append(EventRouted(other, message))
    return tuple(routed)
