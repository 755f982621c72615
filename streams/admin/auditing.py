"""What the auditor reads from Kafka: inputs, outputs and reference data, committed records only."""

from typing import Any

import msgspec
from msgspec import Struct

from streams import topics
from streams.admin.catalogue import Records, published
from streams.audit import Came
from streams.audit.outputs import READ
from streams.broker.reading import read_to_end
from streams.contracts.inputs.rules import Rejected
from streams.contracts.reference.records import ReferenceRecord, decode_reference_record
from streams.contracts.reference.structs import (
    BeaconPlace,
    Offer,
    Policies,
    ProductInfo,
    Reference,
    StockLevel,
)
from streams.contracts.sources.apply import Mapped
from streams.contracts.sources.records import Ignored, RecordReader
from streams.settings import Settings
from streams.worker.sources import record_reader

ANY_LEAP_MS = 2**50  # workers go by the wall, whose time the records do not tell


class FromTopics(Struct, frozen=True):
    """Everything that an audit needs, each in the order in which it was written."""

    inputs: list[Came]
    outputs: list[tuple[str, bytes]]


def read_topics(settings: Settings) -> FromTopics:
    """All inputs and outputs that the broker still keeps.

    Kafka orders one partition only; what several hold is put in order of the records' timestamps.

    Raises:
        OperatorError: no broker answers, or a topic is missing.
    """
    named = {settings.on_broker(topic): topic.name for topic in topics.ALL}
    inputs = _in_order(settings, [settings.on_broker(t) for t in topics.INPUTS])
    outputs = _in_order(settings, [name for name, known in named.items() if known in READ])
    reader = record_reader(settings)
    came = (_came(reader, named[m.topic()], m) for m in inputs)
    return FromTopics(
        [one for one in came if one is not None],
        [(named[m.topic()], m.value()) for m in outputs if m.value()],
    )


def _came(reader: RecordReader, topic: str, message: Any) -> Came | None:
    """A record in our words, as the worker understood it; None for what is no event of ours."""
    label = f"{topic} {message.partition()}@{message.offset()}"
    value, headers = message.value() or b"", tuple(message.headers() or ())
    ours = reader.in_ours(topic, value, headers, message.timestamp()[1])
    if isinstance(ours, Ignored):
        return None
    if isinstance(ours, Mapped):
        return Came(label, ours.topic, msgspec.json.encode(ours.event))
    return Came(label, topic, value, headers)


def read_reference(settings: Settings) -> Reference:
    """The reference data as it stands on its topics now.

    Raises:
        OperatorError: no broker answers, or a topic is missing.
    """
    return reference_of(published(settings))


def reference_of(there: Records) -> Reference:
    """The reference data that these records hold; what cannot be read is passed over."""
    newest: dict[tuple[str, str], ReferenceRecord] = {}
    for name, records in there.items():
        for key, value in records.items():
            record = decode_reference_record(name, key.encode(), value)
            if record is not None and not isinstance(record, Rejected):
                newest[name, key] = record
    kept = list(newest.values())
    return Reference(
        policies=next((r for r in kept if isinstance(r, Policies)), Policies()),
        offers=tuple(r for r in kept if isinstance(r, Offer)),
        products=tuple(r for r in kept if isinstance(r, ProductInfo)),
        inventory=tuple(r for r in kept if isinstance(r, StockLevel)),
        beacons=tuple(r for r in kept if isinstance(r, BeaconPlace)),
    )


def _in_order(settings: Settings, names: list[str]) -> list[Any]:
    messages = list(read_to_end(settings, names))
    return sorted(messages, key=lambda m: (m.timestamp()[1], m.topic(), m.partition(), m.offset()))
