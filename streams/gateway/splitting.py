"""Bodies of our own contract to single events: one, an array, JSON lines, CloudEvents."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Raw, Struct

from streams import topics
from streams.contracts.catalogue import topic_of_name
from streams.contracts.envelope import STRUCTURED, name_of
from streams.contracts.inputs.json_lines import parse_line
from streams.contracts.inputs.rules import Rejected
from streams.contracts.unreadable import UNREADABLE

Headers = tuple[tuple[str, bytes], ...]

BATCH: Final = "application/cloudevents-batch+json"
_STRUCTURED_HEADER: Final = (("content-type", STRUCTURED),)
_ATTRIBUTES: Final = ("id", "type", "time", "source", "specversion", "subject", "traceparent")
_JSON_LINES: Final = ("application/x-ndjson", "application/jsonl", "application/json-lines")
_INPUTS: Final = frozenset(topic.name for topic in topics.INPUTS)
_ANY: Final = msgspec.json.Decoder(Raw)
_ARRAY: Final = msgspec.json.Decoder(list[Raw])


class Incoming(Struct, frozen=True):
    """One event of a request.

    Attributes:
        index: its place in the request, from 0.
        topic: where it belongs; of what belongs nowhere, `events.clickstream`.
        value: as it stands in the body, or as a mapping made it.
        headers: of the record: the envelope's.
        key: the id that it names first, if any.
        fault: why it is no event, where that is known before it is decoded.
        origins: of a mapped event: its places to those in what came.
    """

    index: int
    topic: str
    value: bytes
    headers: Headers = ()
    key: bytes | None = None
    fault: Rejected | None = None
    origins: Mapping[str, str] = {}


class _Cloud(Struct, frozen=True):
    type: str = ""
    data: Raw = Raw()


class _Head(Struct, frozen=True):
    event_name: object = None
    channel: object = None


_CLOUD: Final = msgspec.json.Decoder(_Cloud)
_HEAD: Final = msgspec.json.Decoder(_Head)


def split(body: bytes, headers: Mapping[str, str]) -> list[Incoming]:
    """The events of a body, in its order; total: any bytes.

    Args:
        body: as it was meant: unpacked.
        headers: of the request, their names in small letters.
    """
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type.encode() == STRUCTURED:
        return [_structured(0, body)]
    if media_type == BATCH:
        items = array_of(body)
        return [_plain(0, body)] if items is None else _each(_structured, items)
    attributes = cloud_attributes(headers)
    if "ce_specversion" in dict(attributes):
        return [_binary(body, attributes)]
    if media_type in _JSON_LINES:
        return _each(_plain, lines_of(body))
    return _found(body)


def _found(body: bytes) -> list[Incoming]:
    """One event, an array or lines, whatever the sender calls it."""
    try:
        _ANY.decode(body)
    except UNREADABLE:
        lines = lines_of(body)
        return _each(_plain, lines) if len(lines) > 1 else [_plain(0, body)]
    items = array_of(body)
    return [_plain(0, body)] if items is None else _each(_plain, items)


def array_of(body: bytes) -> list[bytes] | None:
    """The items of a JSON array as they stand, None where the body is none."""
    try:
        return [bytes(item) for item in _ARRAY.decode(body)]
    except UNREADABLE:
        return None


def lines_of(body: bytes) -> list[bytes]:
    """Lines with something in them."""
    return [stripped for line in body.split(b"\n") if (stripped := line.strip())]


def cloud_attributes(headers: Mapping[str, str]) -> Headers:
    """A CloudEvent's attributes in HTTP headers (binary mode), as Kafka's binding names them.

    >>> cloud_attributes({"ce-id": "e%201", "ce-other": "x"})
    (('ce_id', b'e 1'),)
    """
    return tuple(
        (f"ce_{name}", unquote_to_bytes(headers[f"ce-{name}"]))
        for name in _ATTRIBUTES
        if f"ce-{name}" in headers
    )


def _each(make: Callable[[int, bytes], Incoming], items: Sequence[bytes]) -> list[Incoming]:
    return [make(index, item) for index, item in enumerate(items)]


def _plain(index: int, value: bytes) -> Incoming:
    record = parse_line(index, value)
    if record.topic not in _INPUTS:  # it comes from outside: it is not repeated anywhere
        fault = Rejected("unknown_topic", "$.topic", "is not an input topic")
        return Incoming(index, topics.CLICKSTREAM.name, value, fault=fault)
    return Incoming(index, record.topic, record.value, key=record.key)


def _binary(value: bytes, attributes: Headers) -> Incoming:
    type_ = dict(attributes).get("ce_type", b"").decode("utf-8", "replace")
    return _named(_plain(0, value), type_, value, attributes)


def _structured(index: int, value: bytes) -> Incoming:
    try:
        cloud = _CLOUD.decode(value)
    except UNREADABLE:
        return Incoming(index, topics.CLICKSTREAM.name, value, _STRUCTURED_HEADER)
    inner = _plain(index, bytes(cloud.data))
    return _named(inner, cloud.type, value, _STRUCTURED_HEADER)


def _named(inner: Incoming, type_: str, value: bytes, headers: Headers) -> Incoming:
    """The whole event; what its data do not name goes by the envelope's type."""
    name, topic = name_of(type_, "$.type"), inner.topic
    head = _head(inner.value)
    if isinstance(name, str) and not isinstance(head.event_name, str):
        channel = head.channel if isinstance(head.channel, str) else ""
        topic = topic_of_name(name, channel) or topic
    return msgspec.structs.replace(inner, topic=topic, value=value, headers=headers)


def _head(value: bytes) -> _Head:
    try:
        return _HEAD.decode(value)
    except UNREADABLE:
        return _Head()
