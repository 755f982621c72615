"""What a schema cannot say of an event: times, who it is, check digits, blocks by name."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from streams.contracts.check_digits import bad_check_digit
from streams.contracts.common import Identity
from streams.contracts.inputs.events import InputEvent, Profile
from streams.contracts.inputs.personal import is_phone
from streams.contracts.inputs.required import missing_block
from streams.contracts.inputs.rules import InputRules, Rejected

INT_MAX = 2**63 - 1
_IDS = ("customer_id", "anonymous_id", "device_id")


def fault_of(event: InputEvent, rules: InputRules) -> Rejected | None:
    """The first rule that a well-formed event breaks, if any."""
    at_ms = event.at_ms
    if at_ms < rules.occurred_at_min_ms:
        return Rejected("out_of_range", "$.occurred_at", "is before the earliest accepted time")
    if at_ms > rules.now_ms + rules.future_tolerance_ms:
        return Rejected("in_the_future", "$.occurred_at", "is later than the clock allows")
    fault = _identity_fault(event.identity) or _link_fault(event)
    if fault is not None:
        return fault
    block = missing_block(event, event.event_name)
    if block is not None:
        return Rejected("missing_field", f"$.{block}", f"is required by {event.event_name}")
    path = bad_check_digit(event)
    if path is not None:
        return Rejected("bad_check_digit", path, "is no GS1 key: length or check digit is wrong")
    return _free_fault(event, rules)


def _identity_fault(identity: Identity) -> Rejected | None:
    if not identity.key:
        return Rejected("no_identity", "$.identity", "needs a customer, anonymous or device id")
    ids = (identity.customer_id, identity.anonymous_id, identity.device_id)
    for place, id_ in enumerate(ids):
        if id_ is not None and is_phone(id_):
            path = f"$.identity.{_IDS[place]}"
            return Rejected("pii_in_key", path, "is a phone number; send a hash")
    return None


def _link_fault(event: InputEvent) -> Rejected | None:
    link = event.link if isinstance(event, Profile) else None
    for name, id_ in (("from", link.from_), ("to", link.to)) if link is not None else ():
        if is_phone(id_):
            return Rejected("pii_in_key", f"$.link.{name}", "is a phone number; send a hash")
    return None


def _free_fault(event: InputEvent, rules: InputRules) -> Rejected | None:
    """Maps whose keys are the sender's own: how many, and numbers that fit 64 bits."""
    for path, entries in _free_maps(event):
        if len(entries) > rules.properties_max:
            return Rejected(
                "too_many_properties", path, f"has more than {rules.properties_max} entries"
            )
        for entry in entries.values():
            if isinstance(entry, int) and not -INT_MAX <= entry <= INT_MAX:
                return Rejected("out_of_range", f"{path}[...]", "is too large a number")
    return None


def _free_maps(event: InputEvent) -> Iterator[tuple[str, Mapping[str, Any]]]:
    context = event.context
    if context.app:
        yield "$.context.app", context.app
    if context.device:
        yield "$.context.device", context.device
    if context.campaign:
        yield "$.context.campaign", context.campaign
    if isinstance(event, Profile) and event.traits:
        yield "$.traits", event.traits


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
