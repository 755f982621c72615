"""Driving records again, each at most once: batches of one transaction, an earlier redrive fenced.

The transactional id is taken before it is read what waits: of two redrives at once, the earlier
can write nothing more.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from confluent_kafka import KafkaException, Producer

from streams.broker.clients import librdkafka_config
from streams.broker.topic_rules import DEAD_LETTER_BYTES_MAX
from streams.errors import OperatorError
from streams.settings import Settings

BATCH: Final = 500
RECORD_ID: Final = re.compile(r"[0-9]{1,10}@[0-9]{1,19}")
"""How a record is named: `partition@offset`."""

OneT = TypeVar("OneT")


def redriving_producer(settings: Settings, name: str) -> Producer:
    """A producer whose transactional id ends in `name`; who had it before is fenced.

    Raises:
        OperatorError: no broker takes transactions.
    """
    producer = Producer(
        {
            **librdkafka_config(settings),
            "transactional.id": f"{settings.group}-{name}",
            "partitioner": "murmur2_random",
            "message.max.bytes": DEAD_LETTER_BYTES_MAX,
            "log_level": 2,
        }
    )
    try:
        producer.init_transactions(20)
    except KafkaException as error:
        raise OperatorError(
            f"no Kafka broker takes transactions at {settings.bootstrap}: "
            f"{error.args[0].str()}. Set OFFERSTREAM_BOOTSTRAP"
        ) from error
    return producer


def drive_again(
    producer: Producer,
    waiting: Sequence[OneT],
    write: Callable[[OneT], None],
    progress: Callable[[int], None],
    noun: str,
) -> int:
    """Write each of those that wait, batch by batch; returns how many.

    Args:
        producer: of `redriving_producer`.
        waiting: read after the producer was made.
        write: queues what one of them needs, its mark among it, on the producer.
        progress: is told how many are durable.
        noun: what they are called.

    Raises:
        OperatorError: the broker refuses a batch; the batches before stand.
    """
    for start in range(0, len(waiting), BATCH):
        batch = waiting[start : start + BATCH]
        try:
            producer.begin_transaction()
            for one in batch:
                write(one)
            producer.commit_transaction(30)
        except KafkaException as error:
            raise OperatorError(
                f"{start} {noun} were driven again, then the broker refused: "
                f"{error.args[0].str()}. Run it again: none is driven twice"
            ) from error
        progress(start + len(batch))
    return len(waiting)
