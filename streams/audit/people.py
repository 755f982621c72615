"""Who is who, told anew from the events: logins, links, the way back, erasure.

Every id begins with a person of its own. A link puts one person under another; what was done up to
then stays with whoever it came to, also when the id is unlinked later. Nothing here is optimized:
who somebody was at a moment is found by walking up.
"""

from streams.audit.arrivals import Arrival
from streams.contracts.common import Identity
from streams.contracts.inputs.events import Link, PrivacyRequest, Profile
from streams.contracts.times import to_ms

WEAK = ("login", "device")  # methods that never merge two known customers
NO_IDS = frozenset(
    {"undefined", "null", "none", "nan", "0", "anonymous", "unknown"}
    | {"00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000"}
)


class Person:
    """What is known under one id since it was first seen, or since its last erasure."""

    def __init__(self, id_: str, born: int) -> None:
        self.id = id_
        self.born = born
        self.known = False
        self.under: Person | None = None
        self.under_since = 0
        self.below: list[Person] = []
        self.arrivals: list[Arrival] = []
        self.merged_by = ""

    def top(self, place: int) -> "Person":
        """Who this was part of when the inputs before `place` had come."""
        person = self
        while person.under is not None and person.under_since < place:
            person = person.under
        return person

    def parts(self, place: int) -> list["Person"]:
        """Everybody who was part of this one by then, this one first."""
        found = [self]
        for part in self.below:
            if part.under_since < place:
                found.extend(part.parts(place))
        return found

    def known_events(self, place: int) -> list[Arrival]:
        """What had come of this person by then, in order of arrival."""
        events = [a for part in self.parts(place) for a in part.arrivals if a.place < place]
        return sorted(events, key=lambda a: a.place)


