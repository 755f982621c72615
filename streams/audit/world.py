"""Inputs, outputs and reference data prepared for the rules; nothing here judges."""

from collections import Counter
from typing import TypeVar

from msgspec import Struct

from streams.audit.arrivals import Arrival
from streams.audit.outputs import Outputs
from streams.audit.people import People, Person
from streams.audit.timeline import Timeline
from streams.audit.zones import address_of
from streams.contracts.inputs.events import OfferFeedback
from streams.contracts.outputs.payloads import CaseOutcome, ChurnAlert, DecisionLog, NextBestOffer
from streams.contracts.reference.structs import BeaconPlace, Offer, Reference, TriggerRule
from streams.contracts.times import to_ms

Said = NextBestOffer | DecisionLog | ChurnAlert | CaseOutcome


class TimeOfSpeech(Struct, frozen=True):
    """When something was said: by the greatest event time so far, and after how many inputs.

    `places` are several where the outputs do not tell which; a rule is broken only if it is broken
    at each. `turn` counts the outputs of one kind in the order in which they went out.
    """

    at_ms: int
    places: tuple[int, ...]
    turn: int


class Contact(Struct, frozen=True):
    """An offer that went out, and to whom; `back`: the report that it never arrived."""

    said: NextBestOffer
    moment: TimeOfSpeech
    person: Person | None
    back: Arrival | None


class Entry(Struct, frozen=True):
    """A record of the decision log, and whose it is."""

    said: DecisionLog
    moment: TimeOfSpeech
    person: Person | None


class Alert(Struct, frozen=True):
    """An alert that went out, and about whom."""

    said: ChurnAlert
    moment: TimeOfSpeech
    person: Person | None


class Followed(Struct, frozen=True):
    """What became of a case, as it was told, and about whom."""

    said: CaseOutcome
    moment: TimeOfSpeech
    person: Person | None


Kept = TypeVar("Kept", Contact, Entry, Alert)
Decided = TypeVar("Decided", Contact, Entry)


TWICE = 2
BY_VISIT = ("zone_entered", "zone_dwelled")  # name what began the visit, not what speaks


