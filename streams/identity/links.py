"""Links between ids: ask, answer, merge; forwarding addresses; conflicts; the way back.

Nobody reaches into another partition. The customer asks (`LinkRequested`), the other id's row
moves out (it becomes an `Alias`) and its content travels back (`LinkAnswered`), the customer
merges it. Rules that keep aliases free of circles:

* An anonymous row moves to whoever asks, unless it has asked the same person itself: then the
  smaller id stays. Between two anonymous ids only the smaller one asks.
* A known customer moves only to a smaller id and only where somebody said so (a method other than
  `device` and `login`); a larger id that asks is asked back.
* An id that has moved to another person, or a known customer behind a shared device, is a
  conflict: it is reported and never merged.
"""

from msgspec.structs import replace

from streams.contracts.catalogue import topic_of
from streams.contracts.common import LinkMethod
from streams.contracts.ids import derive_id, hash64
from streams.contracts.inputs.events import InputEvent, Link, Profile
from streams.contracts.internal.routing import (
    HOPS_MAX,
    Asked,
    Gathered,
    LinkAnswered,
    LinkRequested,
    RoutedEvent,
)
from streams.contracts.outputs.effects import Effect, EventIgnored, EventRouted, IdentityChanged
from streams.contracts.outputs.payloads import IdentityChange
from streams.contracts.reference.structs import IdentityRules
from streams.contracts.times import from_ms
from streams.customer.codec import decode_row, encode_row
from streams.customer.id_history import Erasure
from streams.customer.link_words import is_said_since, not_linked, said_linked
from streams.customer.merge import merge_customers
from streams.customer.recent import remember, seen_before
from streams.customer.row import ROW_VERSION, Alias, Customer, Erased, PersonRow, new_customer
from streams.errors import StateError
from streams.identity.instructions import SAID, instruct, unlink
from streams.identity.resolution import Resolution, done
from streams.identity.sharing import (
    in_vain,
    is_unlinked,
    meeting,
    met_too_many,
    now_shared,
    parted,
    refusing,
    too_late,
    within_limit,
)

IMPLIED: tuple[LinkMethod, ...] = ("login", "device")
MARK = 1


def asked(request: LinkRequested, row: PersonRow | None, rules: IdentityRules) -> Resolution:
    """At the other id: its content goes to the customer who asks, and an address stays behind."""
    at_ms = request.requested_at_ms
    if request.customer_id == request.other_id:
        return done(row, at_ms)
    if isinstance(row, Alias):
        if row.moved_to == request.customer_id:
            return done(row, at_ms)
        return in_vain(request, row, _answer(request, None, row.moved_to), rules)
    if row is not None and row.erasure is not None and at_ms <= row.erasure.at_ms:
        return done(row, at_ms, too_late(request, row.erasure))
    if row is None or isinstance(row, Erased):
        erasure = row.erasure if row is not None else None
        return done(_address(request, None, erasure), at_ms, _answer(request, None, None))
    if row.known and not row.shared and request.method in IMPLIED:
        met = meeting(row.met, request.customer_id, at_ms)
        return done(replace(row, met=met), at_ms, _answer(request, None, row.customer_id))
    if row.shared:
        return done(row, at_ms, _answer(request, None, row.customer_id))
    if not row.known and met_too_many(request, row, rules):
        return now_shared(request, row, _answer(request, None, row.customer_id))
    mutual = row.known or request.customer_id in row.linked_ids
    if mutual and request.customer_id > row.customer_id:
        return _asked_back(request, row, rules)
    moved = tuple(_repoint(request, row, linked) for linked in row.linked_ids)
    address = _address(request, row, row.erasure)
    return done(address, at_ms, _answer(request, encode_row(row), None), *moved)


def answered(
    answer: LinkAnswered, row: PersonRow | None, rules: IdentityRules, tick_ms: int
) -> Resolution:
    """At the customer: the other id's content is merged, once; a conflict is only reported."""
    at_ms = answer.answered_at_ms
    if isinstance(row, Alias):
        return done(row, at_ms, *_passed_on(answer, row))
    if not isinstance(row, Customer):
        return done(row, at_ms, unlink(answer.customer_id, answer.other_id, at_ms))
    mark = (hash64(f"link:{answer.other_id}:{at_ms}:{answer.conflict_with or ''}"), MARK)
    if seen_before(row, mark) is not None:
        return done(row, at_ms)
    person = remember(row, mark, row.last_at_ms)
    if answer.conflict_with is not None:
        person = refusing(person, answer.other_id)
        return Resolution(person, person, None, (_changed(answer, "conflict"),), at_ms)
    if row.erasure is not None and at_ms <= row.erasure.at_ms:
        return done(row, at_ms, unlink(answer.customer_id, answer.other_id, at_ms))
    try:
        other = decode_row(answer.row) if answer.row is not None else None
    except StateError:
        return done(row, at_ms, EventIgnored("unreadable_row", answer.evidence_event_id or ""))
    said: tuple[Effect, ...] = ()
    if not is_unlinked(person, answer.other_id, at_ms):
        person, forgotten = with_link(person, answer.other_id, at_ms, rules)
        said = (_changed(answer, "linked"), *forgotten)
    closed = None
    if isinstance(other, Customer):
        closed = other.churn.case if person.churn.case is not None else None
        merged = merge_customers(person, other, at_ms, tick_ms)
        person = remember(merged, mark, merged.last_at_ms)
    return Resolution(person, person, None, said, at_ms, closed)


