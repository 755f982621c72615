"""A question to a person's partition from the shell, answered over `replies` as a gateway's is."""

import time
from typing import Final
from uuid import uuid4

import msgspec
from confluent_kafka import TopicPartition

from streams import topics
from streams.admin.sending import new_producer, produce
from streams.broker.clients import new_reader
from streams.broker.reading import partitions_on_broker
from streams.contracts.inputs.rules import Rejected
from streams.contracts.outputs.encode import OutputMessage
from streams.contracts.outputs.replies import Reply
from streams.errors import OperatorError
from streams.gateway.questions import about_person, question_event
from streams.runtime.murmur2 import partition_for
from streams.settings import Settings

WAIT_S: Final = 10.0
LOOK_S: Final = 0.2
ASKED_BY: Final = "cli"

_reply: Final = msgspec.json.Decoder(Reply)


def ask_about(settings: Settings, person: str, placement: str | None) -> Reply:
    """What is known of a person, and what would be decided in a placement.

    Raises:
        OperatorError: the id is none, no broker or no worker answers.
    """
    address, question_id = f"cli-{uuid4().hex}", f"q-{uuid4().hex}"
    message = question_event(
        question_id,
        address,
        time.time_ns() // 1_000_000,
        round(WAIT_S * 1_000),
        **about_person(person, placement, ASKED_BY),
    )
    if isinstance(message, Rejected):
        raise OperatorError(f"{message.path} {message.detail}")
    return _answered(settings, message, address)


def _answered(settings: Settings, message: OutputMessage, address: str) -> Reply:
    consumer = new_reader(settings, f"{settings.group}-admin-reader", {"fetch.wait.max.ms": 50})
    try:
        name = settings.on_broker(topics.REPLIES)
        partitions = partitions_on_broker(consumer, name, settings)
        own = TopicPartition(name, partition_for(address.encode(), len(partitions)))
        own.offset = consumer.get_watermark_offsets(own, timeout=WAIT_S)[1]
        consumer.assign([own])
        _send(settings, message)
        end_s = time.monotonic() + WAIT_S
        while time.monotonic() < end_s:
            found = consumer.poll(LOOK_S)
            if found is not None and found.error() is None and found.key() == address.encode():
                return _reply.decode(found.value() or b"")
    finally:
        consumer.close()
    raise OperatorError(f"no worker has answered within {WAIT_S:.0f} s: is one running?")


def _send(settings: Settings, message: OutputMessage) -> None:
    producer = new_producer(settings)
    produce(producer, settings.on_broker(topics.QUESTIONS), message.key, message.value)
    if producer.flush(WAIT_S):
        raise OperatorError("Kafka did not take the question")
