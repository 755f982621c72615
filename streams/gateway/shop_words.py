"""What a gateway follows live of the shop's policies: words for nobody, placements, currency."""

from typing import Final

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from streams import topics
from streams.broker.reading import partitions_on_broker
from streams.contracts.inputs.rules import Rejected
from streams.contracts.reference.records import decode_reference_record
from streams.contracts.reference.structs import Policies
from streams.gateway.loop_thread import LoopThread
from streams.runtime.clients import arrived
from streams.settings import Settings

log = structlog.get_logger()

WAIT_S: Final = 0.5
AT_ONCE: Final = 100
TOPIC: Final = topics.REF_POLICIES


class ShopWords:
    """A thread that reads the policies, and holds what is in force.

    `words`: those of `identity.placeholders`, in lower case. `placements`: where a shop may ask for
    an offer. `currency`: the shop's; empty as long as no policies are known.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._thread = LoopThread("policies", settings, {}, self._follow)
        self.words: frozenset[str] = frozenset()
        self.placements: tuple[str, ...] = ()
        self.currency = ""

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._thread.stop()

    def take(self, key: bytes | None, value: bytes | None) -> None:
        """One record of the topic; of one that cannot be read the last good one stays in force."""
        record = decode_reference_record(TOPIC.name, key, value)
        if record is None:
            self.words, self.placements, self.currency = frozenset(), (), ""
        elif isinstance(record, Policies):
            self.words, self.currency = record.identity.words, record.currency
            asked = (rule for rule in record.triggers if rule.kind == "offer_requested")
            self.placements = tuple(sorted({rule.placement for rule in asked if rule.enabled}))
        elif isinstance(record, Rejected):
            log.warning("policies_not_read", reason=record.reason)

    def _follow(self, consumer: Consumer) -> None:
        name = self._settings.on_broker(TOPIC)
        partitions = partitions_on_broker(consumer, name, self._settings)
        consumer.assign([TopicPartition(name, number, OFFSET_BEGINNING) for number in partitions])
        while not self._thread.stopped:
            for message in arrived(consumer, WAIT_S, AT_ONCE):
                self._heard(message)

    def _heard(self, message: Message) -> None:
        if message.error() is None:
            self.take(message.key(), message.value())
