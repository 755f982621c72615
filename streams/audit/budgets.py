"""What of an offer's budget was certainly taken at a moment, told anew from sends, uses and times.

A send holds what was reserved for it until its coupon can be used no more and a week has passed; a
use holds what it cost for ever. Where a document leaves a choice, the lesser is taken.
"""

import math
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

import numpy as np

from streams.audit.orders import end_of_redemption_ms, is_clear, is_one
from streams.audit.sends_used import NEVER, SendUsed, known_of, sends_used
from streams.audit.world import Contact, World
from streams.contracts.inputs.events import Purchase
from streams.contracts.reference.structs import Offer
from streams.contracts.times import DAY_MS, to_ms

UNITS = 10_000  # of one of the shop's currency: sums must not drift
GRACE_MS = 7 * DAY_MS


class Spending:
    """The sends of one offer, in the order in which they went out.

    All have one number a send: its turn, what was reserved, until when, after how many inputs it
    was used or may have been, what that cost at least.
    """

    def __init__(self, world: World, offer: Offer, contacts: list[Contact]) -> None:
        self.turns = np.array([c.moment.turn for c in contacts])
        self.reserved = np.array([reserved_of(c) for c in contacts], dtype=np.int64)
        self.until_ms = np.array([_until_ms(world, offer, c) for c in contacts])
        sends = sends_used(world, contacts)
        used = [_use(offer, send) for send in sends]
        self.unclear_at = np.array([send.unclear_at for send in sends])
        self.used_at = np.array([place for place, _ in used])
        costs = np.array([cost for _, cost in used], dtype=np.int64)
        self.costs = np.minimum(costs, self.reserved)
        self.raises = [
            (number, place, min(cost, int(self.reserved[number])))
            for number, send in enumerate(sends)
            for place, cost in _raises(world, send)
        ]

    def taken(self, turn: int, place: float, clock_ms: float) -> int:
        """What sends up to this one hold, after the inputs before `place`, in units."""
        used = self.used_at < place
        unclear = self.unclear_at < place
        held = np.where((clock_ms <= self.until_ms) & ~unclear, self.reserved, 0)
        costs = self.costs.copy()
        for number, told_at, cost in self.raises:
            if told_at < place:
                costs[number] = max(int(costs[number]), cost)
        return int(np.where(used, costs, held)[self.turns <= turn].sum())

    def before(self, turn: int) -> int:
        """How many sends went out before this one."""
        return int((self.turns < turn).sum())


@lru_cache(maxsize=1)
def spending_of(world: World) -> dict[str, Spending]:
    """Of each offer that has a budget, what was sent of it."""
    sent: dict[str, list[Contact]] = defaultdict(list)
    for contact in world.contacts:
        sent[contact.said.offer.offer_id].append(contact)
    return {
        offer_id: Spending(world, offer, sent[offer_id])
        for offer_id, offer in world.offers.items()
        if offer.budget is not None and sent[offer_id]
    }


def units_of(amount: float) -> int:
    """What a use may cost or did, in units, rounded up; the decimal that is written is meant.

    >>> units_of(8.1), units_of(3.33333)
    (81000, 33334)
    """
    return math.ceil(Fraction(repr(amount)) * UNITS)


def units_there(amount: float) -> int:
    """What there is to spend, in units, rounded down.

    >>> units_there(8.1), units_there(6.66679)
    (81000, 66667)
    """
    return math.floor(Fraction(repr(amount)) * UNITS)


def reserved_of(contact: Contact) -> int:
    """What the offer says was reserved for it, in units; nothing where it does not say."""
    money = contact.said.constraints.budget_reserved
    return 0 if money is None else units_of(float(money.amount))


def _until_ms(world: World, offer: Offer, contact: Contact) -> float:
    """Until when a send that is not used surely holds its money."""
    end_ms = end_of_redemption_ms(contact, world.offers)
    if contact.said.coupon is None:
        window_ms = world.policies.arbitration.attribution_window_days * DAY_MS
        end_ms = min(end_ms, to_ms(contact.said.decided_at) + window_ms)
    return end_ms + GRACE_MS


def _use(offer: Offer, send: SendUsed) -> tuple[float, int]:
    """After which input a send was certainly used, and the least that it cost, in units."""
    use = send.by
    if use is None:
        return NEVER, 0
    told = [c.discount for c in use.event.coupons] if isinstance(use.event, Purchase) else []
    return use.place, units_of(min([offer.discount, *(t for t in told if t > 0)]))


def _raises(world: World, send: SendUsed) -> Iterator[tuple[float, int]]:
    """What later words of the same order say that the use cost at least, and after which input."""
    use, contact = send.by, send.contact
    if use is None or not isinstance(use.event, Purchase):
        return
    currencies = (None, world.policies.currency)
    for later in known_of(world, contact):
        event = later.event
        if later.place <= use.place or not isinstance(event, Purchase):
            continue
        if is_one(use, later, contact) and is_clear(later, contact, world.offers):
            told = [c.discount for c in event.coupons if c.currency in currencies]
            if event.total.currency in currencies and len(told) == len(event.coupons):
                yield later.place, units_of(min(told))