class People:
    """All persons; feed every arrival once, in order.

    `landed`: who an arrival was of, by its place. `forgotten`: places of what came after an erasure
    and is not newer than it.
    """

    def __init__(self) -> None:
        self._holders: dict[str, list[tuple[int, Person | None]]] = {}
        self._erased_ms: dict[str, int] = {}
        self._carried_out: set[tuple[str, str]] = set()
        self._unlinked_ms: dict[tuple[Person, str], int] = {}
        self._linked_ms: dict[tuple[Person, str], int] = {}
        self._first: dict[str, list[Person]] = {}
        self._landed: dict[str, list[Arrival]] = {}
        self._landings: dict[str, list[Arrival]] = {}
        self.landed: dict[int, Person] = {}
        self.forgotten: set[int] = set()

    def at(self, id_: str, place: int) -> Person | None:
        """Who stood behind an id when the inputs before `place` had come."""
        for since, holder in reversed(self._holders.get(id_, [])):
            if since < place:
                return None if holder is None else holder.top(place)
        return None

    def arrivals_at(self, id_: str) -> list[Arrival]:
        """What ever landed at a person of this id, before and after erasures."""
        return self._landed.get(id_, [])

    def landings_of(self, event_id: str) -> list[Arrival]:
        """Each time that an event of this id was news: again after an erasure that is older."""
        return self._landings.get(event_id, [])

    def take(self, arrival: Arrival) -> None:
        """One more event."""
        event = arrival.event
        if isinstance(event, PrivacyRequest):
            if event.event_name == "erasure_requested":
                self._erase(arrival, event)
            return
        key = key_of(event.identity)
        if not key:
            return
        if self._is_erased(key, arrival):
            self.forgotten.add(arrival.place)
            return
        person = self._person(key, arrival.place)
        if any(p.top(arrival.place + 1) is person for p in self._first.get(event.event_id, ())):
            return  # the same event again
        person.known = person.known or event.identity.customer_id == person.id
        if isinstance(event, Profile) and event.link is not None:
            told = self._told(arrival, event.event_name, event.link, person)
            if told is None:
                self.forgotten.add(arrival.place)
                return
            person = told
        elif is_id(event.identity.customer_id):
            self._link(arrival, person, event.identity.anonymous_id, "login")
            self._link(arrival, person, event.identity.device_id, "device")
        person = person.top(arrival.place + 1)
        person.arrivals.append(arrival)
        self._first.setdefault(event.event_id, []).append(person)
        self._landed.setdefault(person.id, []).append(arrival)
        self._landings.setdefault(event.event_id, []).append(arrival)
        self.landed[arrival.place] = person

    def _person(self, id_: str, place: int) -> Person:
        holder = self.at(id_, place + 1)
        if holder is None:
            holder = Person(id_, place)
            self._hold(id_, place, holder)
        return holder

    def _hold(self, id_: str, place: int, holder: Person | None) -> None:
        self._holders.setdefault(id_, []).append((place, holder))

    def _told(self, arrival: Arrival, name: str, link: Link, person: Person) -> Person | None:
        """`identity_linked` and `identity_unlinked`: who hears it; None is who was erased since."""
        place = arrival.place
        if name == "identity_unlinked":
            pair = (link.from_, link.to)
            for own, other in (pair, pair[::-1]):
                if own == person.id and other != own:
                    since_ms = max(arrival.at_ms, self._unlinked_ms.get((person, other), -1))
                    self._unlinked_ms[person, other] = since_ms
            if all(self.at(id_, place + 1) is person for id_ in pair):
                other = next((id_ for id_ in pair if id_ != person.id), person.id)
                parts = person.parts(place + 1)
                newer = any(self._linked_ms.get((p, other), -1) > arrival.at_ms for p in parts)
                if other != person.id and not newer:
                    self._hold(other, place, None)
            return person
        if name != "identity_linked":
            return person
        is_own = any(self.at(id_, place + 1) is person for id_ in (link.from_, link.to))
        asks = _asker(arrival.event.identity, link, person, own=is_own)
        if self._is_erased(asks, arrival):
            return None
        asker = self._person(asks, place)
        for other in (link.from_, link.to):
            asker = asker.top(place + 1)
            self._link(arrival, asker, other, link.method)
        return asker

    def _link(self, arrival: Arrival, person: Person, other: str | None, method: str) -> None:
        """Put another id under a person; who belongs to somebody else already stays there."""
        if other is None or not is_id(other):
            return
        parts = person.parts(arrival.place + 1)
        if any(arrival.at_ms <= self._unlinked_ms.get((part, other), -1) for part in parts):
            return  # unlinked since: the newer word by event time wins
        place = arrival.place
        if self.at(other, place + 1) is not person and self._is_erased(other, arrival):
            return
        self._linked_ms[person, other] = max(
            arrival.at_ms, self._linked_ms.get((person, other), -1)
        )
        holder = self.at(other, place + 1)
        if holder is None:
            self._hold(other, place, person)
        elif holder is not person and holder.id == other:
            if holder.known and method in WEAK:
                return
            upper, lower = person, holder
            if holder.known and person.id > holder.id:
                upper, lower = holder, person
            lower.under, lower.under_since = upper, place
            lower.merged_by = arrival.event_id
            upper.below.append(lower)

    def _erase(self, arrival: Arrival, request: PrivacyRequest) -> None:
        """Erase whoever stands behind each id that is named; a request that comes again is done."""
        place, identity = arrival.place, request.identity
        if (key_of(identity), request.request_id) in self._carried_out:
            return
        self._carried_out.add((key_of(identity), request.request_id))
        for id_ in (identity.customer_id, identity.anonymous_id, identity.device_id):
            if id_ is None or not is_id(id_):
                continue
            gone = self.at(id_, place + 1)
            self._forget(id_, to_ms(request.requested_at))
            for other in list(self._holders) if gone is not None else ():
                if self.at(other, place + 1) is gone:
                    self._hold(other, place, None)
                    self._forget(other, to_ms(request.requested_at))

    def _is_erased(self, id_: str, arrival: Arrival) -> bool:
        """Whether the id, or who it belongs to, was erased since: nothing older comes back."""
        holder = self.at(id_, arrival.place + 1)
        ids = (id_,) if holder is None else (id_, holder.id)
        return any(arrival.at_ms <= self._erased_ms.get(one, -1) for one in ids)

    def _forget(self, id_: str, said_ms: int) -> None:
        self._erased_ms[id_] = max(said_ms, self._erased_ms.get(id_, -1))


def is_id(text: str | None) -> bool:
    """Whether this names somebody; `null` and its like are what a program says for nobody.

    >>> is_id("c-1"), is_id("undefined"), is_id(None)
    (True, False, False)
    """
    return bool(text) and str(text).lower() not in NO_IDS


def key_of(identity: Identity) -> str:
    """The customer, else the anonymous visitor, else the device; empty for nobody."""
    ids = (identity.customer_id, identity.anonymous_id, identity.device_id)
    return next((id_ for id_ in ids if id_ is not None and is_id(id_)), "")


def _asker(identity: Identity, link: Link, person: Person, *, own: bool) -> str:
    """Who is asked to take the other in: the customer whose link it is, else the smaller id.

    `own`: one of the two ids is the person's who tells it.
    """
    pair = (link.from_, link.to)
    if person.known and (person.id in pair or (own and identity.customer_id is None)):
        return person.id
    if identity.customer_id in pair:
        return str(identity.customer_id)
    return link.to if person.id not in pair else min(pair)
