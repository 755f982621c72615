"""JSON lines: files of events, read one way by whoever replays, sends or evaluates them.

A line is a record, `{"topic", "key"?, "value"}`, or an event alone, whose name and channel tell its
topic. Nothing here judges what an event says: `decode` does.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from streams import topics
from streams.contracts.catalogue import topic_of_name
from streams.contracts.inputs.lines import Line
from streams.contracts.inputs.rules import Rejected
from streams.contracts.unreadable import UNREADABLE

_INPUTS: Final = frozenset(topic.name for topic in topics.INPUTS)


class InputRecord(Struct, frozen=True):
    """One line of a file as a record.

    Attributes:
        line: counts from 1.
        topic: of the catalogue; of a line without one that we know, `events.clickstream`.
        key: what the line says, else the id of the event that comes first.
        value: the event's bytes, as they stand in the line.
        fault: why no topic takes the line, in a sentence without what it holds; empty: one does.
            `decode` rejects the value of such a line with a typed reason.
        headers: of its Kafka record.
        rejected: why a row of a table is no event; `value` is then the row as it stands.
        origins: of a mapped message: the event's places to those in the message.
    """

    line: int
    topic: str
    key: bytes | None
    value: bytes
    fault: str = ""
    rejected: Rejected | None = None
    origins: Mapping[str, str] = {}
    headers: tuple[tuple[str, bytes], ...] = ()


class _Line(Struct, frozen=True):
    """What a line may say of itself, untyped: one bad field does not hide the others."""

    topic: object = None
    key: object = None
    value: msgspec.Raw = msgspec.Raw()
    event_name: object = None
    channel: object = None
    identity: object = None


_LINE: Final = msgspec.json.Decoder(_Line)


def parse_line(number: int, line: bytes) -> InputRecord:
    """One JSON line as a record. Total: any bytes.

    >>> parse_line(1, b'{"event_name": "order_completed"}').topic
    'events.purchase'
    >>> parse_line(2, b'{"event_name": "product_viewed", "channel": "app"}').topic
    'events.app'
    >>> parse_line(3, b'{"topic": "events.app", "key": "c1", "value": {"a": 1}}').value
    b'{"a": 1}'
    """
    head = _head(line)
    if head is None:
        fault = "is not JSON of a record or an event"
        return InputRecord(number, topics.CLICKSTREAM.name, None, line, fault)
    if isinstance(head.topic, str) and bytes(head.value):
        value = bytes(head.value)
        fault = "" if head.topic in _INPUTS else "there is no input topic of that name"
        return InputRecord(number, head.topic, _key(head, _head(value)), value, fault)
    topic = topic_of_name(_text(head.event_name), _text(head.channel))
    fault = "" if topic else "has no `topic` and no event_name that we know"
    return InputRecord(number, topic or topics.CLICKSTREAM.name, _key(head, head), line, fault)


def read_json_lines(lines: Iterable[Line]) -> Iterator[InputRecord]:
    """The records of a file, in its order; blank lines are passed over."""
    for line in lines:
        if stripped := line.text.strip():
            yield parse_line(line.number, stripped)


def _head(line: bytes) -> _Line | None:
    try:
        return _LINE.decode(line)
    except UNREADABLE:
        return None


def _key(line: _Line, event: _Line | None) -> bytes | None:
    """The line's own key, else the id that its event names first."""
    if isinstance(line.key, str):
        return line.key.encode()
    ids = event.identity if event is not None and isinstance(event.identity, dict) else {}
    found = (ids.get(name) for name in ("customer_id", "anonymous_id", "device_id"))
    key = next((text for text in found if isinstance(text, str) and text), None)
    return None if key is None else key.encode()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