class World:
    """All that the rules look at, by id and in order."""

    def __init__(
        self, arrivals: list[Arrival], outputs: Outputs, reference: Reference, *, ordered: bool
    ) -> None:
        """`ordered`: the inputs stand in the order in which all of them were read."""
        self.ordered = ordered
        self.reference = reference
        self.policies = reference.policies
        self.offers: dict[str, Offer] = {o.offer_id: o for o in reference.offers}
        self.rules: dict[str, TriggerRule] = {t.rule_id: t for t in self.policies.triggers}
        self.stock = {(s.product_id, s.store_id): s.quantity for s in reference.inventory}
        self.beacons: dict[str, BeaconPlace] = {
            address_of(place.address): place for place in reference.beacons
        }
        self.arrivals = arrivals
        self.timeline = Timeline(arrivals)
        self.people = People()
        for arrival in arrivals:
            self.people.take(arrival)
        self.alerts = [
            Alert(alert, moment, self._whose(alert.customer_id, moment))
            for turn, alert in enumerate(outputs.alerts)
            for moment in (self._moment_of_alert(alert, turn),)
        ]
        self.followed = [
            Followed(outcome, moment, self._whose(outcome.customer_id, moment))
            for turn, outcome in enumerate(outputs.outcomes)
            for moment in (self._moment_of_outcome(outcome, turn),)
        ]
        self._told_before: Counter[str] = Counter()
        self.alerts_by_id = {a.said.alert_id: a for a in reversed(self.alerts)}
        self.entries = [
            Entry(entry, moment, self._whose(entry.customer_id, moment))
            for turn, entry in enumerate(outputs.entries)
            for moment in (self._moment_of_decision(entry, turn),)
        ]
        self._told_before.clear()
        back = _undelivered(arrivals)
        self.contacts = [
            Contact(
                offer, moment, self._whose(offer.customer_id, moment), back.get(offer.decision_id)
            )
            for turn, offer in enumerate(outputs.offers)
            for moment in (self._moment_of_decision(offer, turn),)
        ]
        self.entries_by_id = _by_decision(self.entries)
        self.contacts_by_id = _by_decision(self.contacts)
        self._contacts_of = _by_person(self.contacts)
        self._entries_of = _by_person(self.entries)
        self._alerts_of = _by_person(self.alerts)

    def contacts_of(self, person: Person, place: int) -> list[Contact]:
        """What was offered to a person and to whoever is merged into them by then."""
        return _together(self._contacts_of, person, place)

    def entries_of(self, person: Person, place: int) -> list[Entry]:
        """What was logged of a person, likewise."""
        return _together(self._entries_of, person, place)

    def alerts_of(self, person: Person, place: int) -> list[Alert]:
        """What was warned of a person, likewise."""
        return _together(self._alerts_of, person, place)

    def _whose(self, id_: str, moment: TimeOfSpeech) -> Person | None:
        return self.people.at(id_, moment.places[0])

    def _moment_of_decision(self, said: NextBestOffer | DecisionLog, turn: int) -> TimeOfSpeech:
        at_ms, event_id = to_ms(said.decided_at), said.trigger.event_id
        alert = self.alerts_by_id.get(event_id)
        if alert is not None and alert.moment.at_ms == at_ms:
            return TimeOfSpeech(at_ms, alert.moment.places, turn)
        triggers = self._triggers_of(said)
        trigger = triggers[0] if triggers else None
        place = self.timeline.place_of(at_ms, trigger)
        by_visit = said.trigger.kind in BY_VISIT
        again = [self.timeline.place_of(at_ms, other) for other in triggers[1:]]
        if trigger is not None and place == trigger.place + 1 and not by_visit:
            return TimeOfSpeech(at_ms, (place, *again), turn)
        late = self._late_after(said.customer_id, at_ms, place)
        return TimeOfSpeech(at_ms, (place, *late, *again), turn)

    def _triggers_of(self, said: NextBestOffer | DecisionLog) -> list[Arrival]:
        """The event that asked; each time it was news, but for those that were answered before."""
        event_id = said.trigger.event_id
        landings = self.people.landings_of(event_id)
        if len(landings) < TWICE:
            first = self.timeline.find(event_id)
            return [] if first is None else [first]
        answered = self._told_before[said.decision_id]
        if not isinstance(said, DecisionLog) or said.verdict != "deferred":
            self._told_before[said.decision_id] += 1
        return landings[min(answered, len(landings) - 1) :]

    def trigger_of(self, said: NextBestOffer | DecisionLog, place: int) -> Arrival | None:
        """The event that asked for what was said before `place`."""
        landings = self.people.landings_of(said.trigger.event_id)
        before = [arrival for arrival in landings if arrival.place < place]
        return before[-1] if before else self.timeline.find(said.trigger.event_id)

    def _moment_of_alert(self, alert: ChurnAlert, turn: int) -> TimeOfSpeech:
        """After an event of the person at that time (or a late one that came next), else a timer.

        An alert does not name the event that it follows.
        """
        at_ms = to_ms(alert.raised_at)
        by_clock = self.timeline.place_of(at_ms, None)
        late = self._late_after(alert.customer_id, at_ms, by_clock)
        at_once = [place for place in late if self.arrivals[place - 1].at_ms == at_ms]
        if at_once:
            return TimeOfSpeech(at_ms, tuple(p for p in late if p >= at_once[0]), turn)
        return TimeOfSpeech(at_ms, (by_clock, *late), turn)

    def _moment_of_outcome(self, outcome: CaseOutcome, turn: int) -> TimeOfSpeech:
        """A timer, or an event of the person that came late."""
        at_ms = to_ms(outcome.known_at)
        by_clock = self.timeline.place_of(at_ms, None)
        late = self._late_after(outcome.customer_id, at_ms, by_clock)
        return TimeOfSpeech(at_ms, (by_clock, *late), turn)

    def _late_after(self, id_: str, at_ms: int, by_clock: int) -> list[int]:
        """The places after events of a person that came later and are not younger than `at_ms`.

        What such an event sets is due already, and is said when the event has come.
        """
        late = (a.place for a in self.people.arrivals_at(id_) if a.at_ms <= at_ms)
        return [place + 1 for place in late if place >= by_clock]


def _undelivered(arrivals: list[Arrival]) -> dict[str, Arrival]:
    """The first report that a decision's offer could not be delivered, by decision."""
    found: dict[str, Arrival] = {}
    for a in arrivals:
        if isinstance(a.event, OfferFeedback) and a.event.event_name == "delivery_failed":
            found.setdefault(a.event.decision_id, a)
    return found


def _by_decision(said: list[Decided]) -> dict[str, list[Decided]]:
    found: dict[str, list[Decided]] = {}
    for one in said:
        found.setdefault(one.said.decision_id, []).append(one)
    return found


def _by_person(said: list[Kept]) -> dict[int, list[Kept]]:
    found: dict[int, list[Kept]] = {}
    for one in said:
        if one.person is not None:
            found.setdefault(id(one.person), []).append(one)
    return found


def _together(by_person: dict[int, list[Kept]], person: Person, place: int) -> list[Kept]:
    parts = person.parts(place)
    found = [one for part in parts for one in by_person.get(id(part), ())]
    return sorted(found, key=lambda one: one.moment.turn)
