"""meet(): whose row a message belongs to, before anybody looks at what it says."""

from msgspec.structs import replace

from streams.contracts.catalogue import topic_of
from streams.contracts.inputs.events import InputEvent, PrivacyRequest, Profile
from streams.contracts.internal.routing import (
    LinkAnswered,
    LinkRequested,
    Message,
    RoutedEvent,
    Tick,
)
from streams.contracts.outputs.effects import Effect
from streams.customer.row import Alias, Customer, Row
from streams.identity import links, privacy
from streams.identity.resolution import Resolution, done, event_at_ms


def key_of(message: Message) -> str:
    """The id under which the row of a message is stored.

    >>> key_of(Tick("c-1", 0))
    'c-1'
    """
    match message:
        case RoutedEvent() | Tick():
            return message.key
        case LinkRequested():
            return message.other_id
        case LinkAnswered():
            return message.customer_id
        case _:
            return message.identity.key


def resolve(message: Message, row: Row | None) -> Resolution:
    """The person a message is about, and what identity itself asks of the world.

    Total and pure, like `process`: any message on any row. Time is the event's own, or when the
    link was asked for, or the tick's.
    """
    match message:
        case Tick():
            if not isinstance(row, Customer):
                return done(row, message.at_ms)
            return Resolution(row, row, None, (), message.at_ms)
        case LinkRequested():
            return links.asked(message, row)
        case LinkAnswered():
            return links.answered(message, row)
        case RoutedEvent():
            if links.is_instruction(message):
                return _instructed(message, row)
            return _event(message.event, message.key, row, message.topic, message.hops)
        case _:
            return _event(message, message.identity.key, row, topic_of(message), None)


def _event(
    event: InputEvent, key: str, row: Row | None, topic: str, hops: int | None
) -> Resolution:
    """An event at the row under `key`; `hops` None: it came from an input topic."""
    at_ms = event_at_ms(event)
    if isinstance(event, PrivacyRequest) and hops == 0 and key != event.identity.key:
        return privacy.forgotten(event, row)
    if isinstance(row, Alias):
        return done(row, at_ms, links.sent_on(event, row, topic, hops or 0))
    if isinstance(event, PrivacyRequest):
        return privacy.requested(event, key, row, beside=hops is None)
    person = links.empty_row(key, at_ms, event) if row is None else row
    if not person.known and event.identity.customer_id == person.customer_id:
        person = replace(person, known=True)
    if isinstance(event, Profile) and event.event_name in ("identity_linked", "identity_unlinked"):
        return _link_event(event, person, row, at_ms, hops or 0)
    person, effects = links.implied(person, event, at_ms)
    return Resolution(row, person, event, effects, at_ms)


def _link_event(
    event: Profile, person: Customer, row: Row | None, at_ms: int, hops: int
) -> Resolution:
    effects: tuple[Effect, ...]
    if event.event_name == "identity_unlinked":
        person, effects = links.unlinked(person, event, at_ms)
        return Resolution(row, person, event, effects, at_ms)
    stays, effects = links.stated(person, event, at_ms, hops)
    if stays is None:
        return done(row, at_ms, *effects)
    return Resolution(row, stays, event, effects, at_ms)


def _instructed(message: RoutedEvent, row: Row | None) -> Resolution:
    at_ms = event_at_ms(message.event)
    if not isinstance(row, Alias) or not isinstance(message.event, Profile):
        return done(row, at_ms)
    return done(links.instructed(message.event, row, at_ms), at_ms)
