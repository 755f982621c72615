"""A body becomes single events, in every form that the contract has."""

import pytest

from streams.gateway.consent import objecting
from streams.gateway.splitting import split

VIEW = b'{"event_name": "product_viewed", "channel": "app", "identity": {"customer_id": "c"}}'
ORDER = b'{"event_name": "order_completed", "identity": {"customer_id": "d"}}'
CLOUD = b'{"specversion":"1.0","id":"e","type":"order_completed.v1","source":"/s","data":{"a":1}}'
STRUCTURED = (("content-type", b"application/cloudevents+json"),)


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"[" + VIEW + b"," + ORDER + b"]", "application/json"),
        (VIEW + b"\n\n" + ORDER + b"\n", "application/x-ndjson"),
        (VIEW + b"\r\n" + ORDER, "application/json"),
        (b" [ " + VIEW + b"\n, " + ORDER + b" ] ", "text/plain;charset=UTF-8"),
    ],
)
def test_two_events_are_found_in_an_array_and_in_lines(body: bytes, media_type: str) -> None:
    """Each by its bytes, on the topic of its name and channel."""
    found = split(body, {"content-type": media_type})
    assert [(one.index, one.topic, one.value, one.key) for one in found] == [
        (0, "events.app", VIEW, b"c"),
        (1, "events.purchase", ORDER, b"d"),
    ]


def test_a_cloud_event_is_kept_whole() -> None:
    """Structured, alone and in a batch: the worker reads the envelope itself."""
    one = split(CLOUD, {"content-type": "application/cloudevents+json; charset=utf-8"})
    batch = split(
        b"[" + CLOUD + b"," + CLOUD + b"]", {"content-type": "application/cloudevents-batch+json"}
    )
    assert [(x.topic, x.value, x.headers) for x in one] == [("events.purchase", CLOUD, STRUCTURED)]
    assert [(x.topic, x.value, x.headers) for x in batch] == [
        ("events.purchase", CLOUD, STRUCTURED)
    ] * 2


def test_a_binary_cloud_event_has_its_attributes_as_headers_of_the_record() -> None:
    """As Kafka's binding of CloudEvents names them; others do not pass."""
    headers = {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": "e%201",
        "ce-type": "application_opened",
        "ce-x-other": "y",
    }
    found = split(b'{"channel": "app"}', headers)
    assert [(one.topic, one.value) for one in found] == [("events.app", b'{"channel": "app"}')]
    assert found[0].headers == (
        ("ce_id", b"e 1"),
        ("ce_type", b"application_opened"),
        ("ce_specversion", b"1.0"),
    )


@pytest.mark.parametrize("body", [b"", b"nope", b"\xff\xfe", b"[" * 5_000, b'{"a":', b"[1"])
def test_what_cannot_be_taken_apart_is_one_event_to_be_refused(body: bytes) -> None:
    """Nothing is an exception, and nothing is passed over."""
    for media_type in ("application/json", "application/cloudevents-batch+json"):
        found = split(body, {"content-type": media_type})
        assert [one.value for one in found] == [body]


def test_a_topic_that_is_none_is_not_repeated() -> None:
    """What stands there comes from outside, and would stand in a dead letter's headers."""
    found = split(b'{"topic": "\\u001b[31m", "value": {"a": 1}}', {})
    assert found[0].topic == "events.clickstream"
    assert found[0].fault is not None
    assert found[0].fault.reason == "unknown_topic"


def test_an_array_without_events_has_none() -> None:
    """So that the request is refused as empty."""
    assert split(b"[]", {}) == []


@pytest.mark.parametrize(
    ("value", "objects"),
    [
        (b'{"a":1}', b'{"a":1,"context":{"consent":{"gpc":true}}}'),
        (b'{"context":null}', b'{"context":{"consent":{"gpc":true}}}'),
        (b'{"context":{"consent":7}}', b'{"context":{"consent":{"gpc":true}}}'),
        (
            b'{"context":{"consent":{"gpc":false,"tcf":"x"}}}',
            b'{"context":{"consent":{"gpc":true,"tcf":"x"}}}',
        ),
        (b"[1]", b"[1]"),
        (b"nope", b"nope"),
    ],
)
def test_an_objection_is_written_into_the_event(value: bytes, objects: bytes) -> None:
    """Whatever stood in its place; what is no event stays as it is."""
    assert objecting(value) == objects


def test_an_objection_is_written_into_the_data_of_a_cloud_event() -> None:
    """Numbers in it stay as they were written."""
    value = b'{"id":"e","data":{"price":1.50}}'
    expected = b'{"id":"e","data":{"price":1.50,"context":{"consent":{"gpc":true}}}}'
    assert objecting(value, structured=True) == expected
