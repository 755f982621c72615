"""meet(): whose row a message belongs to, before anybody looks at what it says."""

from msgspec.structs import replace

from streams.contracts.catalogue import topic_of
from streams.contracts.inputs.events import Event, InputEvent, PrivacyRequest, Profile
from streams.contracts.internal.leases import LeaseAllotted, LeaseUsed
from streams.contracts.internal.routing import (
    Asked,
    ErasureDone,
    Gathered,
    LinkAnswered,
    LinkEnded,
    LinkRequested,
    Message,
    RoutedEvent,
    Tick,
)
from streams.contracts.outputs.effects import Effect, EventIgnored, EventRouted
from streams.contracts.reference.structs import IdentityRules
from streams.contracts.times import WEEK_MS
from streams.customer.row import Alias, Customer, Erased, PersonRow, due_at_ms
from streams.identity import erasing, instructions, links, privacy, sharing
from streams.identity.resolution import Resolution, done, event_at_ms

DEFAULTS = IdentityRules()


def key_of(message: Message) -> str:
    """The id under which the row of a message is stored.

    >>> key_of(Tick("c-1", 0))
    'c-1'
    """
    match message:
        case Event():  # the common case first
            return message.identity.key
        case RoutedEvent() | Tick() | ErasureDone() | LeaseAllotted() | LeaseUsed():
            return message.key
        case LinkRequested():
            return message.other_id
        case LinkAnswered() | LinkEnded():
            return message.customer_id


def resolve(
    message: Message,
    row: PersonRow | None,
    rules: IdentityRules = DEFAULTS,
    tick_ms: int = WEEK_MS,
) -> Resolution:
    """The person a message is about, and what identity itself asks of the world.

    Total and pure, like `process`: any message on any row. Time is the event's own, or when the
    link was asked for, or the tick's. `tick_ms` is how often this shop looks at its customers.
    """
    match message:
        case Event():  # the common case first
            if isinstance(row, Alias):
                return _sent_on(message, row, topic_of(message), 0, None)
            return _event(message, row, None, rules)
        case Tick():
            return _ticked(message, row)
        case LinkRequested():
            return links.asked(message, row, rules)
        case LinkAnswered():
            return links.answered(message, row, rules, tick_ms)
        case LinkEnded():
            return sharing.ended(message, row)
        case ErasureDone():
            return erasing.answered(message, row)
        case LeaseAllotted() | LeaseUsed():  # no person's: the pipeline takes them before
            return done(row, message.at_ms)
        case RoutedEvent():
            if instructions.is_instruction(message):
                return _instructed(message, row)
            return _routed(message, row, rules)


def _ticked(tick: Tick, row: PersonRow | None) -> Resolution:
    if isinstance(row, Customer):
        return Resolution(row, row, None, (), tick.at_ms)
    due = due_at_ms(row)
    return done(None if due is not None and due <= tick.at_ms else row, tick.at_ms)


def _routed(message: RoutedEvent, row: PersonRow | None, rules: IdentityRules) -> Resolution:
    """An event that came from another key; an erasure is taken in once by each id."""
    event, asked = message.event, message.asked
    if not isinstance(event, PrivacyRequest) or asked is None:
        return _at_row(message, row, rules)
    if erasing.is_repeated(row, event, asked):
        return done(row, event_at_ms(event))
    resolution = _at_row(message, row, rules)
    return replace(resolution, row=erasing.remembered(resolution.row, event, asked))


def _at_row(message: RoutedEvent, row: PersonRow | None, rules: IdentityRules) -> Resolution:
    event, asked = message.event, message.asked
    if isinstance(event, PrivacyRequest) and event.event_name == "access_requested":
        return _access(event, message, row)
    theirs = message.hops == 0 and message.key != event.identity.key
    if isinstance(event, PrivacyRequest) and theirs:
        return erasing.forgotten(event, row, asked)
    if not isinstance(row, Alias):
        return _event(event, row, message, rules)
    if isinstance(event, PrivacyRequest) and asked is not None and row.moved_to == asked.by:
        return erasing.dropped(event, row, asked)
    return _sent_on(event, row, message.topic, message.hops, asked)


