"""What could not be delivered: listed, and driven again, each at most once.

To drive a record again is to write it to `delivery-failures` once more, with a mark that names what
it was: one record is the mark and the work, so no crash can part them. Its destination alone reads
it, and sends it under the same webhook id. Of two redrives at once the earlier is fenced.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, get_args

from confluent_kafka import KafkaException, Producer
from msgspec import Struct

from streams import topics
from streams.broker.clients import librdkafka_config
from streams.broker.reading import read_to_end
from streams.broker.topic_rules import DEAD_LETTER_BYTES_MAX
from streams.contracts.inputs.allowed import what_is_allowed
from streams.contracts.outputs.payloads import DeliveryFailure, ParkedReason
from streams.delivery.parking import REDRIVEN, failure_of
from streams.errors import OperatorError
from streams.settings import Settings

BATCH: Final = 500
_ID: Final = re.compile(r"[0-9]{1,10}@[0-9]{1,19}")


class Parked(Struct, frozen=True):
    """A record of `delivery-failures`: where it lies (`partition@offset`), what is known of it."""

    id: str
    at_ms: int
    facts: DeliveryFailure
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Choice(Struct, frozen=True):
    """Which of them are meant; empty fields do not restrict."""

    ids: tuple[str, ...] = ()
    destination: str = ""
    reason: str = ""

    def holds(self, one: Parked) -> bool:
        """Whether it is one of those."""
        return (
            (not self.ids or one.id in self.ids)
            and self.destination in ("", one.facts.destination)
            and self.reason in ("", one.facts.reason)
        )


def choice_of(ids: Sequence[str], destination: str, reason: str) -> Choice:
    """A choice as somebody typed it.

    Raises:
        OperatorError: there is no such reason, or an id is not of an id's form.
    """
    for id_ in ids:
        if not _ID.fullmatch(id_):
            raise OperatorError(
                f"{id_}: a failure is named by partition@offset, as in 2@17: `deliver failures`"
            )
    if reason and reason not in get_args(ParkedReason):
        allowed = what_is_allowed(sorted(get_args(ParkedReason)), reason)
        raise OperatorError(f"--reason {reason}: {allowed}")
    return Choice(tuple(ids), destination, reason)


def list_parked(settings: Settings, choice: Choice) -> list[Parked]:
    """Those that still wait, oldest first."""
    found: list[Parked] = []
    driven: set[str] = set()
    for message in read_to_end(settings, [settings.on_broker(topics.DELIVERY_FAILURES)]):
        headers = tuple((name, value or b"") for name, value in message.headers() or ())
        mark = dict(headers).get(REDRIVEN)
        facts = failure_of(headers)
        if mark is not None:
            driven.add(mark.decode("utf-8", "replace"))
        elif facts is not None:
            id_, at_ms = f"{message.partition()}@{message.offset()}", message.timestamp()[1]
            found.append(Parked(id_, at_ms, facts, message.key(), message.value(), headers))
    waiting = [one for one in found if one.id not in driven and choice.holds(one)]
    return sorted(waiting, key=lambda one: (one.at_ms, one.id))


def redrive(settings: Settings, choice: Choice, progress: Callable[[int], None]) -> int:
    """Have the chosen ones delivered again; returns how many.

    Raises:
        OperatorError: the broker does not answer, somebody else redrives as well, or one that was
            named does not wait; then none is driven.
    """
    producer = _transactional(settings)
    waiting = list_parked(settings, choice)
    missing = set(choice.ids) - {one.id for one in waiting}
    if missing:
        named = ", ".join(sorted(missing))
        raise OperatorError(f"{named}: no such failure waits. See `deliver failures`")
    for start in range(0, len(waiting), BATCH):
        batch = waiting[start : start + BATCH]
        try:
            producer.begin_transaction()
            for one in batch:
                _again(producer, settings.on_broker(topics.DELIVERY_FAILURES), one)
            producer.commit_transaction(30)
        except KafkaException as error:
            raise OperatorError(
                f"{start} were driven again, then the broker refused: {error.args[0].str()}. "
                "Run it again: none is driven twice"
            ) from error
        progress(start + len(batch))
    return len(waiting)


def _again(producer: Producer, topic: str, one: Parked) -> None:
    headers = [*one.headers, (REDRIVEN, one.id.encode())]
    producer.produce(topic, key=one.key, value=one.value, headers=headers)
    producer.poll(0)


def _transactional(settings: Settings) -> Producer:
    producer = Producer(
        {
            **librdkafka_config(settings),
            "transactional.id": f"{settings.group}-deliver-redrive",
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
