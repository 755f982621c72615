"""What has been seen on the topics: of each visitor all that happened, of others the newest."""

from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Final

import msgspec
from msgspec import Struct, field

from streams import topics
from streams.contracts.outputs.payloads import (
    ChurnAlert,
    DecisionLog,
    NextBestOffer,
    ZoneVisitChange,
)
from streams.contracts.times import to_ms
from streams.customer import Customer
from streams.customer.codec import decode_row
from streams.customer.consents import answers_in
from streams.customer.row import Reminder
from streams.decisions import Policy
from streams.decisions.deferral import about_cart, still_holds
from streams.demo.reader import Arrived

TOLD_MAX: Final = 200
VISITORS_MAX: Final = 100
OTHERS: Final = 4
DOTS: Final = 24
STORE: Final = 1  # `major` of the beacons of the store that is drawn
CART: Final = "cart_abandoned"
CONSENT: Final = "consent_updated"
VISITOR: Final = "visitor-"


class Told(Struct, frozen=True, kw_only=True):
    """Something that happened, at a moment of the story; `what` names its text.

    `products` are ids, `due_ms` is of a reminder, `text` of an alert in each language.
    """

    at_ms: int
    what: str
    products: tuple[str, ...] = ()
    zone: str = ""
    due_ms: int = 0
    decision: DecisionLog | None = None
    text: dict[str, str] = {}


class Visit(Struct):
    """What is known of one visitor, the newest last.

    `agreed_ms`: when they first said yes to offers, 0 before; what is known of before is not told.
    `refuses`: they have said no since.
    `reminder_ms`: when the cart's reminder is due, 0 for none; it was set at `reminded_ms`.
    `too_small`: the cart is worth less than what the shop reminds of.
    """

    told: deque[Told] = field(default_factory=lambda: deque(maxlen=TOLD_MAX))
    offers: dict[str, NextBestOffer] = {}
    reminder_ms: int = 0
    dropped: Told | None = None
    reminded_ms: int = 0
    too_small: bool = False
    agreed_ms: int = 0
    refuses: bool = False
    did: set[str] = set()
    used: set[str] = set()


class _Product(Struct):
    product_id: str = ""


class _Beacon(Struct):
    """Of an iBeacon; others have no such numbers, and are not drawn."""

    major: int | None = None
    minor: int | None = None


class _Event(Struct):
    """What is read of any event."""

    event_name: str
    occurred_at: datetime
    product: _Product | None = None
    items: tuple[_Product, ...] | None = None
    beacon: _Beacon | None = None
    decision_id: str | None = None
    purposes: dict[str, str | bool | None] = {}


_event: Final = msgspec.json.Decoder(_Event)
_offer: Final = msgspec.json.Decoder(NextBestOffer)
_alert: Final = msgspec.json.Decoder(ChurnAlert)
_entry: Final = msgspec.json.Decoder(DecisionLog)
_zone: Final = msgspec.json.Decoder(ZoneVisitChange)
SILENT: Final = frozenset(
    {"beacon_sighted", "offer_delivered", "customer_requested", "offer_requested"}
)


class Seen:
    """Filled in the thread that plays, read in the page's; each call holds one lock."""

    def __init__(self, policy: Policy) -> None:
        """`policy`: by which the worker decides of what a cart's owner is reminded."""
        self._lock = Lock()
        self._visits: OrderedDict[str, Visit] = OrderedDict()
        self._others: deque[NextBestOffer] = deque(maxlen=OTHERS)
        self._dots: OrderedDict[str, int] = OrderedDict()
        self._inputs = frozenset(topic.name for topic in topics.INPUTS)
        self._take: dict[str, Callable[[Visit, Arrived], None]] = {
            topics.NEXT_BEST_OFFERS.name: _take_offer,
            topics.CHURN_ALERTS.name: _take_alert,
            topics.DECISION_LOG.name: _take_decision,
            topics.CUSTOMERS_CHANGELOG.name: partial(_take_row, policy),
            topics.ZONE_VISITS.name: _take_zone,
        }

    def take(self, record: Arrived) -> None:
        """One record: of the visitors' topics and events, and of what others send and get."""
        customer = record.key.decode(errors="replace")
        with self._lock:
            if not customer.startswith(VISITOR):
                self._take_other(customer, record)
                return
            visit = self._visits.setdefault(customer, Visit())
            if len(self._visits) > VISITORS_MAX:
                self._visits.popitem(last=False)
            if record.topic in self._inputs:
                _take_event(visit, _event.decode(record.value))
            elif take := self._take.get(record.topic):
                take(visit, record)

    def visit(self, customer: str) -> Visit:
        """What is known of a visitor now; the caller may keep it."""
        with self._lock:
            known = self._visits.get(customer, Visit())
            return msgspec.structs.replace(
                known, told=known.told.copy(), offers=dict(known.offers), did=set(known.did),
                used=set(known.used),
            )  # fmt: skip

    def others(self) -> list[NextBestOffer]:
        """The newest offers to others, the newest first."""
        with self._lock:
            return list(reversed(self._others))

    def dots(self) -> list[tuple[str, int]]:
        """Others in the store, and the beacon (`minor`) that heard each last."""
        with self._lock:
            return list(self._dots.items())

    def _take_other(self, customer: str, record: Arrived) -> None:
        if record.topic == topics.NEXT_BEST_OFFERS.name:
            self._others.append(_offer.decode(record.value))
        elif record.topic == topics.BEACON.name:
            beacon = _event.decode(record.value).beacon
            if beacon is not None and beacon.major == STORE and beacon.minor is not None:
                self._dots[customer] = beacon.minor
                self._dots.move_to_end(customer)
                if len(self._dots) > DOTS:
                    self._dots.popitem(last=False)


