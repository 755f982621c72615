"""What an offer does to a person: an order that would have come anyway, another one, or nothing."""

import math
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.reference.structs import Offer
from streams.contracts.times import DAY_MS
from streams.simulator.worlds.course import SOON_MS, Course
from streams.simulator.worlds.people import Person
from streams.simulator.worlds.settings import ADDED_BASKET, DEPARTMENT_SHARE, WorldSettings
from streams.simulator.worlds.truth import PlannedOrder, Response

USE_TASTE, USE_DEALS = 0.35, 2.0
ADD_TASTE, ADD_DEALS = 0.9, 1.5
PULL_SHARE = 0.5
TASTE_LIMIT = 1.8
SPEND_PENALTY = 0.8
TOP_UP_SHARE = 0.7
DISCOUNT_MAX = 0.9
SLIGHT_DEPTH = 0.08
HALF = 0.5


class Chances(Struct, frozen=True, kw_only=True):
    """What may come of an offer now.

    `token` is of the planned order that would be used, `coming` that order as it would come then;
    `p_coming` is the probability of that. `p_added` is of `added`, if the other did not happen.
    """

    token: int | None
    coming: PlannedOrder | None
    p_coming: float
    pulled: bool
    added: PlannedOrder
    p_added: float


class Responses:
    """How the people of a world answer its offers."""

    def __init__(
        self, settings: WorldSettings, departments: Mapping[str, int], end_ms: int, decimals: int
    ) -> None:
        """`departments`: number by name."""
        self._settings = settings
        self._departments = departments
        self._end_ms = end_ms
        self._decimals = decimals

    def chances(self, course: Course, offer: Offer, now_ms: int) -> Chances:
        """By the truth; nothing comes of an offer to somebody who has left."""
        person = course.person
        wanted = self._wanted(offer)
        use, add = self._inclination(person, offer, wanted)
        until_ms = min(now_ms + round(offer.redeem_within_days * DAY_MS), self._end_ms)
        token, coming = self._coming(course, offer, wanted, now_ms, until_ms)
        pulled = coming is not None and coming.at_ms != course.planned[token or 0].at_ms
        added = self._added(course, offer, wanted, now_ms + (until_ms - now_ms) // 3)
        gone = course.is_gone(now_ms) or not now_ms + SOON_MS < added.at_ms < course.leaves_ms
        return Chances(
            token=token,
            coming=coming,
            p_coming=0.0 if coming is None else use * (PULL_SHARE if pulled else 1.0),
            pulled=pulled,
            added=added,
            p_added=0.0 if gone else add,
        )

    def expected(self, course: Course, offer: Offer, now_ms: int) -> Response:
        """On the average of luck."""
        told = self.chances(course, offer, now_ms)
        added = (1.0 - told.p_coming) * told.p_added
        margin = added * course.margin_of(told.added)
        if told.coming is not None and told.token is not None:
            before = course.margin_of(course.planned[told.token])
            margin += told.p_coming * (course.margin_of(told.coming) - before)
        return Response(told.p_coming + added, added, margin)

    def by_nature(self, course: Course, offer: Offer, now_ms: int) -> Response:
        """On the average of luck and of the orders to come: by who the person is.

        Whether an order that suits comes anyway is taken from the person's usual gap, tastes and
        basket, as if orders came by chance; calendar and silences are left out.
        """
        person, wanted = course.person, self._wanted(offer)
        until_ms = min(now_ms + round(offer.redeem_within_days * DAY_MS), self._end_ms)
        if course.is_gone(now_ms) or until_ms - now_ms <= 2 * SOON_MS:
            return Response(0.0, 0.0, 0.0)
        use, add = self._inclination(person, offer, wanted)
        share = sum(person.tastes[d] for d in wanted) / sum(person.tastes) if wanted else 1.0
        suits = share * self._is_large_enough(person, offer.conditions.min_spend)
        orders = (until_ms - now_ms) / DAY_MS / course.gap_days(now_ms) * suits
        inside, pulled = -math.expm1(-orders), math.exp(-orders) - math.exp(-2.0 * orders)
        coming = use * (inside + PULL_SHARE * pulled)
        added = (1.0 - coming) * add
        bought = self._added(course, offer, wanted, now_ms + (until_ms - now_ms) // 3)
        least = TOP_UP_SHARE * offer.conditions.min_spend
        usual = replace(bought, amount=max(person.basket, least), discount=0.0)
        dearer = course.margin_of(self._discounted(usual, offer)) - course.margin_of(usual)
        margin = coming * dearer + added * course.margin_of(bought)
        return Response(coming + added, added, margin)

    def _inclination(
        self, person: Person, offer: Offer, wanted: tuple[int, ...]
    ) -> tuple[float, float]:
        """P(used for an order that comes anyway), P(brings another one)."""
        taste = max((person.likes(d) for d in wanted), default=0.0)
        taste = min(max(taste, -TASTE_LIMIT), TASTE_LIMIT)
        deal = person.deals * _depth(offer, person.basket)
        use = self._settings.use_coming + USE_TASTE * taste + USE_DEALS * deal
        add = self._settings.add_order + ADD_TASTE * taste + ADD_DEALS * deal
        if offer.conditions.min_spend > person.basket:
            add -= SPEND_PENALTY * math.log(offer.conditions.min_spend / person.basket)
        return _sigmoid(use), _sigmoid(add)

    def _is_large_enough(self, person: Person, min_spend: float) -> float:
        """P(an order can be topped up to the minimum spend)."""
        if min_spend <= 0.0:
            return 1.0
        sd = self._settings.basket_spread / 2**0.5
        return 0.5 * math.erfc(math.log(TOP_UP_SHARE * min_spend / person.basket) / sd / 2**0.5)

    def _wanted(self, offer: Offer) -> tuple[int, ...]:
        return tuple(self._departments[c] for c in offer.conditions.categories)

    def _coming(
        self, course: Course, offer: Offer, wanted: tuple[int, ...], now_ms: int, until_ms: int
    ) -> tuple[int | None, PlannedOrder | None]:
        """The next order that suits: inside the window as it is, inside two windows earlier."""
        found: tuple[int, PlannedOrder] | None = None
        latest_ms = min(2 * until_ms - now_ms, self._end_ms)
        for token, order in course.planned.items():
            if not now_ms + SOON_MS < order.at_ms < latest_ms or order.decision_id is not None:
                continue
            suits = not wanted or order.department in wanted
            suits &= order.amount >= TOP_UP_SHARE * offer.conditions.min_spend
            if suits and (found is None or order.at_ms < found[1].at_ms):
                found = token, order
        if found is None:
            return None, None
        token, order = found
        at_ms = order.at_ms
        if at_ms >= until_ms:
            at_ms = now_ms + (until_ms - now_ms) * 2 // 3
            if at_ms <= now_ms + SOON_MS:
                return None, None
        return token, self._discounted(replace(order, at_ms=at_ms), offer)

    def _added(
        self, course: Course, offer: Offer, wanted: tuple[int, ...], at_ms: int
    ) -> PlannedOrder:
        tastes = course.person.tastes
        department = max(wanted or range(len(tastes)), key=lambda d: tastes[d])
        amount = round(course.person.basket * ADDED_BASKET, self._decimals)
        order = PlannedOrder(
            at_ms=at_ms,
            amount=amount,
            department=department,
            in_store=course.person.channels[2] > HALF,
            organic=None,
        )
        return self._discounted(order, offer)

    def _discounted(self, order: PlannedOrder, offer: Offer) -> PlannedOrder:
        """The order with the coupon, topped up to the minimum spend.

        A percentage off a department is taken off a part of the basket.
        """
        amount = max(order.amount, offer.conditions.min_spend)
        if offer.kind == "percent":
            part = DEPARTMENT_SHARE if offer.conditions.categories else 1.0
            discount = amount * part * offer.value / 100.0
        else:
            discount = offer.value if offer.kind == "amount" else offer.discount
        discount = round(min(discount, DISCOUNT_MAX * amount), self._decimals)
        return replace(order, amount=amount, discount=discount, offer_id=offer.offer_id)


def _depth(offer: Offer, basket: float) -> float:
    """The discount as a share of what is bought."""
    if offer.kind == "percent":
        return offer.value / 100.0
    if offer.kind == "amount":
        return min(0.6, offer.value / max(basket, offer.conditions.min_spend))
    return 0.5 if offer.kind == "bogo" else SLIGHT_DEPTH


def _sigmoid(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-logit))
