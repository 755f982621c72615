"""Erasure: a person with every forwarding address to them, over all partitions, one receipt.

The request's row sends it on to the ids that are linked and to those that it names beside; each
answers when it, and whatever it sent on itself, is done. When nobody is waited for any more, the
row that was asked first closes the request with one receipt. What stays under an erased id is
`Erasure`: that nothing from before it comes back.
"""

from msgspec.structs import replace

from streams.contracts.common import Identity
from streams.contracts.ids import hash64
from streams.contracts.inputs.events import PrivacyRequest
from streams.contracts.internal.routing import Asked, ErasureDone, RoutedEvent
from streams.contracts.outputs.effects import Effect, EventIgnored, EventRouted, ReceiptIssued
from streams.contracts.outputs.payloads import PrivacyReceipt
from streams.contracts.times import from_ms
from streams.customer.id_history import CLOSED_MAX, CLOSING_MAX, Closing, Erasure
from streams.customer.row import ROW_VERSION, Alias, Customer, Erased, PersonRow
from streams.identity.held import both_held, held
from streams.identity.resolution import Resolution, done, event_at_ms
from streams.identity.sharing import freed, set_free
from streams.topics import PRIVACY_REQUESTS


def erasure_of(row: PersonRow | None) -> Erasure | None:
    """What was erased under the id of this row."""
    return None if row is None else row.erasure


def erased(
    request: PrivacyRequest,
    key: str,
    row: Customer | Erased | None,
    others: tuple[EventRouted, ...],
    asked: Asked | None,
) -> Resolution:
    """The erasure at the person under `key`; `others` go to the ids that it names beside."""
    at_ms, old = event_at_ms(request), erasure_of(row) or Erasure(0)
    if asked is None and _is_known(old, request.request_id):
        return done(row, at_ms, EventIgnored("duplicate", request.event_id))
    if asked is not None and any(c.request_id == request.request_id for c in old.closing):
        return done(row, at_ms, *_answer(asked, request, 0, {}))
    linked = row.linked_ids if isinstance(row, Customer) else ()
    closing = Closing(
        request_id=request.request_id,
        requested_at_ms=at_ms,
        by=asked.by if asked else "",
        known_as=asked.known_as if asked else "",
        waiting=tuple(dict.fromkeys((*linked, *(o.key for o in others)))),
        rows_erased=int(isinstance(row, Customer)),
        held=held(row if isinstance(row, Customer) else None),
    )
    onward = tuple(_forget(request, key, other) for other in linked)
    erasure, effects = _with(replace(old, at_ms=max(old.at_ms, at_ms)), closing)
    after = Erased(version=ROW_VERSION, erasure=erasure)
    return done(after, at_ms, *onward, *others, *set_free(row, key, at_ms), *effects)


def forgotten(request: PrivacyRequest, row: PersonRow | None, asked: Asked | None) -> Resolution:
    """The erasure of the person whose id the request carries, at an id that was linked to them.

    Only a forwarding address to that very person is deleted; whoever else is here stays.
    """
    at_ms = event_at_ms(request)
    whose = request.identity.key
    if isinstance(row, Alias) and whose == row.moved_to:
        return _address_dropped(request, row, asked)
    return done(row, at_ms, *(_answer(asked, request, 0, {}) if asked else ()))


def has_carried_out(row: Alias, request: PrivacyRequest) -> bool:
    """Whether an erasure has ended here before the id came to whom it now forwards to."""
    old = erasure_of(row)
    return (
        request.event_name == "erasure_requested"
        and old is not None
        and _is_known(old, request.request_id)
    )


def is_repeated(row: PersonRow | None, request: PrivacyRequest, asked: Asked) -> bool:
    """Whether an erasure that somebody waits for has come to this id before."""
    old = erasure_of(row)
    return old is not None and hash64(_errand(request, asked)) in old.closed


def remembered(row: PersonRow | None, request: PrivacyRequest, asked: Asked) -> PersonRow | None:
    """The row that knows that the erasure has come to it."""
    if row is None:
        return None
    old = row.erasure or Erasure(0)
    return replace(row, erasure=replace(old, closed=_marked(old.closed, _errand(request, asked))))


def _errand(request: PrivacyRequest, asked: Asked) -> str:
    return f"{request.request_id}:{asked.by}:{asked.known_as}"


