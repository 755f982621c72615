"""One output with what was known at its moment: all that a rule may look at."""

from datetime import datetime, tzinfo
from functools import cached_property
from typing import TypeVar

from streams.audit.arrivals import Arrival
from streams.audit.clocks import zones_of, zones_so_far
from streams.audit.money import has_rates
from streams.audit.orders import OrdersTold, orders_of, use_of
from streams.audit.people import Person
from streams.audit.world import Alert, Contact, Entry, Followed, World
from streams.contracts.outputs.payloads import ChurnAlert
from streams.contracts.reference.structs import Offer, TriggerRule
from streams.contracts.times import from_ms

Told = TypeVar("Told", Contact, Entry)


class View:
    """What was known when something was said, after the inputs before `place`."""

    def __init__(self, world: World, said: Contact | Entry | Alert | Followed, place: int) -> None:
        self.world = world
        self.place = place
        self.turn = said.moment.turn
        self.at_ms = said.moment.at_ms
        self.person: Person | None = world.people.at(said.said.customer_id, place)

    @property
    def at(self) -> datetime:
        """The moment, in UTC."""
        return from_ms(self.at_ms)

    @cached_property
    def known(self) -> list[Arrival]:
        """What had come of the person, in order of arrival."""
        return [] if self.person is None else self.person.known_events(self.place)

    @cached_property
    def accepted(self) -> list[Arrival]:
        """The same without what was refused, as it is in a currency that has no rate."""
        return [a for a in self.known if has_rates(a, self.world.policies)]

    @cached_property
    def zones(self) -> list[tzinfo]:
        """The zones that the person's clock may show."""
        return zones_of(self.known)

    @cached_property
    def orders(self) -> OrdersTold:
        """What the person had bought."""
        return orders_of(self.accepted, self.world.policies.currency)

    @cached_property
    def days(self) -> tuple[int, int]:
        """On how many days the person had bought, at least and at most."""
        return self.orders.days(zones_so_far(self.known))

    @cached_property
    def alerts(self) -> list[Alert]:
        """Alerts about the person."""
        person = self.person
        return [] if person is None else self.world.alerts_of(person, self.place)


class DecisionView(View):
    """A decision: what asked for it."""

    def __init__(self, world: World, said: Contact | Entry, place: int) -> None:
        super().__init__(world, said, place)
        self.said = said.said
        self.rule: TriggerRule | None = world.rules.get(said.said.trigger.rule_id)
        self.trigger: Arrival | None = world.trigger_of(said.said, place)

    def of_this_life(self, said: list[Told]) -> list[Told]:
        """Without what was said of the person before an erasure, while that is known."""
        return [one for one in said if one.person is None or self._is_now(one.person)]

    def _is_now(self, person: Person) -> bool:
        return self.person is None or person.top(self.place) is self.person

    @property
    def moment_ms(self) -> int:
        """When it was asked: the event's own time where it was answered at once."""
        late_ms = self.world.policies.offer_ttl_late_ms
        if self.trigger is not None and 0 <= self.at_ms - self.trigger.at_ms <= late_ms:
            return self.trigger.at_ms
        return self.at_ms


class OfferView(DecisionView):
    """An offer that went out, and the contacts before it."""

    def __init__(self, world: World, contact: Contact, place: int) -> None:
        super().__init__(world, contact, place)
        self.contact = contact
        self.offer = contact.said
        self.spec: Offer | None = world.offers.get(contact.said.offer.offer_id)

    @cached_property
    def earlier(self) -> list[Contact]:
        """What had been sent to the person as merged by then, without what never arrived."""
        if self.person is None:
            return []
        return [
            c
            for c in self.world.contacts_of(self.person, self.place)
            if c.moment.turn < self.turn and not (c.back is not None and c.back.place < self.place)
        ]

    @cached_property
    def used(self) -> dict[str, Arrival]:
        """Offers that the person had used."""
        return use_of(self.accepted, self.earlier, self.world.offers)


class EntryView(DecisionView):
    """A record of the decision log."""

    def __init__(self, world: World, entry: Entry, place: int) -> None:
        super().__init__(world, entry, place)
        self.entry = entry.said


class AlertView(View):
    """An alert, and those before it."""

    def __init__(self, world: World, alert: Alert, place: int) -> None:
        super().__init__(world, alert, place)
        self.alert = alert.said

    @cached_property
    def earlier(self) -> list[Alert]:
        """Alerts about the person as merged by then, before this one."""
        return [a for a in self.alerts if a.moment.turn < self.turn]


class OutcomeView(View):
    """What became of a case, and the alert that entered it."""

    def __init__(self, world: World, followed: Followed, place: int) -> None:
        super().__init__(world, followed, place)
        self.outcome = followed.said

    @cached_property
    def entered(self) -> ChurnAlert | None:
        """The alert that entered the case; None if there is none."""
        alerts = (a.said for a in self.world.alerts if a.said.case_id == self.outcome.case_id)
        return next((alert for alert in alerts if alert.transition == "entered"), None)
