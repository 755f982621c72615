"""Apache Kafka for the benchmark: on core 0 together with this process; topics, input."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from tests.support.apache_kafka import FOR_YEARS, ApacheKafka


@contextmanager
def broker() -> Iterator[ApacheKafka]:
    """A fresh Apache Kafka; what this process starts from here on stays on core 0 with it."""
    os.sched_setaffinity(0, {0})
    with ApacheKafka(jvm=FOR_YEARS) as kafka:
        yield kafka


def fill(bootstrap: str, topic: str, records: Iterable[tuple[Any, ...]]) -> None:
    """Produce keys, values and, where there are, headers, as offerstream's producers would.

    Raises:
        RuntimeError: it could not be written.
    """
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "partitioner": "murmur2_random",
            "linger.ms": 50,
            "compression.type": "lz4",
            "queue.buffering.max.messages": 1_000_000,
            "enable.idempotence": True,
        }
    )
    for key, value, *headers in records:
        while True:
            try:
                producer.produce(topic, value, key, headers=list(*headers))
                break
            except BufferError:
                producer.poll(0.1)
    if producer.flush(120):
        raise RuntimeError(f"{topic} could not be written")


def delete_topics(bootstrap: str, names: Iterable[str]) -> None:
    """Give their disk space back."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    there = set(names) & set(admin.list_topics(timeout=30).topics)
    for future in admin.delete_topics(sorted(there)).values() if there else ():
        future.result(30)


def topic_names(bootstrap: str) -> set[str]:
    """Every topic that is there, but Kafka's own."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    return {name for name in admin.list_topics(timeout=30).topics if not name.startswith("__")}
