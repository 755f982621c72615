"""The simulator against running workers: hours are sent, what was decided comes back to people.

Beside the shoppers there are a CRM that reports what became of alerts, and a till that gives money
back for every fortieth order. The next hours begin when the workers have committed these.
"""

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from streams import topics
from streams.contracts.outputs.payloads import NextBestOffer
from streams.contracts.reference.structs import Reference
from streams.contracts.times import HOUR_MS
from streams.simulator.closed_loop import START_MS
from streams.simulator.market import Market
from streams.simulator.records import Origin, Reporter, Sent
from streams.simulator.stories import Received

PARTITIONS = range(4)
PATIENCE_S = 300
REFUND_EVERY = 40
STEP_HOURS = 6  # at once; a whole day would wait in the queue for long


class ShopDays:
    """A market on a broker; `play` a number of days."""

    def __init__(
        self, bootstrap: str, group: str, reference: Reference, *, shoppers: int, days: int
    ) -> None:
        self.market = Market(reference, shoppers, days, START_MS, 7)
        self.now_ms = START_MS
        self._others = Reporter("others")
        self._orders = 0
        self._answered: list[Sent] = []
        self._ends: dict[tuple[str, int], int] = {}
        common = {"bootstrap.servers": bootstrap, "log_level": 2}
        self._producer = Producer(
            {**common, "partitioner": "murmur2_random", "enable.idempotence": True, "linger.ms": 5}
        )
        self._group = Consumer({**common, "group.id": group, "enable.auto.commit": False})
        self._phone = Consumer(
            {
                **common,
                "group.id": "phones",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 20,
            }
        )
        told = (topics.NEXT_BEST_OFFERS.name, topics.CHURN_ALERTS.name)
        self._phone.assign([TopicPartition(topic, p, 0) for topic in told for p in PARTITIONS])

    def close(self) -> None:
        """Leave the broker."""
        self._group.close()
        self._phone.close()

    def play(self, days: int, still_running: Callable[[], None]) -> None:
        """So many days."""
        for _ in range(days * 24 // STEP_HOURS):
            self.now_ms += STEP_HOURS * HOUR_MS
            records = [*self.market.step(self.now_ms), *self._answered]
            records += self._refunds(records)
            self._answered = []
            self.send(records)
            self.wait(still_running)
            for message in self._heard():
                self._take(json.loads(message.value() or b""), message.topic() or "")

    def send(self, records: Iterable[tuple[str, bytes, bytes]]) -> None:
        """Send to the partition that the key says."""
        for topic, key, value in records:
            self._producer.produce(topic, value, key, on_delivery=self._note)
            self._producer.poll(0)
        assert self._producer.flush(60) == 0

    def wait(self, still_running: Callable[[], None]) -> None:
        """Until the workers have committed all that was sent."""
        deadline = time.monotonic() + PATIENCE_S
        wanted = [TopicPartition(topic, p) for topic, p in self._ends]
        while any(
            at.offset < self._ends[at.topic, at.partition]
            for at in self._group.committed(wanted, timeout=30)
        ):
            still_running()
            assert time.monotonic() < deadline, f"not committed within {PATIENCE_S} s"
            time.sleep(0.02)

    def _note(self, error: object, message: Message) -> None:
        assert error is None, error
        at = (message.topic() or "", message.partition() or 0)
        self._ends[at] = max(self._ends.get(at, 0), (message.offset() or 0) + 1)

    def _heard(self) -> Iterator[Message]:
        while messages := self._phone.consume(1_000, 0.05):
            for message in messages:
                assert message.error() is None, message.error()
                yield message

    def _take(self, told: dict[str, Any], topic: str) -> None:
        if topic == topics.NEXT_BEST_OFFERS.name:
            offer = msgspec.convert(told, NextBestOffer)
            self.market.receive(Received.of(offer), self.now_ms)
        elif told["transition"] == "entered":
            result = ("saved", "lost", "no_answer")[len(self._answered) % 3]
            outcome = {"alert_id": told["alert_id"], "result": result}
            shopper = self.market.shoppers[told["customer_id"]]
            at_ms = self.now_ms + HOUR_MS
            self._answered.append(
                self._others.record(
                    topics.PROFILE,
                    "retention_outcome",
                    Origin(shopper, at_ms, "call_center"),
                    outcome=outcome,
                )
            )

    def _refunds(self, records: list[Sent]) -> list[Sent]:
        orders = [json.loads(r.value) for r in records if r.topic == topics.PURCHASE.name]
        numbered = zip(itertools.count(self._orders), orders, strict=False)
        self._orders += len(orders)
        return [self._refund(order) for number, order in numbered if number % REFUND_EVERY == 0]

    def _refund(self, order: dict[str, Any]) -> Sent:
        shopper = self.market.shoppers[order["identity"]["customer_id"]]
        return self._others.record(
            topics.PURCHASE,
            "order_refunded",
            Origin(shopper, self.now_ms, "web"),
            order_id=f"refund-{order['order_id']}",
            original_order_id=order["order_id"],
            total={"amount": f"-{order['total']['amount']}", "currency": "EUR"},
            items=order["items"],
        )
