"""Sending events from a file of JSON lines to their topics, under the right keys."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import msgspec
from confluent_kafka import KafkaException, Producer
from msgspec import Raw, Struct

from streams import topics
from streams.broker.clients import librdkafka_config
from streams.broker.topic_rules import INPUT_BYTES_MAX
from streams.contracts.common import Identity
from streams.contracts.inputs.events import (
    AppName,
    BeaconName,
    ClickstreamName,
    FeedbackName,
    PrivacyName,
    ProfileName,
    PurchaseName,
    names_of,
)
from streams.errors import OperatorError
from streams.settings import Settings

LINE_BYTES_MAX = 1_048_576
BAD_LINES_SHOWN = 10

_NAMES: tuple[tuple[topics.Topic, object], ...] = (
    (topics.CLICKSTREAM, ClickstreamName),
    (topics.APP, AppName),
    (topics.BEACON, BeaconName),
    (topics.PURCHASE, PurchaseName),
    (topics.OFFER_FEEDBACK, FeedbackName),
    (topics.PROFILE, ProfileName),
    (topics.PRIVACY_REQUESTS, PrivacyName),
)
_TOPICS = {topic.name for topic in topics.INPUTS}


class Line(Struct, frozen=True):
    """A line of the file: a record with its topic, or (`topic` empty) an event alone."""

    topic: str = ""
    key: str | None = None
    value: Raw = Raw(b"")
    event_name: str = ""
    channel: str = ""
    identity: Identity | None = None


class ToSend(Struct, frozen=True):
    """A record as it goes to the broker."""

    topic: str
    key: str
    value: bytes


class Sent(Struct, frozen=True):
    """What became of a file."""

    sent: int
    bad_lines: tuple[str, ...] = ()
    bad: int = 0


def parse_line(number: int, line: bytes) -> ToSend:
    """One line as a record.

    Raises:
        ValueError: it is neither `{"topic", "key"?, "value"}` nor an event; the text says why.

    >>> parse_line(1, b'{"topic": "events.app", "key": "c1", "value": {"a": 1}}').value
    b'{"a": 1}'
    """
    try:
        parsed = msgspec.json.decode(line, type=Line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"line {number}: is not JSON of a record or an event") from error
    if len(bytes(parsed.value)):
        return _record(number, parsed, bytes(parsed.value))
    topic = topic_of(parsed.event_name, parsed.channel)
    if topic is None:
        raise ValueError(f"line {number}: has no `topic` and no event_name that we know")
    key = parsed.key or (parsed.identity.key if parsed.identity else "")
    return ToSend(topic, key, line)


def topic_of(event_name: str, channel: str) -> str | None:
    """The topic of an event; a name that web and app share goes by the channel.

    >>> topic_of("product_viewed", "web"), topic_of("product_viewed", "app")
    ('events.clickstream', 'events.app')
    """
    found = [topic.name for topic, names in _NAMES if event_name in names_of(names)]
    if channel == "app" and topics.APP.name in found:
        return topics.APP.name
    return found[0] if found else None


def send_events(
    settings: Settings, lines: Iterator[bytes], progress: Callable[[int], None]
) -> Sent:
    """Send every readable line; unreadable ones are counted and the first of them named.

    Raises:
        OperatorError: the broker does not answer, or a topic is missing.
    """
    bad: list[str] = []
    sent = bad_count = 0
    with producing(settings) as producer:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = parse_line(number, line.strip())
            except ValueError as error:
                bad_count += 1
                bad.extend([str(error)] if len(bad) < BAD_LINES_SHOWN else [])
                continue
            produce(producer, record.topic, record.key.encode() or None, record.value)
            sent += 1
            if sent % 1_000 == 0:
                progress(sent)
        progress(sent)
    return Sent(sent, tuple(bad), bad_count)


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


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """The file, or standard input for `-`."""
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise OperatorError(f"{path} cannot be read: {error.strerror}") from error
    with file:
        yield file


def _record(number: int, parsed: Line, value: bytes) -> ToSend:
    if parsed.topic not in _TOPICS:
        raise ValueError(f"line {number}: there is no input topic of that name")
    key = parsed.key
    if key is None:
        try:
            inner = msgspec.json.decode(value, type=Line).identity
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            inner = None
        key = inner.key if inner else ""
    return ToSend(parsed.topic, key, value)
