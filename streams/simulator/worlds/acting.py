"""What one person does in the play: consents, visits, orders, signs; with or without a meaning."""

from collections import deque
from functools import partial

from streams.contracts.ids import unit_draw
from streams.contracts.times import DAY_MS, HOUR_MS, MINUTE_MS
from streams.simulator.records import Fields, Origin, Sent
from streams.simulator.worlds.agenda import Agenda
from streams.simulator.worlds.browsing import Browsing
from streams.simulator.worlds.course import Course
from streams.simulator.worlds.reports import Reports
from streams.simulator.worlds.truth import NEVER_MS, NoticeKind, PlannedOrder

LEAD_MS = 5 * MINUTE_MS
SECOND_MS = 1_000
VIEW_SHARE, CLICK_SHARE, DISMISS_SHARE = 0.85, 0.25, 0.1
SURVEY_SHARE = 0.01
REFUND_AFTER_MS = 7 * DAY_MS
COMPLAINS_AFTER_MS = 5 * HOUR_MS


class Acting:
    """One person in the play: their course is the truth, what they send are the records.

    `luck` names the world; draws that depend on an event of the play are functions of it, the
    person and what they are about, so they are the same in every play.
    """

    def __init__(
        self, course: Course, browsing: Browsing, reports: Reports, agenda: Agenda, luck: str
    ) -> None:
        self.course = course
        self._person = course.person
        self._browsing = browsing
        self._reports = reports
        self._agenda = agenda
        self._luck = luck
        self._scheduled: dict[int, int] = {}
        self._offers_at_ms: deque[int] = deque()
        self._opted_out = False
        self._complained_at_ms: list[int] = []
        self._open()

    def draw(self, *about: str) -> float:
        """A number in [0, 1) that depends on nothing but the person and what it is about."""
        return unit_draw(self._luck, self._person.customer_id, *about)

    def plan(self) -> None:
        """Schedule what is planned and was not scheduled; and the farewell, if there is one."""
        for token, order in self.course.planned.items():
            if self._scheduled.get(token) != order.at_ms:
                self._scheduled[token] = order.at_ms
                self._agenda.at(order.at_ms - LEAD_MS, partial(self._buy, token, order.at_ms))
        farewell, leaves_ms = self.course.life.farewell, self.course.leaves_ms
        if farewell is not None and leaves_ms != NEVER_MS and not self._person.one_time:
            early_ms, kind = farewell
            at_ms = max(leaves_ms - early_ms, self.course.life.agrees_ms + DAY_MS)
            self._agenda.at(at_ms, partial(self._say_farewell, kind, leaves_ms))

    def react(self, decision_id: str, offer_id: str, now_ms: int, *, used: bool) -> None:
        """An offer is delivered, seen by most, clicked or dismissed by some."""

        def say(name: str, after_s: int) -> None:
            at_ms = now_ms + after_s * SECOND_MS
            said = self._reports.feedback(name, self._person, at_ms, decision_id, offer_id)
            self._send(at_ms, said)

        say("offer_delivered", 2)
        draw = self.draw("sees", decision_id) / VIEW_SHARE
        if not used and draw >= 1.0:
            return
        say("offer_viewed", 20)
        if used or draw < CLICK_SHARE:
            say("offer_clicked", 40)
        elif draw < CLICK_SHARE + DISMISS_SHARE:
            say("offer_dismissed", 40)

    def annoy(self, now_ms: int, offers_from: int, opt_out: float) -> None:
        """So many offers in seven days or more: some opt out of push."""
        self._offers_at_ms.append(now_ms)
        while self._offers_at_ms[0] < now_ms - 7 * DAY_MS:
            self._offers_at_ms.popleft()
        if self._opted_out or len(self._offers_at_ms) < offers_from:
            return
        if self.draw("opt-out", str(now_ms)) < opt_out:
            self._opted_out = True
            at_ms = now_ms + MINUTE_MS
            refused = {"marketing_push": "denied"}
            self._send(at_ms, self._reports.consents(self._person, at_ms, refused))

    def report_outcome(self, alert_id: str, result: str, at_ms: int) -> None:
        """The CRM tells what became of a contact."""
        self._send(at_ms, self._reports.outcome(self._person, at_ms, alert_id, result))

    def close_complaints(self, at_ms: int) -> None:
        """Customer service closes the cases that are open."""
        for opened_ms in self._complained_at_ms:
            self._send(at_ms, self._reports.complaint_closed(self._person, at_ms, opened_ms))
        self._complained_at_ms.clear()

    def _send(self, at_ms: int, sent: Sent) -> None:
        self._agenda.send([(at_ms, sent)])

    def _open(self) -> None:
        life = self.course.life
        self._agenda.at(life.agrees_ms, self._agree)
        self._next_visit(0)
        for notice in life.notices:
            self._agenda.at(notice.at_ms, partial(self._note, notice.kind))
        for incident in life.incidents:
            if incident.kind == "out_of_stock":
                self._agenda.at(incident.at_ms - MINUTE_MS, self._find_nothing)
            if incident.complained:
                self._agenda.at(incident.at_ms + COMPLAINS_AFTER_MS, self._complain)
        self.plan()

    def _agree(self, at_ms: int) -> None:
        agreed = dict.fromkeys(self._person.consents, "granted")
        self._send(at_ms, self._reports.consents(self._person, at_ms, agreed))

    def _say_farewell(self, kind: NoticeKind, leaves_ms: int, at_ms: int) -> None:
        """Unless the day of leaving has moved since."""
        if self.course.leaves_ms == leaves_ms:
            self._give(kind, at_ms)

    def _note(self, kind: NoticeKind, at_ms: int) -> None:
        """A sign without a meaning, of those who are there; nobody can tell it from a farewell."""
        if self.course.life.agrees_ms < at_ms < self.course.leaves_ms:
            self._give(kind, at_ms)

    def _give(self, kind: NoticeKind, at_ms: int) -> None:
        if kind == "uninstall":
            if self._browsing.uninstalled:
                return
            self._browsing.uninstalled = True
        if kind == "complaint":
            self._complained_at_ms.append(at_ms)
        draw = self.draw("notice", str(at_ms))
        self._send(at_ms, self._reports.notice(kind, self._person, at_ms, draw))

    def _find_nothing(self, at_ms: int) -> None:
        if not self.course.is_gone(at_ms):
            self._send(at_ms, self._reports.nothing_found(self._person, at_ms))

    def _complain(self, at_ms: int) -> None:
        if not self.course.is_gone(at_ms):
            self._complained_at_ms.append(at_ms)
            draw = self.draw("complains", str(at_ms)) ** 0.5
            self._send(at_ms, self._reports.complaint(self._person, at_ms, draw))

    def _next_visit(self, number: int) -> None:
        visits = self.course.life.visits_ms
        if number < len(visits):
            self._agenda.at(visits[number], partial(self._visit, number))

    def _visit(self, number: int, at_ms: int) -> None:
        self._next_visit(number + 1)
        skips = self.course.is_fading(at_ms) and number % 2
        if not self.course.is_gone(at_ms) and not skips:
            self._agenda.send(self._browsing.visit(self._reports, at_ms))

    def _buy(self, token: int, due_ms: int, _: int) -> None:
        """Looking first, if not in a store, then the order; perhaps a survey."""
        order = self.course.take(token, due_ms)
        if order is None:
            return
        person = self._person
        if not order.in_store:
            channel = "app" if person.channels[1] > person.channels[0] else "web"
            looked = self._browsing.look(self._reports, due_ms - LEAD_MS, channel, 1)
            self._agenda.send(looked)
        order_id = f"o-{person.customer_id}-{len(self.course.came)}"
        self._report_order(order, order_id)
        draw = self.draw("survey", order_id)
        if draw < SURVEY_SHARE:
            at_ms, nps = due_ms + DAY_MS, 6 + int(5 * draw / SURVEY_SHARE)
            self._send(at_ms, self._reports.survey(person, at_ms, nps))

    def _report_order(self, order: PlannedOrder, order_id: str) -> None:
        """The order, the coupon on it, and what comes back of it."""
        reports, person, at_ms = self._reports, self._person, order.at_ms
        product = self._browsing.product(order.department)
        item: Fields = {**product, "unit_price": order.amount}
        if order.decision_id is not None and order.offer_id is not None:
            told = (order.decision_id, order.offer_id)
            self._send(at_ms, reports.feedback("offer_redeemed", person, at_ms, *told))
        self._send(at_ms, reports.order(person, order, order_id, item))
        if order.returned:
            back_ms = at_ms + REFUND_AFTER_MS
            self._send(
                back_ms, reports.refund(Origin(person, back_ms, "web"), order, order_id, item)
            )
