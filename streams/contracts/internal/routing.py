"""What travels on `customer-events`: records of another key, and the two steps of a link."""

from msgspec import Struct

from streams.contracts.common import LinkMethod
from streams.contracts.inputs.events import InputEvent

HOPS_MAX = 4


class RoutedEvent(Struct, frozen=True, kw_only=True):
    """An input event on its way to the row under `key`, after `hops` forwarding addresses."""

    key: str
    topic: str
    event: InputEvent
    hops: int = 0


class LinkRequested(Struct, frozen=True, kw_only=True):
    """The customer's partition asks for the row under `other_id`."""

    customer_id: str
    other_id: str
    method: LinkMethod
    requested_at_ms: int
    evidence_event_id: str | None = None
    hops: int = 0


class LinkAnswered(Struct, frozen=True, kw_only=True):
    """The other partition answers with the row's content (`row`, as stored) or a conflict."""

    customer_id: str
    other_id: str
    method: LinkMethod
    answered_at_ms: int
    row: bytes | None
    evidence_event_id: str | None = None
    conflict_with: str | None = None


class Tick(Struct, frozen=True):
    """Silence as an event: the row under `key` wanted to be looked at, at `at_ms` or later."""

    key: str
    at_ms: int


Routable = RoutedEvent | LinkRequested | LinkAnswered
Message = InputEvent | Routable | Tick


def traceparent_of(message: Message) -> str | None:
    """The trace that a message belongs to; links and ticks belong to none."""
    if isinstance(message, RoutedEvent):
        return message.event.traceparent
    if isinstance(message, LinkRequested | LinkAnswered | Tick):
        return None
    return message.traceparent
