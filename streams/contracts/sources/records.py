"""Records of files and topics that hold what another system wrote, read as the gateway reads it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from streams import topics
from streams.contracts.envelope import Headers
from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.events import InputEvent
from streams.contracts.inputs.json_lines import InputRecord
from streams.contracts.inputs.lines import Line
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.sources.apply import Mapped, map_message, path_at_origin
from streams.contracts.sources.mapping import SourceMapping
from streams.contracts.sources.messages import payloads_in, unfolded
from streams.contracts.sources.tables import SHIPPED, Sources
from streams.contracts.unreadable import UNREADABLE

HEADER: Final = "offerstream_source"
_AGAIN: Final = "os_attempt"  # a dead letter that was driven again: its timestamp says nothing
_IDS: Final = ("customer_id", "anonymous_id", "device_id")


class Ignored(Struct, frozen=True):
    """A message that is no event of ours: neither taken nor rejected."""


class Skipped:
    """How many messages of a file are no events of ours."""

    def __init__(self) -> None:
        self.count = 0


def read_messages(
    lines: Iterable[Line], mapping: SourceMapping, skipped: Skipped
) -> Iterator[InputRecord]:
    """The events of a file of another system's messages, in its order.

    Nobody knows when they came but where they say it: else a device's clock is not set right.
    """
    for number, payload in payloads_in((line.number, line.text) for line in lines):
        for message in unfolded(mapping, payload):
            if not isinstance(message, dict):
                value = message if isinstance(message, bytes) else msgspec.json.encode(message)
                fault = "is no JSON object"
                yield InputRecord(number, topics.CLICKSTREAM.name, None, value, fault)
                continue
            mapped = map_message(mapping, message, None)
            if mapped.ignored:
                skipped.count += 1
                continue
            value = msgspec.json.encode(mapped.event)
            yield InputRecord(number, mapped.topic, _key(mapped), value, origins=mapped.origins)


class RecordReader:
    """Reads records of input topics, each by its header, its topic's setting, or as our own."""

    def __init__(
        self, sources: Sources = SHIPPED, by_topic: Mapping[str, SourceMapping] | None = None
    ) -> None:
        """`by_topic`: the topics (of the catalogue) whose records are of a source."""
        self._sources = sources
        self._by_topic = by_topic or {}

    def read(
        self,
        topic: str,
        value: bytes | None,
        headers: Headers,
        rules: InputRules,
        timestamp_ms: int,
    ) -> InputEvent | Rejected | Ignored:
        """A record as an event, why it cannot be one, or that it is none of ours.

        Args:
            topic: the topic's name in the catalogue.
            value: the record's value: an event of ours, or one message of a source.
            headers: the record's; `offerstream_source` names its source, or is empty for ours.
            rules: the limits, and the clock.
            timestamp_ms: the record's own: when the message came; the clock that a device's is
                set right by.
        """
        if value is not None and len(value) > rules.value_bytes_max:
            return decode(topic, value, headers, rules)
        ours = self.in_ours(topic, value, headers, timestamp_ms)
        if ours is None:
            return decode(topic, value, headers, rules)
        if not isinstance(ours, Mapped):
            return ours
        event = decode(ours.topic, msgspec.json.encode(ours.event), (), rules)
        return at_origin(event, ours.origins) if isinstance(event, Rejected) else event

    def in_ours(
        self, topic: str, value: bytes | None, headers: Headers, timestamp_ms: int
    ) -> Mapped | Rejected | Ignored | None:
        """A record of another source in our words; None for one that is in ours already."""
        mapping = self._by_topic.get(topic)
        for name, said in headers:
            if name == HEADER:
                source = (said or b"").decode("utf-8", "replace")
                mapping = self._sources.find(source)
                if mapping is None and source:
                    return Rejected("out_of_range", f"headers.{HEADER}", "is no source")
        if mapping is None or not value:
            return None
        again = any(name == _AGAIN for name, _ in headers)
        return _mapped(mapping, value, None if again else timestamp_ms)


def _mapped(
    mapping: SourceMapping, value: bytes, arrived_ms: int | None
) -> Mapped | Rejected | Ignored:
    try:
        messages = unfolded(mapping, msgspec.json.decode(value))
    except UNREADABLE:
        return Rejected("invalid_json", "$", "is not JSON")
    if len(messages) != 1:
        return Rejected("bad_format", "$", "a record holds one message")
    message = messages[0]
    if not isinstance(message, dict):
        return Rejected("not_an_object", "$", "is not a JSON object")
    mapped = map_message(mapping, message, arrived_ms)
    return Ignored() if mapped.ignored else mapped


def at_origin(rejected: Rejected, origins: Mapping[str, str]) -> Rejected:
    """A fault at the place in the message that the faulty field came from."""
    return replace(rejected, path=path_at_origin(rejected.path, origins))


def _key(mapped: Mapped) -> bytes | None:
    """The id that the event names first, as `json_lines` finds it."""
    ids = mapped.event.get("identity", {})
    found = next((id_ for name in _IDS if isinstance(id_ := ids.get(name), str) and id_), None)
    return None if found is None else found.encode()


def marks_of(input_sources: str) -> dict[str, tuple[tuple[str, bytes], ...]]:
    """The header that an event of ours needs on a topic that is set to a source, by topic.

    >>> marks_of("events.app=segment")
    {'events.app': (('offerstream_source', b''),)}
    """
    named = (entry.partition("=")[0] for entry in input_sources.split())
    return dict.fromkeys(named, ((HEADER, b""),))


def reader_of(sources: Sources, input_sources: str) -> RecordReader:
    """The reader of settings: `events.clickstream=segment`, several with blanks.

    Raises:
        ValueError: an entry names no input topic, or no source; it says which.

    >>> reader_of(SHIPPED, "events.klick=segment")
    Traceback (most recent call last):
    ...
    ValueError: events.klick=segment: there is no input topic `events.klick`
    """
    by_topic: dict[str, SourceMapping] = {}
    inputs = {topic.name for topic in topics.INPUTS}
    for entry in input_sources.split():
        topic, _, source = entry.partition("=")
        mapping = sources.find(source)
        if topic not in inputs:
            raise ValueError(f"{entry}: there is no input topic `{topic}`")
        if mapping is None:
            raise ValueError(f"{entry}: there is no source `{source}`; {', '.join(sources.names)}")
        by_topic[topic] = mapping
    return RecordReader(sources, by_topic)
