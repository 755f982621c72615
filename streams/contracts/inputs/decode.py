"""Bytes to events: the fast path first, the diagnosis only when it fails. Nothing here raises."""

from typing import Final

import msgspec

from streams import topics
from streams.contracts.catalogue import INPUT_CONTRACTS, topic_of_name
from streams.contracts.common import Id
from streams.contracts.envelope import (
    Attributes,
    Headers,
    StructuredEvent,
    attributes_of,
    read_headers,
)
from streams.contracts.ids import derive_id
from streams.contracts.inputs.allowed import allowed_at, guess
from streams.contracts.inputs.diagnosis import diagnose, is_too_deep, is_utf8
from streams.contracts.inputs.events import InputEvent
from streams.contracts.inputs.integers import integers_in, wants_integer
from streams.contracts.inputs.placeholders import cleared, without_placeholders
from streams.contracts.inputs.repair import repaired, without_part
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.inputs.semantics import calendar_fault, fault_of, nul_fault
from streams.contracts.internal.leases import LeaseAllotted, LeaseUsed
from streams.contracts.internal.routing import (
    Asked,
    ErasureDone,
    Hops,
    LinkAnswered,
    LinkEnded,
    LinkRequested,
    Routable,
    RoutedEvent,
    TopicName,
)
from streams.contracts.unreadable import UNREADABLE

PRIVACY_TOPIC: Final = topics.PRIVACY_REQUESTS.name
_DECODERS: Final[dict[str, msgspec.json.Decoder[InputEvent]]] = {
    c.topic.name: msgspec.json.Decoder(c.struct) for c in INPUT_CONTRACTS
}
# A privacy request's id and time are made of its own fields, so those are what is amiss.
_OF_ENVELOPE: Final = "envelope:"
_ENVELOPE_PATHS: Final = {
    "$.event_id": ("id", "id"),
    "$.event_name": ("name", "type"),
    "$.occurred_at": ("time", "time"),
}
_REQUEST_PATHS: Final = {"$.event_id": "$.request_id", "$.occurred_at": "$.requested_at"}


class _Head(msgspec.Struct, frozen=True):
    event_name: str = ""


class _PrivacyHead(msgspec.Struct, frozen=True):
    request_id: str = ""
    requested_at: str = ""


def decode(
    topic: str, value: bytes | None, headers: Headers, rules: InputRules
) -> InputEvent | Rejected:
    """One record of an input topic as an event, or why it cannot be one.

    Args:
        topic: the topic's name in the catalogue, as `events.clickstream`.
        value: the record's value: JSON, alone or in a CloudEvents envelope of either mode.
        headers: the record's headers; `ce_id`, `ce_type` and `ce_time` stand in for what the
            value lacks, `traceparent` goes into the event.
        rules: the limits, and the clock.

    >>> decode("events.app", b"{}", (), InputRules(now_ms=0)).path
    '$.event_id'
    """
    if topic not in _DECODERS:
        return Rejected("unknown_topic", "$", "is not an input topic")
    if not value:
        return Rejected("empty_value", "$", "has no value")
    if len(value) > rules.value_bytes_max:
        return Rejected("too_large", "$", f"is over {rules.value_bytes_max} bytes")
    attributes = read_headers(headers)
    if isinstance(attributes, Rejected):
        return attributes
    if attributes.structured:
        return _decode_structured(topic, value, attributes, rules)
    return _decode_data(topic, value, attributes, rules)


def _decode_structured(
    topic: str, value: bytes, outer: Attributes, rules: InputRules
) -> InputEvent | Rejected:
    """The same for a CloudEvent that is one JSON object; paths start at its `$.data`."""
    try:
        envelope = _ENVELOPE.decode(value)
    except UNREADABLE as error:
        return diagnose(value, error)
    attributes = attributes_of(envelope, outer)
    if isinstance(attributes, Rejected):
        return attributes
    if is_too_deep(value, rules):
        return Rejected("too_deep", "$", f"is nested over {rules.depth_max} levels")
    event = _decode_data(topic, bytes(envelope.data), attributes, rules)
    if isinstance(event, Rejected) and event.path.startswith(_OF_ENVELOPE):
        path = f"$.{event.path.removeprefix(_OF_ENVELOPE)}"
        return msgspec.structs.replace(event, path=path)
    if isinstance(event, Rejected) and event.path.startswith("$"):
        return msgspec.structs.replace(event, path=f"$.data{event.path[1:]}")
    return event


