"""Properties of the contracts: nothing makes `decode` raise, and schema and decoder agree."""

import json
import re
from base64 import b64encode
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from streams.contracts.catalogue import CONTRACTS, INPUT_CONTRACTS, Contract
from streams.contracts.inputs.decode import decode, decode_routed
from streams.contracts.inputs.required import REQUIRED_BY_NAME
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.internal.learning_records import decode_example, decode_snapshot
from streams.contracts.internal.routing import LinkAnswered, RoutedEvent
from streams.contracts.outputs.encode import encode_routed
from streams.contracts.reference.records import decode_reference_record
from streams.contracts.schemas import schema_of
from tests.contract.poison import POISON

RULES = InputRules(now_ms=1_790_000_000_000)
CLOSED = [c for c in CONTRACTS if c.closed]
TOPICS = st.sampled_from([*(c.topic.name for c in INPUT_CONTRACTS), "events.nothing"])
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            ["ce_id", "ce_type", "ce_time", "ce_specversion", "content-type", "traceparent", "x"]
        ),
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from(
                [b"1.0", b"application/cloudevents+json", b"product_viewed.v1", b"", None]
            ),
        ),
    ),
    max_size=6,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
# What a schema cannot say, so that a decoder may still refuse what a schema accepts.
NO_COLUMNS = re.compile("the (terms|columns|places|features) of the candidates are not ")
"""What no JSON schema can say: that lists are of the same offers."""
BEYOND_SCHEMA = {
    "bad_check_digit",
    "bad_character",
    "no_identity",
    "out_of_range",
    "pii_in_key",
    "wrong_currency",
}


@settings(max_examples=120, deadline=None)
@given(TOPICS, st.binary(max_size=200), HEADERS)
def test_no_bytes_make_decode_raise(topic: str, value: bytes, headers: Any) -> None:
    """Whatever the bytes and headers are, the answer is an event or a rejection."""
    rejected = decode(topic, value, headers, RULES)
    assert isinstance(rejected, Rejected)
    assert rejected.path.startswith(("$", "headers."))


@settings(max_examples=120, deadline=None)
@given(TOPICS, st.sampled_from(POISON), st.data(), HEADERS)
def test_no_damage_makes_decode_raise(topic: str, poison: Any, data: Any, headers: Any) -> None:
    """A good or bad record with bytes cut out or changed is still answered with a value."""
    value = bytearray((poison.value or b"{}")[:5000])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(value) - 1)))
        value[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=3))
    answer = decode(topic, bytes(value), headers, RULES)
    assert isinstance(answer, Rejected) or answer.event_id


@settings(max_examples=150, deadline=None)
@given(JSON, st.binary(max_size=60))
def test_internal_decoders_never_raise(document: Any, noise: bytes) -> None:
    """Records of internal and reference topics are answered with values, whatever they hold."""
    for value in (json.dumps(document).encode(), noise, b'{"type":"routed_event"}' + noise):
        assert not isinstance(decode_routed(value), RoutedEvent)
        assert isinstance(decode_example(value), Rejected)
        assert isinstance(decode_snapshot(value), Rejected)
        if value:
            assert isinstance(decode_reference_record("ref.offers", b"k", value), Rejected)