def _address_dropped(request: PrivacyRequest, row: Alias, asked: Asked | None) -> Resolution:
    at_ms, old = event_at_ms(request), row.erasure or Erasure(0)
    closed = _marked(old.closed, request.request_id)
    erasure = replace(old, at_ms=max(old.at_ms, at_ms), closed=closed)
    answer = _answer(asked, request, 1, {"alias": 1}) if asked else ()
    after = Erased(version=ROW_VERSION, erasure=erasure)
    return done(after, at_ms, *freed(row, at_ms), *answer)


def dropped(request: PrivacyRequest, row: Alias, asked: Asked) -> Resolution:
    """The same at an address whose person has sent the erasure on to it by name."""
    return _address_dropped(request, row, asked)


def lost(request: PrivacyRequest, asked: Asked | None) -> tuple[Effect, ...]:
    """The answer of an erasure that followed too many addresses: nothing was found."""
    return _answer(asked, request, 0, {}) if asked else ()


def answered(message: ErasureDone, row: PersonRow | None) -> Resolution:
    """One of those that were waited for is done; after the last of them so is the request."""
    at_ms, old = message.done_at_ms, erasure_of(row)
    under_way = old.closing if old is not None else ()
    closing = next((c for c in under_way if c.request_id == message.request_id), None)
    if row is None or old is None or closing is None or message.known_as not in closing.waiting:
        return done(row, at_ms)
    closing = replace(
        closing,
        waiting=tuple(id_ for id_ in closing.waiting if id_ != message.known_as),
        rows_erased=closing.rows_erased + message.rows_erased,
        held=both_held(closing.held, message.held),
    )
    erasure, effects = _with(old, closing)
    return done(replace(row, erasure=erasure), at_ms, *effects)


def _with(erasure: Erasure, closing: Closing) -> tuple[Erasure, tuple[Effect, ...]]:
    """The erasure with one of its requests moved on; what is done says so and is forgotten.

    Where more than `CLOSING_MAX` are under way, the oldest is closed with what is known of it.
    """
    kept = [c for c in erasure.closing if c.request_id != closing.request_id]
    over = [closing] if not closing.waiting else []
    if closing.waiting:
        kept.append(closing)
        over.extend(kept[:-CLOSING_MAX])
        kept = kept[-CLOSING_MAX:]
    closed = _marked(erasure.closed, *(c.request_id for c in over))
    return Erasure(erasure.at_ms, tuple(kept), closed), tuple(_closed(c) for c in over)


def _marked(closed: tuple[int, ...], *request_ids: str) -> tuple[int, ...]:
    marks = (*closed, *(hash64(request_id) for request_id in request_ids))
    return tuple(dict.fromkeys(marks))[-CLOSED_MAX:]


def _is_known(erasure: Erasure, request_id: str) -> bool:
    under_way = any(c.request_id == request_id for c in erasure.closing)
    return under_way or hash64(request_id) in erasure.closed


def _closed(closing: Closing) -> Effect:
    at_ms = closing.requested_at_ms
    if closing.by:
        asked = Asked(by=closing.by, known_as=closing.known_as)
        return _done(asked, closing.request_id, at_ms, closing.rows_erased, closing.held)
    return ReceiptIssued(
        PrivacyReceipt(
            request_id=closing.request_id,
            kind="erasure",
            completed_at=from_ms(at_ms),
            rows_erased=closing.rows_erased,
            held=closing.held,
        )
    )


def _answer(
    asked: Asked, request: PrivacyRequest, rows: int, pieces: dict[str, int]
) -> tuple[Effect, ...]:
    return (_done(asked, request.request_id, event_at_ms(request), rows, pieces),)


def _done(
    asked: Asked, request_id: str, at_ms: int, rows: int, pieces: dict[str, int]
) -> EventRouted:
    message = ErasureDone(
        key=asked.by,
        known_as=asked.known_as,
        request_id=request_id,
        done_at_ms=at_ms,
        rows_erased=rows,
        held=pieces,
    )
    return EventRouted(asked.by, message)


def _forget(request: PrivacyRequest, person_id: str, linked_id: str) -> EventRouted:
    """The erasure goes on to an id that may forward to this person, and says whose it is."""
    theirs = replace(request, identity=Identity(customer_id=person_id))
    message = RoutedEvent(
        key=linked_id,
        topic=PRIVACY_REQUESTS.name,
        event=theirs,
        asked=Asked(by=person_id, known_as=linked_id),
    )
    return EventRouted(linked_id, message)
