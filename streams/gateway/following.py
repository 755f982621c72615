"""Follows offers, what became of them, and erasures; the board shows what is valid.

Each gateway reads all of it for itself, from so long ago that no valid offer is missed, without a
group: nothing is shared between gateways, and nothing has to be kept.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec
from confluent_kafka import OFFSET_END, Consumer, Message, TopicPartition

from streams import topics
from streams.broker.reading import partitions_on_broker
from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.events import OfferFeedback, PrivacyRequest
from streams.contracts.inputs.rules import InputRules
from streams.contracts.times import HOUR_MS, to_ms
from streams.gateway.board import Board, Held, Place
from streams.gateway.loop_thread import TO_THE_END, LoopThread
from streams.runtime.clients import Config
from streams.settings import Settings

TIMEOUT_S: Final = 10.0
GONE_MAX: Final = 100_000
# A broker answers each of these fetches at the latest after so long, and seldom before: where
# offers come by the hundred a second, one for each would cost more than all that is read of them.
TOLD_WITHIN_MS: Final = 50
READER: Final[Config] = {
    **TO_THE_END,
    "fetch.queue.backoff.ms": 5,
    "fetch.min.bytes": 1_000_000,
    "fetch.wait.max.ms": TOLD_WITHIN_MS,
}
FOLLOWED: Final = (topics.OFFER_FEEDBACK, topics.PRIVACY_REQUESTS, topics.NEXT_BEST_OFFERS)
OVER: Final = frozenset(
    {
        "offer_dismissed",
        "offer_refused_not_relevant",
        "offer_redeemed",
        "offer_expired",
        "delivery_failed",
    }
)


class Following:
    """A thread that reads, and the board in the event loop that it tells."""

    def __init__(self, settings: Settings, board: Board, clock_ms: Callable[[], int]) -> None:
        self._settings = settings
        self._board = board
        self._clock_ms = clock_ms
        self._names = {settings.on_broker(topic): topic.name for topic in FOLLOWED}
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._thread = LoopThread("offers", settings, READER, self._follow)

    def start(self) -> None:
        """Begin to read; the board is told in the loop that runs now."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._thread.stop()

    def take(self, messages: list[Message], *, ended: bool) -> None:
        """Tell the board, in the event loop; `ended`: all that was there has been read."""
        for message in messages:
            name = self._names.get(message.topic() or "", "")
            if name == topics.NEXT_BEST_OFFERS.name:
                self._offered(message)
            else:
                self._happened(name, message)
        self._board.ready = self._board.ready or ended

    def _offered(self, message: Message) -> None:
        place = Place(message.partition() or 0, message.offset() or 0)
        try:
            held = Held.read(place, message.value() or b"")
        except msgspec.DecodeError:
            return
        if held.decision_id not in self._gone:
            self._board.post(held)

    def _happened(self, name: str, message: Message) -> None:
        rules = InputRules(now_ms=self._clock_ms())
        event = decode(name, message.value(), tuple(message.headers() or ()), rules)
        if isinstance(event, PrivacyRequest) and event.event_name == "erasure_requested":
            for id_ in _ids(event):
                self._board.erase(id_, to_ms(event.requested_at))
        elif isinstance(event, OfferFeedback) and event.event_name in OVER:
            self._gone[event.decision_id] = None
            if len(self._gone) > GONE_MAX:
                self._gone.popitem(last=False)
            for id_ in _ids(event):
                self._board.take_down(id_, event.decision_id)

    def _follow(self, consumer: Consumer) -> None:
        self._thread.tell_all(consumer, self._places(consumer), self.take)

    def _places(self, consumer: Consumer) -> list[TopicPartition]:
        """Where each partition stood so long ago that nothing valid is older."""
        since_ms = self._clock_ms() - self._settings.gateway.offers_hours * HOUR_MS
        asked = [
            TopicPartition(name, partition, since_ms)
            for name in self._names
            for partition in partitions_on_broker(consumer, name, self._settings)
        ]
        found = consumer.offsets_for_times(asked, timeout=TIMEOUT_S)
        return [
            TopicPartition(p.topic, p.partition, p.offset if p.offset >= 0 else OFFSET_END)
            for p in found
        ]


def _ids(event: OfferFeedback | PrivacyRequest) -> tuple[str, ...]:
    identity = event.identity
    ids = (identity.customer_id, identity.anonymous_id, identity.device_id)
    return tuple(id_ for id_ in ids if id_ is not None)
