"""Whatever the contract lets in, in whatever order: `process` gives a row that can be stored."""

import types
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Meta
from msgspec.structs import replace

from streams.contracts.common import ID_PATTERN, Identity
from streams.contracts.inputs import events as kinds
from streams.contracts.inputs.events import Profile
from streams.contracts.inputs.required import REQUIRED_BY_NAME
from streams.contracts.internal import routing
from streams.contracts.internal.routing import Message, RoutedEvent, Tick
from streams.contracts.money import AMOUNT_PATTERN, PRICE_PATTERN
from streams.contracts.outputs.effects import EventRouted
from streams.contracts.outputs.encode import encode_output
from streams.contracts.reference.files import load_reference
from streams.contracts.times import CALENDAR_MS, from_ms
from streams.customer import Row, decode_row, encode_row
from streams.decisions import compile_policy
from streams.identity import key_of
from streams.models import initial_models
from streams.pipeline import World, process
from streams.simulator import SHOP
from streams.telemetry import measure

POLICY = compile_policy(load_reference(SHOP))
MODELS = initial_models()
T0 = 1_770_000_000_000
IDS = ("c-1", "c-2", "a-1", "d-1")
TIMES = (CALENDAR_MS[0], CALENDAR_MS[1] - 1, T0, T0 + 1, T0 + 60_000, T0 + 86_400_000 * 40)
BY_PATTERN = {
    ID_PATTERN: st.sampled_from((*IDS, "x" * 64, "o:1")),
    AMOUNT_PATTERN: st.sampled_from(
        ("0", "-0", "-999999999", "1000000000", "999999999999.999999", "0.000001", "10.00")
    ),
    PRICE_PATTERN: st.sampled_from(("0", "-999999999", "999999999.999999", "0.000001", "9.5")),
}
TEXTS = ("", "x", "\U0001f600", "\x00", "tel:+49 170 1234567", "DBABLA~BVQqAAAAAgA.YA", "+09:00")
MESSAGES_MAX = 14
PLAIN = (str, bytes, int, float, bool, datetime, types.NoneType)


def hints_of(struct: type) -> dict[str, Any]:
    """A struct's fields with their limits."""
    return get_type_hints(struct, include_extras=True)


@cache
def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type of the contract, at its limits and in between."""
    origin, args = get_origin(kind), get_args(kind)
    if kind is Any:
        return st.sampled_from((None, "x", " a%b ", "", 5, "z" * 300))
    if origin is Annotated:
        return limited(args[0], args[1])
    if origin is Literal:
        return st.sampled_from(args)
    if origin in (Union, types.UnionType):
        return st.one_of([values(arg) for arg in args])
    if origin in (tuple, list, dict) or kind in (
        str,
        bytes,
        int,
        float,
        bool,
        datetime,
        types.NoneType,
    ):
        return limited(kind, Meta())
    return structs(kind)


def limited(kind: Any, meta: Meta) -> st.SearchStrategy[Any]:
    """Values of a plain type within what its `Meta` says."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return limited(args[0], args[1])
    size = min(meta.max_length or 3, 3)
    if origin is tuple:
        return st.lists(values(args[0]), min_size=meta.min_length or 0, max_size=size).map(tuple)
    if origin is list:
        return st.lists(values(args[0]), max_size=size)
    if origin is dict:
        return st.dictionaries(values(args[0]), values(args[1]), max_size=size)
    if kind is datetime:
        return st.sampled_from(TIMES).map(from_ms)
    if kind in (int, float):
        return numbers(kind, meta)
    if kind is str:
        return texts(meta)
    if kind is bytes:
        return st.sampled_from((b"", b"\x93\x01", b"no row"))
    return st.booleans() if kind is bool else st.none()


def numbers(kind: type, meta: Meta) -> st.SearchStrategy[Any]:
    """The least, the greatest, and small numbers between them."""
    low = meta.ge if meta.ge is not None else (meta.gt or 0) + 1e-9 if meta.gt is not None else -9
    high = meta.le if meta.le is not None else meta.lt - 1 if meta.lt is not None else 10**9
    near = {kind(low), kind(high), *(kind(n) for n in (-1, 0, 1, 7) if low <= n <= high)}
    return st.sampled_from(sorted(near))


