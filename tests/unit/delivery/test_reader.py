"""The reader of a destination: what goes wrong while partitions come is raised where it is read."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.delivery.destinations import Destination, Target
from streams.delivery.reader import Reader
from streams.delivery.window import Place, Window
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


class Overtaken:
    """A client that retention has overtaken at each of its partitions, once."""

    def __init__(self, low: int, reader: Reader, *, revoked: bool = False) -> None:
        self.low, self._reader, self._revoked = low, reader, revoked
        self._told = False
        self.assigned: list[tuple[str, int, int]] = []

    def consume(self, count: int, wait_s: float) -> list[Any]:
        """What the client says of it, and a rebalance in the same call."""
        if self._told:
            return []
        self._told = True
        error = KafkaError(KafkaError._AUTO_OFFSET_RESET)
        at = {"topic": lambda: "churn-alerts", "partition": lambda: 0, "error": lambda: error}
        if self._revoked:
            self._reader._revoked(self, [TopicPartition("churn-alerts", 0)])
        return [SimpleNamespace(**at)]

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        """Ten were delivered."""
        return [TopicPartition(at.topic, at.partition, 10) for at in partitions]

    def get_watermark_offsets(self, at: TopicPartition, timeout: float) -> tuple[int, int]:
        """The partition is empty."""
        return self.low, self.low

    def assign(self, partitions: list[TopicPartition]) -> None:
        """From where it reads."""
        self.assigned += [(at.topic, at.partition, at.offset) for at in partitions]

    def close(self) -> None:
        """Nothing is open."""


def overtaken(low: int, *, revoked: bool = False) -> tuple[Reader, Overtaken]:
    """A reader that stood at 10, where the oldest record is `low` by now."""
    target = Target(
        name="crm", destination=Destination(url="http://127.0.0.1:1/", topics=("churn-alerts",))
    )
    reader = Reader(Settings(bootstrap="127.0.0.1:1"), target, Nobody())
    reader._consumer.close()
    client = Overtaken(low, reader, revoked=revoked)
    reader._consumer = client
    reader._assigned(client, [TopicPartition("churn-alerts", 0)])
    return reader, client


def test_the_end_of_a_transaction_that_retention_deleted_is_no_loss() -> None:
    """An idle partition that was emptied begins one behind what is committed: nothing is lost."""
    reader, client = overtaken(11)
    assert reader.read(pause=False) == [(("churn-alerts", 0), 10, None)]
    assert reader.deleted == 0
    assert client.assigned[-1] == ("churn-alerts", 0, 11)


def test_where_it_goes_on_is_committed_so_that_what_is_gone_counts_once() -> None:
    """The window is told that all before the new beginning has passed; its commit is that."""
    reader, client = overtaken(40)
    found, window = reader.read(pause=False), Window()
    for place, offset, webhook in found:
        assert webhook is None
        window.passed(place, offset)
    assert window.to_commit() == {("churn-alerts", 0): 40}
    assert reader.deleted == 30
    assert client.assigned[-1] == ("churn-alerts", 0, 40)


def test_a_partition_that_went_in_the_same_moment_is_not_taken_back() -> None:
    """Overtaken and revoked in one call: somebody else reads it, and tells what is gone."""
    reader, client = overtaken(40, revoked=True)
    before = list(client.assigned)
    assert reader.read(pause=False) == []
    assert (reader.deleted, client.assigned) == (0, before)