_ENVELOPE: Final = msgspec.json.Decoder(StructuredEvent)


def _decode_data(
    topic: str, value: bytes, attributes: Attributes, rules: InputRules
) -> InputEvent | Rejected:
    event = _checked(topic, value, attributes, rules)
    if isinstance(event, Rejected) and event.path in _ENVELOPE_PATHS:
        return _at_its_source(event, topic, value, attributes)
    return event


def _checked(
    topic: str, value: bytes, attributes: Attributes, rules: InputRules
) -> InputEvent | Rejected:
    event = _parse(topic, value, attributes)
    if isinstance(event, Rejected) and event.path.startswith("$.identity."):
        cleared_value = cleared(value, rules.placeholders)
        if cleared_value is not None:
            event = _parse(topic, cleared_value, attributes)
    if isinstance(event, Rejected):
        return event
    event = without_placeholders(event, rules.placeholders)
    if not value.isascii() and not is_utf8(value):
        return Rejected("invalid_utf8", "$", "is not UTF-8")
    if is_too_deep(value, rules):
        return Rejected("too_deep", "$", f"is nested over {rules.depth_max} levels")
    fault = _fault(event, value, rules)
    if fault is not None:
        event = _without_faults(event, fault, value, rules)
    if isinstance(event, Rejected):
        return event
    if attributes.traceparent is not None:
        return msgspec.structs.replace(event, traceparent=attributes.traceparent)
    return event


def _fault(event: InputEvent, value: bytes, rules: InputRules) -> Rejected | None:
    fault = fault_of(event, rules)
    return nul_fault(event) if fault is None and b"\\u0000" in value else fault


def _without_faults(
    event: InputEvent, fault: Rejected | None, value: bytes, rules: InputRules
) -> InputEvent | Rejected:
    """The event without the optional parts that break a rule; the fault where one is none."""
    while fault is not None:
        rest = without_part(event, fault.path)
        if rest is None:
            return fault
        event, fault = rest, _fault(rest, value, rules)
    return event


def _at_its_source(
    rejected: Rejected, topic: str, value: bytes, attributes: Attributes
) -> Rejected:
    """The same fault at the envelope's attribute, or at the request's field, that it came from."""
    name, attribute = _ENVELOPE_PATHS[rejected.path]
    own = _names_in(value)
    if getattr(attributes, name) and (
        rejected.path.removeprefix("$.") not in own or topic == PRIVACY_TOPIC
    ):
        path = f"{_OF_ENVELOPE}{attribute}" if attributes.structured else f"headers.ce_{attribute}"
        return msgspec.structs.replace(rejected, path=path)
    if topic == PRIVACY_TOPIC and rejected.path in _REQUEST_PATHS:
        return msgspec.structs.replace(rejected, path=_REQUEST_PATHS[rejected.path])
    return rejected


def _names_in(value: bytes) -> frozenset[str]:
    try:
        return frozenset(msgspec.json.decode(value, type=dict[str, msgspec.Raw]))
    except UNREADABLE:
        return frozenset()


def _parse(topic: str, value: bytes, attributes: Attributes) -> InputEvent | Rejected:
    """The event as its topic's struct; where fields are missing, with those of the envelope."""
    event = _decoded(topic, value)
    if isinstance(event, Rejected) and event.reason == "missing_field":
        filled = _filled(topic, value, attributes)
        event = event if filled is None else _decoded(topic, filled)
    if isinstance(event, Rejected) and event.reason == "unknown_event_name":
        return _explain_name(value, event)
    return event


def _decoded(topic: str, value: bytes) -> InputEvent | Rejected:
    decoder = _DECODERS[topic]
    try:
        return decoder.decode(value)
    except UNREADABLE as error:
        failed = error
    whole = integers_in(value, decoder.type) if wants_integer(failed) else None
    if whole is not None:
        try:
            return decoder.decode(whole)
        except UNREADABLE as error:
            failed = error
    mended = repaired(value, decoder.type) if _is_validation(failed) else None
    if mended is not None:
        try:
            return decoder.decode(mended)
        except UNREADABLE as error:
            value, failed = mended, error
    return diagnose(value, failed, kind=decoder.type)


