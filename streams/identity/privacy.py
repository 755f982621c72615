"""Privacy requests: erase a person with every forwarding address to them; say what is held."""

from msgspec.structs import replace

from streams.contracts.catalogue import topic_of
from streams.contracts.common import Identity
from streams.contracts.inputs.events import PrivacyRequest
from streams.contracts.internal.routing import Asked, RoutedEvent
from streams.contracts.outputs.effects import EventRouted, ReceiptIssued
from streams.contracts.outputs.payloads import PrivacyReceipt
from streams.contracts.times import from_ms
from streams.customer.row import Customer, Erased
from streams.identity import erasing
from streams.identity.held import held
from streams.identity.resolution import Resolution, done, event_at_ms


def requested(
    request: PrivacyRequest,
    key: str,
    row: Customer | Erased | None,
    *,
    beside: bool,
    asked: Asked | None,
) -> Resolution:
    """A privacy request at the person under `key`.

    `beside`: the request is here for the first time, so it is sent on to the other ids that it
    names; each carries it out for itself. `asked`: who waits for an erasure that was sent on.
    """
    others = _named_beside(request, key, row) if beside else ()
    if request.event_name == "erasure_requested":
        return erasing.erased(request, key, row, others, asked)
    return done(row, event_at_ms(request), _access(request, row), *others)


def _access(request: PrivacyRequest, row: Customer | Erased | None) -> ReceiptIssued:
    return ReceiptIssued(
        PrivacyReceipt(
            request_id=request.request_id,
            kind="access",
            completed_at=from_ms(event_at_ms(request)),
            rows_erased=0,
            held=held(row if isinstance(row, Customer) else None),
        )
    )


def _named_beside(
    request: PrivacyRequest, key: str, row: Customer | Erased | None
) -> tuple[EventRouted, ...]:
    """The other ids of the request that are not known to be this person's already."""
    linked = row.linked_ids if isinstance(row, Customer) else ()
    identity = request.identity
    erasing_it = request.event_name == "erasure_requested"
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
            asked=Asked(by=key, known_as=other) if erasing_it else None,
        )
        routed.append(EventRouted(other, message))
    return tuple(routed)
