"""Writing: every effect that goes to a topic, dead letters, and records of our own."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from streams.contracts.catalogue import CONTRACTS
from streams.contracts.inputs.rules import Rejected
from streams.contracts.internal.learning import LearningExample, ModelSnapshot
from streams.contracts.internal.learning_records import (
    decode_example,
    decode_snapshot,
    encode_example,
    encode_snapshot,
)
from streams.contracts.internal.routing import LinkRequested
from streams.contracts.outputs import effects as happened
from streams.contracts.outputs.effects import Effect
from streams.contracts.outputs.encode import dead_letter_of, encode_dead_letter, encode_output
from streams.contracts.outputs.payloads import DeadLetter
from streams.contracts.reference.records import decode_reference_record, encode_reference_record
from streams.contracts.reference.structs import ProductInfo, StockLevel
from streams.contracts.schemas import schema_of

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples"
BY_NAME = {contract.name: contract for contract in CONTRACTS}


def _example(name: str, file: str) -> Any:
    raw = (EXAMPLES / name / "valid" / f"{file}.json").read_bytes()
    return msgspec.json.decode(raw, type=BY_NAME[name].struct)


OUTPUTS: tuple[tuple[str, str, str, Any], ...] = (
    ("next_best_offer", "app_banner", "c-1001", happened.OfferDecided),
    ("decision_log", "offer", "c-1001", happened.DecisionLogged),
    ("churn_alert", "entered", "c-1001", happened.AlertRaised),
    ("case_outcome", "left", "c-1001", happened.CaseFollowed),
    ("identity_change", "linked", "c-1001", happened.IdentityChanged),
    ("segment_change", "at_risk", "c-1001", happened.SegmentChanged),
    ("zone_visit_change", "opened", "c-1001", happened.ZoneVisitChanged),
    ("privacy_receipt", "erasure", "req-1", happened.ReceiptIssued),
)


@pytest.mark.parametrize(("name", "file", "key", "effect"), OUTPUTS)
def test_outputs_go_to_their_topic_and_keep_their_schema(
    name: str, file: str, key: str, effect: Any
) -> None:
    """An output has its type's topic, key and envelope, and a value that its schema accepts."""
    payload = _example(name, file)
    message = encode_output(effect(payload))
    assert message is not None
    assert (message.topic, message.key) == (BY_NAME[name].topic.name, key.encode())
    headers = dict(message.headers)
    assert headers["ce_type"] == BY_NAME[name].type_name.encode()
    assert headers["content-type"] == b"application/json"
    assert message.value is not None
    Draft202012Validator(schema_of(BY_NAME[name])).validate(json.loads(message.value))
    assert msgspec.json.decode(message.value, type=BY_NAME[name].struct) == payload


def test_an_offers_envelope_is_cloudevents() -> None:
    """`ce_id` is the decision, `ce_time` the event time, and the trace goes on."""
    message = encode_output(happened.OfferDecided(_example("next_best_offer", "app_banner")))
    assert message is not None
    assert dict(message.headers) == {
        "content-type": b"application/json",
        "ce_specversion": b"1.0",
        "ce_type": b"next_best_offer.v1",
        "ce_id": b"d_5excaqjal6foab7exbzvmwem34",
        "ce_source": b"/offerstream",
        "ce_time": b"2026-03-14T09:26:53.589000Z",
        "ce_subject": b"c-1001",
        "traceparent": b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "ce_traceparent": b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }


def test_the_trace_of_the_message_goes_on_with_every_output() -> None:
    """Outputs without a trace of their own carry that of the message; an offer keeps its own."""
    trace = f"00-{'1' * 32}-{'2' * 16}-01"
    change = happened.IdentityChanged(_example("identity_change", "linked"))
    told = encode_output(change, trace)
    offer = encode_output(happened.OfferDecided(_example("next_best_offer", "app_banner")), trace)
    assert told is not None
    assert offer is not None
    assert dict(told.headers)["traceparent"] == trace.encode()
    assert dict(offer.headers)["traceparent"] != trace.encode()
    assert [name for name, _ in offer.headers].count("traceparent") == 1


