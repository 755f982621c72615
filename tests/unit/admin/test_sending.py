"""Lines of a file become records with the right topic and key."""

import json

import pytest

from streams.admin.sending import ToSend, parse_line, topic_of

EVENT = {
    "event_id": "e1",
    "event_name": "product_viewed",
    "channel": "web",
    "identity": {"anonymous_id": "a1"},
}


def test_an_event_alone_goes_by_its_name_and_its_own_id() -> None:
    """The value is the line, byte for byte."""
    line = json.dumps(EVENT).encode()
    assert parse_line(1, line) == ToSend("events.clickstream", "a1", line)


def test_a_record_says_its_topic_and_may_say_its_key() -> None:
    """Without a key it gets the event's; whatever the value is, it is sent as it stands."""
    record = {"topic": "events.beacon", "value": EVENT}
    assert parse_line(1, json.dumps(record).encode()).key == "a1"
    keyed = parse_line(1, json.dumps({**record, "key": "k"}).encode())
    assert (keyed.topic, keyed.key) == ("events.beacon", "k")
    poison = parse_line(1, b'{"topic": "events.app", "value": [1, "x"]}')
    assert (poison.key, poison.value) == ("", b'[1, "x"]')


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
    assert topic_of(event_name, "web") == topic


@pytest.mark.parametrize(
    "line",
    [b"nonsense", b"{}", b'{"event_name": "x"}', b'{"topic": "dead-letters", "value": {}}', b"[]"],
)
def test_a_bad_line_is_named_by_its_number_alone(line: bytes) -> None:
    """The text never repeats the line."""
    with pytest.raises(ValueError, match=r"^line 7: "):
        parse_line(7, line)
