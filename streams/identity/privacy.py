"""Privacy requests: erase a person with every forwarding address to them; say what is held."""

from msgspec.structs import replace

from streams.contracts.catalogue import topic_of
from streams.contracts.common import Identity
from streams.contracts.inputs.events import PrivacyRequest
from streams.contracts.internal.routing import Asked, Gathered, RoutedEvent
from streams.contracts.outputs.effects import EventRouted, ReceiptIssued
from streams.contracts.outputs.payloads import PrivacyReceipt
from streams.contracts.times import from_ms
from streams.customer.row import Customer, Erased
from streams.identity import erasing
from streams.identity.held import both_held, held
from streams.identity.resolution import Resolution, done, event_at_ms


def requested(
    request: PrivacyRequest,
    key: str,
    row: Customer | Erased | None,
    *,
    beside: bool,
    asked: Asked | None,
    gathered: Gathered | None = None,
) -> Resolution:
    """A privacy request at the person under `key`.

    `beside`: the request is here for the first time, so an erasure is sent on to the other ids
    that it names; each carries it out for itself. `asked`: who waits for an erasure that was sent
    on. `gathered`: what an access request has found before it came here.
    """
    if request.event_name == "erasure_requested":
        others = _named_beside(request, key, row) if beside else ()
        return erasing.erased(request, key, row, others, asked)
    found = gathered or Gathered()
    linked: tuple[str, ...] = ()
    if isinstance(row, Customer) and key not in found.seen:
        found = Gathered(held=both_held(found.held, held(row)), seen=found.seen)
        linked = row.linked_ids
    found = Gathered(held=found.held, seen=(*found.seen, key, *linked))
    return done(row, event_at_ms(request), gone_on(request, found))


def gone_on(request: PrivacyRequest, found: Gathered) -> EventRouted | ReceiptIssued:
    """An access request goes from id to id; at the last one it ends in one receipt."""
    identity = request.identity
    rest = tuple(
        id_
        for id_ in (identity.anonymous_id, identity.device_id)
        if id_ is not None and id_ != identity.key and id_ not in found.seen
    )
    if not rest:
        return _receipt(request, found)
    beside = Identity(
        anonymous_id=identity.anonymous_id if identity.anonymous_id in rest else None,
        device_id=identity.device_id if identity.device_id in rest else None,
    )
    message = RoutedEvent(
        key=rest[0],
        topic=topic_of(request),
        event=replace(request, identity=beside),
        gathered=found,
    )
    return EventRouted(rest[0], message)


def _receipt(request: PrivacyRequest, found: Gathered) -> ReceiptIssued:
    return ReceiptIssued(
        PrivacyReceipt(
            request_id=request.request_id,
            kind="access",
            completed_at=from_ms(event_at_ms(request)),
            rows_erased=0,
            held=found.held,
        )
    )


def _named_beside(
    request: PrivacyRequest, key: str, row: Customer | Erased | None
) -> tuple[EventRouted, ...]:
    """The other ids of the request that are not known to be this person's already."""
    linked = row.linked_ids if isinstance(row, Customer) else ()
    identity = request.identity
    routed = []
    for other, own in (
        (identity.anonymous_id, Identity(anonymous_id=identity.anonymous_id)),
        (identity.device_id, Identity(device_id=identity.device_id)),
    ):
        if other is None or other == key or other in linked:
            continue
        message = RoutedEvent(
            key=other,
            topic=topic_of(request),
            event=replace(request, identity=own),
            asked=Asked(by=key, known_as=other),
        )
        routed.append(EventRouted(other, message))
    return tuple(routed)
