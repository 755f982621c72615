"""The records about one person, from the archive and the newest of the topics, in bounded time."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka import KafkaError as Codes
from msgspec import Struct

from streams import topics
from streams.archive import archived_up_to, is_archive, rows_about
from streams.broker.clients import new_reader
from streams.broker.reading import newest_places, partitions_on_broker
from streams.runtime.clients import Config, arrived
from streams.runtime.murmur2 import partition_for
from streams.settings import Settings

READ: Final = (
    *(topic for topic in topics.INPUTS if topic not in (topics.QUESTIONS, topics.PRIVACY_REQUESTS)),
    topics.DECISION_LOG,
    topics.CHURN_ALERTS,
    topics.IDENTITY_CHANGES,
    topics.SEGMENT_CHANGES,
)
NEWEST_MAX: Final = 20_000  # of each partition
SECONDS_MAX: Final = 5.0
ARCHIVED_MAX: Final = 500  # of each topic and id
ARCHIVE_SECONDS_MAX: Final = 5.0
TIMEOUT_S: Final = 5.0
WAIT_S: Final = 0.2
AT_ONCE: Final = 1_000
READER: Final[Config] = {"enable.partition.eof": True}


class Records(Struct, frozen=True):
    """The name of the topic and the value of each record; `complete`: there was time for all."""

    found: list[tuple[str, bytes]]
    complete: bool = True


def records_about(settings: Settings, ids: Sequence[str]) -> Records:
    """What is archived about a person's ids, and what the newest records of the topics say.

    Blocks: for `ARCHIVE_SECONDS_MAX` and one query of the archive at most, and `SECONDS_MAX` for
    the topics.

    Raises:
        OperatorError: no broker answers, or a topic is missing.
    """
    root = Path(settings.archive_dir)
    archived = is_archive(root)
    found, complete = _archived(root, ids) if archived else ([], True)
    newer = _on_topics(settings, ids, archived_up_to(root) if archived else {})
    return Records(found + newer.found, newer.complete and complete)


def _archived(root: Path, ids: Sequence[str]) -> tuple[list[tuple[str, bytes]], bool]:
    """The newest records of each topic and id, and whether there was time and room for all."""
    found: list[tuple[str, bytes]] = []
    complete, end_s = True, time.monotonic() + ARCHIVE_SECONDS_MAX
    for id_ in ids:
        for topic in READ:
            if time.monotonic() >= end_s:
                return found, False
            values = rows_about(root, topic, id_, ARCHIVED_MAX)
            complete = complete and len(values) < ARCHIVED_MAX
            found += [(topic.name, value) for value in values]
    return found, complete


def _on_topics(
    settings: Settings, ids: Sequence[str], archived: Mapping[tuple[str, int], int]
) -> Records:
    names = {settings.on_broker(topic): topic.name for topic in READ}
    keys = {id_.encode() for id_ in ids}
    consumer = new_reader(settings, f"{settings.group}-page-reader", READER)
    found: list[tuple[str, bytes]] = []
    try:
        places = [p for name in names for p in _places(consumer, settings, name, keys)]
        for place in places:
            after = archived.get((names[place.topic], place.partition), 0)
            place.offset = max(place.offset, after)
        consumer.assign(places)
        left, end_s = len(places), time.monotonic() + SECONDS_MAX
        while left and time.monotonic() < end_s:
            for message in arrived(consumer, WAIT_S, AT_ONCE):
                error, value = message.error(), message.value()
                if error is not None:
                    left -= error.code() == Codes._PARTITION_EOF
                elif value and message.key() in keys:
                    found.append((names[message.topic() or ""], value))
    finally:
        consumer.close()
    return Records(found, complete=not left)


def _places(
    consumer: Consumer, settings: Settings, name: str, keys: set[bytes]
) -> list[TopicPartition]:
    """Where the newest records of the partitions of these keys begin."""
    count = len(partitions_on_broker(consumer, name, settings))
    partitions = sorted({partition_for(key, count) for key in keys})
    return newest_places(consumer, name, partitions, NEWEST_MAX, timeout_s=TIMEOUT_S)
