"""Reading: the three envelopes, and what stands in for what."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from streams import topics
from streams.contracts.catalogue import CONTRACT_OF, CONTRACTS, INPUT_CONTRACTS
from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.events import Clickstream, InputEvent, PrivacyRequest, Profile
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.reference.records import ReferenceRecord

NOW_MS = 1_773_480_413_589  # 2026-03-14T09:26:53.589Z
RULES = InputRules(now_ms=NOW_MS)
DATA: dict[str, Any] = {
    "event_id": "e-1",
    "event_name": "page_viewed",
    "occurred_at": "2026-03-14T09:26:53.589Z",
    "identity": {"customer_id": "c-1"},
    "channel": "web",
    "page": {"path": "/"},
}
TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CE = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"ce-1"),
    ("ce_type", b"page_viewed.v1"),
    ("ce_time", b"2026-03-14T09:00:00Z"),
)


def _decode(value: object, *headers: tuple[str, bytes], topic: str = "events.clickstream") -> Any:
    return decode(topic, json.dumps(value).encode(), headers, RULES)


def _without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in DATA.items() if name not in names}


def test_plain_json_is_read() -> None:
    """An event without any envelope is read, and its time is milliseconds of event time."""
    event = _decode(DATA)
    assert isinstance(event, Clickstream)
    assert (event.event_id, event.at_ms, event.traceparent) == ("e-1", NOW_MS, None)


def test_binary_mode_fills_what_the_data_lacks() -> None:
    """In binary mode id, type and time of the envelope stand in for the event's own."""
    event = _decode(_without("event_id", "event_name", "occurred_at"), *CE)
    assert (event.event_id, event.event_name) == ("ce-1", "page_viewed")
    assert event.occurred_at == datetime(2026, 3, 14, 9, tzinfo=UTC)


def test_data_goes_before_the_envelope() -> None:
    """Where both say something, the data's own id, name and time count."""
    event = _decode(DATA, *CE)
    assert (event.event_id, event.at_ms) == ("e-1", NOW_MS)
    event = _decode(_without("occurred_at"), *CE)
    assert (event.event_id, event.at_ms) == ("e-1", NOW_MS - 1_613_589)


def test_structured_mode_is_read() -> None:
    """A CloudEvent in one JSON object is read as well, its trace context included."""
    envelope = {
        "specversion": "1.0",
        "id": "s-1",
        "type": "page_viewed",
        "source": "/web",
        "time": "2026-03-14T09:26:53Z",
        "traceparent": TRACE.decode(),
        "data": _without("event_id", "event_name", "occurred_at"),
    }
    event = _decode(envelope, ("content-type", b"application/cloudevents+json"))
    assert (event.event_id, event.event_name) == ("s-1", "page_viewed")
    assert event.traceparent == TRACE.decode()


@pytest.mark.parametrize("name", ["traceparent", "ce_traceparent"])
def test_the_trace_context_comes_from_the_header(name: str) -> None:
    """A valid traceparent header goes into the event, before one in the data."""
    event = _decode(DATA | {"traceparent": "other"}, (name, TRACE))
    assert event.traceparent == TRACE.decode()


def test_an_invalid_trace_context_stops_nothing() -> None:
    """A traceparent header that is not one is passed over."""
    assert _decode(DATA, ("traceparent", b"\xff")).traceparent is None


def test_unknown_fields_are_passed_over() -> None:
    """A field that we do not know is no error, wherever it stands."""
    assert _decode(DATA | {"x": {"y": [1]}, "page": {"path": "/", "z": None}}).page.path == "/"


def test_the_clock_tolerates_five_minutes() -> None:
    """An event may be five minutes ahead of the clock, and not a millisecond more."""
    ahead = DATA | {"occurred_at": "2026-03-14T09:31:53.589Z"}
    assert not isinstance(_decode(ahead), Rejected)
    beyond = DATA | {"occurred_at": "2026-03-14T09:31:53.590Z"}
    assert _decode(beyond) == Rejected(
        "in_the_future", "$.occurred_at", "is later than the clock allows"
    )


def test_a_name_of_another_topic_says_where_it_belongs() -> None:
    """An event sent to the wrong topic is told its own."""
    rejected = _decode(DATA | {"event_name": "order_completed"})
    assert rejected.detail == "order_completed belongs on events.purchase"


def test_a_privacy_request_needs_only_its_own_fields() -> None:
    """Id and time of a privacy request are made of its own, the same each time."""
    request = {
        "event_name": "erasure_requested",
        "request_id": "r-1",
        "identity": {"customer_id": "c-1"},
        "requested_at": "2026-03-14T09:26:53.589Z",
    }
    event = _decode(request, topic="privacy.requests")
    assert isinstance(event, PrivacyRequest)
    assert (event.at_ms, event.request_id) == (NOW_MS, "r-1")
    assert event.event_id == _decode(request, topic="privacy.requests").event_id
    named = _decode(request | {"event_id": "e-9"}, topic="privacy.requests")
    assert named.event_id == "e-9"


def test_a_link_reads_its_from() -> None:
    """`from`, a word of the language, arrives as `from_`."""
    link = {"from": "a-1", "to": "c-1", "method": "login"}
    event = _decode(DATA | {"event_name": "identity_linked", "link": link}, topic="events.profile")
    assert isinstance(event, Profile)
    assert event.link is not None
    assert event.link.from_ == "a-1"


def test_sixteen_levels_are_allowed_and_seventeen_are_not() -> None:
    """The depth rule counts the event's own object as the first level."""
    assert not isinstance(_decode(DATA | {"z": json.loads("[" * 15 + "]" * 15)}), Rejected)
    assert _decode(DATA | {"z": json.loads("[" * 16 + "]" * 16)}).reason == "too_deep"


def test_a_backslash_before_u0000_is_no_nul() -> None:
    """A text that merely spells an escape is accepted; only a NUL is not."""
    assert _decode(DATA | {"page": {"path": "\\u0000"}}).page.path == "\\u0000"
    assert _decode(DATA | {"page": {"path": "\x00"}}).reason == "bad_character"


def test_every_topic_that_crosses_the_border_is_bound_once() -> None:
    """Each input, reference and output topic has one struct; the union of events has no other."""
    bound = [contract.topic for contract in CONTRACTS]
    assert len(set(bound)) == len(bound) == len(CONTRACT_OF)
    assert {*topics.INPUTS, *topics.REFERENCES, *topics.OUTPUTS} <= set(bound) <= set(topics.ALL)
    assert {c.struct for c in INPUT_CONTRACTS} == set(get_args(InputEvent))
    assert {c.struct for c in CONTRACTS if c.topic.direction == "reference"} == set(
        get_args(ReferenceRecord)
    )


def test_no_topic_is_named_outside_its_catalogue() -> None:
    """A topic's name stands in `streams/topics.py` alone, but for examples in docstrings."""
    room = Path(topics.__file__).parent
    literals = re.compile("|".join(f'"{re.escape(topic.name)}"' for topic in topics.ALL))
    found = [
        f"{path.relative_to(room)}:{number}"
        for path in sorted(room.rglob("*.py"))
        if path.name != "topics.py" or path.parent != room
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if literals.search(line) and ">>>" not in line and '.group("' not in line
    ]
    assert found == []
