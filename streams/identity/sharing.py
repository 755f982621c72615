"""Whom a device has met: who asked for it in vain, and when it is nobody's any more."""

from msgspec.structs import replace

from streams.contracts.ids import derive_id
from streams.contracts.inputs.events import Link
from streams.contracts.internal.routing import HOPS_MAX, LinkEnded, LinkRequested
from streams.contracts.outputs.effects import Effect, EventRouted, IdentityChanged
from streams.contracts.outputs.payloads import IdentityChange
from streams.contracts.reference.structs import IdentityRules
from streams.contracts.times import DAY_MS, from_ms
from streams.customer.id_history import (
    ENCOUNTERS_MAX,
    REFUSED_IDS_MAX,
    UNLINKED_MAX,
    Encounter,
    Erasure,
)
from streams.customer.link_words import not_linked
from streams.customer.row import Alias, Customer, PersonRow, new_customer
from streams.identity.resolution import Resolution, done


def met_by(alias: Alias) -> tuple[Encounter, ...]:
    """Whom the id has met, the person it belongs to among them."""
    if any(met.customer_id == alias.moved_to for met in alias.met):
        return alias.met
    return (*alias.met, Encounter(alias.moved_to, alias.moved_at_ms))[-ENCOUNTERS_MAX:]


def meeting(met: tuple[Encounter, ...], customer_id: str, at_ms: int) -> tuple[Encounter, ...]:
    """The people met with one more, the newest `ENCOUNTERS_MAX`."""
    others = tuple(one for one in met if one.customer_id != customer_id)
    return (*others, Encounter(customer_id, at_ms))[-ENCOUNTERS_MAX:]


def in_vain(
    request: LinkRequested, alias: Alias, answer: Effect, rules: IdentityRules
) -> Resolution:
    """Somebody asks for an id that is another's: remembered, so that they hear when it is free.

    A device that meets more than `shared_device_people` within `shared_device_days` is shared:
    it leaves the person that it belonged to and is linked no more.
    """
    at_ms = request.requested_at_ms
    met = meeting(met_by(alias), request.customer_id, at_ms)
    near = _near(met, at_ms, rules) | {alias.moved_to}
    if len(near) <= rules.shared_device_people:
        return done(replace(alias, met=met), at_ms, answer)
    device = new_customer(alias.alias_id, at_ms)
    ended = LinkEnded(
        customer_id=alias.moved_to, other_id=alias.alias_id, ended_at_ms=at_ms, shared=True
    )
    return done(
        replace(device, met=met, shared=True, erasure=alias.erasure),
        at_ms,
        answer,
        EventRouted(alias.moved_to, ended),
        _reported(request, alias.moved_to),
    )


def met_too_many(request: LinkRequested, device: Customer, rules: IdentityRules) -> bool:
    """Whether an id that is nobody's, as each unlinked it in turn, meets one person too many."""
    if not device.met:
        return False
    at_ms = request.requested_at_ms
    met = meeting(device.met, request.customer_id, at_ms)
    return len(_near(met, at_ms, rules)) > rules.shared_device_people


def now_shared(request: LinkRequested, device: Customer, answer: Effect) -> Resolution:
    """An id that was nobody's stays so: it is shared, reported with the person who asked last."""
    at_ms = request.requested_at_ms
    met = meeting(device.met, request.customer_id, at_ms)
    shared = replace(device, met=met, shared=True)
    return done(shared, at_ms, answer, _reported(request, request.customer_id))


def _near(met: tuple[Encounter, ...], at_ms: int, rules: IdentityRules) -> set[str]:
    since_ms = at_ms - round(rules.shared_device_days * DAY_MS)
    return {one.customer_id for one in met if one.at_ms >= since_ms}


def freed(alias: Alias, at_ms: int) -> tuple[Effect, ...]:
    """The word to everybody who asked for the id in vain that it is nobody's now."""
    return tuple(
        EventRouted(
            met.customer_id,
            LinkEnded(customer_id=met.customer_id, other_id=alias.alias_id, ended_at_ms=at_ms),
        )
        for met in alias.met
        if met.customer_id != alias.moved_to
    )


def too_late(request: LinkRequested, erasure: Erasure) -> EventRouted:
    """The word to somebody who asks by an event from before the id's erasure: it is not linked."""
    customer_id, other = request.customer_id, request.other_id
    ended = LinkEnded(customer_id=customer_id, other_id=other, ended_at_ms=erasure.at_ms)
    return EventRouted(customer_id, ended)


