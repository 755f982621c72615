"""How people of a world answer offers, for many thinkable people at once.

The law of `streams/simulator/worlds/responses.py` over arrays, for who has to weigh what a person
may be. A test holds the two together.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc, expit

from streams.contracts.reference.structs import Offer
from streams.contracts.times import DAY_MS
from streams.simulator.worlds import World
from streams.simulator.worlds.course import SOON_MS
from streams.simulator.worlds.responses import (
    ADD_DEALS,
    ADD_TASTE,
    DISCOUNT_MAX,
    PULL_SHARE,
    SLIGHT_DEPTH,
    SPEND_PENALTY,
    TASTE_LIMIT,
    TOP_UP_SHARE,
    USE_DEALS,
    USE_TASTE,
)
from streams.simulator.worlds.settings import ADDED_BASKET, DEPARTMENT_SHARE

AMOUNT_DEPTH_MAX, BOGO_DEPTH = 0.6, 0.5
Floats = NDArray[np.float64]


class Thinkable(NamedTuple):
    """What a person may be, one in each row; `weights` sum to 1.

    `tastes` is `[rows, departments]` as a person has them, the rest `[rows]`: days between orders,
    median amount of an order, logits per full discount.
    """

    tastes: Floats
    gap_days: Floats
    basket: Floats
    deals: Floats
    weights: Floats


class Brought(NamedTuple):
    """What comes of an offer, by who somebody may be: `[rows]` each, amounts in money.

    `coming`: P(used for an order that comes anyway), whose margin it changes by `change`; `added`:
    P(brings another one), of a margin of `margin`. Both are after the coupon; `discount` is what
    the coupon takes off the other one.
    """

    coming: Floats
    added: Floats
    change: Floats
    margin: Floats
    discount: Floats


class Law:
    """What a shop's offers do to whom."""

    def __init__(self, world: World) -> None:
        self._settings, self._end_ms = world.settings, world.end_ms
        self._decimals = world.shop.decimals
        self._numbers = {d.name: n for n, d in enumerate(world.shop.departments)}
        self._margins = np.array([d.margin_share for d in world.shop.departments])

    def until(self, offer: Offer, at_ms: int) -> int:
        """When an offer that is made now is over."""
        return min(at_ms + round(offer.redeem_within_days * DAY_MS), self._end_ms)

    def inclination(self, people: Thinkable, offer: Offer) -> tuple[Floats, Floats]:
        """P(used for an order that comes anyway), P(brings another one): `[rows]` each."""
        wanted, basket = self._wanted(offer), people.basket
        tastes = people.tastes[:, wanted].max(1) if wanted else np.full(len(basket), np.nan)
        likes = np.log(tastes * people.tastes.shape[1]) if wanted else np.zeros(len(basket))
        likes = np.clip(likes, -TASTE_LIMIT, TASTE_LIMIT)
        deal = people.deals * _depth(offer, basket)
        use = self._settings.use_coming + USE_TASTE * likes + USE_DEALS * deal
        add = self._settings.add_order + ADD_TASTE * likes + ADD_DEALS * deal
        least = offer.conditions.min_spend
        if least > 0.0:
            add = add - SPEND_PENALTY * np.maximum(np.log(least / basket), 0.0)
        return np.asarray(expit(use)), np.asarray(expit(add))

    def orders(self, people: Thinkable, offer: Offer, days: float) -> Floats:
        """How many orders that suit the offer come in so many days, by who the person is."""
        wanted = self._wanted(offer)
        share = people.tastes[:, wanted].sum(1) / people.tastes.sum(1) if wanted else 1.0
        large: Floats | float = 1.0
        if offer.conditions.min_spend > 0.0:
            sd = self._settings.basket_spread / 2**0.5
            over = np.log(TOP_UP_SHARE * offer.conditions.min_spend / people.basket)
            large = 0.5 * erfc(over / sd / 2**0.5)
        return np.asarray(days / people.gap_days * share * large)

    def margins(self, people: Thinkable, offer: Offer, at_ms: int) -> Floats:
        """What making the offer now is expected to bring: `World.expected_by_nature`, `[rows]`."""
        told = self.brought(people, offer, at_ms)
        return np.asarray(told.coming * told.change + told.added * told.margin)

    def brought(self, people: Thinkable, offer: Offer, at_ms: int) -> Brought:
        """What comes of making the offer now."""
        until_ms, never = self.until(offer, at_ms), np.zeros(len(people.basket))
        coming, added = never, never
        if until_ms - at_ms > 2 * SOON_MS:
            use, add = self.inclination(people, offer)
            orders = self.orders(people, offer, (until_ms - at_ms) / DAY_MS)
            inside, pulled = -np.expm1(-orders), np.exp(-orders) - np.exp(-2.0 * orders)
            coming = np.asarray(use * (inside + PULL_SHARE * pulled))
            added = np.asarray((1.0 - coming) * add)
        share = self._margins[self.favorite(people, offer)]
        usual = np.maximum(people.basket, TOP_UP_SHARE * offer.conditions.min_spend)
        another = np.round(people.basket * ADDED_BASKET, self._decimals)
        margin = self._kept(another, offer, share)
        discount = np.maximum(another, offer.conditions.min_spend) * share - margin
        change = self._kept(usual, offer, share) - usual * share
        return Brought(coming, added, change, margin, discount)

    def favorite(self, people: Thinkable, offer: Offer) -> NDArray[np.intp]:
        """The department of an order that the offer brings: `[rows]`."""
        wanted = np.array(self._wanted(offer) or range(people.tastes.shape[1]))
        return np.asarray(wanted[people.tastes[:, wanted].argmax(1)])

    def _wanted(self, offer: Offer) -> list[int]:
        return [self._numbers[c] for c in offer.conditions.categories]

    def _kept(self, amount: Floats, offer: Offer, share: Floats) -> Floats:
        """The margin of an order with the coupon, topped up to the least spend."""
        amount = np.maximum(amount, offer.conditions.min_spend)
        discount = np.full(len(amount), offer.value if offer.kind == "amount" else offer.discount)
        if offer.kind == "percent":
            part = DEPARTMENT_SHARE if offer.conditions.categories else 1.0
            discount = amount * part * offer.value / 100.0
        discount = np.round(np.minimum(discount, DISCOUNT_MAX * amount), self._decimals)
        return np.asarray(amount * share - discount)


def _depth(offer: Offer, basket: Floats) -> Floats | float:
    if offer.kind == "percent":
        return offer.value / 100.0
    if offer.kind == "amount":
        spent = np.maximum(basket, offer.conditions.min_spend)
        return np.asarray(np.minimum(AMOUNT_DEPTH_MAX, offer.value / spent))
    return BOGO_DEPTH if offer.kind == "bogo" else SLIGHT_DEPTH
