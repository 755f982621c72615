"""What becomes of a message of another system, field by field, for a person to read."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.sources.apply import Mapped, leaves, map_message, origin_of, path_at_origin
from streams.contracts.sources.mapping import SourceMapping
from streams.errors import OperatorError
from streams.gateway.segment import payloads_of

_INDEX = re.compile(r"\[[0-9]+\]\Z")


class Explained(Struct, frozen=True):
    """A verdict in a line, then a line a field; `rejected`: the worker would not take it."""

    verdict: str
    lines: list[str]
    rejected: bool = False


def messages_in(mapping: SourceMapping, data: bytes) -> list[Any]:
    """The messages of a file: one, a request of several, an array, or JSON lines.

    Raises:
        OperatorError: a message is no JSON object.
    """
    found = payloads_of(mapping, data)
    for number, message in enumerate(found, 1):
        if not isinstance(message, dict):
            raise OperatorError(f"message {number} is no JSON object")
    return found


def explained(mapping: SourceMapping, message: object, rules: InputRules) -> Explained:
    """One message: the event that it becomes, where each field comes from, and what is dropped."""
    if not isinstance(message, Mapping):
        return Explained("rejected: not_an_object", [], rejected=True)
    mapped = map_message(mapping, message, rules.now_ms)
    if mapped.ignored:
        return Explained(f"no event: {mapped.ignored}", [])
    verdict, rejected = f"{mapped.event['event_name']} on {mapped.topic}", False
    event = decode(mapped.topic, msgspec.json.encode(mapped.event), (), rules)
    if isinstance(event, Rejected):
        place = path_at_origin(event.path, mapped.origins)
        verdict, rejected = f"{verdict}, rejected: {event.reason} at {place}", True
    return Explained(verdict, [*_kept(mapped), *_dropped(mapped, message)], rejected)


def _kept(mapped: Mapped) -> Iterator[str]:
    for place, value in leaves(mapped.event):
        origin, _ = origin_of(place, mapped.origins)
        yield f"  {place} = {msgspec.json.encode(value).decode()}  <- {origin or 'by the mapping'}"


def _dropped(mapped: Mapped, message: Mapping[str, Any]) -> Iterator[str]:
    used = set(mapped.origins.values())
    for place, _ in leaves(message):
        if not _covered(place, used):
            yield f"  dropped: {place}"


def _covered(place: str, used: set[str]) -> bool:
    """Whether a value went over, alone or with the list of texts that it stands in."""
    return place in used or _INDEX.sub("", place) in used
