"""The real product under audit: a driver over events, its outputs, and the report about them."""

import json
from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec import Struct

from streams.audit import Report, audit
from streams.audit.arrivals import came_of_lines
from streams.audit.outputs import READ
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.encode import encode_output
from streams.contracts.reference.structs import Reference
from streams.contracts.times import DAY_MS
from streams.decisions import Policy, compile_policy
from streams.driver import Driver
from streams.models import Models, initial_models
from tests.support.told import Fields

LEAP_MAX_MS = 366 * DAY_MS
Outputs = list[tuple[str, bytes]]


def produced(events: Iterable[Fields], policy: Policy, models: Models | None = None) -> Outputs:
    """What the product sends for these events, in order of arrival, on the stream's clock."""
    driver = Driver(policy, models or initial_models())
    outputs: Outputs = []
    for came in came_of_lines(json.dumps(event).encode() for event in events):
        rules = InputRules(
            now_ms=driver.greatest_event_ms or 2**52,
            occurred_at_min_ms=0,
            future_tolerance_ms=LEAP_MAX_MS,
        )
        effects = driver.feed(came.topic, came.value, rules)
        if isinstance(effects, Rejected):
            continue
        for effect in effects:
            message = encode_output(effect)
            if message is not None and message.value is not None:
                outputs.append((message.topic, message.value))
    return outputs


def compiled(shop: Fields) -> Policy:
    """The reference data as the product holds it."""
    return compile_policy(referred(shop))


def referred(shop: Fields) -> Reference:
    """The reference data of a shop."""
    return msgspec.convert(shop, Reference)


def judged(events: Iterable[Fields], outputs: Outputs, shop: Fields) -> Report:
    """The audit of what went out for these events."""
    lines = [json.dumps(event).encode() for event in events]
    return audit(came_of_lines(lines), outputs, referred(shop))


class _When(Struct, frozen=True):
    decided_at: datetime | None = None
    raised_at: datetime | None = None
    known_at: datetime | None = None


def in_order(outputs: Outputs) -> Outputs:
    """What several partitions sent, of the kinds that are judged, as it was said in time."""

    def said_at(output: tuple[str, bytes]) -> datetime:
        when = msgspec.json.decode(output[1], type=_When)
        found = when.decided_at or when.raised_at or when.known_at
        assert found is not None
        return found

    return sorted((o for o in outputs if o[0] in READ), key=said_at)