def implied(
    person: Customer, event: InputEvent, at_ms: int, rules: IdentityRules
) -> tuple[Customer, tuple[Effect, ...]]:
    """The person and what is asked, where an event names the customer beside other ids.

    What a customer does under an own id that was linked is no word on that link: an older unlink
    that comes later counts all the same.
    """
    identity = event.identity
    if identity.customer_id is None:
        return person, ()
    effects: list[Effect] = []
    ids: tuple[tuple[str | None, LinkMethod], ...] = (
        (identity.customer_id, "login"),
        (identity.anonymous_id, "login"),
        (identity.device_id, "device"),
    )
    for other, method in ids:
        if other is None or other == person.customer_id:
            continue
        if other in person.linked_ids:
            if other != identity.customer_id:
                person = said_linked(person, other, at_ms)
            continue
        if other in person.refused_ids:
            continue
        request = _request(person, other, method, at_ms, event.event_id)
        person, asks = _asks(person, request, rules)
        effects.extend(asks)
    return person, tuple(effects)


def stated(
    person: Customer, event: Profile, at_ms: int, hops: int, rules: IdentityRules
) -> tuple[Customer | None, tuple[Effect, ...]]:
    """`identity_linked` at a person: they ask for the other id, or send the event to who does.

    A link of two other people is never theirs, also where a forwarding address has brought it.

    Returns:
        The person, or None where the event goes on; and the effects.
    """
    link = event.link
    if link is None:
        return person, ()
    asker = _asker(person, event, link)
    theirs = (person.customer_id, *person.linked_ids)
    others = link.from_ not in theirs and link.to not in theirs
    if asker != person.customer_id and (hops == 0 or others):
        if hops >= HOPS_MAX:
            return None, (EventIgnored("too_many_hops", event.event_id),)
        routed = RoutedEvent(key=asker, topic=topic_of(event), event=event, hops=hops + 1)
        return None, (EventRouted(asker, routed),)
    effects: list[Effect] = []
    for other in (link.from_, link.to):
        if other == person.customer_id:
            continue
        if other in person.linked_ids and hops > 0:
            person = said_linked(person, other, at_ms)
            continue
        evidence = link.evidence_event_id or event.event_id
        request = _request(person, other, link.method, at_ms, evidence)
        person, asks = _asks(person, request, rules)
        effects.extend(asks)
    return person, tuple(effects)


def unlinked(person: Customer, event: Profile, at_ms: int) -> tuple[Customer, tuple[Effect, ...]]:
    """`identity_unlinked` at the person: the address is dropped from now on; nothing is unmerged.

    What both did up to now stays with the person. A pair that is not the person's says nothing, but
    where one of the two is, a link that is older than this word and comes later is not made. A word
    that comes later than a newer login, or a newer link, is over.
    """
    link = event.link
    if link is None:
        return person, ()
    theirs = (person.customer_id, *person.linked_ids)
    person = parted(person, link, at_ms)
    if link.from_ not in theirs or link.to not in theirs:
        return person, ()
    other = link.from_ if link.from_ != person.customer_id else link.to
    if other == person.customer_id or is_said_since(person, other, at_ms):
        return person, ()
    person = not_linked(person, other)
    person = replace(person, linked_ids=tuple(i for i in person.linked_ids if i != other))
    change = IdentityChange(
        change_id=derive_id("i", "unlinked", event.event_id),
        kind="unlinked",
        customer_id=person.customer_id,
        other_id=other,
        method=link.method,
        changed_at=from_ms(at_ms),
        evidence_event_id=event.event_id,
    )
    return person, (IdentityChanged(change), unlink(person.customer_id, other, at_ms, SAID))


def with_link(
    person: Customer, other: str, at_ms: int, rules: IdentityRules
) -> tuple[Customer, tuple[Effect, ...]]:
    """The person with one more linked id; beyond the maximum the oldest address is dropped."""
    person = said_linked(person, other, at_ms)
    if other in person.linked_ids:
        return person, ()
    ids = (*person.linked_ids, other)
    most = rules.ids_per_person_max
    dropped, kept = ids[:-most], ids[-most:]
    forgotten = tuple(unlink(person.customer_id, old, at_ms) for old in dropped)
    return replace(person, linked_ids=kept), forgotten