def _access(request: PrivacyRequest, message: RoutedEvent, row: PersonRow | None) -> Resolution:
    """An access request that was sent on: it follows addresses, and goes on where it cannot."""
    at_ms, found = event_at_ms(request), message.gathered
    if not isinstance(row, Alias):
        return privacy.requested(
            request, message.key, row, beside=False, asked=None, gathered=found
        )
    effect = links.sent_on(request, row, message.topic, message.hops, None, found)
    if isinstance(effect, EventRouted):
        return done(row, at_ms, effect)
    return done(row, at_ms, effect, privacy.gone_on(request, found or Gathered()))


def _sent_on(
    event: InputEvent, row: Alias, topic: str, hops: int, asked: Asked | None
) -> Resolution:
    at_ms = event_at_ms(event)
    if _comes_back(event, row, at_ms):
        return done(row, at_ms, EventIgnored("erased", event.event_id))
    if isinstance(event, PrivacyRequest) and asked is None and erasing.has_carried_out(row, event):
        return done(row, at_ms, EventIgnored("duplicate", event.event_id))
    effect = links.sent_on(event, row, topic, hops, asked)
    lost: tuple[Effect, ...] = ()
    if isinstance(effect, EventIgnored) and isinstance(event, PrivacyRequest):
        lost = erasing.lost(event, asked)
    return done(row, at_ms, effect, *lost)


def _event(
    event: InputEvent,
    row: Customer | Erased | None,
    routed: RoutedEvent | None,
    rules: IdentityRules,
) -> Resolution:
    """An event at the row of its key; `routed` None: it came from an input topic."""
    at_ms = event_at_ms(event)
    key = event.identity.key if routed is None else routed.key
    if isinstance(event, PrivacyRequest):
        beside = routed is None or _is_followed(event, routed)
        asked = routed.asked if routed is not None else None
        return privacy.requested(event, key, row, beside=beside, asked=asked)
    if _comes_back(event, row, at_ms):
        return done(row, at_ms, EventIgnored("erased", event.event_id))
    person = row if isinstance(row, Customer) else links.empty_row(key, at_ms, event)
    if isinstance(row, Erased):
        person = replace(person, erasure=row.erasure)
    if not person.known and event.identity.customer_id == person.customer_id:
        person = replace(person, known=True)
    if isinstance(event, Profile) and event.event_name in ("identity_linked", "identity_unlinked"):
        return _link_event(event, person, row, routed, rules)
    person, effects = links.implied(person, event, at_ms, rules)
    return Resolution(row, person, event, effects, at_ms)


def _is_followed(event: PrivacyRequest, routed: RoutedEvent) -> bool:
    """Whether an erasure came from an input topic, by way of a forwarding address."""
    return event.event_name == "erasure_requested" and routed.hops > 0 and routed.asked is None


def _comes_back(event: InputEvent, row: PersonRow | None, at_ms: int) -> bool:
    """Whether an event is from before the erasure of the id under which it comes."""
    erasure = erasing.erasure_of(row)
    return erasure is not None and at_ms <= erasure.at_ms and not isinstance(event, PrivacyRequest)


def _link_event(
    event: Profile,
    person: Customer,
    row: PersonRow | None,
    routed: RoutedEvent | None,
    rules: IdentityRules,
) -> Resolution:
    effects: tuple[Effect, ...]
    at_ms, hops = event_at_ms(event), routed.hops if routed is not None else 0
    if event.event_name == "identity_unlinked":
        person, effects = links.unlinked(person, event, at_ms)
        return Resolution(row, person, event, effects, at_ms)
    stays, effects = links.stated(person, event, at_ms, hops, rules)
    if stays is None:
        return done(row, at_ms, *effects)
    return Resolution(row, stays, event, effects, at_ms)


def _instructed(message: RoutedEvent, row: PersonRow | None) -> Resolution:
    at_ms = event_at_ms(message.event)
    if not isinstance(row, Alias) or not isinstance(message.event, Profile):
        return done(row, at_ms)
    after, effects = instructions.instructed(message.event, row, at_ms)
    return done(after, at_ms, *effects)
