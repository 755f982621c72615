"""What shoppers do, written as the records that a shop's systems would send."""

from typing import NamedTuple

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


class Origin(NamedTuple):
    """Who did something, when and on which channel; `identity` None: under the customer's id."""

    shopper: Shopper
    at_ms: int
    channel: str = "app"
    identity: dict[str, str] | None = None


class Bought(NamedTuple):
    """What was paid for: a product, its amount in `currency`, and the coupon shown."""

    product: Fields
    amount: float
    coupon: Fields | None = None
    currency: str = "EUR"


class Reporter:
    """Writes the records of one shop; event ids count up."""

    def __init__(self, prefix: str) -> None:
        """`prefix` keeps the event ids of two shops apart."""
        self._prefix = prefix
        self._count = 0

    def record(self, topic: topics.Topic, name: str, origin: Origin, **fields: object) -> Sent:
        """One event under the right key; `fields` are the blocks of its type."""
        self._count += 1
        shopper = origin.shopper
        who = origin.identity or {"customer_id": shopper.customer_id}
        event = {
            "event_id": f"{self._prefix}-{self._count:08d}",
            "event_name": name,
            "occurred_at": from_ms(origin.at_ms),
            "identity": who,
            "channel": origin.channel,
            "context": {"timezone": shopper.timezone, "locale": shopper.locale},
            **fields,
        }
        key = who.get("customer_id") or who["anonymous_id"]
        return Sent(topic.name, key.encode(), msgspec.json.encode(event))

    def consents(self, shopper: Shopper, at_ms: int) -> Sent:
        """What the shopper agreed to."""
        purposes = dict.fromkeys(shopper.consents, "granted")
        return self.record(
            topics.PROFILE, "consent_updated", Origin(shopper, at_ms),
            purposes=purposes, policy_version=POLICY_VERSION,
        )  # fmt: skip

    def sighting(self, shopper: Shopper, at_ms: int, store: int, zone: int, rssi_dbm: int) -> Sent:
        """A beacon that the shopper's phone heard."""
        beacon = {"standard": "ibeacon", "uuid": BEACON_UUID, "major": store, "minor": zone}
        return self.record(
            topics.BEACON, "beacon_sighted", Origin(shopper, at_ms),
            beacon=beacon, observation="sighting", rssi_dbm=rssi_dbm,
        )  # fmt: skip

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

    def feedback(
        self, name: str, shopper: Shopper, at_ms: int, decision_id: str, offer_id: str
    ) -> Sent:
        """What became of an offer, as the app reports it."""
        return self.record(
            topics.OFFER_FEEDBACK, name, Origin(shopper, at_ms),
            decision_id=decision_id, offer_id=offer_id, reporter="app",
        )  # fmt: skip
