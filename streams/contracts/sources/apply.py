"""A message of another system and its table to an event of ours, with the origin of every field."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from streams.contracts.catalogue import topic_of_name
from streams.contracts.ids import derive_id
from streams.contracts.sources.mapping import Rule, Section, SourceMapping, plain_name
from streams.contracts.sources.times import corrected_ms, moment_ms
from streams.contracts.sources.values import CONVERSIONS, present, time_text

_LAST = re.compile(r"(?:\[[^\]]*\]|\.[^.\[\]]*)\Z")
ITEMS_MAX: Final = 500


class Mapped(Struct, frozen=True):
    """What became of a message.

    Attributes:
        topic: where the event belongs; empty where it is no event of ours.
        event: the fields of ours.
        origins: the place of each field of ours to the place in the message.
        ignored: why it is no event of ours, in a sentence without what it holds.
    """

    topic: str = ""
    event: dict[str, Any] = {}
    origins: dict[str, str] = {}
    ignored: str = ""


def map_message(
    mapping: SourceMapping, message: Mapping[str, Any], arrived_ms: int | None
) -> Mapped:
    """One message as an event of ours; total for any JSON object.

    Args:
        mapping: the table of its source.
        message: as it came.
        arrived_ms: when it came: the clock that a device's is set right by, unless the message
            says itself when it was received. None where nobody knows: nothing is set right then.
    """
    name, origin = _event_name(mapping, message)
    if not name:
        return Mapped(ignored="is no event that the shop is asked about")
    channel = "app" if _in_app(mapping, message) else "web"
    topic = topic_of_name(name, channel) or ""
    event: dict[str, Any] = {"event_name": name, "channel": channel}
    origins = {"$.event_name": origin}
    for section in mapping.sections:
        if _applies(section, name, topic, message):
            for rule in section.map:
                _follow(rule, message, event, origins)
    _set_times(mapping, message, arrived_ms, event, origins)
    if "event_id" not in event:
        event["event_id"] = _own_id(mapping, message)
    return Mapped(topic, event, origins)


def path_at_origin(path: str, origins: Mapping[str, str]) -> str:
    """The place in the message that a place of the event came from; its own where from none.

    >>> path_at_origin("$.items[1].unit_price", {"$.items": "$.properties.products"})
    '$.properties.products[1].unit_price'
    """
    origin, rest = origin_of(path, origins)
    return origin + rest if origin else path


def origin_of(path: str, origins: Mapping[str, str]) -> tuple[str, str]:
    """Where the smallest part around a place came from, and the rest of the path within it.

    Empty where the mapping itself put it there.

    >>> origin_of("$.traits.tags[0]", {"$.traits.tags": "$.traits.labels"})
    ('$.traits.labels', '[0]')
    """
    around = path
    while around not in origins:
        above = _LAST.sub("", around)
        if above == around:
            return "", path
        around = above
    return origins[around], path[len(around) :]


def leaves(value: object, path: str = "$") -> Iterator[tuple[str, object]]:
    """Every single value of a message with its place, for whoever wants to see what is unused."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{index}]")
    else:
        yield path, value


def _event_name(mapping: SourceMapping, message: Mapping[str, Any]) -> tuple[str, str]:
    """Our name of the event, and where it was said; empty where there is none."""
    call = _at(message, mapping.type_at) if mapping.type_at else mapping.named
    if call == mapping.named:
        said = _at(message, mapping.name_at)
        word = plain_name(said) if isinstance(said, str) else ""
        return mapping.names.get(word, ""), f"$.{mapping.name_at}"
    return mapping.calls.get(call, "") if isinstance(call, str) else "", f"$.{mapping.type_at}"


def _in_app(mapping: SourceMapping, message: Mapping[str, Any]) -> bool:
    for place, words in mapping.app.items():
        said = _at(message, place)
        if isinstance(said, str) and said.lower() in words:
            return True
    return False


def _applies(section: Section, name: str, topic: str, message: Mapping[str, Any]) -> bool:
    return (
        (not section.events or name in section.events)
        and (not section.topics or topic in section.topics)
        and (not section.when or any(present(_at(message, place)) for place in section.when))
    )