def _take_event(visit: Visit, event: _Event) -> None:
    name, at_ms = event.event_name, to_ms(event.occurred_at)
    if name in SILENT:
        return
    products = event.items or ((event.product,) if event.product else ())
    ids = tuple(product.product_id for product in products)
    if name == CONSENT:
        visit.agreed_ms = visit.agreed_ms or at_ms
        answers, _unknown = answers_in(event.purposes)
        visit.refuses = answers.get("personalization") == "denied"
        name = "consent_withdrawn" if visit.refuses else name
    elif not 0 < visit.agreed_ms <= at_ms:
        return
    visit.did.add(name)
    if name == "offer_redeemed" and event.decision_id:
        visit.used.add(event.decision_id)
    visit.told.append(Told(at_ms=at_ms, what=name, products=ids))


def _take_offer(visit: Visit, record: Arrived) -> None:
    offer = _offer.decode(record.value)
    visit.offers[offer.decision_id] = offer


def _take_alert(visit: Visit, record: Arrived) -> None:
    alert = _alert.decode(record.value)
    if alert.transition != "resolved":
        text = {str(language): said for language, said in alert.text.items()}
        visit.told.append(Told(at_ms=to_ms(alert.raised_at), what="alert", text=text))


def _take_decision(visit: Visit, record: Arrived) -> None:
    entry = _entry.decode(record.value)
    at_ms = to_ms(entry.decided_at)
    if visit.agreed_ms and at_ms >= visit.agreed_ms:
        visit.told.append(Told(at_ms=at_ms, what="decided", decision=entry))


def _take_zone(visit: Visit, record: Arrived) -> None:
    change = _zone.decode(record.value)
    if change.kind == "opened":
        visit.did.add("zone")
        at_ms = to_ms(change.entered_at)
        visit.told.append(Told(at_ms=at_ms, what="zone", zone=change.zone_type or ""))


def _take_row(policy: Policy, visit: Visit, record: Arrived) -> None:
    """Reminders are told by no record of their own: they stand in the customer's row.

    One waits there for each cart; whether it is worth a reminder is judged when it is due.
    """
    row = decode_row(record.value)
    if not isinstance(row, Customer):
        return
    waiting = next((r for r in row.reminders if r.kind == CART), None)
    will_go = waiting is not None and _will_go(policy, row, waiting)
    visit.too_small = waiting is not None and not will_go
    due_ms = waiting.due_at_ms if waiting is not None and will_go else 0
    before_ms, visit.reminder_ms = visit.reminder_ms, due_ms
    if due_ms and not before_ms:
        visit.reminded_ms, visit.dropped = row.last_at_ms, None
        visit.told.append(Told(at_ms=row.last_at_ms, what="reminder_set", due_ms=due_ms))
    elif before_ms and not due_ms and not (row.cart and row.cart.items):
        paid = any(order.at_ms >= visit.reminded_ms for order in row.orders)
        what = "reminder_dropped" if paid else "reminder_emptied"
        visit.dropped = Told(at_ms=row.last_at_ms, what=what, due_ms=before_ms)
        visit.told.append(visit.dropped)


def _will_go(policy: Policy, row: Customer, reminder: Reminder) -> bool:
    """Whether its rule would still fire about the cart as it is now."""
    trigger = next((t for t in policy.triggers if t.rule.rule_id == reminder.rule_id), None)
    if trigger is None:
        return False
    event = about_cart(row, reminder.event_id, trigger.rule, reminder.due_at_ms)
    return still_holds(row, trigger, event, reminder.due_at_ms)
