"""A person's word to an id that forwards to them: drop the address, or point elsewhere."""

from msgspec.structs import replace

from streams.contracts.common import Identity, LinkMethod
from streams.contracts.ids import derive_id
from streams.contracts.inputs.events import Link, Profile
from streams.contracts.internal.routing import Message, RoutedEvent
from streams.contracts.outputs.effects import Effect, EventRouted
from streams.contracts.times import from_ms
from streams.customer.row import ROW_VERSION, Alias, Erased, PersonRow, new_customer
from streams.identity.sharing import freed, met_by
from streams.topics import PROFILE

SAID: LinkMethod = "manual"
MADE_ROOM: LinkMethod = "device"


def instruct(name: str, customer_id: str, link: Link, at_ms: int) -> EventRouted:
    """A word from a person to the id `from_`, which points to them, as an event of its own."""
    other = link.from_
    event = Profile(
        event_id=derive_id("link", name, customer_id, other, link.to, str(at_ms)),
        event_name="identity_linked" if name == "identity_linked" else "identity_unlinked",
        occurred_at=from_ms(at_ms),
        identity=Identity(customer_id=customer_id),
        channel="web",
        link=link,
    )
    return EventRouted(other, RoutedEvent(key=other, topic=PROFILE.name, event=event))


def unlink(customer_id: str, other: str, at_ms: int, method: LinkMethod = MADE_ROOM) -> EventRouted:
    """The word to drop the address: `SAID` by somebody, or only to make room for a newer one."""
    link = Link(from_=other, to=customer_id, method=method)
    return instruct("identity_unlinked", customer_id, link, at_ms)


def is_instruction(message: Message) -> bool:
    """Whether this is a person's word to an id that is linked to them, made by `instruct`.

    An event of the world never looks so: where it is routed at once, its key is its own identity.
    """
    if not isinstance(message, RoutedEvent) or message.hops:
        return False
    event = message.event
    if not isinstance(event, Profile) or event.link is None:
        return False
    return event.link.from_ == message.key != event.identity.key


def instructed(
    event: Profile, alias: Alias, at_ms: int
) -> tuple[PersonRow | None, tuple[Effect, ...]]:
    """What a word from the person that it points to makes of a forwarding address.

    Where it is dropped, whoever asked for the id in vain hears that it is free; an id that was
    unlinked in so many words still knows whom it has met.
    """
    if event.identity.key != alias.moved_to or event.link is None:
        return alias, ()
    if event.event_name != "identity_unlinked":
        return replace(alias, moved_to=event.link.to, moved_at_ms=at_ms), ()
    effects = freed(alias, at_ms)
    if event.link.method == SAID:
        device = new_customer(alias.alias_id, at_ms)
        return replace(device, met=met_by(alias), erasure=alias.erasure), effects
    if alias.erasure is not None:
        return Erased(version=ROW_VERSION, erasure=alias.erasure), effects
    return None, effects
