"""The course of one person's orders: as planned by nature, and as offers and contacts change it.

Every change says by how much it moved the margin of the play, so what orders bring in the end is
the organic margin plus all changes, to the cent.
"""

from collections.abc import Callable, Sequence
from copy import copy

import numpy as np

from streams.contracts.outputs.payloads import NextStep
from streams.contracts.times import DAY_MS, HOUR_MS, MINUTE_MS
from streams.simulator.worlds.life import Life, times_of_bad
from streams.simulator.worlds.people import Person
from streams.simulator.worlds.settings import WorldSettings
from streams.simulator.worlds.truth import NEVER_MS, ContactDid, PlannedOrder

SOON_MS = 10 * MINUTE_MS
FADE_GAPS = 2.0
FADE_SHARE = 0.6
WIN_BACK_DAYS_MIN = 14.0
FIRST_TOKEN = 1_000_000


class Course:
    """What one person does, with and without offers and contacts.

    `planned` holds the orders to come under a token: the organic number, or a new one where an
    offer moved or added the order. They go on beyond the end of the play; margins do not.
    """

    def __init__(
        self,
        person: Person,
        life: Life,
        settings: WorldSettings,
        margin_shares: Sequence[float],
        start_ms: int,
        end_ms: int,
    ) -> None:
        self.person = person
        self.life = life
        self.came: list[PlannedOrder] = []
        self._settings = settings
        self._margin_shares = margin_shares
        self.start_ms, self._end_ms = start_ms, end_ms
        self._rates = life.leaving_rate.copy()
        self._lives = 0
        self._threshold = life.thresholds[0]
        self._protected_until = 0
        self._unsettled = life.incidents
        self._tokens = FIRST_TOKEN
        self._used: set[int] = set()
        self.leaves_ms = self.organic_leaves_ms = self._leaves()
        self.planned = {o.organic: o for o in self._organic(0) if o.organic is not None}
        self.organic = tuple(self.planned.values())
        self.organic_margin = self._margin(self.organic)

    def is_gone(self, at_ms: int) -> bool:
        """Whether the person has left by then."""
        return at_ms >= self.leaves_ms

    def gap_days(self, at_ms: int) -> float:
        """The mean time between orders at that time, on average days."""
        drifts_ms = self.life.drifts_ms
        drifted = drifts_ms is not None and drifts_ms <= at_ms
        return self.person.gap_days * (self.life.drift_factor if drifted else 1.0)

    def is_fading(self, at_ms: int) -> bool:
        """Whether the person comes less often already, because they are about to leave."""
        ahead_ms = self.leaves_ms - at_ms
        return self.person.fades and 0 < ahead_ms < FADE_GAPS * self.person.gap_days * DAY_MS

    def margin(self) -> float:
        """Of all orders that came or will come until the end of the play, as things stand."""
        return self._margin((*self.came, *self.planned.values()))

    def take(self, token: int, at_ms: int) -> PlannedOrder | None:
        """The order that is due, which now came; None if it was moved or will not come."""
        order = self.planned.get(token)
        if order is None or order.at_ms != at_ms:
            return None
        del self.planned[token]
        self._used.add(token)
        self.came.append(order)
        return order

    def alter(self, token: int, order: PlannedOrder) -> float:
        """Another order in the place of a planned one; the change of margin."""
        return self._changed(lambda: self._replace(token, order))

    def add(self, order: PlannedOrder) -> float:
        """One more order; the change of margin."""
        return self._changed(lambda: self._plan_new(order))

    def margin_of(self, order: PlannedOrder) -> float:
        """What the shop keeps of one order; 0 after the end of the play."""
        if order.at_ms >= self._end_ms:
            return 0.0
        return order.margin(self._margin_shares[order.department])

    def margin_later(self) -> float:
        """Of the orders after the play, for as long as the truth is known."""
        return sum(self.margin_later_of(order) for order in self.planned.values())

    def margin_later_of(self, order: PlannedOrder) -> float:
        """What the shop keeps of one order after the end of the play; 0 of one before it."""
        if order.at_ms < self._end_ms:
            return 0.0
        return order.margin(self._margin_shares[order.department])

    def twin(self) -> "Course":
        """The same person at the same moment, whose further course moves nobody else's."""
        twin = copy(self)
        twin.came, twin.planned = list(self.came), dict(self.planned)
        twin._rates, twin._used = self._rates.copy(), set(self._used)
        return twin

    def leaving(self, at_ms: int) -> float:
        """The cumulative rate of leaving up to then, as contacts so far have made it."""
        days = (at_ms - self.start_ms) / DAY_MS
        whole = min(max(int(days), 0), len(self._rates))
        part = self._rates[whole] * (days - whole) if whole < len(self._rates) else 0.0
        return float(self._rates[:whole].sum() + part)

    def may_come(self, now_ms: int) -> list[tuple[PlannedOrder, int]]:
        """Orders after now, each with the moment up to which the person must not have left."""
        fade_ms = round(FADE_GAPS * self.person.gap_days * DAY_MS) if self.person.fades else 0
        fades = dict(zip((o.organic for o in self.life.orders), self.life.fade_draws, strict=True))
        organic = {
            o.organic: o
            for o in self.life.orders
            if o.organic is not None and o.organic not in self._used
        }
        changed = {t: o for t, o in self.planned.items() if o.decision_id is not None}
        return [
            (o, o.at_ms + (fade_ms if o.organic and fades[o.organic] < FADE_SHARE else 0))
            for o in {**organic, **changed}.values()
            if o.at_ms > now_ms + SOON_MS
        ]

    def known_to_stay_ms(self, now_ms: int) -> int:
        """Up to when it shows by now that the person stays, where it does not show that they leave.

        Who fades, or gives a sign, would have begun; an order that an offer moved will come.
        """
        ahead_ms = FADE_GAPS * self.person.gap_days * DAY_MS if self.person.fades else 0.0
        if self.life.farewell is not None:
            ahead_ms = max(ahead_ms, self.life.farewell[0])
        moved = (o.at_ms for o in self.planned.values() if o.decision_id is not None)
        return max(now_ms + round(ahead_ms), max(moved, default=0))

    def contact(
        self, now_ms: int, draw: float, action: NextStep = "contact"
    ) -> tuple[ContactDid, float]:
        """Somebody of the shop gets in touch: what it did, and the change of margin in the play.

        `draw` in [0, 1) decides whether somebody who has left comes back, and whether a coupon
        moves them.
        """
        before_ms, gone = self.leaves_ms, self.is_gone(now_ms)
        settled = action == "service_recovery" and not gone and self._settle(now_ms)
        if not self._moves(now_ms, draw, action) and not settled:
            return "nothing", 0.0
        self.leaves_ms = max(self._leaves(), now_ms + HOUR_MS)
        change = self._changed(lambda: self._plan_again(now_ms))
        if gone:
            return "won_back", change
        if self.leaves_ms == before_ms:
            return "nothing", change
        return ("kept" if self.leaves_ms > before_ms else "driven_away"), change

    def _moves(self, now_ms: int, draw: float, action: NextStep) -> bool:
        """Whether the contact touches the rate of leaving, or brings somebody back."""
        gone, kind = self.is_gone(now_ms), self.person.contact_type
        if kind == "persuadable":
            drawn = draw / (coupon_moves(self.person) if action == "offer" else 1.0)
            if gone:
                return self._win_back(now_ms, drawn)
            return drawn < 1.0 and self._keep(now_ms)
        if kind == "sleeping_dog" and not gone and action != "service_recovery":
            return self._wake(now_ms)
        return False

    def _settle(self, now_ms: int) -> bool:
        """What went wrong so far no longer counts from tomorrow on; a lost cause does not listen.

        The shop's prices stay as they are.
        """
        if self.person.contact_type == "lost_cause":
            return False
        before = self._unsettled
        self._unsettled = tuple(i for i in before if i.at_ms > now_ms or i.kind == "price_rise")
        tomorrow = (now_ms - self.start_ms) // DAY_MS + 1
        size = self.start_ms, len(self._rates), self._settings
        share = times_of_bad(self._unsettled, *size) / times_of_bad(before, *size)
        self._rates[tomorrow:] *= share[tomorrow:]
        return len(self._unsettled) < len(before)

    def _keep(self, now_ms: int) -> bool:
        tomorrow = (now_ms - self.start_ms) // DAY_MS + 1
        begins = max(tomorrow, self._protected_until)
        ends = tomorrow + round(self._settings.contact_days)
        self._rates[begins:ends] *= self._settings.keep_factor
        self._protected_until = max(ends, self._protected_until)
        return True

    def win_back_chance(self, now_ms: int) -> float:
        """P(a contact brings somebody back who has left and is persuadable)."""
        if self._lives + 1 >= len(self.life.thresholds):
            return 0.0
        window = max(WIN_BACK_DAYS_MIN, self._settings.win_back_gaps * self.person.gap_days)
        elapsed = (now_ms - self.leaves_ms) / DAY_MS / window
        return max(0.0, self._settings.win_back * (1.0 - elapsed))

    def _win_back(self, now_ms: int, draw: float) -> bool:
        if draw >= self.win_back_chance(now_ms):
            return False
        self._lives += 1
        today = (now_ms - self.start_ms) // DAY_MS
        self._threshold = float(self._rates[: today + 1].sum()) + self.life.thresholds[self._lives]
        return True

    def _wake(self, now_ms: int) -> bool:
        self._rates[(now_ms - self.start_ms) // DAY_MS] += self._settings.wake_hazard
        return True

    def _leaves(self) -> int:
        """When the cumulative rate reaches the threshold."""
        cumulative = np.cumsum(self._rates)
        day = int(np.searchsorted(cumulative, self._threshold))
        if day >= len(cumulative):
            return NEVER_MS
        over = (cumulative[day] - self._threshold) / self._rates[day]
        return self.start_ms + round((day + 1.0 - float(over)) * DAY_MS)

    def _organic(self, now_ms: int) -> list[PlannedOrder]:
        """Orders of the organic life after now that come, given when the person leaves."""
        return [
            order
            for order, fade in zip(self.life.orders, self.life.fade_draws, strict=True)
            if now_ms < order.at_ms < self.leaves_ms
            and not (order.organic and fade < FADE_SHARE and self.is_fading(order.at_ms))
        ]

    def _plan_again(self, now_ms: int) -> None:
        """Plan the rest after the day of leaving moved."""
        changed = {t: o for t, o in self.planned.items() if o.decision_id is not None}
        again = {
            o.organic: o
            for o in self._organic(now_ms + SOON_MS)
            if o.organic is not None and o.organic not in self._used
        }
        soon = {t: o for t, o in self.planned.items() if o.at_ms <= now_ms + SOON_MS}
        plan = {**again, **soon, **changed}
        self.planned = {t: o for t, o in plan.items() if o.at_ms < self.leaves_ms}

    def _replace(self, token: int, order: PlannedOrder) -> None:
        if order.at_ms == self.planned[token].at_ms:
            self.planned[token] = order
            return
        del self.planned[token]
        self._used.add(token)
        self._plan_new(order)

    def _plan_new(self, order: PlannedOrder) -> None:
        self.planned[self._tokens] = order
        self._tokens += 1

    def _changed(self, change: Callable[[], None]) -> float:
        before = self.margin()
        change()
        return self.margin() - before

    def _margin(self, orders: Sequence[PlannedOrder]) -> float:
        return sum(self.margin_of(order) for order in orders)


def coupon_moves(person: Person) -> float:
    """P(a coupon keeps or wins back a persuadable person whom a contact would)."""
    return person.deals / (1.0 + person.deals)