def _strategy(schema: dict[str, Any], defs: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a schema of ours accepts: the part of JSON Schema that we write."""
    if "$ref" in schema:
        return _strategy(defs[schema["$ref"].removeprefix("#/$defs/")], defs)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("type") == "object":
        return _object(schema, defs)
    if "anyOf" in schema:
        return st.one_of([_strategy(option, defs) for option in schema["anyOf"]])
    if schema.get("type") == "array":
        most = min(schema.get("maxItems", 3), 3)
        inner = _strategy(schema["items"], defs)
        return st.lists(inner, min_size=schema.get("minItems", 0), max_size=most)
    return _leaf(schema)


def _object(schema: dict[str, Any], defs: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "properties" not in schema:
        keys = _strategy(schema["propertyNames"], defs) if "propertyNames" in schema else _TEXT
        values = _strategy(schema["additionalProperties"], defs)
        return st.dictionaries(keys, values, max_size=3)
    fields = {name: _strategy(inner, defs) for name, inner in schema["properties"].items()}
    needed = set(schema.get("required", ()))
    if "anyOf" in schema:  # an identity or a line: some id at least, and none like a phone
        needed.add("customer_id" if "customer_id" in fields else "product_id")
        fields |= {name: _SAFE_ID for name in fields if name.endswith("_id")}
    return st.fixed_dictionaries(
        {name: fields[name] for name in fields if name in needed},
        optional={name: fields[name] for name in fields if name not in needed},
    )


_SAFE_ID = st.from_regex("[a-z]{1,3}[A-Za-z0-9_.:-]{0,5}", fullmatch=True)
_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)


def _leaf(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    match schema.get("type"):
        case "string" if "format" in schema:
            stamp = "202[0-5]-0[1-9]-[012][1-8]T[01][0-9]:[0-5][0-9]:[0-5][0-9]"
            return st.from_regex(f"{stamp}(\\.[0-9]{{1,6}})?(Z|[+-]0[0-9]:[03]0)", fullmatch=True)
        case "string" if schema.get("contentEncoding") == "base64":
            return st.binary(max_size=64).map(lambda data: b64encode(data).decode())
        case "string" if "pattern" in schema:
            inner = schema["pattern"].removeprefix("^").removesuffix("$")
            return st.from_regex(inner, fullmatch=True, alphabet=st.characters(codec="ascii"))
        case "string":
            return st.text(
                st.characters(exclude_categories=["Cs", "Cc"]),
                min_size=schema.get("minLength", 0),
                max_size=min(schema.get("maxLength", 12), 12),
            )
        case "integer":
            return st.integers(schema.get("minimum", -(2**53)), schema.get("maximum", 2**53))
        case "number":
            return st.floats(
                schema.get("minimum", schema.get("exclusiveMinimum", -1e12)),
                schema.get("maximum", schema.get("exclusiveMaximum", 1e12)),
                exclude_min="exclusiveMinimum" in schema,
                exclude_max="exclusiveMaximum" in schema,
            )
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    return st.just(1.5)


@st.composite
def _events(draw: Any, contract: Contract, schema: dict[str, Any]) -> dict[str, Any]:
    """An event that its schema accepts, with the block that its name asks for."""
    event: dict[str, Any] = draw(_strategy(schema, schema["$defs"]))
    block = REQUIRED_BY_NAME.get(event["event_name"])
    while block is not None and event.get(block) is None:
        event[block] = draw(_strategy(schema["properties"][block], schema["$defs"]))
    return event


@pytest.mark.parametrize("contract", INPUT_CONTRACTS, ids=lambda contract: contract.name)
def test_what_a_schema_accepts_the_decoder_accepts_and_back(contract: Contract) -> None:
    """Events made from the schema are read, but for rules beyond it; written again they keep it."""
    schema = schema_of(contract)
    validator = Draft202012Validator(schema)
    accepted = 0

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_events(contract, schema))
    def agree(event: dict[str, Any]) -> None:
        nonlocal accepted
        assert validator.is_valid(event)
        answer = decode(contract.topic.name, json.dumps(event).encode(), (), RULES)
        if isinstance(answer, Rejected):
            assert answer.reason in BEYOND_SCHEMA, answer
            return
        accepted += 1
        message = RoutedEvent(key="k", topic=contract.topic.name, event=answer, hops=1)
        wire = encode_routed(message)
        assert [error.message for error in validator.iter_errors(json.loads(wire)["event"])] == []
        assert decode_routed(wire) == message

    agree()
    assert accepted > 4


@pytest.mark.parametrize(
    "contract", CONTRACTS[len(INPUT_CONTRACTS) :], ids=lambda contract: contract.name
)
def test_what_a_closed_schema_accepts_its_struct_accepts(contract: Contract) -> None:
    """Values made from a schema of ours become the struct, which written again keeps it."""
    schema = schema_of(contract)
    validator = Draft202012Validator(schema)

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_strategy(schema, schema["$defs"]))
    def agree(value: dict[str, Any]) -> None:
        assert validator.is_valid(value)
        try:
            struct = msgspec.json.decode(json.dumps(value), type=contract.struct)
        except msgspec.ValidationError as error:
            if not NO_COLUMNS.match(str(error)):
                raise
            return
        again = json.loads(msgspec.json.encode(struct))
        assert [error.message for error in validator.iter_errors(again)] == []

    agree()


@given(st.binary(max_size=300))
def test_a_row_travels_in_an_answer_unchanged(row: bytes) -> None:
    """The stored row inside a link's answer arrives as the bytes that it was."""
    answer = LinkAnswered(customer_id="c", other_id="a", method="login", answered_at_ms=1, row=row)
    assert decode_routed(encode_routed(answer)) == answer


def test_every_event_name_is_on_its_topics_list() -> None:
    """The names that a schema allows are those of the catalogue."""
    for contract in INPUT_CONTRACTS:
        allowed = schema_of(contract)["properties"]["event_name"]["enum"]
        assert allowed == sorted(contract.event_names)
