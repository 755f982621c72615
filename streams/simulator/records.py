"""What shoppers do, written as the records that a shop's systems would send."""

from abc import ABC, abstractmethod
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec

from streams import topics
from streams.contracts.times import from_ms
from streams.simulator.shoppers import Shopper

BEACON_UUID = "f7826da6-4fa2-4e98-8024-bc5b71e0893e"
POLICY_VERSION = "2026-01"
Fields = dict[str, object]
"""A block of an event, as it is written."""


class Sent(NamedTuple):
    """A record on its way to a topic."""

    topic: str
    key: bytes
    value: bytes


class Somebody(Protocol):
    """Who may do something: a shopper of the market, or a person of a world."""

    @property
    def customer_id(self) -> str:
        """The id under which the shop knows them."""

    @property
    def timezone(self) -> str:
        """Their clock, as IANA names it."""

    @property
    def locale(self) -> str:
        """Their language and country."""


Who = TypeVar("Who", bound=Somebody)


class Origin(NamedTuple, Generic[Who]):
    """Who did something, when and on which channel; `identity` None: under the customer's id."""

    who: Who
    at_ms: int
    channel: str = "app"
    identity: dict[str, str] | None = None


class Bought(NamedTuple):
    """What was paid for: a product, its amount in `currency`, and the coupon shown."""

    product: Fields
    amount: float
    coupon: Fields | None = None
    currency: str = "EUR"


class Recorder(ABC, Generic[Who]):
    """Writes records that all shops have; how events are numbered is told by `event_id_of`."""

    def __init__(self, beacon_uuid: str) -> None:
        """`beacon_uuid` is on every beacon of the shop."""
        self._beacon_uuid = beacon_uuid

    @abstractmethod
    def event_id_of(self, who: Who) -> str:
        """The id of this person's next event."""

    def record(self, topic: topics.Topic, name: str, origin: Origin[Who], **fields: object) -> Sent:
        """One event under the right key; `fields` are the blocks of its type."""
        who = origin.who
        identity = origin.identity or {"customer_id": who.customer_id}
        event = {
            "event_id": self.event_id_of(who),
            "event_name": name,
            "occurred_at": from_ms(origin.at_ms),
            "identity": identity,
            "channel": origin.channel,
            "context": {"timezone": who.timezone, "locale": who.locale},
            **fields,
        }
        key = identity.get("customer_id") or identity["anonymous_id"]
        return Sent(topic.name, key.encode(), msgspec.json.encode(event))

    def consents(self, who: Who, at_ms: int, purposes: dict[str, str]) -> Sent:
        """What somebody agrees to, or takes back."""
        return self.record(
            topics.PROFILE, "consent_updated", Origin(who, at_ms),
            purposes=purposes, policy_version=POLICY_VERSION,
        )  # fmt: skip

    def sighting(self, who: Who, at_ms: int, store: int, zone: int, rssi_dbm: int) -> Sent:
        """A beacon that a phone heard."""
        beacon = {"standard": "ibeacon", "uuid": self._beacon_uuid, "major": store, "minor": zone}
        return self.record(
            topics.BEACON, "beacon_sighted", Origin(who, at_ms),
            beacon=beacon, observation="sighting", rssi_dbm=rssi_dbm,
        )  # fmt: skip

    def feedback(self, name: str, who: Who, at_ms: int, decision_id: str, offer_id: str) -> Sent:
        """What became of an offer, as the app reports it."""
        return self.record(
            topics.OFFER_FEEDBACK, name, Origin(who, at_ms),
            decision_id=decision_id, offer_id=offer_id, reporter="app",
        )  # fmt: skip


class Reporter(Recorder[Shopper]):
    """The records of one market; event ids count up."""

    def __init__(self, prefix: str) -> None:
        """`prefix` keeps the event ids of two markets apart."""
        super().__init__(BEACON_UUID)
        self._prefix = prefix
        self._count = 0

    @property
    def events_begin(self) -> bytes:
        """How the JSON of each event begins: with its id."""
        return f'{{"event_id":"{self._prefix}-'.encode()

    def event_id_of(self, who: Shopper) -> str:
        """One more than the last of all."""
        self._count += 1
        return f"{self._prefix}-{self._count:08d}"

    def order(self, shopper: Shopper, at_ms: int, bought: Bought, *, in_store: bool) -> Sent:
        """A purchase at the till or on the web."""
        item = {**bought.product, "quantity": 1, "unit_price": round(bought.amount, 2)}
        return self.record(
            topics.PURCHASE,
            "order_completed",
            Origin(shopper, at_ms, "store" if in_store else "web"),
            order_id=f"o-{self._prefix}-{self._count:08d}",
            total={"amount": f"{bought.amount:.2f}", "currency": bought.currency},
            items=[item],
            sales_channel="store" if in_store else "ec",
            coupons=[bought.coupon] if bought.coupon else [],
        )