def _is_validation(error: Exception) -> bool:
    """Whether the JSON could be read, and only its shape is wrong."""
    return isinstance(error, msgspec.ValidationError)


def _filled(topic: str, value: bytes, attributes: Attributes) -> bytes | None:
    """The object with the envelope's fields put in front: the last of two equal keys counts."""
    fields = {
        "event_id": attributes.id,
        "event_name": attributes.name,
        "occurred_at": attributes.time,
    }
    if topic == PRIVACY_TOPIC:
        fields = {"channel": "web"} | _of_request(value) | {k: v for k, v in fields.items() if v}
    given = {name: text for name, text in fields.items() if text}
    rest = value.lstrip()[1:].lstrip()
    if not given:
        return None
    return msgspec.json.encode(given)[:-1] + (b"" if rest.startswith(b"}") else b",") + rest


def _of_request(value: bytes) -> dict[str, str | None]:
    """What a privacy request's own fields say of an event: its id and its time."""
    try:
        head = msgspec.json.decode(value, type=_PrivacyHead)
    except UNREADABLE:
        return {}
    event_id = derive_id("p", head.request_id) if head.request_id else None
    return {"event_id": event_id, "occurred_at": head.requested_at or None}


def _explain_name(value: bytes, rejected: Rejected) -> Rejected:
    """Say on which topic an event name belongs, if any."""
    try:
        name = msgspec.json.decode(value, type=_Head).event_name
    except UNREADABLE:
        return rejected
    topic = topic_of_name(name)
    if topic is None:
        return msgspec.structs.replace(rejected, detail=rejected.detail + guess(_NAMES, name))
    return msgspec.structs.replace(rejected, detail=f"{name} belongs on {topic}")


_NAMES: Final = tuple(n for c in INPUT_CONTRACTS for n in allowed_at(c.struct, "$.event_name"))


class _RoutedWire(msgspec.Struct, frozen=True):
    key: Id
    topic: TopicName
    event: msgspec.Raw
    hops: Hops = 0
    asked: Asked | None = None


class _Tag(msgspec.Struct, frozen=True):
    type: str


_TAG: Final = msgspec.json.Decoder(_Tag)
_ROUTED: Final = msgspec.json.Decoder(_RoutedWire)
_LINKS: Final = {
    "link_requested": msgspec.json.Decoder[Routable](LinkRequested),
    "link_answered": msgspec.json.Decoder[Routable](LinkAnswered),
    "link_ended": msgspec.json.Decoder[Routable](LinkEnded),
    "erasure_done": msgspec.json.Decoder[Routable](ErasureDone),
    "lease_allotted": msgspec.json.Decoder[Routable](LeaseAllotted),
    "lease_used": msgspec.json.Decoder[Routable](LeaseUsed),
}


def decode_routed(value: bytes | None) -> Routable | Rejected:
    """One record of `customer-events` as what `encode_routed` was given, or why it is not."""
    if not value:
        return Rejected("empty_value", "$", "has no value")
    try:
        tag = _TAG.decode(value).type
        if tag == "routed_event":
            return _routed_event(_ROUTED.decode(value))
        if tag not in _LINKS:
            return Rejected("out_of_range", "$.type", "is no routed message")
        return _LINKS[tag].decode(value)
    except UNREADABLE as error:
        return diagnose(value, error)


def _routed_event(wire: _RoutedWire) -> RoutedEvent | Rejected:
    decoder = _DECODERS.get(wire.topic)
    if decoder is None:
        return Rejected("unknown_topic", "$.topic", "is not an input topic")
    try:
        event = decoder.decode(wire.event)
    except UNREADABLE as error:
        return diagnose(bytes(wire.event), error, "$.event")
    fault = calendar_fault(event, "$.event")
    if fault is not None:
        return fault
    return RoutedEvent(
        key=wire.key, topic=wire.topic, event=event, hops=wire.hops, asked=wire.asked
    )
