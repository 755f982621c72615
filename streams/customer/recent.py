"""Which events a row has taken in lately, so that a second delivery changes nothing."""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Literal

import msgspec
from msgspec.structs import replace

from streams.contracts.ids import hash64
from streams.contracts.inputs.events import Event, OfferFeedback
from streams.customer.row import OLDER_EVENTS_MAX, RECENT_EVENTS_MAX, Customer

ID_BYTES = 4

_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_content = msgspec.msgpack.Encoder()


def content_hash(event: Event) -> int:
    """16 bits of what the event says; when it was sent and its trace do not count.

    A producer that sends again writes a new `sent_at`, and that is the same event still. Nor does
    the time count of what was done with an offer where the id says just that, as the gateway's do:
    a page that tells it twice has told it once.
    """
    if isinstance(event, OfferFeedback) and event.event_id.startswith(f"{event.decision_id}."):
        event = msgspec.structs.replace(event, occurred_at=_ANY_TIME)
    if event.sent_at is not None or event.traceparent is not None:
        event = msgspec.structs.replace(event, sent_at=None, traceparent=None)
    try:
        content = _content.encode(event)
    except OverflowError:  # an integer beyond 64 bits, which JSON can carry
        content = repr(event).encode()
    return int.from_bytes(blake2b(content, digest_size=2).digest(), "big")


def remember(person: Customer, mark: tuple[int, int], last_at_ms: int) -> Customer:
    """The person with one more mark, as of `last_at_ms`; of the oldest only the id stays.

    Of the ids before the last 32 events four bytes each are kept, `OLDER_EVENTS_MAX` of them: the
    same event again is known for 256 events, and another one is taken for it once in 10^7.
    """
    recent, older = person.recent_events, person.older_events
    if len(recent) >= RECENT_EVENTS_MAX:
        leaving = b"".join(map(_id_bytes, recent[: len(recent) + 1 - RECENT_EVENTS_MAX]))
        older = (older + leaving)[-OLDER_EVENTS_MAX * ID_BYTES :]
    return replace(
        person,
        last_at_ms=last_at_ms,
        recent_events=(*recent[1 - RECENT_EVENTS_MAX :], mark),
        older_events=older,
    )


def mark_of(event: Event) -> tuple[int, int]:
    """What the ring keeps of an event: a hash of its id and a hash of its content."""
    return hash64(event.event_id), content_hash(event)


def seen_before(
    person: Customer, mark: tuple[int, int]
) -> Literal["duplicate", "id_conflict"] | None:
    """`duplicate` for the same id and content, `id_conflict` for the same id, other content.

    Of an older event only its id is known, so its content is not compared.
    """
    event_id, content = mark
    known = [c for id_, c in person.recent_events if id_ == event_id]
    if known:
        return "duplicate" if known[0] == content else "id_conflict"
    older, id_bytes = person.older_events, _id_bytes(mark)
    at = older.find(id_bytes)
    while at >= 0 and at % ID_BYTES:
        at = older.find(id_bytes, at + 1)
    return "duplicate" if at >= 0 else None


def older_of_both(into: Customer, other: Customer) -> bytes:
    """The ids that a merged row keeps: older ones of both, and all that a ring may have to drop."""
    rings = b"".join(map(_id_bytes, (*other.recent_events, *into.recent_events)))
    return (other.older_events + into.older_events + rings)[-OLDER_EVENTS_MAX * ID_BYTES :]


def _id_bytes(mark: tuple[int, int]) -> bytes:
    return (mark[0] & 0xFFFFFFFF).to_bytes(ID_BYTES, "big")