def sent_on(
    event: InputEvent,
    alias: Alias,
    topic: str,
    hops: int,
    asked_by: Asked | None,
    gathered: Gathered | None = None,
) -> Effect:
    """An event at a forwarding address follows it, for at most `HOPS_MAX` hops."""
    if hops >= HOPS_MAX:
        return EventIgnored("too_many_hops", event.event_id)
    message = RoutedEvent(
        key=alias.moved_to,
        topic=topic,
        event=event,
        hops=hops + 1,
        asked=asked_by,
        gathered=gathered,
    )
    return EventRouted(alias.moved_to, message)


def _asker(person: Customer, event: Profile, link: Link) -> str:
    """Who asks: the customer whose link it is, the smaller of two anonymous ids, else `to`."""
    pair = (link.from_, link.to)
    own = event.identity.customer_id is None and any(id_ in person.linked_ids for id_ in pair)
    if person.known and (person.customer_id in pair or own):
        return person.customer_id
    if event.identity.customer_id in pair:
        return event.identity.customer_id
    return link.to if person.customer_id not in pair else min(pair)


def _asks(
    person: Customer, request: LinkRequested, rules: IdentityRules
) -> tuple[Customer, tuple[Effect, ...]]:
    """The person who asks for one more id, unless it was unlinked since or they ask too often."""
    other, at_ms = request.other_id, request.requested_at_ms
    if is_unlinked(person, other, at_ms):
        return person, ()
    person, may_ask, reported = within_limit(person, other, at_ms, rules)
    if not may_ask:
        return person, reported
    person, forgotten = with_link(person, other, at_ms, rules)
    return person, (EventRouted(other, request), *forgotten)


def _request(
    person: Customer, other: str, method: LinkMethod, at_ms: int, evidence: str | None
) -> LinkRequested:
    return LinkRequested(
        customer_id=person.customer_id,
        other_id=other,
        method=method,
        requested_at_ms=at_ms,
        evidence_event_id=evidence,
    )


def _asked_back(request: LinkRequested, row: Customer, rules: IdentityRules) -> Resolution:
    """The larger id asked: we stay, and ask for it; asking twice is answered once."""
    at_ms = request.requested_at_ms
    person, forgotten = with_link(row, request.customer_id, at_ms, rules)
    evidence = request.evidence_event_id
    back = _request(person, request.customer_id, request.method, at_ms, evidence)
    return done(person, at_ms, EventRouted(request.customer_id, back), *forgotten)


def _address(request: LinkRequested, row: Customer | None, erasure: Erasure | None) -> Alias:
    met = row.met if row is not None else ()
    return Alias(
        version=ROW_VERSION,
        alias_id=request.other_id,
        moved_to=request.customer_id,
        moved_at_ms=request.requested_at_ms,
        method=request.method,
        met=meeting(met, request.customer_id, request.requested_at_ms),
        erasure=erasure,
    )


def _answer(request: LinkRequested, row: bytes | None, conflict_with: str | None) -> EventRouted:
    answer = LinkAnswered(
        customer_id=request.customer_id,
        other_id=request.other_id,
        method=request.method,
        answered_at_ms=request.requested_at_ms,
        row=row,
        evidence_event_id=request.evidence_event_id,
        conflict_with=conflict_with,
    )
    return EventRouted(request.customer_id, answer)


def _passed_on(answer: LinkAnswered, row: Alias) -> tuple[Effect, ...]:
    """The customer has moved meanwhile: the content follows, and so does the other's address."""
    if answer.other_id == row.moved_to:
        return ()
    onward = EventRouted(row.moved_to, replace(answer, customer_id=row.moved_to))
    if answer.conflict_with is not None:
        return (onward,)
    at_ms, old = answer.answered_at_ms, answer.customer_id
    link = Link(from_=answer.other_id, to=row.moved_to, method=SAID)
    return onward, instruct("identity_linked", old, link, at_ms)


def _repoint(request: LinkRequested, row: Customer, linked: str) -> EventRouted:
    """A customer who moves tells the ids that point here to point to the new place."""
    link = Link(from_=linked, to=request.customer_id, method=SAID)
    return instruct("identity_linked", row.customer_id, link, request.requested_at_ms)


def _changed(answer: LinkAnswered, kind: str) -> IdentityChanged:
    at_ms = answer.answered_at_ms
    parts = (kind, answer.customer_id, answer.other_id, str(at_ms))
    change = IdentityChange(
        change_id=derive_id("i", *parts),
        kind="conflict" if kind == "conflict" else "linked",
        customer_id=answer.customer_id,
        other_id=answer.other_id,
        method=answer.method,
        changed_at=from_ms(at_ms),
        evidence_event_id=answer.evidence_event_id,
    )
    return IdentityChanged(change)


def empty_row(key: str, at_ms: int, event: InputEvent) -> Customer:
    """A person whom we see for the first time; known if the event names the customer."""
    return new_customer(key, at_ms, known=event.identity.customer_id == key)
