"""What travels on `customer-events`: records of another key; steps of links, erasures, leases."""

from typing import Annotated

from msgspec import Meta, Struct

from streams.contracts.common import Count, FreeName, Id, LinkMethod
from streams.contracts.inputs.events import InputEvent, Question
from streams.contracts.internal.leases import LeaseAllotted, LeaseUsed
from streams.contracts.times import CALENDAR_MS, DAY_MS

AtMs = Annotated[int, Meta(ge=CALENDAR_MS[0], lt=CALENDAR_MS[1])]
Hops = Annotated[int, Meta(ge=0, le=1_000)]
DueMs = Annotated[int, Meta(ge=CALENDAR_MS[0], lt=CALENDAR_MS[1] + 10 * 366 * DAY_MS)]
StoredRow = Annotated[bytes, Meta(max_length=65_536)]
TopicName = Annotated[str, Meta(max_length=249)]

HOPS_MAX = 4


class Asked(Struct, frozen=True, kw_only=True):
    """Who waits for the end of an erasure that was sent on, and by which id they know us."""

    by: Id
    known_as: Id


class Gathered(Struct, frozen=True, kw_only=True):
    """What an access request has found so far, and the ids whose rows have answered."""

    held: dict[str, Count] = {}
    seen: tuple[Id, ...] = ()


class RoutedEvent(Struct, frozen=True, kw_only=True):
    """An input event on its way to the row under `key`, after `hops` forwarding addresses."""

    key: Id
    topic: TopicName
    event: InputEvent
    hops: Hops = 0
    asked: Asked | None = None
    gathered: Gathered | None = None


class LinkRequested(Struct, frozen=True, kw_only=True):
    """The customer's partition asks for the row under `other_id`."""

    customer_id: Id
    other_id: Id
    method: LinkMethod
    requested_at_ms: AtMs
    evidence_event_id: Id | None = None
    hops: Hops = 0


class LinkAnswered(Struct, frozen=True, kw_only=True):
    """The other partition answers with the row's content (`row`, as stored) or a conflict."""

    customer_id: Id
    other_id: Id
    method: LinkMethod
    answered_at_ms: AtMs
    row: StoredRow | None
    evidence_event_id: Id | None = None
    conflict_with: Id | None = None


class LinkEnded(Struct, frozen=True, kw_only=True):
    """An id that belonged to somebody else is free again, or is `shared` and nobody's any more."""

    customer_id: Id
    other_id: Id
    ended_at_ms: AtMs
    shared: bool = False
    hops: Hops = 0


class ErasureDone(Struct, frozen=True, kw_only=True):
    """An id that an erasure was sent on to has carried it out: what it held, to who waits."""

    key: Id
    known_as: Id
    request_id: Id
    done_at_ms: AtMs
    rows_erased: Count
    held: Annotated[dict[FreeName, Count], Meta(max_length=256)]


class Tick(Struct, frozen=True):
    """Silence as an event: the row under `key` wanted to be looked at, at `at_ms` or later."""

    key: Id
    at_ms: DueMs


LeaseMessage = LeaseAllotted | LeaseUsed
Routable = RoutedEvent | LinkRequested | LinkAnswered | LinkEnded | ErasureDone | LeaseMessage
Message = InputEvent | Routable | Tick


def question_of(message: Message) -> Question | None:
    """The question that a message is, or carries to another row."""
    asked = message.event if isinstance(message, RoutedEvent) else message
    return asked if isinstance(asked, Question) else None


UNTRACED = LinkRequested | LinkAnswered | LinkEnded | ErasureDone | LeaseMessage | Tick


def traceparent_of(message: Message) -> str | None:
    """The trace that a message belongs to; links, leases and ticks belong to none."""
    if isinstance(message, RoutedEvent):
        return message.event.traceparent
    if isinstance(message, UNTRACED):
        return None
    return message.traceparent
