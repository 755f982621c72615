"""What each topic carries: its struct and its event names, bound once; all else is derived."""

from typing import Final

from msgspec import Struct

from streams import topics
from streams.contracts.inputs import events
from streams.contracts.inputs.events import InputEvent, names_of
from streams.contracts.internal import learning
from streams.contracts.outputs import payloads, replies
from streams.contracts.reference import structs as reference
from streams.topics import Topic


class Contract(Struct, frozen=True):
    """A topic whose records cross the border, and the struct of these records."""

    topic: Topic
    struct: type[Struct]
    version: int = 1

    @property
    def name(self) -> str:
        """The name of the type, as in its schema."""
        return self.topic.holds

    @property
    def closed(self) -> bool:
        """Whether unknown fields are faults: in what we write, and in files that people write."""
        return self.topic.direction != "input"

    @property
    def type_name(self) -> str:
        """The type with its version, as CloudEvents has it in `ce_type`."""
        return f"{self.name}.v{self.version}"

    @property
    def event_names(self) -> tuple[str, ...]:
        """The event names of an input, in the order of its struct."""
        return names_of(self.struct.__annotations__["event_name"])


CONTRACTS: Final = (
    Contract(topics.CLICKSTREAM, events.Clickstream),
    Contract(topics.APP, events.App),
    Contract(topics.BEACON, events.Beacon),
    Contract(topics.PURCHASE, events.Purchase),
    Contract(topics.OFFER_FEEDBACK, events.OfferFeedback),
    Contract(topics.PROFILE, events.Profile),
    Contract(topics.PRIVACY_REQUESTS, events.PrivacyRequest),
    Contract(topics.QUESTIONS, events.Question),
    Contract(topics.REF_OFFERS, reference.Offer),
    Contract(topics.REF_PRODUCTS, reference.ProductInfo),
    Contract(topics.REF_INVENTORY, reference.StockLevel),
    Contract(topics.REF_BEACONS, reference.BeaconPlace),
    Contract(topics.REF_POLICIES, reference.Policies),
    Contract(topics.NEXT_BEST_OFFERS, payloads.NextBestOffer),
    Contract(topics.CHURN_ALERTS, payloads.ChurnAlert),
    Contract(topics.CASE_OUTCOMES, payloads.CaseOutcome),
    Contract(topics.DECISION_LOG, payloads.DecisionLog, version=2),
    Contract(topics.SEGMENT_CHANGES, payloads.SegmentChange),
    Contract(topics.IDENTITY_CHANGES, payloads.IdentityChange),
    Contract(topics.ZONE_VISITS, payloads.ZoneVisitChange),
    Contract(topics.PRIVACY_RECEIPTS, payloads.PrivacyReceipt),
    Contract(topics.DEAD_LETTERS, payloads.DeadLetter),
    Contract(topics.DELIVERY_FAILURES, payloads.DeliveryFailure),
    Contract(topics.REPLIES, replies.Reply),
    Contract(topics.LEARNING_EXAMPLES, learning.LearningExample),
    Contract(topics.MODEL_SNAPSHOTS, learning.ModelSnapshot),
)
INPUT_CONTRACTS: Final = tuple(c for c in CONTRACTS if c.topic.direction == "input")
CONTRACT_OF: Final[dict[type[Struct], Contract]] = {c.struct: c for c in CONTRACTS}
EVENT_NAMES: Final = tuple(dict.fromkeys(n for c in INPUT_CONTRACTS for n in c.event_names))
_TOPIC_OF_TYPE: Final = {contract.struct: contract.topic.name for contract in INPUT_CONTRACTS}
_BY_NAME: Final = {
    name: tuple(c.topic.name for c in INPUT_CONTRACTS if name in c.event_names)
    for name in EVENT_NAMES
}


def topic_of(event: InputEvent) -> str:
    """The topic that an event belongs on."""
    return _TOPIC_OF_TYPE[type(event)]


def topic_of_name(event_name: str, channel: str = "") -> str | None:
    """The topic of an event name; a name that web and app share goes by the channel.

    >>> topic_of_name("product_viewed", "web"), topic_of_name("product_viewed", "app")
    ('events.clickstream', 'events.app')
    >>> topic_of_name("no_such_name") is None
    True
    """
    found = _BY_NAME.get(event_name, ())
    if channel == "app" and topics.APP.name in found:
        return topics.APP.name
    return found[0] if found else None
