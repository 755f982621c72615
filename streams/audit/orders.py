"""Orders and the use of offers, told anew; an order counts once, whatever arrives of it."""

import math
from datetime import tzinfo

from msgspec import Struct

from streams.audit.arrivals import Arrival
from streams.audit.world import Contact
from streams.contracts.inputs.events import CouponUse, OfferFeedback, Purchase
from streams.contracts.reference.structs import Offer
from streams.contracts.times import DAY_MS, from_ms, to_ms


class OrdersTold(Struct, frozen=True):
    """What was bought: each order's completion once. `simple`: none was changed or given back."""

    completed: tuple[Arrival, ...]
    simple: bool

    @property
    def total(self) -> float:
        """The money of all, in the shop's currency."""
        orders = (a.event for a in self.completed)
        return sum(o.total.value for o in orders if isinstance(o, Purchase))

    @property
    def newest_ms(self) -> int:
        """When the last was; 0 before the first."""
        return max((a.at_ms for a in self.completed), default=0)

    def days(self, zones: list[tzinfo]) -> tuple[int, int]:
        """On how many days something was bought: the fewest and the most, by these clocks.

        Every order's days are counted by what each clock showed at any of the orders.
        """
        shown = (
            from_ms(a.at_ms).astimezone(zone).utcoffset() for a in self.completed for zone in zones
        )
        offsets = {round(off.total_seconds() * 1000) for off in shown if off is not None}
        days = [len({(a.at_ms + off) // DAY_MS for a in self.completed}) for off in offsets]
        return min(days, default=0), max(days, default=0)


def orders_of(known: list[Arrival], currency: str) -> OrdersTold:
    """The orders among what had come; a purchase of zero or below is none."""
    found: dict[str, Arrival] = {}
    simple = True
    for a in known:
        if not isinstance(a.event, Purchase):
            continue
        if a.event.event_name != "order_completed" or a.event.total.currency != currency:
            simple = False
        elif a.event.total.value > 0:
            found.setdefault(a.event.order_id, a)
    return OrdersTold(tuple(found.values()), simple)


def use_of(
    known: list[Arrival], contacts: list[Contact], offers: dict[str, Offer]
) -> dict[str, Arrival]:
    """Offers that were certainly used, by offer id, with the event that shows it.

    Only an offer that had been sent can be used, until its end of redemption. An order that was
    cancelled shows nothing: what becomes of its coupon is the shop's choice. One that had told of
    a coupon before the offer was sent is told anew: it had another.
    """
    proof = Proof(known, offers)
    found: dict[str, Arrival] = {}
    for a in known:
        for contact in contacts:
            if proof.shows(a, contact):
                found.setdefault(contact.said.offer.offer_id, a)
    return found


class Proof:
    """What events of one person prove of the use of what was sent."""

    def __init__(self, known: list[Arrival], offers: dict[str, Offer]) -> None:
        self.offers = offers
        self._bought = [a for a in known if isinstance(a.event, Purchase)]
        told = [a.event for a in self._bought if isinstance(a.event, Purchase)]
        self._made = {
            e.order_id for e in told if e.event_name == "order_completed" and e.total.value > 0
        }
        self._cancelled = {
            order_id
            for e in told
            if e.event_name == "order_cancelled"
            for order_id in (e.order_id, e.original_order_id)
        }

    def is_told(self, a: Arrival) -> bool:
        """Whether the order of an event had come by then: an update counts only with its order."""
        if not isinstance(a.event, Purchase) or a.event.event_name != "order_updated":
            return True
        order_id = order_id_of(a.event)
        return any(
            b.place < a.place
            and isinstance(b.event, Purchase)
            and b.event.event_name == "order_completed"
            and b.event.order_id == order_id
            for b in self._bought
        )

    def told_before(self, a: Arrival) -> list[Arrival]:
        """The updates of an order that came before the order, which this event is."""
        event = a.event
        if not isinstance(event, Purchase) or event.event_name != "order_completed":
            return []
        return [
            b
            for b in self._bought
            if b.place < a.place
            and isinstance(b.event, Purchase)
            and b.event.event_name == "order_updated"
            and order_id_of(b.event) == event.order_id
        ]

    def shows(self, a: Arrival, contact: Contact) -> bool:
        """Whether this event certainly uses what was sent, or something of the same offer."""
        since_ms = to_ms(contact.said.decided_at)
        if not _may_use(a) or contact.moment.places[0] > a.place:
            return False
        if not since_ms <= a.at_ms < end_of_redemption_ms(contact, self.offers):
            return False
        if not _uses(a, contact, self._made, self._cancelled):
            return False
        return not any(b.at_ms < since_ms and _is_anew(a, b) for b in self._bought)


def end_of_redemption_ms(contact: Contact, offers: dict[str, Offer]) -> float:
    """From when on what was sent can be used no more; an offer that is not known, never could."""
    spec = offers.get(contact.said.offer.offer_id)
    if spec is None:
        return -math.inf
    end_ms = to_ms(contact.said.decided_at) + round(spec.redeem_within_days * DAY_MS)
    return min(end_ms, to_ms(contact.said.offer.valid_until))


def may_name(arrival: Arrival, contact: Contact) -> bool:
    """Whether an event speaks of what was sent by any of its names, whatever else it says."""
    event, said = arrival.event, contact.said
    if isinstance(event, OfferFeedback):
        return event.event_name == "offer_redeemed" and event.decision_id == said.decision_id
    return isinstance(event, Purchase) and any(
        use.decision_id == said.decision_id
        or said.offer.offer_id in (use.offer_id, _folded(use.code))
        or _is_code(use, contact)
        for use in event.coupons
    )


def is_clear(arrival: Arrival, contact: Contact, offers: dict[str, Offer]) -> bool:
    """Whether no coupon of an event names the decision and, at once, another offer."""
    event, own = arrival.event, contact.said.offer.offer_id
    if not isinstance(event, Purchase):
        return True
    codes = {_folded(o.coupon_code) for o in offers.values() if o.offer_id != own and o.coupon_code}
    return not any(
        use.decision_id == contact.said.decision_id
        and (use.offer_id not in (None, own) or _folded(use.code) in codes)
        for use in event.coupons
    )


def names_decision(arrival: Arrival, contact: Contact) -> bool:
    """Whether an event names what was sent by its decision: no other is meant."""
    event, own = arrival.event, contact.said.decision_id
    if isinstance(event, OfferFeedback):
        return event.decision_id == own
    return isinstance(event, Purchase) and any(use.decision_id == own for use in event.coupons)


def is_one(use: Arrival, later: Arrival, contact: Contact) -> bool:
    """Whether a later word tells of the same coupon on the same order that the use was told of."""
    one, other = use.event, later.event
    if not isinstance(one, Purchase) or not isinstance(other, Purchase):
        return False
    if other.event_name not in ("order_completed", "order_updated"):
        return False
    same = order_id_of(one) == order_id_of(other)
    return same and any(_names(coupon, contact) for coupon in other.coupons)


def _is_anew(arrival: Arrival, before: Arrival) -> bool:
    """Whether it is of an order of which the other had told, with coupons."""
    one, other = arrival.event, before.event
    if not isinstance(one, Purchase) or not isinstance(other, Purchase):
        return False
    return bool(other.coupons) and order_id_of(one) == order_id_of(other)


def _may_use(arrival: Arrival) -> bool:
    event = arrival.event
    if isinstance(event, OfferFeedback):
        return event.event_name == "offer_redeemed"
    return isinstance(event, Purchase) and bool(event.coupons)


def _uses(arrival: Arrival, contact: Contact, made: set[str], cancelled: set[str | None]) -> bool:
    event, said = arrival.event, contact.said
    if isinstance(event, OfferFeedback):
        if event.redemption is not None and event.redemption.order_id in cancelled:
            return False
        named = (event.decision_id, event.offer_id)
        return named == (said.decision_id, said.offer.offer_id)
    if not isinstance(event, Purchase) or not _tells(event, made):
        return False
    if order_id_of(event) in cancelled:
        return False
    return any(_names(coupon, contact) for coupon in event.coupons)


def _tells(event: Purchase, made: set[str]) -> bool:
    """Whether the coupons of an event count: of an order, or of an update of one that was made."""
    if event.event_name == "order_updated":
        return order_id_of(event) in made
    return event.event_name == "order_completed" and event.total.value >= 0


def order_id_of(event: Purchase) -> str:
    """Which order an event is about."""
    if event.event_name == "order_completed":
        return event.order_id
    return event.original_order_id or event.order_id


def _names(use: CouponUse, contact: Contact) -> bool:
    """Whether a coupon on an order is this offer's: by decision, else by offer, else by code."""
    if use.decision_id is not None:
        return use.decision_id == contact.said.decision_id
    if use.offer_id is not None:
        return use.offer_id == contact.said.offer.offer_id
    return _is_code(use, contact)


def _is_code(use: CouponUse, contact: Contact) -> bool:
    own = contact.said.coupon
    if own is None:
        return False
    same_code = own.code is not None and _folded(use.code) == _folded(own.code)
    return same_code or (own.gcn is not None and use.gcn == own.gcn)


def _folded(code: str | None) -> str:
    return (code or "").strip().casefold()
