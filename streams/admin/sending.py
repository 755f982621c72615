"""Sending events from a file of JSON lines to their topics, under the right keys."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaException, Producer
from msgspec import Struct

from streams.broker.clients import librdkafka_config
from streams.broker.topic_rules import INPUT_BYTES_MAX
from streams.contracts.inputs.json_lines import InputRecord
from streams.errors import OperatorError
from streams.settings import Settings

BAD_LINES_SHOWN = 10


class Sent(Struct, frozen=True):
    """What became of a file."""

    sent: int
    bad_lines: tuple[str, ...] = ()
    bad: int = 0


def send_events(
    settings: Settings, records: Iterable[InputRecord], progress: Callable[[int], None]
) -> Sent:
    """Send every readable line; unreadable ones are counted and the first of them named.

    Raises:
        OperatorError: the broker does not answer, or a topic is missing.
    """
    bad: list[str] = []
    sent = bad_count = 0
    with producing(settings) as producer:
        for record in records:
            if record.fault:
                bad_count += 1
                bad.extend([told(record)] if len(bad) < BAD_LINES_SHOWN else [])
                continue
            produce(producer, record.topic, record.key, record.value)
            sent += 1
            if sent % 1_000 == 0:
                progress(sent)
        progress(sent)
    return Sent(sent, tuple(bad), bad_count)


def told(record: InputRecord) -> str:
    """A line that no topic takes, by its number alone."""
    return f"line {record.line}: {record.fault}"


@contextmanager
def producing(settings: Settings) -> Iterator[Producer]:
    """An idempotent producer with Kafka's own partitioner; everything is delivered on leaving."""
    failures: list[str] = []

    def delivered(error: Any, message: Any) -> None:
        if error is not None:
            failures.append(f"{message.topic()}: {error.str()}")

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
            "on_delivery": delivered,
            "log_level": 2,
        }
    )
    try:
        producer.list_topics(timeout=10)
    except KafkaException as error:
        raise OperatorError(
            f"no Kafka broker answers at {settings.bootstrap}. Set OFFERSTREAM_BOOTSTRAP"
        ) from error
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