def texts(meta: Meta) -> st.SearchStrategy[str]:
    """Odd texts of an allowed length, or what the pattern lets in."""
    if meta.pattern is not None:
        own = BY_PATTERN.get(meta.pattern)
        if own is not None:
            return own
        return st.from_regex(meta.pattern.replace("(?!\\n)$", r"\Z"), fullmatch=True)
    longest = meta.max_length or 64
    fitting = [text for text in TEXTS if (meta.min_length or 0) <= len(text) <= longest]
    return st.sampled_from([*fitting, "y" * longest])


@cache
def structs(struct: type) -> st.SearchStrategy[Any]:
    """Instances of a struct: required fields always, others now and then."""
    fields = msgspec.structs.fields(struct)
    hints = hints_of(struct)
    given_always = {f.name: values(hints[f.name]) for f in fields if f.required}
    now_and_then = {f.name: values(hints[f.name]) for f in fields if not f.required}
    drawn = st.fixed_dictionaries(given_always, optional=now_and_then)
    return drawn.map(lambda fields: made(struct, fields)).filter(lambda one: one is not None)


def made(struct: type, fields: dict[str, Any]) -> Any:
    """The struct, or None where it refuses its fields itself, as `decode` then does too."""
    try:
        return struct(**fields)
    except ValueError:
        return None


def as_decoded(event: Any) -> Any:
    """The event as the contract reads it; None where it is refused, as without a needed block."""
    block = REQUIRED_BY_NAME.get(event.event_name)
    if block is not None and getattr(event, block) is None:
        return None
    try:
        return msgspec.json.decode(msgspec.json.encode(event), type=type(event))
    except msgspec.DecodeError:
        return None


identities = st.fixed_dictionaries(
    {},
    optional={name: st.sampled_from(IDS) for name in ("customer_id", "anonymous_id", "device_id")},
).map(lambda ids: msgspec.convert(ids or {"anonymous_id": "a-1"}, Identity))
INPUTS = (
    kinds.Clickstream, kinds.App, kinds.Beacon, kinds.Purchase, kinds.OfferFeedback, kinds.Profile,
    kinds.PrivacyRequest, kinds.Question,
)  # fmt: skip
inputs = (
    st.one_of([structs(kind) for kind in INPUTS])
    .map(as_decoded)
    .filter(lambda event: event is not None)
)
events = st.builds(lambda event, who: replace(event, identity=who), inputs, identities)
consents = st.builds(
    lambda at_ms, who, state: Profile(
        event_id=f"consent-{at_ms}",
        event_name="consent_updated",
        occurred_at=from_ms(at_ms),
        identity=who,
        channel="app",
        purposes=dict.fromkeys(("personalization", "profiling", "location_beacon"), state),
    ),
    st.sampled_from(TIMES),
    identities,
    st.sampled_from(("granted", "denied")),
)
routed = st.builds(
    RoutedEvent,
    key=st.sampled_from(IDS),
    topic=st.just("events.profile"),
    event=events,
    hops=st.sampled_from((0, 1, 4, 1_000)),
    asked=st.none() | structs(routing.Asked),
)
ticks = st.builds(
    Tick, st.sampled_from(IDS), st.sampled_from((*TIMES, CALENDAR_MS[1] + 86_400_000))
)
links = st.one_of(
    structs(routing.LinkRequested),
    structs(routing.LinkAnswered),
    structs(routing.LinkEnded),
    structs(routing.ErasureDone),
)
messages = st.one_of(events, events, consents, routed, ticks, links)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(messages, max_size=MESSAGES_MAX))
def test_process_never_raises(stream: list[Message]) -> None:
    """Every message, and whatever it routes, ends in a row and in effects that can be written."""
    rows: dict[str, Row] = {}
    waiting, steps = list(stream), 0
    while waiting and steps < 60:
        steps += 1
        message = waiting.pop(0)
        if isinstance(message, routing.LinkAnswered) and message.customer_id in rows:
            message = replace(message, row=encode_row(rows[message.customer_id]))
        key = key_of(message)
        step = process(message, rows.get(key), World(MODELS, POLICY, T0))
        measure(message, step)
        rows.pop(key, None)
        if step.row is not None:
            rows[key] = decode_row(encode_row(step.row))
            assert rows[key] == step.row
        for effect in step.effects:
            encode_output(effect)
            if isinstance(effect, EventRouted):
                assert key_of(effect.message) == effect.key
                waiting.append(effect.message)
