"""What a schema cannot say of an event: times, who it is, check digits, blocks by name."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from streams.contracts.check_digits import bad_check_digit
from streams.contracts.common import Identity
from streams.contracts.inputs.events import InputEvent, PrivacyRequest, Profile, Purchase
from streams.contracts.inputs.personal import is_phone
from streams.contracts.inputs.placeholders import is_placeholder
from streams.contracts.inputs.required import missing_block
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.times import CALENDAR_MS, to_ms

_IDS = ("customer_id", "anonymous_id", "device_id")


def fault_of(event: InputEvent, rules: InputRules) -> Rejected | None:
    """The first rule that a well-formed event breaks, if any."""
    fault = (
        _times_fault(event, rules)
        or _identity_fault(event.identity)
        or _link_fault(event, rules.placeholders)
    )
    if fault is not None:
        return fault
    block = missing_block(event, event.event_name)
    if block is not None:
        return Rejected("missing_field", f"$.{block}", f"is required by {event.event_name}")
    line = _nameless_line(event)
    if line is not None:
        return Rejected("missing_field", f"$.items[{line}].product_id", "or a gtin is required")
    path = bad_check_digit(event)
    if path is not None:
        return Rejected("bad_check_digit", path, "is no GS1 key: length or check digit is wrong")
    return _free_fault(event, rules)


def _times_fault(event: InputEvent, rules: InputRules) -> Rejected | None:
    """When it happened, or was asked for, must lie between the earliest time and the clock.

    When it was sent is only noted, and must be a time at all. `collected_at` is bounded where it
    is used (`customer.consents`): a denial is not lost because a phone's clock is wrong.
    """
    latest_ms = rules.now_ms + rules.future_tolerance_ms
    for name, moment in _event_times(event):
        at_ms = to_ms(moment)
        if at_ms < rules.occurred_at_min_ms or at_ms < CALENDAR_MS[0]:
            return Rejected("out_of_range", f"$.{name}", "is before the earliest accepted time")
        if at_ms > latest_ms:
            return Rejected("in_the_future", f"$.{name}", "is later than the clock allows")
        if at_ms >= CALENDAR_MS[1]:
            return _outside_calendar(f"$.{name}")
    return _sent_fault(event, "$")


def calendar_fault(event: InputEvent, prefix: str = "$") -> Rejected | None:
    """The first time of an event that is outside the calendar, whatever the clock says."""
    for name, moment in _event_times(event):
        if not CALENDAR_MS[0] <= to_ms(moment) < CALENDAR_MS[1]:
            return _outside_calendar(f"{prefix}.{name}")
    return _sent_fault(event, prefix)


def _sent_fault(event: InputEvent, prefix: str) -> Rejected | None:
    if event.sent_at is None or CALENDAR_MS[0] <= to_ms(event.sent_at) < CALENDAR_MS[1]:
        return None
    return _outside_calendar(f"{prefix}.sent_at")


def _outside_calendar(path: str) -> Rejected:
    return Rejected("out_of_range", path, "is outside the years 1970 to 2199")


def _event_times(event: InputEvent) -> tuple[tuple[str, datetime], ...]:
    if isinstance(event, PrivacyRequest):
        return ("occurred_at", event.occurred_at), ("requested_at", event.requested_at)
    return (("occurred_at", event.occurred_at),)


def _identity_fault(identity: Identity) -> Rejected | None:
    if not identity.key:
        return Rejected("no_identity", "$.identity", "needs a customer, anonymous or device id")
    ids = (identity.customer_id, identity.anonymous_id, identity.device_id)
    for place, id_ in enumerate(ids):
        if id_ is not None and is_phone(id_):
            path = f"$.identity.{_IDS[place]}"
            return Rejected("pii_in_key", path, "is a phone number; send a hash")
    return None


def _link_fault(event: InputEvent, placeholders: frozenset[str]) -> Rejected | None:
    if not isinstance(event, Profile) or event.link is None:
        return None
    for name, id_ in (("from", event.link.from_), ("to", event.link.to)):
        if is_placeholder(id_, placeholders):
            return Rejected("no_identity", f"$.link.{name}", "is a placeholder, not an id")
        if is_phone(id_):
            return Rejected("pii_in_key", f"$.link.{name}", "is a phone number; send a hash")
    return None


def _nameless_line(event: InputEvent) -> int | None:
    """The first line of an order that names no product, neither by its id nor by its GTIN."""
    if isinstance(event, Purchase):
        for index, item in enumerate(event.items):
            if not item.product_id and item.gtin is None:
                return index
    return None


def _free_fault(event: InputEvent, rules: InputRules) -> Rejected | None:
    """Maps whose keys are the sender's own: how many."""
    context = event.context
    for path, entries in (
        ("$.context.app", context.app),
        ("$.context.device", context.device),
        ("$.context.campaign", context.campaign),
        ("$.traits", event.traits if isinstance(event, Profile) else None),
    ):
        if entries and len(entries) > rules.properties_max:
            return Rejected(
                "too_many_properties", path, f"has more than {rules.properties_max} entries"
            )
    return None


def nul_fault(event: InputEvent) -> Rejected | None:
    """The first text of an event that holds a NUL character, which stores and logs choke on."""
    path = next(_nul_paths(msgspec.to_builtins(event), "$"), None)
    return Rejected("bad_character", path, "holds a NUL character") if path else None


_FREE = frozenset({"$.traits", "$.context.app", "$.context.device", "$.context.campaign"})


def _step(path: str, key: str) -> str:
    return "[...]" if path in _FREE else f".{key}"


def _nul_paths(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str):
        if "\x00" in value:
            yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _nul_paths(key, f"{path}[...]")
            yield from _nul_paths(inner, f"{path}{_step(path, key)}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _nul_paths(inner, f"{path}[{index}]")
