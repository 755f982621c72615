"""The zero-install broker: librdkafka's mock cluster, inside the confluent-kafka wheel.

It speaks Kafka over TCP on 127.0.0.1, in memory: 4 partitions a topic, 5 MiB a partition with the
oldest dropped silently, no compaction, no fencing; transactional offsets are not kept. Workers run
on it with `transactional=False`: at least once. The demo and fast tests use it; truth is Apache
Kafka.
"""

from types import TracebackType
from typing import Self

from confluent_kafka import Producer

from streams.errors import OfferstreamError

BANNER = "embedded broker: in memory, 127.0.0.1 only, at least once (no transactions, no fencing)"


class EmbeddedBroker:
    """A broker that lives as long as this object (`with EmbeddedBroker() as broker`)."""

    def __init__(self) -> None:
        self._host: Producer | None = None
        self.bootstrap = ""

    def start(self) -> Self:
        """Listen on free ports of 127.0.0.1; topics are created when first named.

        Raises:
            OfferstreamError: the mock cluster did not come up within ten seconds.
        """
        self._host = Producer(
            {"test.mock.num.brokers": 1, "bootstrap.servers": "unused", "log_level": 3}
        )
        metadata = self._host.list_topics(timeout=10)
        self.bootstrap = ",".join(f"{b.host}:{b.port}" for b in metadata.brokers.values())
        if not self.bootstrap:
            raise OfferstreamError("the embedded broker did not start")
        return self

    def stop(self) -> None:
        """Close the ports and forget everything."""
        self._host = None
        self.bootstrap = ""

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()
