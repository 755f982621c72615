"""A world: a shop of one kind and its people, who live, answer offers, and are moved by contacts.

Pure of any broker: `step` hands out the records up to a moment, `receive` takes an offer and
`receive_alert` a churn alert. The truth (`person`, `offer_effects`, `contact_effects`) stands
beside the records and is never in them.
"""

import numpy as np
from msgspec.structs import replace

from streams.contracts.outputs.payloads import ChurnAlert, Recommended
from streams.contracts.reference.structs import Offer, Reference
from streams.contracts.times import DAY_MS
from streams.simulator.closed_loop import START_MS
from streams.simulator.records import Sent
from streams.simulator.stories import Received
from streams.simulator.worlds.acting import Acting
from streams.simulator.worlds.agenda import Agenda
from streams.simulator.worlds.browsing import Browsing, products_by_category
from streams.simulator.worlds.calendar import calendar_of
from streams.simulator.worlds.catalogue import reference_of
from streams.simulator.worlds.course import Course
from streams.simulator.worlds.life import draw_life
from streams.simulator.worlds.people import draw_person
from streams.simulator.worlds.reports import Reports
from streams.simulator.worlds.responses import Chances, Responses
from streams.simulator.worlds.settings import SETTINGS, WorldKind, WorldSettings
from streams.simulator.worlds.shops import SHOPS
from streams.simulator.worlds.truth import (
    ContactEffect,
    OfferDid,
    OfferEffect,
    PersonTruth,
    Response,
)

KNOWN_AFTER_DAYS = 150
OUTCOME_AFTER_MS = DAY_MS
ANSWERED = 0.6


