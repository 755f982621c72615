"""Which send of an offer was used by which order, told anew: one order uses one send.

An order that names the offer alone is of the newest send that it can be of. What is not certain,
an order that was cancelled, a visitor's before a login, one that names two offers at once, may have
used a send: from then on nothing is surely held for it.
"""

import math
from collections import defaultdict

from msgspec import Struct

from streams.audit.arrivals import Arrival
from streams.audit.orders import (
    Proof,
    end_of_redemption_ms,
    is_clear,
    may_name,
    names_decision,
    order_id_of,
)
from streams.audit.people import Person
from streams.audit.world import Contact, World
from streams.contracts.inputs.events import Purchase

NEVER = math.inf


class SendUsed(Struct):
    """A send: the event that certainly used it, and after which input it may have been used."""

    contact: Contact
    by: Arrival | None = None
    unclear_at: float = NEVER


def sends_used(world: World, contacts: list[Contact]) -> list[SendUsed]:
    """What became of the sends of one offer, in their order."""
    sends = [SendUsed(contact) for contact in contacts]
    of_person: dict[int, list[SendUsed]] = defaultdict(list)
    end = len(world.arrivals)
    for send in sends:
        if send.contact.person is not None:
            of_person[id(send.contact.person.top(end))].append(send)
    for own in of_person.values():
        _use_up(world, own, known_of(world, own[0].contact))
    return sends


def known_of(world: World, contact: Contact) -> list[Arrival]:
    """All that ever came of the person to whom it was sent, as merged at the end."""
    end = len(world.arrivals)
    return [] if contact.person is None else contact.person.top(end).known_events(end)


def _use_up(world: World, sends: list[SendUsed], known: list[Arrival]) -> None:
    proof = Proof(known, world.offers)
    by_order: dict[str, SendUsed] = {}
    for a in known:
        for early in proof.told_before(a):
            for send in sends:
                if send.contact.moment.places[0] <= a.place and may_name(early, send.contact):
                    _taint(world, send, a)
        named = [send for send in sends if _may_be_of(a, send.contact)]
        if not named:
            continue
        order_id = order_id_of(a.event) if isinstance(a.event, Purchase) else ""
        before = by_order.get(order_id)
        by_decision = [send for send in named if names_decision(a, send.contact)]
        if before in named and (not by_decision or before in by_decision):
            named = [send for send in by_decision if send is not before]  # a word of the same use
        elif (used := _used_by(world, proof, a, by_decision or named)) is not None:
            used.by = a
            if order_id:
                by_order[order_id] = used
            named = [send for send in by_decision if send is not used]
        for send in named:
            _taint(world, send, a)


def _taint(world: World, send: SendUsed, a: Arrival) -> None:
    """The event may have used the send, as soon as the two are of one person."""
    since = _one_since(world.people.landed[a.place], send.contact, a.place)
    send.unclear_at = min(send.unclear_at, since)


def _used_by(world: World, proof: Proof, a: Arrival, named: list[SendUsed]) -> SendUsed | None:
    """The send that an event uses up: of those that can be, one that was clear so far; the newest.

    None of an update before its order, or sent to whom only that event, or a later one, merges.
    """
    if not proof.is_told(a):
        return None
    free = [send for send in named if send.by is None and proof.shows(a, send.contact)]
    whose = world.people.landed[a.place]
    sure = [
        send
        for send in free
        if send.contact.person is not None
        and send.contact.person.top(a.place) is whose
        and is_clear(a, send.contact, world.offers)
    ]
    return max(sure, key=lambda s: (s.unclear_at > a.place, _newest(world, s)), default=None)


def _newest(world: World, send: SendUsed) -> tuple[float, int]:
    return end_of_redemption_ms(send.contact, world.offers), send.contact.moment.turn


def _may_be_of(a: Arrival, contact: Contact) -> bool:
    return contact.moment.places[0] <= a.place and may_name(a, contact)


def _one_since(whose: Person, contact: Contact, place: int) -> float:
    """After which input, from this one on, an event's person and that of a send are one."""
    ups = [place]
    for person in (whose, contact.person):
        while person is not None and person.under is not None:
            ups.append(person.under_since)
            person = person.under
    later = sorted(up for up in ups if up >= place)
    for up in later:
        if contact.person is not None and whose.top(up + 1) is contact.person.top(up + 1):
            return up
    return NEVER
