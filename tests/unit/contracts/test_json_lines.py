"""Lines of a file become records with the right topic and key, whoever reads them."""

import gzip
import json
from pathlib import Path

import pytest

from streams.contracts.catalogue import topic_of_name
from streams.contracts.inputs.json_lines import (
    InputRecord,
    parse_line,
    read_json_lines,
)
from streams.contracts.inputs.lines import open_source
from streams.errors import OperatorError
from streams.evaluation.inputs import read_records

EVENT = {
    "event_id": "e1",
    "event_name": "product_viewed",
    "channel": "web",
    "identity": {"anonymous_id": "a1"},
}


def test_an_event_alone_goes_by_its_name_and_its_own_id() -> None:
    """The value is the line, byte for byte."""
    line = json.dumps(EVENT).encode()
    assert parse_line(1, line) == InputRecord(1, "events.clickstream", b"a1", line)


def test_a_name_that_web_and_app_share_goes_by_the_channel() -> None:
    """What `replay` reads and what `events send` sends is one record of one topic."""
    assert parse_line(1, json.dumps({**EVENT, "channel": "app"}).encode()).topic == "events.app"


def test_a_record_says_its_topic_and_may_say_its_key() -> None:
    """Without a key it gets the event's; whatever the value is, it is passed on as it stands."""
    record = {"topic": "events.beacon", "value": EVENT}
    assert parse_line(1, json.dumps(record).encode()).key == b"a1"
    keyed = parse_line(1, json.dumps({**record, "key": "k"}).encode())
    assert (keyed.topic, keyed.key) == ("events.beacon", b"k")
    poison = parse_line(1, b'{"topic": "events.app", "value": [1, "x"]}')
    assert (poison.key, poison.value, poison.fault) == (None, b'[1, "x"]', "")


@pytest.mark.parametrize(
    ("event_name", "topic"),
    [
        ("order_completed", "events.purchase"),
        ("zone_entered", "events.beacon"),
        ("offer_viewed", "events.offer-feedback"),
        ("consent_updated", "events.profile"),
        ("erasure_requested", "privacy.requests"),
        ("application_opened", "events.app"),
        ("page_viewed", "events.clickstream"),
        ("no_such_thing", None),
    ],
)
def test_every_name_has_its_topic(event_name: str, topic: str | None) -> None:
    """One of the seven inputs, or none."""
    assert topic_of_name(event_name, "web") == topic


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b"{}",
        b'{"event_name": "x"}',
        b'{"event_name": 7}',
        b'{"topic": "dead-letters", "value": {}}',
        b"[]",
        b"\xff",
        b"[" * 9_000,
    ],
)
def test_a_bad_line_is_named_by_its_number_alone(line: bytes) -> None:
    """The text never repeats the line; the bytes stay, for `decode` to reject."""
    record = parse_line(7, line)
    assert record.line == 7
    assert record.fault
    assert record.value in line


def test_one_bad_field_does_not_hide_the_topic() -> None:
    """A purchase whose identity is no object is still a purchase, for `decode` to reject."""
    record = parse_line(1, b'{"event_name": "order_completed", "identity": 3}')
    assert (record.topic, record.key, record.fault) == ("events.purchase", None, "")


@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz"])
def test_gzip_is_found_by_content(tmp_path: Path, name: str) -> None:
    """Whatever the file is called."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(json.dumps(EVENT).encode() + b"\n\n"))
    with open_source(str(path)) as source:
        assert [r.topic for r in read_json_lines(source.lines())] == ["events.clickstream"]
    assert [r.line for r in read_records(str(path))] == [1]


def test_a_file_that_is_cut_off_or_missing_is_an_error_of_the_operator(tmp_path: Path) -> None:
    """A sentence with its name, no trace."""
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(b"{}" * 99_000)[:-40])
    with pytest.raises(OperatorError, match=r"cut\.gz cannot be read"):
        list(read_records(str(path)))
    with pytest.raises(OperatorError, match=r"none\.jsonl cannot be read"):
        list(read_records(str(tmp_path / "none.jsonl")))
