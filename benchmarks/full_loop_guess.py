"""What somebody who knows a world's law can think of a person, from what happened until then.

By Bayes' rule. Given are the law by which people and lives are drawn, the shop's calendar, and of
each person what kind they are (`contact_type`, `one_time`), when they were silent, when and how
their rhythm drifted, whether they have left, when they first showed up and ordered, and each visit,
bad experience and order of theirs until now; an order that is looked at first is known at the look.
All of this is told at least as well as any event tells it. Thought about are their tastes, days
between orders, basket, and what a discount does to them:

* tastes by Dirichlet's prior, from the departments of orders and looks;
* the gap from the times of orders (a gamma renewal process in the person's own time, which stands
  in silences), of visits, and from bad experiences, which are rarer for who orders often;
* the basket by the amounts of orders;
* all of them by what offers did, as it shows (`Answer`).

Left out, for it tells next to nothing: hours within a day, that a rise of prices makes some leave,
and when an order would have come that an offer brought forward.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import gammaincc, gammaln, logsumexp

from benchmarks.full_loop_law import Floats, Law, Thinkable
from streams.contracts.reference.structs import Offer
from streams.contracts.times import DAY_MS, HOUR_MS
from streams.simulator.worlds import World
from streams.simulator.worlds.acting import LEAD_MS
from streams.simulator.worlds.browsing import FAVORITE_SHARE
from streams.simulator.worlds.calendar import HALF_YEAR_DAYS
from streams.simulator.worlds.course import Course
from streams.simulator.worlds.life import ASLEEP, BAD_MAX
from streams.simulator.worlds.people import (
    GAP_DAYS,
    MANNERS,
    TASTE_LEAST,
    contact_shares,
    taste_weights,
)
from streams.simulator.worlds.responses import PULL_SHARE
from streams.simulator.worlds.settings import ADDED_BASKET
from streams.simulator.worlds.truth import PlannedOrder

ROWS = 2_000
"""So many people stand for what is thought of one."""
SEED = 7
GAPS, GAPS_WIDE = 500, 4.5
"""Points of the prior of a log gap, and how many standard deviations they reach."""
VISITS_POINTS = 40
JOINING_DAYS = 14.0
DAY_SLACK = 0.5
TAMED = 0.9
"""Tastes are drawn as if so much of what was seen counted, then weighed: wider than they are."""
RARE = 1e-9
Counts = NDArray[np.intp]
PARTS = ("taste", "gap", "basket", "deals")


class Answer(Struct, frozen=True, kw_only=True):
    """What an offer did, or would have done, to a person: it shows bit by bit.

    `did`: "used" for an order to come, "added" another one, or "nothing". `coming` is the share of
    its use that an order to come has: 1 inside the time of the offer, `PULL_SHARE` where it would
    be brought forward, 0 without one; `coming_ms` is when it would come then.
    """

    offer: Offer
    at_ms: int
    until_ms: int
    did: str
    coming: float
    coming_ms: int | None
    may_add: bool

    def shown(self, at_ms: int) -> tuple[str, float, str]:
        """What is known by then: of the use, which share of it is at stake, of another order.

        An order that is brought another way comes after a third of the time, one that is brought
        forward after two thirds. Whether there was one to be brought forward shows after twice the
        time; before that it `waits`.
        """
        third_ms = (self.until_ms - self.at_ms) // 3
        came = self.coming_ms is not None and self.coming_ms <= at_ms
        another = ""
        if self.did == "added" and at_ms >= self.at_ms + third_ms:
            another = "added"
        elif self.may_add and at_ms >= self.at_ms + third_ms:
            another = "none"
        if self.did == "used" and came:
            return "used", self.coming, ""
        if self.coming == 1.0 and came:
            return "missed", 1.0, another
        if at_ms >= 2 * self.until_ms - self.at_ms:
            return "missed", self.coming, another
        return ("waits" if at_ms >= self.at_ms + 2 * third_ms else "", 0.0, another)


class Guess:
    """What can be thought of the people of a world."""

    def __init__(self, world: World, told: Iterable[str] = ()) -> None:
        """`told` names of `PARTS` what is known by the truth."""
        self.law, self._world, self._told = Law(world), world, frozenset(told)
        self._draw = np.random.default_rng(SEED)
        self._visits = self._visits_points()
        self._clocks: dict[str, Floats] = {}

    def thinkable(
        self, customer_id: str, at_ms: int, looks: Sequence[tuple[int, int]]
    ) -> Thinkable:
        """People as this one may be by all but what offers did, as things stand then.

        Args:
            customer_id: who.
            at_ms: when.
            looks: when, and at which department.
        """
        course, person = self._world.course(customer_id), self._world.course(customer_id).person
        orders = [o for o in course.life.orders if o.at_ms <= at_ms + LEAD_MS]
        shop_looks = np.bincount([d for ms, d in looks if ms <= at_ms], minlength=self._departments)
        shop_orders = np.bincount([o.department for o in orders], minlength=self._departments)
        tastes, weights = np.tile(person.tastes, (ROWS, 1)), np.zeros(ROWS)
        if "taste" not in self._told:
            tastes, weights = self._tastes(shop_looks, shop_orders)
        gaps = np.full(ROWS, person.gap_days)
        if "gap" not in self._told:
            gaps = self._gaps(customer_id, course, orders, at_ms)
        factor = course.gap_days(at_ms) / person.gap_days
        deals = np.full(ROWS, person.deals)
        if "deals" not in self._told:
            deals = self._draw.gamma(2.0, 0.9, ROWS) * person.manner.deals
        told = "basket" in self._told
        basket = np.full(ROWS, person.basket) if told else self._baskets(orders)
        return Thinkable(tastes, gaps * factor, basket, deals, _shares_of(weights))

    def answered(
        self, people: Thinkable, customer_id: str, at_ms: int, answers: Sequence[Answer]
    ) -> Thinkable:
        """The same by what offers did, too; who sees all of them sees more than can be found out.

        On one day an offer has the same luck at each decision, so it counts once.
        """
        course = self._world.course(customer_id)
        known = {(a.offer.offer_id, a.at_ms // DAY_MS): a for a in reversed(answers)}.values()
        if any(_tells_basket(a, course.person.basket, at_ms) for a in known):
            people = people._replace(basket=np.full(ROWS, course.person.basket))
        weights = np.log(people.weights) + self._likelihood(people, known, course, at_ms)
        return people._replace(weights=_shares_of(weights))

    def anybody(self) -> Thinkable:
        """People of the world as they are drawn, of whom nothing is known."""
        settings, draw = self._world.settings, self._draw
        shares = contact_shares(settings)
        types = draw.choice(len(shares), ROWS, p=list(shares.values()))
        manners = np.array([MANNERS[contact_type].deals for contact_type in shares])[types]
        gaps = settings.gap_days * draw.lognormal(0.0, settings.gap_spread, ROWS)
        return Thinkable(
            np.clip(draw.dirichlet(taste_weights(self._world.shop), ROWS), TASTE_LEAST, 1.0),
            np.clip(gaps, *GAP_DAYS),
            settings.basket * draw.lognormal(0.0, settings.basket_spread / 2**0.5, ROWS),
            draw.gamma(2.0, 0.9, ROWS) * manners,
            np.full(ROWS, 1.0 / ROWS),
        )

    def drawn_alike(self, people: Thinkable) -> Thinkable:
        """As many of them as before, drawn by their weights: then each counts alike."""
        ends = people.weights.cumsum()
        points = (self._draw.random() + np.arange(ROWS)) / ROWS * ends[-1]
        rows = self._draw.permutation(np.minimum(np.searchsorted(ends, points), ROWS - 1))
        return Thinkable(
            people.tastes[rows],
            people.gap_days[rows],
            people.basket[rows],
            people.deals[rows],
            np.full(ROWS, 1.0 / ROWS),
        )

    def passed(self, customer_id: str, at_ms: Sequence[int]) -> Floats:
        """The person's own time at each of these moments: it runs with how much is bought."""
        clock = self._clock(customer_id, self._world.course(customer_id))
        days = (np.array(at_ms) - self._world.start_ms) / DAY_MS
        return np.asarray(np.interp(days, np.arange(len(clock)), clock))

    @property
    def _departments(self) -> int:
        return len(self._world.shop.departments)

    def _tastes(self, looks: Counts, orders: Counts) -> tuple[Floats, Floats]:
        """Tastes, and their log weights: drawn nearly as they are, weighed to be exact."""
        prior = np.array(taste_weights(self._world.shop))
        liked, chance = prior / prior.sum(), (1.0 - FAVORITE_SHARE) / len(prior)
        for _ in range(20):
            by_taste = looks * FAVORITE_SHARE * liked / (FAVORITE_SHARE * liked + chance)
            liked = (prior + orders + by_taste) / (prior + orders + by_taste).sum()
        near = prior + TAMED * (orders + by_taste)
        drawn = np.maximum(self._draw.dirichlet(near, ROWS), 1e-300)
        tastes = np.clip(drawn, TASTE_LEAST, 1.0)
        shares = tastes / tastes.sum(1, keepdims=True)
        weights = np.log(drawn) @ (prior - near)
        weights += np.log(shares) @ orders + np.log(FAVORITE_SHARE * shares + chance) @ looks
        return tastes, np.asarray(weights)

    def _baskets(self, orders: Sequence[PlannedOrder]) -> Floats:
        """Half of the variance of a log amount is between people, half between orders."""
        settings, rises = self._world.settings, self._world.calendar.rises
        logs = [np.log(settings.basket)]
        for order in orders:
            day = (order.at_ms - self._world.start_ms) // DAY_MS
            dearer = [r.times for r in rises if r.day <= day and r.department == order.department]
            logs.append(np.log(max(order.amount, 1e-2) / np.prod(dearer)))
        sd = settings.basket_spread / 2**0.5 / len(logs) ** 0.5
        return np.asarray(np.exp(np.mean(logs) + sd * self._draw.standard_normal(ROWS)))

    def _gaps(
        self, customer_id: str, course: Course, orders: Sequence[PlannedOrder], at_ms: int
    ) -> Floats:
        settings = self._world.settings
        places = np.linspace(-GAPS_WIDE, GAPS_WIDE, GAPS)
        gaps = np.clip(settings.gap_days * np.exp(settings.gap_spread * places), *GAP_DAYS)
        log = -0.5 * places**2 + self._log_of_joining(course, gaps)
        k, life = settings.regularity, course.life
        now, agrees = self.passed(customer_id, (at_ms, life.agrees_ms))
        if orders:
            ends = self._midday(orders[0]), self._midday(orders[-1])
            first, last = self.passed(customer_id, ends)
            log -= k * ((len(orders) - 1) * np.log(gaps) + (last - first) / gaps)
            log += np.log(gammaincc(k, k * max(now - last, 0.0) / gaps) + 1e-300)
            bad = [i for i in life.incidents if i.kind != "price_rise" and i.at_ms <= at_ms]
            chance = np.minimum(BAD_MAX, settings.bad_experiences * gaps / HALF_YEAR_DAYS)
            log += len(bad) * np.log(chance) + (len(orders) - len(bad)) * np.log1p(-chance)
        visits = sum(life.agrees_ms < ms <= at_ms for ms in life.visits_ms)
        lived = max(now - agrees, 0.0)
        often = settings.visits_per_gap * course.person.manner.looks * self._visits
        rates = np.minimum(np.maximum(often, 0.02) / gaps[:, None], settings.visits_per_day_max)
        log += logsumexp(visits * np.log(rates) - rates * lived, axis=1)
        share = np.exp(log - logsumexp(log)).cumsum()
        places = (self._draw.random() + np.arange(ROWS)) / ROWS * share[-1]
        drawn = gaps[np.minimum(np.searchsorted(share, places), GAPS - 1)]
        return np.asarray(self._draw.permutation(drawn))

    def _log_of_joining(self, course: Course, gaps: Floats) -> Floats:
        """How likely the first order and the first sign of a person are, by the gap."""
        settings, world = self._world.settings, self._world
        first = (self._midday(course.life.orders[0]) - world.start_ms) / DAY_MS
        agrees = (course.life.agrees_ms - world.start_ms) / DAY_MS
        whole = 0.6 * (world.end_ms - world.start_ms) / DAY_MS
        span, lead = np.minimum(gaps, whole), np.minimum(gaps, JOINING_DAYS)
        joining = settings.joining_share / whole
        usual = (1.0 - settings.joining_share) / span * (first <= span + DAY_SLACK)
        came = np.full(len(gaps), 1.0) if course.person.one_time else joining + usual
        if agrees > 0.0:
            shown = (first - agrees <= lead + DAY_SLACK) / lead
        else:
            shown = np.maximum(1.0 - first / lead, 0.0)
        return np.asarray(np.log(came + RARE) + np.log(shown + RARE))

    def _likelihood(
        self, people: Thinkable, answers: Iterable[Answer], course: Course, at_ms: int
    ) -> Floats:
        """Log probability of what offers did to such people; not settled: by the usual chance."""
        by_offer: dict[str, list[Answer]] = defaultdict(list)
        for answer in answers:
            by_offer[answer.offer.offer_id].append(answer)
        log = np.zeros(ROWS)
        for of_one in by_offer.values():
            offer = of_one[0].offer
            use, add = self.law.inclination(people, offer)
            days = (of_one[0].until_ms - of_one[0].at_ms) / DAY_MS
            waits = PULL_SHARE * -np.expm1(-self.law.orders(people, offer, days))
            shown = Counter(a.shown(at_ms) for a in of_one)
            for (came, share, another), count in shown.items():
                if came == "used":
                    log += count * np.log(use)
                elif came:
                    log += count * np.log1p(-use * (waits if came == "waits" else share))
                if another:
                    log += count * (np.log(add) if another == "added" else np.log1p(-add))
            if any(another == "added" for _, _, another in shown):
                brought = self.law.favorite(people, offer)
                like = np.array([course.person.tastes])
                true = self.law.favorite(people._replace(tastes=like), offer)[0]
                log += np.log((brought == true) + RARE)
        return log

    def _clock(self, customer_id: str, course: Course) -> Floats:
        """The person's own time at the begin of each day: it stands in silences."""
        if customer_id not in self._clocks:
            life, start_ms = course.life, self._world.start_ms
            activity = self._world.calendar.activity.copy()
            if life.drifts_ms is not None:
                activity[int((life.drifts_ms - start_ms) / DAY_MS) :] /= life.drift_factor
            for begins_ms, ends_ms in life.silences:
                begins = int((begins_ms - start_ms) / DAY_MS)
                activity[begins : max(int((ends_ms - start_ms) / DAY_MS), begins + 1)] = 0.0
            passed = np.cumsum(np.maximum(activity, ASLEEP))
            self._clocks[customer_id] = np.concatenate([[0.0], passed])
        return self._clocks[customer_id]

    def _midday(self, order: PlannedOrder) -> int:
        """The middle of the shop's day of an order: its hour tells nothing."""
        offset_ms, start_ms = self._world.shop.utc_offset_h * HOUR_MS, self._world.start_ms
        day = max((order.at_ms + offset_ms - start_ms) // DAY_MS, 0)
        return start_ms + day * DAY_MS + DAY_MS // 2

    @staticmethod
    def _visits_points() -> Floats:
        """Equally likely visits in a gap, as a share of the usual: gamma of shape 3, mean 1."""
        fine = np.linspace(1e-3, 6.0, 6_000)
        density = np.exp(2.0 * np.log(fine) - 3.0 * fine + 3.0 * np.log(3.0) - gammaln(3.0))
        share = density.cumsum() / density.sum()
        return fine[np.searchsorted(share, (np.arange(VISITS_POINTS) + 0.5) / VISITS_POINTS)]


def _tells_basket(answer: Answer, basket: float, at_ms: int) -> bool:
    """An order that an offer brought is a known share of the basket, unless it was topped up."""
    topped_up = ADDED_BASKET * basket <= answer.offer.conditions.min_spend
    return answer.shown(at_ms)[2] == "added" and not topped_up


def _shares_of(logs: Floats) -> Floats:
    return np.asarray(np.exp(logs - logsumexp(logs)))
