"""The play: the story's clock runs, records go out, offers come back to the people of the story.

The clock stands still while the workers are behind, so nothing piles up in the embedded broker,
which would silently drop it. What others send meanwhile (a visitor, the shop's till) is kept for
the auditor as well.
"""

import time
from collections.abc import Callable
from typing import Final

import msgspec
from confluent_kafka import Producer

from streams import topics
from streams.audit import LEAP_MAX_MS, Came
from streams.broker.clients import librdkafka_config
from streams.contracts.envelope import Headers
from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.payloads import NextBestOffer
from streams.demo.pace import Pace
from streams.demo.reader import Arrived, Reader
from streams.demo.scoreboard import Scoreboard
from streams.settings import Settings
from streams.simulator.records import Sent
from streams.simulator.stories import Received, Story

LAG_MAX = 500
IDLE_S = 0.01
SHOW_EVERY_S = 0.25
DRAIN_S_MAX = 10.0
PRODUCE_S_MAX = 30.0
NS_PER_MS: Final = 1_000_000
NOTHING: Final = b"{}"
PLACES: Final = {topic.name: place for place, topic in enumerate(topics.INPUTS)}

_OFFERS: Final = msgspec.json.Decoder(NextBestOffer)


class Play:
    """One story at its pace.

    `watch` is told of what comes, and of the beacons that people pass.
    `came` and `went` keep what was sent and what came out, for the auditor: `came` in the order in
    which a worker merges the topics, for a reader is handed them in any.
    """

    def __init__(
        self,
        story: Story,
        settings: Settings,
        reader: Reader,
        board: Scoreboard,
        pace: Pace,
    ) -> None:
        self.story = story
        self.reader = reader
        self.board = board
        self.pace = pace
        self.watch: Callable[[Arrived], None] = lambda _: None
        self.began_s = 0.0
        self._came: list[tuple[int, int, Came]] = []
        self.went: list[tuple[str, bytes]] = []
        self._on_broker = {topic.name: settings.on_broker(topic) for topic in topics.INPUTS}
        self._producer = Producer(
            {
                **librdkafka_config(settings),
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "log_level": 2,
            }
        )

    @property
    def came(self) -> list[Came]:
        """All inputs by their timestamps; at one moment by topic, and each topic in its order."""
        return [one for _, _, one in sorted(self._came, key=lambda kept: kept[:2])]

    @property
    def elapsed_s(self) -> float:
        """Real seconds since the beginning."""
        return time.monotonic() - self.began_s

    @property
    def is_over(self) -> bool:
        """Whether all of the time has passed that the past was given."""
        return self.elapsed_s >= self.pace.seconds

    def run(
        self,
        show: Callable[[], None],
        stopped: Callable[[], bool],
        visited: Callable[[], bool] = lambda: False,
    ) -> None:
        """Play until `stopped`, or the time is over and nobody visits; then wait for what is out.

        `show` is called a few times a second.
        """
        self.began_s = before_s = shown_s = time.monotonic()
        while not stopped() and (visited() or not self.is_over):
            now_s = time.monotonic()
            if self.reader.lag + self._on_its_way() <= LAG_MAX:
                self.pace.go_on(now_s - before_s)
            before_s = now_s
            self._advance()
            if now_s - shown_s > SHOW_EVERY_S:
                shown_s = now_s
                show()
            time.sleep(IDLE_S)
        self._drain(show, stopped)

    def _advance(self) -> None:
        """Take in what came, then let the story go on to its present."""
        self._take_in()
        for sent in self.story.step(self.pace.now_ms):
            self._send(sent)
        self._producer.poll(0)

    def _take_in(self) -> None:
        for record in self.reader.arrived():
            if record.topic in self._on_broker:
                self._take_others(record)
                continue
            self.watch(record)
            if not self.board.take(record):
                continue
            self.went.append((record.topic, record.value))
            if record.topic == topics.NEXT_BEST_OFFERS.name:
                offer = _OFFERS.decode(record.value)
                self.story.receive(Received.of(offer), self.pace.now_ms)

    def _take_others(self, record: Arrived) -> None:
        """An event of others, in any form that a worker reads; told of in the plain one."""
        rules = InputRules(
            now_ms=self.pace.now_ms, occurred_at_min_ms=0, future_tolerance_ms=LEAP_MAX_MS
        )
        event = decode(record.topic, record.value, record.headers, rules)
        told = NOTHING if isinstance(event, Rejected) else msgspec.json.encode(event)
        if told is not NOTHING:
            self.watch(record._replace(value=told))
        self.board.note_sent(told, None)
        self._keep(record.sent_ms, record.topic, record.value, record.headers)

    def _send(self, sent: Sent) -> None:
        self.board.note_sent(sent.value, time.monotonic())
        sent_ms = time.time_ns() // NS_PER_MS
        self._keep(sent_ms, sent.topic, sent.value)
        if sent.topic == topics.BEACON.name:
            self.watch(Arrived(sent.topic, sent.key, sent.value, time.monotonic()))
        while True:
            try:
                topic = self._on_broker[sent.topic]
                self._producer.produce(topic, sent.value, sent.key, timestamp=sent_ms)
                return
            except BufferError:
                self._producer.poll(0.1)

    def _keep(self, sent_ms: int, topic: str, value: bytes, headers: Headers = ()) -> None:
        came = Came(f"record {len(self._came)}", topic, value, headers)
        self._came.append((sent_ms, PLACES[topic], came))

    def _on_its_way(self) -> int:
        return len(self._producer)

    def _drain(self, show: Callable[[], None], stopped: Callable[[], bool]) -> None:
        self._producer.flush(PRODUCE_S_MAX)
        deadline_s = time.monotonic() + DRAIN_S_MAX
        while not stopped() and time.monotonic() < deadline_s:
            self._take_in()
            show()
            if self.reader.processed >= self.board.sent and self.reader.lag == 0:
                break
            time.sleep(SHOW_EVERY_S)
        self._take_in()
