"""A hint names the real field and the real fault, in words that help."""

import json
from typing import Any

import pytest

from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.personal import holds_personal
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.reference.records import decode_reference_record

RULES = InputRules(now_ms=1_790_000_000_000)
EVENT: dict[str, Any] = {
    "event_id": "e1",
    "event_name": "product_viewed",
    "occurred_at": "2026-03-01T10:00:00Z",
    "identity": {"customer_id": "c1"},
    "channel": "web",
    "page": {"path": "/p", "dwell_ms": 1000},
    "product": {"product_id": "s1", "category": "c", "quantity": 2},
}
ORDER = {
    **{k: EVENT[k] for k in ("event_id", "occurred_at", "identity", "channel")},
    "event_name": "order_completed",
    "order_id": "o1",
    "total": {"amount": "12.50", "currency": "EUR"},
    "items": [],
}


def told(value: bytes, topic: str = "events.clickstream", **headers: str) -> Rejected:
    """Why a record is rejected."""
    pairs = [(name, text.encode()) for name, text in headers.items()]
    rejected = decode(topic, value, pairs, RULES)
    assert isinstance(rejected, Rejected)
    return rejected


def test_whole_numbers_may_have_a_point_or_an_exponent() -> None:
    """1000.0 and 1e3 are the integer 1000 (JSON Schema 2020-12, 4.2.3), in every item of a list."""
    plain = decode("events.clickstream", json.dumps(EVENT).encode(), (), RULES)
    text = json.dumps(EVENT).replace("1000", "1e3").replace('"quantity": 2', '"quantity": 2.0')
    assert decode("events.clickstream", text.encode(), (), RULES) == plain
    items = [{"product_id": "p", "category": "c", "unit_price": 1.0, "quantity": 1}] * 3
    order = json.dumps({**ORDER, "items": items})
    pointed = order.replace('"quantity": 1', '"quantity": 1.0')
    assert decode("events.purchase", pointed.encode(), (), RULES) == decode(
        "events.purchase", order.encode(), (), RULES
    )


def test_a_fraction_is_still_no_integer() -> None:
    """At its own path."""
    rejected = told(json.dumps(EVENT).replace("1000", "1000.5").encode())
    assert (rejected.reason, rejected.path) == ("wrong_type", "$.page.dwell_ms")


@pytest.mark.parametrize(
    "amount", ["12.3456789", "9999999999999", "12,50", "1 234 567.00", "+49 30 1234567"]
)
def test_an_amount_is_no_telephone_number(amount: str) -> None:
    """`bad_format`, with how to write it."""
    value = json.dumps({**ORDER, "total": {"amount": amount, "currency": "EUR"}}).encode()
    rejected = told(value, "events.purchase")
    assert (rejected.reason, rejected.path) == ("bad_format", "$.total.amount")
    assert '"12.50"' in rejected.detail


@pytest.mark.parametrize("gtin", ["978 0 306 40615 7", "978-0-306-40615-7", "(01)09780306406157"])
def test_a_gtin_with_spaces_is_no_telephone_number(gtin: str) -> None:
    """`bad_format`, with how to write it."""
    rejected = told(json.dumps({**EVENT, "product": {**EVENT["product"], "gtin": gtin}}).encode())
    assert (rejected.reason, rejected.path) == ("bad_format", "$.product.gtin")
    assert "digits" in rejected.detail


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2016-12-31T23:59:60Z", "leap second"),
        ("2026-03-01T24:00:00Z", "00:00 of the next day"),
        ("01.03.2026", "RFC 3339"),
    ],
)
def test_times_that_do_not_exist_have_a_sentence_each(at: str, words: str) -> None:
    """What is wrong and what to send."""
    rejected = told(json.dumps({**EVENT, "occurred_at": at}).encode())
    assert (rejected.reason, rejected.path) == ("bad_timestamp", "$.occurred_at")
    assert words in rejected.detail


def test_a_bad_attribute_of_the_envelope_is_named_there() -> None:
    """In the headers in binary mode, in the envelope in structured mode."""
    bare = json.dumps({k: v for k, v in EVENT.items() if k != "occurred_at"})
    assert told(bare.encode(), ce_time="yesterday").path == "headers.ce_time"
    assert told(bare.encode(), ce_time="2999-01-01T00:00:00Z").path == "headers.ce_time"
    assert told(bare.encode()).path == "$.occurred_at"
    envelope = {"specversion": "1.0", "id": "e1", "type": "product_viewed.v1", "source": "/s"}
    whole = json.dumps({**envelope, "time": "yesterday", "data": json.loads(bare)}).encode()
    rejected = told(whole, **{"content-type": "application/cloudevents+json"})
    assert (rejected.reason, rejected.path) == ("bad_timestamp", "$.time")


def test_an_own_field_is_named_before_the_envelope() -> None:
    """A header that nobody read is not to blame."""
    value = json.dumps({**EVENT, "occurred_at": "yesterday"}).encode()
    assert told(value, ce_time="2026-03-01T10:00:00Z").path == "$.occurred_at"


@pytest.mark.parametrize(
    "line",
    [
        json.dumps(ORDER) + ",",
        json.dumps(EVENT)[:-1] + ",}",
        json.dumps({**EVENT, "channel": 3}) + ",",
        json.dumps({**EVENT, "channel": 3})[:-1] + ",}",
    ],
)
def test_a_comma_too_many_is_no_json(line: str) -> None:
    """Whatever else is wrong with the line."""
    rejected = told(line.encode())
    assert (rejected.reason, rejected.path) == ("invalid_json", "$")
    assert "comma" in rejected.detail


def test_nesting_without_end_is_too_deep() -> None:
    """Not the first fault of the schema on the way down."""
    value = b'{"event_name": "order_completed", "x": ' + b"[" * 3_000 + b"]" * 3_000 + b"}"
    assert told(value).reason == "too_deep"


def test_hints_list_what_is_allowed() -> None:
    """And guess what was meant, without saying what was given."""
    rejected = told(json.dumps({**EVENT, "channel": "stroe"}).encode())
    assert (rejected.reason, rejected.path) == ("out_of_range", "$.channel")
    assert rejected.detail.endswith("sms, store, web; did you mean store?")
    named = told(json.dumps({**EVENT, "event_name": "product_veiwed"}).encode())
    assert named.reason == "unknown_event_name"
    assert named.detail.endswith("did you mean product_viewed?")


def test_reference_data_has_whole_numbers_too() -> None:
    """A record of stock with 3.0 pieces is one with 3."""
    found = [
        decode_reference_record(
            "ref.inventory",
            b"p1@*",
            b'{"product_id": "p1", "store_id": "*", "quantity": %s}' % many,
        )
        for many in (b"3", b"3.0")
    ]
    assert found[0] == found[1]
    assert not isinstance(found[0], Rejected)


@pytest.mark.parametrize("text", ["ａ＠ｂ.de", "０９０-１２３４-５６７８", "＋49 170 1234567"])
def test_wide_letters_and_digits_hide_no_personal_data(text: str) -> None:
    """What an East Asian keyboard writes wide is an address or a number all the same."""
    assert holds_personal(text)
    assert not holds_personal("４９０００００１２３４５")
