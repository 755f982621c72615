"""The envelope: CloudEvents 1.0 on Kafka, read in both modes, written in binary mode."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Raw, Struct, json

from streams.contracts.inputs.rules import Rejected

Headers = Sequence[tuple[str, bytes]]

STRUCTURED: Final = b"application/cloudevents+json"
JSON: Final = b"application/json"
SOURCE: Final = "/offerstream"
VERSION: Final = "1"
_CONTENT_TYPE: Final = ("content-type", JSON)
_SPECVERSION: Final = ("ce_specversion", b"1.0")
_SOURCE: Final = ("ce_source", SOURCE.encode())
_VERSIONED = re.compile(r"\A(.*)\.v([0-9]{1,4})\Z", re.DOTALL)
_TEXT_OF: Final = json.Encoder()
_TRACEPARENT = re.compile(rb"\A[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")


class Attributes(Struct, frozen=True):
    """What an envelope says; None where it says nothing. `name` is the type without its version."""

    id: str | None = None
    name: str | None = None
    time: str | None = None
    traceparent: str | None = None
    structured: bool = False


class StructuredEvent(Struct, frozen=True):
    """A CloudEvent in structured mode: attributes and data in one JSON object."""

    specversion: str
    id: str
    type: str
    source: str
    data: Raw
    time: str | None = None
    traceparent: str | None = None


NO_ATTRIBUTES: Final = Attributes()


def output_headers(
    type: str,  # noqa: A002 - CloudEvents' own word
    id: str,  # noqa: A002
    time: datetime,
    subject: str | None,
    traceparent: str | None,
) -> tuple[tuple[str, bytes], ...]:
    """The headers of a record that we write: CloudEvents binary mode, and W3C `traceparent`.

    >>> from streams.contracts.times import from_ms
    >>> at = from_ms(0)
    >>> dict(output_headers("churn_alert.v1", "a_1", at, "c1", None))["ce_time"]
    b'1970-01-01T00:00:00Z'
    """
    headers = [
        _CONTENT_TYPE,
        _SPECVERSION,
        ("ce_type", type.encode()),
        ("ce_id", id.encode()),
        _SOURCE,
        # as the payload has it, between quotes: in a twentieth of `isoformat`'s time
        ("ce_time", _TEXT_OF.encode(time)[1:-1]),
    ]
    if subject is not None:
        headers.append(("ce_subject", subject.encode()))
    if traceparent is not None:
        headers.extend(trace_headers(traceparent))
    return tuple(headers)


def trace_headers(traceparent: str) -> tuple[tuple[str, bytes], ...]:
    """The trace, as W3C names the header and as CloudEvents' extension does."""
    value = traceparent.encode()
    return ("traceparent", value), ("ce_traceparent", value)


def read_headers(headers: Headers) -> Attributes | Rejected:
    """What the headers say of the record; a version that we do not know is rejected.

    An invalid `traceparent` is left out, as W3C asks; it never stops an event.
    """
    if not headers:
        return NO_ATTRIBUTES
    found = dict(headers)
    structured = (found.get("content-type") or b"").lower().startswith(STRUCTURED)
    trace = found.get("traceparent") or found.get("ce_traceparent")
    traceparent = trace.decode() if trace and _TRACEPARENT.match(trace) else None
    if (found.get("ce_specversion") or b"1.0") != b"1.0":
        return Rejected("unsupported_version", "headers.ce_specversion", "only CloudEvents 1.0")
    name = name_of(_text(found.get("ce_type")), "headers.ce_type")
    if isinstance(name, Rejected):
        return name
    time, id_ = _text(found.get("ce_time")), _text(found.get("ce_id"))
    return Attributes(id_, name, time, traceparent, structured)


def attributes_of(event: StructuredEvent, outer: Attributes) -> Attributes | Rejected:
    """The same of a structured event; a valid traceparent header goes before the one inside."""
    if event.specversion != "1.0":
        return Rejected("unsupported_version", "$.specversion", "only CloudEvents 1.0")
    name = name_of(event.type, "$.type")
    if isinstance(name, Rejected):
        return name
    inner = (event.traceparent or "").encode("utf-8", "replace")
    own = event.traceparent if _TRACEPARENT.match(inner) else None
    return Attributes(event.id, name, event.time, outer.traceparent or own, structured=True)


def name_of(type_: str | None, path: str) -> str | Rejected | None:
    """The event's name in a CloudEvents type, which may end in `.v1`.

    >>> name_of("product_viewed.v1", "$.type")
    'product_viewed'
    >>> name_of("product_viewed.v2", "$.type").reason
    'unsupported_version'
    """
    versioned = _VERSIONED.match(type_) if type_ else None
    if versioned is None:
        return type_
    if versioned[2] != VERSION:
        return Rejected("unsupported_version", path, f"only version {VERSION} of a type is read")
    return versioned[1]


def _text(value: bytes | None) -> str | None:
    return value.decode("utf-8", "replace") if value else None