def _follow(
    rule: Rule,
    message: Mapping[str, Any],
    event: dict[str, Any],
    origins: dict[str, str],
    ours: str = "$",
    theirs: str = "$",
) -> None:
    """Put one field where it belongs; `ours` and `theirs` are where both begin."""
    for place in rule.from_:
        found = _at(message, place)
        if not present(found):
            continue
        if rule.each:
            value: object = _items(rule, found, f"{ours}.{rule.to}", f"{theirs}.{place}", origins)
        else:
            value = _converted(rule, found)
        if present(value):
            _put(event, rule.to, value)
            origins[f"{ours}.{rule.to}"] = f"{theirs}.{place}"
            if isinstance(value, dict):  # a map goes over entry by entry
                entries = {f"{ours}.{rule.to}.{k}": f"{theirs}.{place}.{k}" for k in value}
                origins.update(entries)
            return
    if rule.default is not None:
        _put(event, rule.to, deepcopy(rule.default))  # later rules may write into it


def _items(
    rule: Rule, found: object, ours: str, theirs: str, origins: dict[str, str]
) -> list[dict[str, Any]] | None:
    if not isinstance(found, list):
        return None
    items = []
    for index, item in enumerate(found[: ITEMS_MAX + 1]):  # one too many is refused, not cut off
        made: dict[str, Any] = {}
        inside = item if isinstance(item, Mapping) else {}
        for inner in rule.each:
            _follow(inner, inside, made, origins, f"{ours}[{index}]", f"{theirs}[{index}]")
        items.append(made)
    return items


def _converted(rule: Rule, found: object) -> object:
    value = CONVERSIONS[rule.as_](found)
    if isinstance(value, dict) and rule.without:
        value = {k: v for k, v in value.items() if _bare(k) not in rule.without}
    if isinstance(value, str) and rule.as_ in ("text", "path", "host"):
        return value[: rule.chars_max]
    return value


def _bare(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _set_times(
    mapping: SourceMapping,
    message: Mapping[str, Any],
    arrived_ms: int | None,
    event: dict[str, Any],
    origins: dict[str, str],
) -> None:
    """When it happened, by a right clock; where nothing says it, when it came."""
    sent, sent_place = _first(message, mapping.sent_at)
    said, place = _first(message, mapping.event_at)
    if (received_ms := moment_ms(_first(message, mapping.received_at)[0])) is not None:
        arrived_ms = received_ms
    sent_ms, at_ms = moment_ms(sent), moment_ms(said)
    if sent_ms is not None:
        event["sent_at"] = time_text(sent_ms)
        origins["$.sent_at"] = f"$.{sent_place}"
    if said is None:
        if arrived_ms is not None:
            event["occurred_at"] = time_text(arrived_ms)
        return
    origins["$.occurred_at"] = f"$.{place}"
    if at_ms is None:
        event["occurred_at"] = said
        return
    if sent_ms is not None and arrived_ms is not None:
        at_ms = corrected_ms(at_ms, sent_ms, arrived_ms)
    event["occurred_at"] = time_text(max(0, at_ms))


def _first(message: Mapping[str, Any], places: tuple[str, ...]) -> tuple[Any, str]:
    for place in places:
        if present(value := _at(message, place)):
            return value, place
    return None, ""


def _own_id(mapping: SourceMapping, message: Mapping[str, Any]) -> str:
    """An id for a message that has none: the same where it is sent again, later."""
    of_way = {*mapping.sent_at, *mapping.received_at}
    kept = {k: v for k, v in message.items() if k not in of_way}
    return derive_id("m", msgspec.json.encode(kept, order="sorted").decode())


def _at(message: Mapping[str, Any], place: str) -> Any:
    """What stands at a place of a table: names with dots, `[0]` for the first of a list."""
    found: Any = message
    for name, first in _steps(place):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
        if first:
            found = found[0] if isinstance(found, list) and found else None
    return found


@lru_cache(maxsize=4_096)
def _steps(place: str) -> tuple[tuple[str, bool], ...]:
    """The names of a place, and whether the first of a list is meant there."""
    return tuple((step.removesuffix("[0]"), step.endswith("[0]")) for step in place.split("."))


def _put(event: dict[str, Any], place: str, value: object) -> None:
    """Set a field; what stands where a block belongs gives way to one."""
    *blocks, (last, _) = _steps(place)
    for name, only in blocks:
        inner = event.get(name)
        if only:
            if not (isinstance(inner, list) and inner and isinstance(inner[0], dict)):
                inner = event[name] = [{}]
            event = inner[0]
        else:
            if not isinstance(inner, dict):
                inner = event[name] = {}
            event = inner
    event[last] = value
