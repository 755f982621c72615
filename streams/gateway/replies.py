"""Answers to this gateway's questions: one partition of `replies`, read from its end on.

A gateway makes itself an address when it starts; its answers carry the address as their key, so
Kafka's own partitioner says which partition to read. Nothing is handed out, so nothing has to be
taken back: whoever starts anew has a new address, and what was asked under the old one is of
nobody's interest. Where the topic grows, the partition is computed anew.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Final
from uuid import uuid4

import msgspec
from confluent_kafka import Consumer, Message, TopicPartition

from streams import topics
from streams.broker.reading import partitions_on_broker
from streams.contracts.outputs.replies import Reply
from streams.gateway.loop_thread import LoopThread
from streams.runtime.clients import Config, arrived
from streams.runtime.murmur2 import partition_for
from streams.settings import Settings

WAIT_S: Final = 0.2
LOOK_EVERY: Final = 25  # waits, some seconds: whether the topic has grown
AT_ONCE: Final = 500
LATE_MAX: Final = 10_000
TIMEOUT_S: Final = 10.0
READER: Final[Config] = {"fetch.queue.backoff.ms": 2}

_reply: Final = msgspec.json.Decoder(Reply)


class Replies:
    """Waits for answers, for many requests of one event loop.

    `on_late` is told of an answer that nobody waits for any longer.
    """

    def __init__(self, settings: Settings, on_late: Callable[[Reply], None]) -> None:
        self.address = f"gw-{uuid4().hex}"
        self.reachable = False
        self._settings = settings
        self._topic = settings.on_broker(topics.REPLIES)
        self._on_late = on_late
        self._waiting: dict[str, asyncio.Future[Reply]] = {}
        self._given_up: OrderedDict[str, None] = OrderedDict()
        self._thread = LoopThread("answers", settings, READER, self._follow)

    def start(self) -> None:
        """Begin to read; answers are given in the loop that runs now."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._thread.stop()

    def expect(self, question_id: str) -> asyncio.Future[Reply]:
        """The answer to come; to be called before the question is sent."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[question_id] = future
        return future

    def give_up(self, question_id: str) -> None:
        """Nobody waits for it any longer; what comes all the same is late."""
        if self._waiting.pop(question_id, None) is None:
            return
        self._given_up[question_id] = None
        if len(self._given_up) > LATE_MAX:
            self._given_up.popitem(last=False)

    def take(self, replies: list[Reply]) -> None:
        """Give answers to those who wait for them; in the event loop.

        Whoever waits no longer but has not woken to say so has given up as well.
        """
        for reply in replies:
            future = self._waiting.pop(reply.question_id, None)
            if future is not None and not future.done():
                future.set_result(reply)
            elif future is not None or reply.question_id in self._given_up:
                self._given_up.pop(reply.question_id, None)
                self._on_late(reply)

    def _follow(self, consumer: Consumer) -> None:
        """Read until the topic grows, or a fault; answers that are missed meanwhile time out.

        The end is found before anybody may ask: an answer that came before would be missed, and its
        offer would count as shown.
        """
        partitions = self._partitions(consumer)
        own = partition_for(self.address.encode(), partitions)
        place = TopicPartition(self._topic, own)
        _, place.offset = consumer.get_watermark_offsets(place, timeout=TIMEOUT_S)
        consumer.assign([place])
        waits = 0
        try:
            while not self._thread.stopped:
                messages = arrived(consumer, WAIT_S, AT_ONCE)
                self._hand_over([m for m in messages if m.error() is None])
                self.reachable = True
                waits += not messages
                if waits >= LOOK_EVERY:
                    waits = 0
                    if self._partitions(consumer) != partitions:
                        return
        finally:
            self.reachable = False

    def _partitions(self, consumer: Consumer) -> int:
        return len(partitions_on_broker(consumer, self._topic, self._settings))

    def _hand_over(self, messages: list[Message]) -> None:
        own = self.address.encode()
        replies = []
        for message in messages:
            if message.key() == own and message.value() is not None:
                with contextlib.suppress(msgspec.DecodeError):
                    replies.append(_reply.decode(message.value() or b""))
        if replies:
            self._thread.tell(self.take, replies)
