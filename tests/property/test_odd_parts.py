"""Any JSON in the place of any part of an event: nothing raises, and no denial or order is lost."""

import json
from copy import deepcopy
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.contracts.catalogue import topic_of
from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.events import InputEvent
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.encode import encode_output
from streams.customer import Row, decode_row, encode_row
from streams.customer.consents import is_granted
from streams.customer.row import Customer, new_customer
from streams.identity import key_of
from streams.pipeline import World, process
from streams.telemetry import measure
from tests.property.test_process_never_raises import MODELS, POLICY, T0, inputs

RULES = InputRules(now_ms=2**52, occurred_at_min_ms=0)
NASTY: st.SearchStrategy[Any] = st.sampled_from(
    (None, True, 0, 1, -1, 1.5, 1e300, -1e300, 2**63, -(2**63), 10**30, "", "0", "x" * 5_000,
     "\x00", "undefined", "GRANTED", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", [], {},
     [None], {"": {}}, [[[]]], {"amount": 1, "currency": "eur"}, "1e999", "NaN", "\u202e", "-0")
)  # fmt: skip
finite = st.floats(allow_nan=False, allow_infinity=False)
plain = st.none() | st.booleans() | finite | st.integers() | st.text(max_size=20)
odd = NASTY | st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
WORLD = World(MODELS, POLICY, T0)
SETTINGS = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))


def places_in(part: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document, as the keys on the way to it."""
    inside = part.items() if isinstance(part, dict) else enumerate(part)
    found = []
    for key, value in inside if isinstance(part, dict | list) else ():
        found.append((*path, key))
        if isinstance(value, dict | list):
            found.extend(places_in(value, (*path, key)))
    return found


def put(document: Any, place: tuple[Any, ...], value: Any) -> None:
    """Change what stands at a place; a copy, for what is put into it next is not in `NASTY` too."""
    for key in place[:-1]:
        document = document[key]
    document[place[-1]] = deepcopy(value)


def processed(event: InputEvent, row: Row | None) -> Row | None:
    """The row after an event, stored and read again, with everything that is said written out."""
    step = process(event, row, WORLD)
    measure(event, step)
    for effect in step.effects:
        encode_output(effect)
    return None if step.row is None else decode_row(encode_row(step.row))


@SETTINGS
@given(inputs, st.data())
def test_any_json_in_any_place_is_read_or_refused(event: Any, data: Any) -> None:
    """Up to three parts of an event are replaced: an answer, and if it is read, a row."""
    document = msgspec.to_builtins(event)
    for _ in range(data.draw(st.integers(1, 3))):
        put(document, data.draw(st.sampled_from(places_in(document))), data.draw(odd))
    answer = decode(topic_of(event), json.dumps(document).encode(), (), RULES)
    if not isinstance(answer, Rejected):
        key = key_of(answer)
        row = processed(answer, new_customer(key, T0, known=True))
        processed(answer, row)


ORDER: dict[str, Any] = {
    "event_id": "e-1", "event_name": "order_completed", "occurred_at": "2026-03-14T09:26:53Z",
    "identity": {"customer_id": "c-1"}, "channel": "app", "order_id": "o-1", "total": "10.00",
    "items": [],
}  # fmt: skip
DENIAL: dict[str, Any] = {
    "event_id": "e-1", "event_name": "consent_updated", "occurred_at": "2026-03-14T09:26:53Z",
    "identity": {"customer_id": "c-1"}, "channel": "app", "purposes": {"profiling": "denied"},
}  # fmt: skip
OF_ORDERS = (
    "coupons", "loyalty", "store_id", "sales_channel", "receipt_id", "original_order_id",
    "context", "sent_at", "traceparent", "odd_parts",
)  # fmt: skip
OF_DENIALS = (
    "traits", "link", "case", "survey", "outcome", "collected_at", "policy_version", "context",
    "sent_at", "traceparent", "odd_parts",
)  # fmt: skip


@SETTINGS
@given(st.dictionaries(st.sampled_from(OF_ORDERS), odd, max_size=4))
def test_no_odd_part_loses_the_order(parts: dict[str, Any]) -> None:
    """Whatever stands in the optional parts."""
    answer = decode("events.purchase", json.dumps(ORDER | parts).encode(), (), RULES)
    assert not isinstance(answer, Rejected), answer
    row = processed(answer, new_customer("c-1", 0, known=True))
    assert isinstance(row, Customer)
    assert row.spend is not None
    assert row.spend.total == 10.0


@SETTINGS
@given(st.dictionaries(st.sampled_from(OF_DENIALS), odd, max_size=4), odd)
def test_no_odd_part_loses_the_denial(parts: dict[str, Any], said: Any) -> None:
    """Whatever stands beside it, and whatever is said of another purpose."""
    purposes = {"personalization": said, "profiling": "denied"}
    document = DENIAL | parts | {"purposes": purposes}
    answer = decode("events.profile", json.dumps(document).encode(), (), RULES)
    assert not isinstance(answer, Rejected), answer
    row = processed(answer, new_customer("c-1", 0, known=True))
    assert isinstance(row, Customer)
    assert row.consents["profiling"].state == "denied"
    word = str(said).strip().lower()
    if word not in ("granted", "true", "1", "1.0"):
        assert not is_granted(row, "personalization")
