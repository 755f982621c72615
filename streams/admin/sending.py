"""Records on their way to the broker: one producer's settings for whoever sends."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaException, Producer

from streams.broker.clients import librdkafka_config
from streams.broker.topic_rules import INPUT_BYTES_MAX
from streams.errors import OperatorError
from streams.settings import Settings


def new_producer(settings: Settings, more: dict[str, Any] | None = None) -> Producer:
    """An idempotent producer with Kafka's own partitioner.

    Raises:
        OperatorError: the broker does not answer.
    """
    producer = Producer(
        {
            **librdkafka_config(settings),
            "partitioner": "murmur2_random",
            "enable.idempotence": settings.transactional,
            "linger.ms": 20,
            "compression.type": "lz4",
            "message.max.bytes": INPUT_BYTES_MAX,
            "message.timeout.ms": 30_000,
            "queue.buffering.max.messages": 200_000,
            "log_level": 2,
            **(more or {}),
        }
    )
    try:
        producer.list_topics(timeout=10)
    except KafkaException as error:
        raise OperatorError(
            f"no Kafka broker answers at {settings.bootstrap}. Set OFFERSTREAM_BOOTSTRAP"
        ) from error
    return producer


@contextmanager
def producing(settings: Settings) -> Iterator[Producer]:
    """An idempotent producer with Kafka's own partitioner; everything is delivered on leaving."""
    failures: list[str] = []

    def delivered(error: Any, message: Any) -> None:
        if error is not None:
            failures.append(f"{message.topic()}: {error.str()}")

    producer = new_producer(settings, {"on_delivery": delivered})
    yield producer
    producer.flush(60)
    if failures:
        raise OperatorError(
            f"{len(failures)} records were not delivered; the first: {failures[0]}. "
            "Run `offerstream topics verify`"
        )


def produce(
    producer: Producer,
    topic: str,
    key: bytes | None,
    value: bytes | None,
    headers: list[tuple[str, bytes]] | None = None,
) -> None:
    """Queue one record; waits while the queue is full."""
    while True:
        try:
            producer.produce(topic, key=key, value=value, headers=headers or [])
        except BufferError:
            producer.poll(0.1)
            continue
        except KafkaException as error:
            raise OperatorError(f"{topic}: a record was refused: {error.args[0].str()}") from error
        producer.poll(0)
        return
