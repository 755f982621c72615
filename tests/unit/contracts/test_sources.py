"""Messages of other systems become events of ours, every field as the golden files say."""

import base64
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.sources import SOURCES
from streams.contracts.sources.apply import map_message, path_at_origin
from streams.contracts.sources.ids import escaped, unescaped
from streams.contracts.sources.mapping import mapping_of, parse_mapping
from streams.contracts.sources.snowplow import unwrapped
from streams.contracts.sources.times import corrected_ms
from tests.unit.test_house import ROOT

NOW_MS = 1_772_964_000_000  # 2026-03-08T10:00:00Z
RULES = InputRules(now_ms=NOW_MS)
GOLDEN = sorted((ROOT / "tests" / "golden" / "sources").glob("*.event.json"))
SEGMENT = mapping_of("segment")
ORDER = {
    "type": "track",
    "event": "Order Completed",
    "messageId": "m",
    "userId": "c",
    "properties": {"order_id": "o", "total": 1, "products": []},
}


def read(path: Path) -> Any:
    """A JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def judged(message: dict[str, Any]) -> object:
    """The event of a message as the worker takes it, or why not."""
    mapped = map_message(SEGMENT, message, NOW_MS)
    return decode(mapped.topic, msgspec.json.encode(mapped.event), (), RULES)


def order(**properties: object) -> dict[str, Any]:
    """An order with other properties."""
    return {**ORDER, "properties": {**ORDER["properties"], **properties}}  # type: ignore[dict-item]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_payload_becomes_the_event_of_the_golden_file(path: Path) -> None:
    """Field by field, and the worker takes it."""
    payload = read(path.with_name(path.name.replace(".event.json", ".json")))
    source = path.name.partition("-")[0].replace("rudderstack", "segment")
    mapped = map_message(mapping_of(source), payload, NOW_MS)
    assert mapped.event == read(path)
    event = decode(mapped.topic, msgspec.json.encode(mapped.event), (), RULES)
    assert not isinstance(event, Rejected)


def wrapped(schema: str, data: object) -> dict[str, object]:
    """Data with the schema that describes them."""
    return {"schema": f"iglu:com.snowplowanalytics.snowplow.ecommerce/{schema}/jsonschema/1-0-0",
            "data": data}  # fmt: skip


@pytest.mark.parametrize("packed", [False, True])
def test_an_order_of_snowplow_is_unwrapped(packed: bool) -> None:
    """Whether its parts are JSON in text, or base64 of it without padding."""
    event = json.dumps({"data": wrapped("snowplow_ecommerce_action", {"type": "transaction"})})
    order = wrapped("transaction", {"transaction_id": "T", "revenue": 8, "currency": "EUR"})
    product = wrapped("product", {"id": "s", "price": 4, "quantity": 2, "category": "tea"})
    entities = json.dumps({"data": [order, product, {"schema": "x"}, 7]})
    parts = {"ue_pr": event, "co": entities}
    if packed:
        encoded = {k: base64.urlsafe_b64encode(v.encode()).decode() for k, v in parts.items()}
        parts = {{"ue_pr": "ue_px", "co": "cx"}[k]: v.rstrip("=") for k, v in encoded.items()}
    message = {"e": "ue", "eid": "e-1", "uid": "c-1", "dtm": "1772963940000", **parts}
    mapped = map_message(mapping_of("snowplow"), unwrapped(message), NOW_MS)
    assert mapped.event == {
        "channel": "web",
        "currency": "EUR",
        "event_id": "e-1",
        "event_name": "order_completed",
        "identity": {"customer_id": "c-1"},
        "items": [{"product_id": "s", "category": "tea", "unit_price": 4, "quantity": 2}],
        "occurred_at": "2026-03-08T09:59:00.000Z",
        "order_id": "T",
        "total": 8,
    }


def test_every_source_has_a_table_that_can_be_read() -> None:
    """What `--source` offers is there."""
    assert [mapping_of(source).source for source in SOURCES] == list(SOURCES)


def test_a_table_that_names_an_unknown_event_is_refused() -> None:
    """A slip in a name is found when the table is read, not when a shop loses its events."""
    text = (ROOT / "streams/contracts/sources/segment.yaml").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="order_complete"):
        parse_mapping(text.replace(": order_completed", ": order_complete", 1))


@given(st.text(max_size=80))
def test_an_id_fits_and_can_be_read_back(id_: str) -> None:
    """Every id that is no address and not too long comes back as it was; others still fit."""
    made = escaped(id_)
    if made.startswith("esh_"):
        assert len(made) <= 64
    elif made != id_:
        assert unescaped(made) == id_
        assert len(made) <= 64


def test_two_ids_never_become_one() -> None:
    """Not even one that looks like the escape of the other."""
    ids = ["a|b", "a:7Cb", "esc:a:7Cb", "esc:esc:a:7Cb", "a/b", "esh_x", "a" * 65, "a" * 66]
    assert len({escaped(id_) for id_ in ids}) == len(ids)


def test_an_address_is_refused_and_not_hidden_in_an_id() -> None:
    """An e-mail address as user id is told as personal data."""
    rejected = judged({**ORDER, "userId": "jane@example.com"})
    assert isinstance(rejected, Rejected)
    assert (rejected.reason, rejected.path) == ("pii_in_key", "$.identity.customer_id")


@pytest.mark.parametrize(
    ("properties", "reason", "path"),
    [
        ({"total": "about ten"}, "bad_format", "$.properties.total"),
        ({"total": None, "revenue": ""}, "missing_field", "$.total"),
        (
            {"products": [{"product_id": "p", "price": 1}, {"product_id": "q", "price": "x"}]},
            "bad_format",
            "$.properties.products[1].price",
        ),
        (
            {"products": [{"product_id": "p"}]},
            "missing_field",
            "$.properties.products[0].unit_price",
        ),
    ],
)
def test_a_fault_is_told_at_its_place_in_the_message(
    properties: dict[str, object], reason: str, path: str
) -> None:
    """Whoever sent it finds the field, not ours."""
    mapped = map_message(SEGMENT, order(**properties), NOW_MS)
    rejected = decode(mapped.topic, msgspec.json.encode(mapped.event), (), RULES)
    assert isinstance(rejected, Rejected)
    assert rejected.reason == reason
    assert path_at_origin(rejected.path, mapped.origins) == path


@pytest.mark.parametrize(
    ("timestamp", "occurred_at"),
    [
        ("2026-03-08T10:00:00Z", "2026-03-08T10:00:00.000Z"),
        ("2026-03-08T11:00:00+01:00", "2026-03-08T10:00:00.000Z"),
        ("2026-03-08 10:00:00", "2026-03-08T10:00:00.000Z"),
        (1_772_964_000, "2026-03-08T10:00:00.000Z"),
        (1_772_964_000_250, "2026-03-08T10:00:00.250Z"),
        ("1772964000000000", "2026-03-08T10:00:00.000Z"),
    ],
)
def test_a_time_is_read_however_it_is_written(timestamp: object, occurred_at: str) -> None:
    """With a zone or none, in seconds, milliseconds or microseconds."""
    event = map_message(SEGMENT, {**ORDER, "timestamp": timestamp}, NOW_MS).event
    assert event["occurred_at"] == occurred_at


def test_what_is_no_time_is_rejected() -> None:
    """A word where a time belongs is not taken for now."""
    rejected = judged({**ORDER, "timestamp": "yesterday"})
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "bad_timestamp"


def test_a_device_that_is_an_hour_slow_is_set_right_and_a_retry_is_the_same() -> None:
    """The same message sent again, some seconds later, comes out with the same event time."""
    late_ms = 3_600_000
    first = corrected_ms(NOW_MS - late_ms - 5_000, NOW_MS - late_ms, NOW_MS + 300)
    again = corrected_ms(NOW_MS - late_ms - 5_000, NOW_MS - late_ms + 20_000, NOW_MS + 24_000)
    assert first == again == NOW_MS - 5_000


def test_a_message_without_an_id_has_one_that_a_retry_has_too() -> None:
    """It hangs on the content, and not on when it was sent."""
    message = {name: value for name, value in ORDER.items() if name != "messageId"}
    ids = {
        map_message(SEGMENT, {**message, "sentAt": sent}, NOW_MS).event["event_id"]
        for sent in ("2026-03-08T09:59:00Z", "2026-03-08T09:59:30Z")
    }
    other = map_message(SEGMENT, {**message, "userId": "d"}, NOW_MS).event["event_id"]
    assert len(ids) == 1
    assert other not in ids


@pytest.mark.parametrize(
    "message",
    [
        {"type": "group", "groupId": "g"},
        {"type": "track", "event": "Video Played"},
        {"type": "track"},
        {"type": 7},
        {},
    ],
)
def test_what_is_no_event_of_ours_says_so(message: dict[str, Any]) -> None:
    """It is neither guessed at nor an error."""
    assert map_message(SEGMENT, message, NOW_MS).ignored


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)
PLACES = ("userId", "timestamp", "sentAt", "properties", "context", "traits", "messageId", "event")


@given(
    st.sampled_from(["track", "page", "screen", "identify", "alias"]),
    st.dictionaries(st.sampled_from(PLACES), JSON),
    st.dictionaries(
        st.sampled_from(["products", "total", "coupon", "cart_id", "price", "product_id"]), JSON
    ),
)
def test_no_message_is_an_exception(
    call: str, message: dict[str, Any], properties: dict[str, Any]
) -> None:
    """Whatever stands where, there is an event, a rejection or nothing of ours."""
    whole = {**ORDER, **message, "type": call}
    map_message(SEGMENT, whole, NOW_MS)
    whole["properties"] = properties
    mapped = map_message(SEGMENT, whole, NOW_MS)
    if not mapped.ignored:
        decode(mapped.topic, msgspec.json.encode(mapped.event), (), RULES)


@given(st.dictionaries(st.sampled_from(["e", "ue_pr", "ue_px", "co", "cx", "uid"]), JSON))
def test_no_message_of_snowplow_is_an_exception(message: dict[str, Any]) -> None:
    """Whatever stands where its parts belong."""
    map_message(mapping_of("snowplow"), unwrapped(message), NOW_MS)
