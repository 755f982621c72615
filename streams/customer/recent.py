"""Which events a row has taken in lately, so that a second delivery changes nothing."""

from hashlib import blake2b
from typing import Literal

import msgspec

from streams.contracts.ids import hash64
from streams.contracts.inputs.events import Event
from streams.customer.row import RECENT_EVENTS_MAX

Recent = tuple[tuple[int, int], ...]

_content = msgspec.msgpack.Encoder()


def content_hash(event: Event) -> int:
    """16 bits of what the event says; when it was sent and its trace do not count.

    A producer that sends again writes a new `sent_at`, and that is the same event still.
    """
    if event.sent_at is not None or event.traceparent is not None:
        event = msgspec.structs.replace(event, sent_at=None, traceparent=None)
    try:
        content = _content.encode(event)
    except OverflowError:  # an integer beyond 64 bits, which JSON can carry
        content = repr(event).encode()
    return int.from_bytes(blake2b(content, digest_size=2).digest(), "big")


def remember(recent: Recent, mark: tuple[int, int]) -> Recent:
    """The ring with one more mark; beyond `RECENT_EVENTS_MAX` the oldest goes."""
    return (*recent[1 - RECENT_EVENTS_MAX :], mark)


def mark_of(event: Event) -> tuple[int, int]:
    """What the ring keeps of an event: a hash of its id and a hash of its content."""
    return hash64(event.event_id), content_hash(event)


def seen_before(
    recent: Recent, mark: tuple[int, int]
) -> Literal["duplicate", "id_conflict"] | None:
    """`duplicate` for the same id and content, `id_conflict` for the same id, other content.

    >>> seen_before(((1, 10),), (1, 10)), seen_before(((1, 10),), (1, 11)), seen_before((), (1, 1))
    ('duplicate', 'id_conflict', None)
    """
    for known_id, known_content in recent:
        if known_id == mark[0]:
            return "duplicate" if known_content == mark[1] else "id_conflict"
    return None