def test_every_entry_of_the_log_has_its_own_id() -> None:
    """One decision, put off and answered: two entries, two ids, and the offer has a third."""
    entry = _example("decision_log", "offer")
    later = replace(entry, decided_at=entry.decided_at + timedelta(hours=8))
    put_off = replace(entry, verdict="deferred")
    ids = set()
    for effect in (entry, later, put_off):
        message = encode_output(happened.DecisionLogged(effect))
        assert message is not None
        ids.add(dict(message.headers)["ce_id"])
    assert len({*ids, entry.decision_id.encode()}) == 4


def test_internal_records_have_their_key() -> None:
    """A label goes to its model's learner, a routed message to its row."""
    example = LearningExample(
        example_id="l", model="churn", observed_at_ms=1, label=0.0, features={"a": 1.0}
    )
    label = encode_output(happened.OutcomeLabeled(example))
    assert label is not None
    assert label[:2] == ("learning-examples", b"churn")
    assert decode_example(label.value) == example == decode_example(encode_example(example))
    link = LinkRequested(customer_id="c", other_id="a", method="login", requested_at_ms=1)
    routed = encode_output(happened.EventRouted("a", link))
    assert routed is not None
    assert routed[:2] == ("customer-events", b"a")


@pytest.mark.parametrize(
    "effect",
    [
        happened.EventLate("e", 5),
        happened.EventIgnored("duplicate", "e"),
        happened.PurchaseSeen("policy", False, 1.0, 0.3),
        happened.OutcomeSeen("d", "policy", "viewed", "o"),
    ],
)
def test_what_is_only_counted_goes_to_no_topic(effect: Effect) -> None:
    """Effects for the counters make no record."""
    assert encode_output(effect) is None


def test_a_dead_letter_keeps_the_bytes_and_tells_the_facts() -> None:
    """Raw bytes, key and headers stay; the facts can be read back; a new attempt replaces them."""
    letter = DeadLetter(
        reason="missing_field",
        path="$.page",
        detail="is required",
        source_topic="events.app",
        source_partition=3,
        source_offset=42,
        attempt=1,
    )
    first = encode_dead_letter(letter, b"k", b"\xff{", (("ce_id", b"x"),))
    assert first[:3] == ("dead-letters", b"k", b"\xff{")
    assert dict(first.headers)["os_source_offset"] == b"42"
    second = replace(letter, attempt=2)
    again = encode_dead_letter(second, b"k", b"\xff{", first.headers)
    assert [name for name, _ in again.headers].count("os_reason") == 1
    assert dict(again.headers)["ce_id"] == b"x"
    assert dead_letter_of(again.headers) == second


def test_headers_of_others_are_no_dead_letter() -> None:
    """A record that we did not write is told apart."""
    assert isinstance(dead_letter_of((("os_reason", b"x"),)), Rejected)


def test_a_snapshot_travels_by_name() -> None:
    """A model's parameters arrive as they were written."""
    snapshot = ModelSnapshot(
        model="churn", version="churn-1", format=1, examples=1, trained_at_ms=1,
        parameters={"w": {"a": 0.1}, "names": ["a"]}, quality={"auc": 0.7},
    )  # fmt: skip
    assert decode_snapshot(encode_snapshot(snapshot)) == snapshot


def test_reference_records_travel_with_their_key() -> None:
    """A record of reference data comes back under its key; a tombstone is None."""
    level = StockLevel(
        product_id="p", store_id="*", quantity=3, updated_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    topic, key, value = encode_reference_record(level)
    assert (topic, key) == ("ref.inventory", b"p@*")
    assert decode_reference_record(topic, key, value) == level
    assert decode_reference_record(topic, key, None) is None
    product = ProductInfo(product_id="p", category="shoes")
    topic, _, value = encode_reference_record(product)
    wrong = decode_reference_record(topic, b"other", value)
    assert isinstance(wrong, Rejected)
    assert (wrong.reason, wrong.path) == ("out_of_range", "key")
