"""Reading topics without a group: to their end once, or on and on; committed records only."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka import KafkaError as Codes

from streams.broker.clients import librdkafka_config, new_reader
from streams.errors import NoBrokerError, OperatorError
from streams.runtime.clients import arrived
from streams.settings import Settings

CONNECT_S_MAX = 10.0
WAIT_S = 1.0
SILENCE_S_MAX = 30.0
RECORDS_MAX = 1_000


def open_reader(
    settings: Settings,
    names: Sequence[str],
    start: Literal["beginning", "end"] = "beginning",
    after: Mapping[tuple[str, int], int] | None = None,
) -> tuple[Consumer, int]:
    """A consumer that stands at the start (or end) of every partition, and how many they are.

    `after`: the offset to start at instead, by name and partition; what Kafka has deleted of it is
    passed over.

    Raises:
        OperatorError: no broker answers, or a topic is missing.
    """
    consumer = new_reader(
        settings,
        f"{settings.group}-admin-reader",
        {
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 50,
            "fetch.queue.backoff.ms": 5,
        },
    )
    at = OFFSET_BEGINNING if start == "beginning" else OFFSET_END
    wanted = [
        TopicPartition(name, partition, (after or {}).get((name, partition), at))
        for name in names
        for partition in partitions_on_broker(consumer, name, settings)
    ]
    consumer.assign(wanted)
    return consumer, len(wanted)


def newest_places(
    consumer: Consumer, name: str, partitions: Iterable[int], most: int, *, timeout_s: float
) -> list[TopicPartition]:
    """Where the newest records of these partitions of a topic begin: `most` of each.

    `timeout_s`: how long the broker may take to answer for a partition.

    Raises:
        KafkaException: the broker does not answer.
    """
    places = []
    for partition in partitions:
        place = TopicPartition(name, partition)
        first, end = consumer.get_watermark_offsets(place, timeout=timeout_s)
        place.offset = max(first, end - most)
        places.append(place)
    return places


def partitions_on_broker(client: Consumer | Producer, name: str, settings: Settings) -> list[int]:
    """The partition numbers of a topic; `client` is a consumer or producer of confluent-kafka.

    The embedded broker makes a topic when a producer asks for it, so there a producer asks.

    Raises:
        OperatorError: no broker answers, or the topic is missing.
    """
    if not settings.transactional:
        client = Producer({**librdkafka_config(settings), "log_level": 2})
    try:
        found = client.list_topics(name, timeout=CONNECT_S_MAX).topics[name]
    except KafkaException as error:
        raise NoBrokerError(
            f"no Kafka broker answers at {settings.bootstrap}. Start one, or set "
            "OFFERSTREAM_BOOTSTRAP"
        ) from error
    if found.error is not None:
        raise OperatorError(f"{name}: {found.error.str()}. Run `offerstream topics apply`")
    return sorted(found.partitions)


def read_to_end(
    settings: Settings,
    names: Sequence[str],
    after: Mapping[tuple[str, int], int] | None = None,
) -> Iterator[Any]:
    """Every committed record that is there now, partition by partition; `after` as above.

    Raises:
        NoBrokerError: no broker answers, or it ceased to before the end.
        OperatorError: a topic is missing, or cannot be read.
    """
    consumer, left = open_reader(settings, names, after=after)
    heard_s = time.monotonic()
    try:
        while left:
            messages = arrived(consumer, WAIT_S, RECORDS_MAX)
            if not messages and time.monotonic() - heard_s > SILENCE_S_MAX:
                raise NoBrokerError(
                    f"the Kafka broker at {settings.bootstrap} ceased to answer before the end of "
                    f"{', '.join(names)}"
                )
            for message in messages:
                if message.error() is None:
                    yield message
                elif message.error().code() == Codes._PARTITION_EOF:
                    left -= 1
                else:
                    raise OperatorError(f"reading {message.topic()}: {message.error().str()}")
            if messages:
                heard_s = time.monotonic()  # after whoever reads has had its time
    finally:
        consumer.close()


def follow(
    settings: Settings, names: Sequence[str], start: Literal["beginning", "end"]
) -> Iterator[Any]:
    """Committed records for ever; `None` once a second while there are none."""
    consumer, _ = open_reader(settings, names, start)
    try:
        while True:
            messages = [m for m in arrived(consumer, WAIT_S, RECORDS_MAX) if m.error() is None]
            yield from messages or (None,)
    finally:
        consumer.close()
