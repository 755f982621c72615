"""Lag: what waits, and nothing else."""

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from msgspec.structs import replace

from streams.broker.lag import LagReader
from streams.settings import Settings
from tests.support.apache_kafka import ApacheKafka

GROUP, TOPIC = "idle", "idle-in"


@pytest.mark.kafka
@pytest.mark.timeout(120)
def test_an_idle_group_has_no_lag(kafka: ApacheKafka) -> None:
    """The end of a transaction counts only until it is looked at; a record that waits counts on."""
    kafka.create_topics(TOPIC)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": "idle-writer"})
    producer.init_transactions(30)

    def write() -> None:
        producer.begin_transaction()
        producer.produce(TOPIC, b"x", b"k", 0)
        producer.commit_transaction(30)
        kafka.wait_until_ended(TOPIC)  # the end reaches the partition after the commit returns

    write()
    group = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": GROUP})
    group.commit(offsets=[TopicPartition(TOPIC, 0, 1)], asynchronous=False)
    assert kafka.end_offsets(TOPIC)[0] == 2
    reader = LagReader(replace(Settings(), bootstrap=kafka.bootstrap), GROUP)
    places = [(TOPIC, n) for n in range(4)]
    nothing = dict.fromkeys(places, 0)
    reader.lag(places)
    assert [reader.lag(places) for _ in range(2)] == [nothing, nothing]
    write()
    assert [reader.lag(places)[TOPIC, 0] for _ in range(3)] == [3, 3, 3]
    group.commit(offsets=[TopicPartition(TOPIC, 0, 3)], asynchronous=False)
    reader.lag(places)
    assert reader.lag(places) == nothing
    group.close()
