"""What lies on a topic of the embedded broker."""

import uuid
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from streams.demo.broker import EmbeddedBroker
from streams.settings import Settings


def records(broker: EmbeddedBroker | Settings, topic: str) -> list[Any]:
    """Every record of a topic."""
    reader = Consumer(
        {"bootstrap.servers": broker.bootstrap, "group.id": str(uuid.uuid4()), "log_level": 2}
    )
    try:
        there = reader.list_topics(timeout=10).topics.get(topic)
        places = [TopicPartition(topic, p, 0) for p in (there.partitions if there else ())]
        left = sum(reader.get_watermark_offsets(place, timeout=10)[1] for place in places)
        reader.assign(places)
        found: list[Any] = []
        while len(found) < left:
            found += [m for m in reader.consume(1_000, 0.3) if m.error() is None]
        return found
    finally:
        reader.close()
