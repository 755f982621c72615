"""Files and topics of another system's messages become the events that the gateway would write."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.lines import Line
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.sources.mapping import mapping_of
from streams.contracts.sources.records import (
    HEADER,
    Ignored,
    RecordReader,
    Skipped,
    read_messages,
    reader_of,
)
from streams.contracts.sources.tables import SHIPPED
from streams.evaluation.inputs import FileFormat, read_records
from streams.gateway.segment import read_messages as over_http
from tests.unit.test_house import ROOT

NOW_MS = 1_772_964_000_000  # 2026-03-08T10:00:00Z
RULES = InputRules(now_ms=NOW_MS)
SEGMENT = mapping_of("segment")
GOLDEN = ROOT / "tests" / "golden" / "sources"
VIEW = json.loads((GOLDEN / "segment-product-viewed.json").read_text(encoding="utf-8"))
RAW = json.dumps(VIEW).encode()
SOURCE = ((HEADER, b"segment"),)


def lines(*texts: object) -> list[Line]:
    """Lines of a file; what is no bytes is written as JSON."""
    encoded = [t if isinstance(t, bytes) else json.dumps(t).encode() for t in texts]
    return [Line(number, text) for number, text in enumerate(encoded, 1)]


def read(texts: Sequence[object], skipped: Skipped | None = None) -> list[Any]:
    """The records of a file of Segment's messages."""
    return list(read_messages(lines(*texts), SEGMENT, skipped or Skipped()))


def test_a_topic_of_payloads_gives_the_events_that_http_gives() -> None:
    """By header or by the topic's setting, with the record's time as that of arrival."""
    slow = {**VIEW, "sentAt": "2026-03-08T08:00:00Z", "timestamp": "2026-03-08T07:59:00Z"}
    slow.pop("originalTimestamp", None)
    for message in (VIEW, slow):
        raw = json.dumps(message).encode()
        (made,) = over_http(SEGMENT, [message], NOW_MS).incoming
        wanted = decode(made.topic, made.value, (), RULES)
        assert not isinstance(wanted, Rejected)
        by_header = RecordReader().read("events.app", raw, SOURCE, RULES, NOW_MS)
        reader = reader_of(SHIPPED, "events.app=segment")
        by_setting = reader.read("events.app", raw, (), RULES, NOW_MS)
        assert by_header == by_setting == wanted


def test_a_record_of_ours_stays_ours() -> None:
    """Without a header nothing is mapped; an empty header says so where the topic is a source's."""
    (made,) = over_http(SEGMENT, [VIEW], NOW_MS).incoming
    ours = decode(made.topic, made.value, (), RULES)
    assert RecordReader().read(made.topic, made.value, (), RULES, NOW_MS) == ours
    reader = reader_of(SHIPPED, f"{made.topic}=segment")
    assert reader.read(made.topic, made.value, ((HEADER, b""),), RULES, NOW_MS) == ours
    assert isinstance(RecordReader().read(made.topic, RAW, (), RULES, NOW_MS), Rejected)


@pytest.mark.parametrize(
    ("value", "headers", "reason", "path"),
    [
        (RAW, ((HEADER, b"fax"),), "out_of_range", f"headers.{HEADER}"),
        (b"nope", SOURCE, "invalid_json", "$"),
        (b"7", SOURCE, "not_an_object", "$"),
        (json.dumps({"batch": [VIEW, VIEW]}).encode(), SOURCE, "bad_format", "$"),
        (b"x" * 70_000, SOURCE, "too_large", "$"),
        (None, SOURCE, "empty_value", "$"),
        (
            json.dumps({**VIEW, "properties": {"product_id": "p", "price": "much"}}).encode(),
            SOURCE,
            "bad_format",
            "$.properties.price",
        ),
    ],
)
def test_a_bad_record_is_told_at_its_place_in_the_payload(
    value: bytes | None, headers: tuple[tuple[str, bytes], ...], reason: str, path: str
) -> None:
    """A typed reason, never an exception."""
    found = RecordReader().read("events.app", value, headers, RULES, NOW_MS)
    assert isinstance(found, Rejected)
    assert (found.reason, found.path) == (reason, path)


def test_what_is_no_event_of_ours_is_neither_taken_nor_rejected() -> None:
    """A topic of all that a shop tracks does not fill the dead letters."""
    video = json.dumps({**VIEW, "event": "Video Played"}).encode()
    assert RecordReader().read("events.app", video, SOURCE, RULES, NOW_MS) == Ignored()


def test_a_dead_letter_that_is_driven_again_keeps_its_event_time() -> None:
    """Its record is hours younger than the message: no clock is set right by it."""
    sent = {**VIEW, "sentAt": "2026-03-08T10:00:00Z", "timestamp": "2026-03-08T09:59:30Z"}
    sent.pop("originalTimestamp", None)
    headers = (*SOURCE, ("os_attempt", b"1"))
    raw = json.dumps(sent).encode()
    late_ms = NOW_MS + 7_200_000
    event = RecordReader().read("events.app", raw, headers, InputRules(now_ms=late_ms), late_ms)
    assert not isinstance(event, Rejected | Ignored)
    assert event.at_ms == NOW_MS - 30_000


@pytest.mark.parametrize("entry", ["events.klick=segment", "events.app=fax", "events.app", "=x"])
def test_a_setting_that_names_nothing_is_told(entry: str) -> None:
    """With the entry."""
    with pytest.raises(ValueError, match=entry):
        reader_of(SHIPPED, entry)


def test_a_file_is_read_in_every_form_that_payloads_come_in() -> None:
    """JSON lines, lines of requests, an array, one value over many lines."""
    whole = json.dumps([VIEW, VIEW], indent=1).encode().split(b"\n")
    batch = {"sentAt": VIEW.get("sentAt"), "batch": [VIEW, VIEW]}
    for texts in ([VIEW, VIEW], [batch], [[VIEW, VIEW]], [b"", VIEW, b" ", VIEW], whole):
        found = read(texts)
        assert [record.topic for record in found] == ["events.clickstream"] * 2
        assert found[0].value == found[1].value
        assert found[0].key == b"a-2"


def test_a_line_that_is_none_is_a_record_to_be_refused_and_the_rest_goes_on() -> None:
    """With its line; what is no event of ours is counted."""
    skipped = Skipped()
    found = read([VIEW, b"oops", {"type": "group"}, 7, VIEW], skipped)
    assert [(r.line, bool(r.fault)) for r in found] == [
        (1, False),
        (2, True),
        (4, True),
        (5, False),
    ]
    assert skipped.count == 1
    assert next(iter(read([b"oops", VIEW]))).value == b"oops"


def test_a_device_is_set_right_by_when_a_file_says_its_message_was_received() -> None:
    """Segment's exports say `receivedAt`; without it the event time stays as it is said."""
    slow = {**VIEW, "sentAt": "2026-03-08T08:00:00Z", "timestamp": "2026-03-08T07:59:00Z"}
    slow.pop("originalTimestamp", None)
    said, right = read([slow, {**slow, "receivedAt": "2026-03-08T10:00:00Z"}])
    assert msgspec.json.decode(said.value)["occurred_at"] == "2026-03-08T07:59:00.000Z"
    assert msgspec.json.decode(right.value)["occurred_at"] == "2026-03-08T09:59:00.000Z"


def test_a_file_with_a_source_is_never_taken_for_a_table(tmp_path: Path) -> None:
    """Not by its name either."""
    file = tmp_path / "payloads.txt"
    file.write_bytes(RAW)
    format_ = FileFormat(source=SEGMENT)
    assert [record.topic for record in read_records(str(file), format_)] == ["events.clickstream"]