class World:
    """A shop of one kind and its people; a `Story`."""

    def __init__(
        self,
        kind: WorldKind,
        customers: int,
        days: int,
        seed: int,
        start_ms: int = START_MS,
        *,
        settings: WorldSettings | None = None,
        reference: Reference | None = None,
    ) -> None:
        """A world before its first day.

        Args:
            kind: which shop.
            customers: how many people, at least 1.
            days: how long the play is, 40 to 730.
            seed: of everything that is drawn.
            start_ms: the first day.
            settings: how people live; those of the kind if none are given.
            reference: other offers and policies for the same departments.

        Raises:
            ValueError: too short, too long, or without people.
        """
        if not 40 <= days <= 730 or customers < 1:
            raise ValueError("a world has 40 to 730 days and at least one customer")
        self.kind = kind
        self.shop = SHOPS[kind]
        self.settings = settings or SETTINGS[kind]
        self.reference = reference or reference_of(self.shop)
        self.seed = seed
        self.start_ms, self.end_ms = start_ms, start_ms + days * DAY_MS
        self.offer_effects: list[OfferEffect] = []
        self.contact_effects: list[ContactEffect] = []
        self._offers = {offer.offer_id: offer for offer in self.reference.offers}
        numbers = {d.name: n for n, d in enumerate(self.shop.departments)}
        self._responses = Responses(self.settings, numbers, self.end_ms, self.shop.decimals)
        self._agenda = Agenda(self.end_ms)
        self._answered: set[str] = set()
        self._contacted: set[str] = set()
        self._people: dict[str, Acting] = {}
        self._populate(customers, days)

    @property
    def customer_ids(self) -> tuple[str, ...]:
        """Everybody there is, whether they have come yet or not."""
        return tuple(self._people)

    def step(self, until_ms: int) -> list[Sent]:
        """Everything that happens up to `until_ms`, in the order of time."""
        return self._agenda.step(until_ms)

    def receive(self, offer: Received, now_ms: int) -> None:
        """An offer reaches a person at `now_ms`; a second delivery of the same is not noticed."""
        decision_id = offer.decision_id
        me = self._people.get(offer.customer_id)
        if me is None or decision_id in self._answered:
            return
        self._answered.add(decision_id)
        known = self._offers[offer.offer_id]
        did, margin = self._answer(me, known, decision_id, now_ms)
        self.offer_effects.append(
            OfferEffect(
                decision_id=decision_id,
                customer_id=me.course.person.customer_id,
                offer_id=known.offer_id,
                arm=offer.arm,
                at_ms=now_ms,
                did=did,
                margin=margin,
                contact_cost=known.contact_cost,
            )
        )
        if not me.course.is_gone(now_ms):
            me.react(decision_id, known.offer_id, now_ms, used=did != "nothing")
            me.annoy(now_ms, self.settings.annoying_from, self.settings.opt_out)

    def receive_alert(self, alert: ChurnAlert, now_ms: int) -> None:
        """The CRM reads an alert: a case that opens or grows is contacted once, a control never.

        It does what is recommended. Where an offer goes out, that is the contact: nobody calls, and
        nobody reports an outcome.
        """
        if alert.experiment.holdout or alert.transition not in ("entered", "escalated"):
            return
        effect = self.contact(alert.customer_id, alert.case_id, now_ms, alert.recommended)
        me = self._people.get(alert.customer_id)
        if effect is None or me is None or effect.action == "offer":
            return
        if effect.action == "service_recovery":
            me.close_complaints(now_ms + OUTCOME_AFTER_MS)
        draw = me.draw("outcome", alert.case_id) / self.settings.answer_share
        if draw < 1.0:
            result = self._outcome(me, effect, draw)
            me.report_outcome(alert.alert_id, result, now_ms + OUTCOME_AFTER_MS)

    def contact(
        self, customer_id: str, case_id: str, now_ms: int, step: Recommended | None = None
    ) -> ContactEffect | None:
        """The shop gets in touch with a person because of a case, in the way that is recommended.

        Returns:
            What it changed; None for who is not of this world, and for a case that was contacted.
        """
        me = self._people.get(customer_id)
        if me is None or case_id in self._contacted:
            return None
        self._contacted.add(case_id)
        course, before_ms = me.course, me.course.leaves_ms
        later = course.margin_later()
        action = "contact" if step is None else step.action
        did, margin = course.contact(now_ms, me.draw("contact", str(now_ms // DAY_MS)), action)
        effect = ContactEffect(
            case_id=case_id,
            customer_id=customer_id,
            contact_type=course.person.contact_type,
            action=action,
            decision_id=None if step is None else step.decision_id,
            at_ms=now_ms,
            did=did,
            leaves_before_ms=before_ms,
            leaves_after_ms=course.leaves_ms,
            margin=margin,
            margin_later=course.margin_later() - later,
        )
        self.contact_effects.append(effect)
        if course.leaves_ms != before_ms:
            me.plan()
        return effect

    def person(self, customer_id: str) -> PersonTruth:
        """The truth about a person as things stand.

        Raises:
            KeyError: nobody of this world.
        """
        course = self._people[customer_id].course
        life, person = course.life, course.person
        orders = (*course.came, *course.planned.values())
        return PersonTruth(
            customer_id=customer_id,
            contact_type=person.contact_type,
            one_time=person.one_time,
            gap_days=person.gap_days,
            leaves_ms=course.leaves_ms,
            organic_leaves_ms=course.organic_leaves_ms,
            drifts_ms=life.drifts_ms,
            drift_factor=life.drift_factor,
            silences=life.silences,
            incidents=life.incidents,
            orders=tuple(sorted(orders, key=lambda order: order.at_ms)),
            organic_orders=course.organic,
            margin=course.margin(),
            organic_margin=course.organic_margin,
        )

    def course(self, customer_id: str) -> Course:
        """All that is true of a person, down to what is drawn; for who judges by the truth.

        Raises:
            KeyError: nobody of this world.
        """
        return self._people[customer_id].course

    def expected(self, customer_id: str, offer_id: str, now_ms: int) -> Response:
        """What an offer would do to a person now, by somebody who knows their next orders."""
        course = self._people[customer_id].course
        return self._responses.expected(course, self._offers[offer_id], now_ms)

    def expected_by_nature(self, customer_id: str, offer_id: str, now_ms: int) -> Response:
        """The same by somebody who knows who the person is, but not what they will do next."""
        return self.expected_of(self._people[customer_id].course, offer_id, now_ms)

    def expected_of(self, course: Course, offer_id: str, now_ms: int) -> Response:
        """The same of any course: of a person as they are, or as somebody thinks that they are."""
        return self._responses.by_nature(course, self._offers[offer_id], now_ms)

    def _populate(self, customers: int, days: int) -> None:
        whole = np.random.default_rng([self.seed, 0])
        known_days = days + KNOWN_AFTER_DAYS
        calendar = self.calendar = calendar_of(
            self.shop, self.start_ms, known_days, self.settings.price_rises, whole
        )
        products = products_by_category(self.reference)
        reports = Reports(f"{self.kind[0]}{self.seed}", self.shop.currency)
        shares = [department.margin_share for department in self.shop.departments]
        for number in range(1, customers + 1):
            rng = np.random.default_rng([self.seed, 1, number])
            person = draw_person(number, self.kind[0], self.shop, self.settings, rng)
            life = draw_life(person, self.shop, calendar, self.settings, days, rng)
            course = Course(person, life, self.settings, shares, self.start_ms, self.end_ms)
            looks = np.random.default_rng([self.seed, 2, number])
            browsing = Browsing(person, self.shop, products, self.settings, looks)
            luck = f"{self.kind}-{self.seed}"
            acting = Acting(course, browsing, reports, self._agenda, luck)
            self._people[person.customer_id] = acting

    def _answer(
        self, me: Acting, offer: Offer, decision_id: str, now_ms: int
    ) -> tuple[OfferDid, float]:
        """What the offer does; the same offer on the same day has the same luck in every play."""
        course = me.course
        if course.is_gone(now_ms):
            return "nothing", 0.0
        told = self._responses.chances(course, offer, now_ms)
        did, margin = self._carried_out(me, told, offer, decision_id, now_ms)
        if did != "nothing":
            me.plan()
        return did, margin

    def _carried_out(
        self, me: Acting, told: Chances, offer: Offer, decision_id: str, now_ms: int
    ) -> tuple[OfferDid, float]:
        course = me.course
        about = (offer.offer_id, str(now_ms // DAY_MS))
        uses = me.draw("coming", *about) < told.p_coming
        if told.coming is not None and told.token is not None and uses:
            order = replace(told.coming, decision_id=decision_id)
            margin = course.alter(told.token, order)
            return ("pulled_forward" if told.pulled else "discounted"), margin
        if me.draw("added", *about) < told.p_added:
            added = replace(told.added, decision_id=decision_id)
            return "added", course.add(added)
        return "nothing", 0.0

    def _outcome(self, me: Acting, effect: ContactEffect, draw: float) -> str:
        """What the CRM hears: it is not told who will leave, only who answers and what they say."""
        if draw >= ANSWERED:
            return "no_answer"
        if effect.leaves_after_ms <= effect.at_ms:
            return "lost" if effect.contact_type == "lost_cause" else "contacted"
        silent = any(a <= effect.at_ms < b for a, b in me.course.life.silences)
        return "false_alarm" if silent else "contacted"
