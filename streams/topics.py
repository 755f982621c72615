"""The topic catalogue: every topic's name, key, partitions, cleanup and retention, as data.

It stands at the bottom and imports nothing of ours; `contracts.catalogue` binds each topic to its
struct and event names.
"""

from typing import Literal

from msgspec import Struct

DAY_MS = 86_400_000


class Topic(Struct, frozen=True, kw_only=True):
    """A topic.

    Attributes:
        holds: the name of what its records are; where they cross the border, of their schema.
        partitions: `customers` means as many as the customers table has.
        personal: whether its records carry data of a person, an id included.
    """

    name: str
    direction: Literal["input", "reference", "output", "internal"]
    key: str
    holds: str
    partitions: Literal["customers", "one"] = "customers"
    cleanup: Literal["delete", "compact"] = "delete"
    retention_ms: int = 7 * DAY_MS
    personal: bool = True

    def on_broker(self, application_id: str) -> str:
        """The name on the broker: internal topics carry the application's id in front.

        >>> CUSTOMER_EVENTS.on_broker("shop")
        'shop-customer-events'
        """
        return f"{application_id}-{self.name}" if self.direction == "internal" else self.name


def _input(name: str, holds: str) -> Topic:
    return Topic(name=name, direction="input", key="customer, anonymous or device id", holds=holds)


def _reference(name: str, key: str, holds: str) -> Topic:
    return Topic(
        name=name,
        direction="reference",
        key=key,
        holds=holds,
        partitions="one",
        cleanup="compact",
        personal=False,
    )


def _output(name: str, key: str, holds: str, retention_days: int = 30) -> Topic:
    return Topic(
        name=name,
        direction="output",
        key=key,
        holds=holds,
        retention_ms=retention_days * DAY_MS,
    )


CLICKSTREAM = _input("events.clickstream", "clickstream")
APP = _input("events.app", "app")
BEACON = _input("events.beacon", "beacon")
PURCHASE = _input("events.purchase", "purchase")
OFFER_FEEDBACK = _input("events.offer-feedback", "offer_feedback")
PROFILE = _input("events.profile", "profile")
PRIVACY_REQUESTS = _input("privacy.requests", "privacy_request")
QUESTIONS = _input("questions", "question")

REF_OFFERS = _reference("ref.offers", "offer_id", "offer")
REF_PRODUCTS = _reference("ref.products", "product_id", "product")
REF_INVENTORY = _reference("ref.inventory", "product_id@store_id", "stock_level")
REF_BEACONS = _reference("ref.beacons", "beacon_ref", "beacon_place")
REF_POLICIES = _reference("ref.policies", "policies", "policies")

NEXT_BEST_OFFERS = _output("next-best-offers", "customer_id", "next_best_offer")
CHURN_ALERTS = _output("churn-alerts", "customer_id", "churn_alert")
CASE_OUTCOMES = _output("case-outcomes", "customer_id", "case_outcome")
DECISION_LOG = _output("decision-log", "customer_id", "decision_log")
SEGMENT_CHANGES = _output("segment-changes", "customer_id", "segment_change")
IDENTITY_CHANGES = _output("identity-changes", "customer_id", "identity_change")
ZONE_VISITS = _output(
    "zone-visits", "customer_id, or visit_id without consent", "zone_visit_change"
)
PRIVACY_RECEIPTS = _output("privacy.receipts", "request_id", "privacy_receipt", 365)
DEAD_LETTERS = _output("dead-letters", "the record's own key", "dead_letter", 14)
DELIVERY_FAILURES = _output("delivery-failures", "the record's own key", "delivery_failure")
REPLIES = _output("replies", "the address of who asked", "reply", 1)

CUSTOMER_EVENTS = Topic(
    name="customer-events", direction="internal", key="the person's id", holds="routed message"
)
CUSTOMERS_CHANGELOG = Topic(
    name="customers-changelog",
    direction="internal",
    key="the person's id",
    holds="row",
    cleanup="compact",
)
LEARNING_EXAMPLES = Topic(
    name="learning-examples",
    direction="internal",
    key="model",
    holds="learning_example",
    partitions="one",
    retention_ms=30 * DAY_MS,
)
LEARNERS_CHANGELOG = Topic(
    name="learners-changelog",
    direction="internal",
    key="model",
    holds="learner state",
    partitions="one",
    cleanup="compact",
    personal=False,
)
MODEL_SNAPSHOTS = Topic(
    name="model-snapshots",
    direction="internal",
    key="model, and how it is kept",
    holds="model_snapshot",
    partitions="one",
    cleanup="compact",
    personal=False,
)
REFERENCE_VERSIONS = Topic(
    name="reference-versions",
    direction="internal",
    key="version and record",
    holds="reference version",
    partitions="one",
    cleanup="compact",
    personal=False,
)
LEASE_REQUESTS = Topic(
    name="lease-requests",
    direction="internal",
    key="offer_id",
    holds="lease request",
    partitions="one",
    personal=False,
)
TREASURY_CHANGELOG = Topic(
    name="treasury-changelog",
    direction="internal",
    key="offer_id",
    holds="account of a budget",
    partitions="one",
    cleanup="compact",
    personal=False,
)
BUDGETS = Topic(
    name="budgets",
    direction="internal",
    key="offer_id",
    holds="state of a budget",
    partitions="one",
    cleanup="compact",
    personal=False,
)

ALL: tuple[Topic, ...] = tuple(t for t in list(globals().values()) if isinstance(t, Topic))
INPUTS = tuple(topic for topic in ALL if topic.direction == "input")
REFERENCES = tuple(topic for topic in ALL if topic.direction == "reference")
OUTPUTS = tuple(topic for topic in ALL if topic.direction == "output")
INTERNALS = tuple(topic for topic in ALL if topic.direction == "internal")
