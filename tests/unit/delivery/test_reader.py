"""The reader of a destination: what goes wrong while partitions come is raised where it is read."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.delivery.destinations import Destination, Target
from streams.delivery.reader import Reader
from streams.delivery.window import Place
from streams.settings import Settings


class Nobody:
    """An owner of nothing."""

    def taken_away(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """Nothing was on its way."""
        return {}


class Leaderless:
    """A client of which a partition has no leader."""

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        """A new group."""
        return partitions

    def get_watermark_offsets(self, at: TopicPartition, timeout: float) -> Any:
        """As librdkafka says it."""
        raise KafkaException(KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION))


def test_a_partition_without_a_leader_at_a_start_is_a_fault_that_is_heard() -> None:
    """Raised in the client's callback it would end the thread, and the destination stand still."""
    target = Target(
        name="crm", destination=Destination(url="http://127.0.0.1:1/", topics=("churn-alerts",))
    )
    reader = Reader(Settings(bootstrap="127.0.0.1:1"), target, Nobody())
    reader._assigned(Leaderless(), [TopicPartition("churn-alerts", 0)])
    with pytest.raises(KafkaException, match="NOT_LEADER"):
        reader.read(pause=False)
    reader.close()
