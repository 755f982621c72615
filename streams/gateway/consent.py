"""`Sec-GPC: 1`, a browser's objection, written into the event that it came with."""

from typing import Any

import msgspec

from streams.contracts.unreadable import UNREADABLE

_TRUE = msgspec.Raw(b"true")


def objecting(value: bytes, *, structured: bool = False) -> bytes:
    """The event with `context.consent.gpc` true; all else stays byte for byte.

    Args:
        value: an event, or with `structured` a CloudEvent that has it in `data`.
        structured: the event is in `data`.

    What is no JSON object stays as it is: it is refused.

    >>> objecting(b'{"a":1.50,"context":{"locale":"de"}}')
    b'{"a":1.50,"context":{"locale":"de","consent":{"gpc":true}}}'
    """
    return _set(value, ("data",) * structured + ("context", "consent", "gpc"))


def _set(value: bytes, path: tuple[str, ...]) -> bytes:
    fields = _fields(value)
    if fields is None:
        return value
    name, *rest = path
    inner = bytes(fields.get(name, b"{}"))
    if not rest:
        fields[name] = _TRUE
    else:
        if name != "data" and _fields(inner) is None:  # an odd part must not lose the objection
            inner = b"{}"
        fields[name] = msgspec.Raw(_set(inner, tuple(rest)))
    return msgspec.json.encode(fields)


def _fields(value: bytes) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(value, type=dict[str, msgspec.Raw])
    except UNREADABLE:
        return None
