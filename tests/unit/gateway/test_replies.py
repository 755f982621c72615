"""Answers over a slow network: none is missed from the moment that questions are taken."""

import asyncio

import msgspec
import pytest
from confluent_kafka import Producer
from msgspec.structs import replace

from streams import topics
from streams.contracts.outputs.replies import Reply
from streams.gateway.replies import WAIT_S, Replies
from streams.settings import Settings

pytestmark = pytest.mark.embedded
ROUND_TRIP_MS = round(WAIT_S * 1_500)


async def answered(replies: Replies, producer: Producer) -> Reply:
    """The answer to a question that is asked as soon as questions are taken."""
    replies.start()
    while not replies.reachable:
        await asyncio.sleep(0.001)
    coming = replies.expect("q-1")
    said = Reply(question_id="q-1", reply_to=replies.address, customer_id="c-1", verdict="no_offer")
    producer.produce(topics.REPLIES.name, msgspec.json.encode(said), replies.address)
    async with asyncio.timeout(20):
        return await coming


def test_the_first_answer_of_a_new_gateway_is_not_missed() -> None:
    """Its place is behind the end that was found before the question was asked."""
    broker = Producer(
        {
            "test.mock.num.brokers": 1,
            "test.mock.broker.rtt": ROUND_TRIP_MS,
            "bootstrap.servers": "unused",
            "log_level": 3,
        }
    )
    [one] = broker.list_topics(timeout=30).brokers.values()
    bootstrap = f"{one.host}:{one.port}"
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
    for number in range(40):  # every partition has been written to: the next record goes at once
        producer.produce(topics.REPLIES.name, b"{}", str(number))
    assert producer.flush(30) == 0
    replies = Replies(replace(Settings(), bootstrap=bootstrap), lambda _: None)
    try:
        assert asyncio.run(answered(replies, producer)).verdict == "no_offer"
    finally:
        replies.stop()