def ended(message: LinkEnded, row: PersonRow | None) -> Resolution:
    """At a person: an id is nobody's, so that their next login asks for it; or it is shared."""
    at_ms = message.ended_at_ms
    if isinstance(row, Alias):
        if message.hops >= HOPS_MAX:
            return done(row, at_ms)
        onward = replace(message, customer_id=row.moved_to, hops=message.hops + 1)
        return done(row, at_ms, EventRouted(row.moved_to, onward))
    if not isinstance(row, Customer):
        return done(row, at_ms)
    if not message.shared:
        return done(_accepting(row, message.other_id), at_ms)
    return done(refusing(row, message.other_id), at_ms)


def refusing(person: Customer, other: str) -> Customer:
    """The person without an id that is not theirs, and who does not ask for it again."""
    linked = tuple(id_ for id_ in person.linked_ids if id_ != other)
    refused = (*(id_ for id_ in person.refused_ids if id_ != other), other)[-REFUSED_IDS_MAX:]
    return replace(person, linked_ids=linked, refused_ids=refused)


def parted(person: Customer, link: Link, at_ms: int) -> Customer:
    """The person who remembers that an id was unlinked at `at_ms`, the newest `UNLINKED_MAX`."""
    pair = (link.from_, link.to)
    theirs = (person.customer_id, *person.linked_ids)
    own = person.customer_id if person.customer_id in pair else None
    own = own or next((id_ for id_ in pair if id_ in theirs), None)
    other = next((id_ for id_ in pair if id_ != own), None)
    if own is None or other is None or is_unlinked(person, other, at_ms):
        return person
    rest = (one for one in person.unlinked if one.customer_id != other)
    return replace(person, unlinked=(*rest, Encounter(other, at_ms))[-UNLINKED_MAX:])


def is_unlinked(person: Customer, other: str, at_ms: int) -> bool:
    """Whether an id was unlinked at `at_ms` or later: the newer word by event time wins."""
    return any(one.customer_id == other and one.at_ms >= at_ms for one in person.unlinked)


def set_free(row: PersonRow | None, key: str, at_ms: int) -> tuple[Effect, ...]:
    """The word to everybody who asked for a customer's own id in vain that it is nobody's now."""
    met = row.met if isinstance(row, Customer) else ()
    return tuple(
        EventRouted(
            one.customer_id,
            LinkEnded(customer_id=one.customer_id, other_id=key, ended_at_ms=at_ms),
        )
        for one in met
        if one.customer_id != key
    )


def _accepting(person: Customer, other: str) -> Customer:
    """The person without the id, who may ask for it; an answer under way links it all the same."""
    if other in person.linked_ids:
        linked = tuple(id_ for id_ in person.linked_ids if id_ != other)
        person = replace(not_linked(person, other), linked_ids=linked)
    if other not in person.refused_ids:
        return person
    return replace(person, refused_ids=tuple(i for i in person.refused_ids if i != other))


def within_limit(
    person: Customer, other: str, at_ms: int, rules: IdentityRules
) -> tuple[Customer, bool, tuple[Effect, ...]]:
    """Whether the person may ask for one more link today; the first that may not is reported."""
    day, count = person.links_on
    today = max(at_ms // DAY_MS, day)
    count = count if day == today else 0
    person = replace(person, links_on=(today, count + 1))
    if count < rules.links_per_day_max:
        return person, True, ()
    if count > rules.links_per_day_max:
        return replace(person, links_on=(today, count)), False, ()
    change = IdentityChange(
        change_id=derive_id("i", "limit_reached", person.customer_id, str(today)),
        kind="limit_reached",
        customer_id=person.customer_id,
        other_id=other,
        method="device",
        changed_at=from_ms(at_ms),
        evidence_event_id=None,
    )
    return person, False, (IdentityChanged(change),)


def _reported(request: LinkRequested, customer_id: str) -> IdentityChanged:
    at_ms = request.requested_at_ms
    return IdentityChanged(
        IdentityChange(
            change_id=derive_id("i", "shared_device", request.other_id, str(at_ms)),
            kind="shared_device",
            customer_id=customer_id,
            other_id=request.other_id,
            method=request.method,
            changed_at=from_ms(at_ms),
            evidence_event_id=request.evidence_event_id,
        )
    )
