"""The shape of a bad record without what it holds: names that we know, types and lengths."""

from collections.abc import Iterator
from typing import Any

import msgspec

from streams.contracts import common
from streams.contracts.common import Block
from streams.contracts.inputs import events
from streams.contracts.unreadable import UNREADABLE

DEPTH_MAX = 4
ITEMS_SHOWN_MAX = 20
VALUE_BYTES_MAX = 1_048_576
HIDDEN = "(a name that we do not know)"


def _known_names() -> frozenset[str]:
    structs = [
        kind
        for module in (common, events)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Block)
    ]
    return frozenset(
        field.encode_name for struct in structs for field in msgspec.structs.fields(struct)
    ) | {"standard"}


KNOWN_NAMES = _known_names()


def outline(value: bytes | None) -> Iterator[str]:
    """The shape of a value, line by line; a value that is no JSON is only named so.

    A name that is none of our fields could be anything, an e-mail address too, so it is hidden.

    >>> list(outline(b'{"event_id": 7, "jane@example.com": [1, 2]}'))
    ['event_id: number', '(a name that we do not know): list of 2', '  number', '  number']
    """
    if value is None:
        yield "(no value)"
        return
    if len(value) > VALUE_BYTES_MAX:
        yield "(too large to look into)"
        return
    try:
        parsed = msgspec.json.decode(value)
    except UNREADABLE:
        yield "(not JSON)"
        return
    if isinstance(parsed, dict | list):
        yield from _inside(parsed, "", 0)
    else:
        yield _kind(parsed)


def _inside(parsed: dict[str, Any] | list[Any], indent: str, depth: int) -> Iterator[str]:
    named = isinstance(parsed, dict)
    items = list(parsed.items()) if isinstance(parsed, dict) else [("", x) for x in parsed]
    for name, item in items[:ITEMS_SHOWN_MAX]:
        shown = f"{name if name in KNOWN_NAMES else HIDDEN}: " if named else ""
        yield f"{indent}{shown}{_kind(item)}"
        if isinstance(item, dict | list) and depth < DEPTH_MAX:
            yield from _inside(item, indent + "  ", depth + 1)
    if len(items) > ITEMS_SHOWN_MAX:
        yield f"{indent}... and {len(items) - ITEMS_SHOWN_MAX} more"


def _kind(item: Any) -> str:
    match item:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "number"
        case str():
            return f"text of {len(item)}"
        case list():
            return f"list of {len(item)}"
        case _:
            return f"object of {len(item)}"
