"""Snowplow's tracker protocol unwrapped: JSON in text in JSON, with schemas, to plain fields."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any, Final

import msgspec

ACTION: Final = "snowplow_ecommerce_action"
SELF_DESCRIBING: Final = "ue"
_SCHEMA = re.compile(r"\Aiglu:[^/]{1,128}/([A-Za-z0-9_\-]{1,128})/jsonschema/[0-9\-]{1,32}\Z")
_DECODE_ERRORS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)
_WRAPPED: Final = frozenset({"ue_pr", "ue_px", "co", "cx"})


def unwrapped(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message of the protocol with its own event and entities as fields; total for any object.

    >>> inner = '{"data":{"schema":"iglu:a/site_search/jsonschema/1-0-0","data":{"terms":["x"]}}}'
    >>> found = unwrapped({"e": "ue", "ue_pr": inner})
    >>> found["name"], found["self"]
    ('site_search', {'terms': ['x']})
    """
    plain = {name: value for name, value in message.items() if name not in _WRAPPED}
    name, own = _named(_wrapped(message, "ue_pr", "ue_px"))
    if message.get("e") != SELF_DESCRIBING:
        name = message["e"] if isinstance(message.get("e"), str) else ""
    elif name == ACTION:
        name = own["type"] if isinstance(own.get("type"), str) else ""
    entities: dict[str, list[Any]] = {}
    listed = _wrapped(message, "co", "cx")
    for entity in listed if isinstance(listed, list) else ():
        kind, data = _named(entity)
        if kind:
            entities.setdefault(kind, []).append(data)
    return {**plain, "name": name, "self": own, "entities": entities}


def _wrapped(message: Mapping[str, Any], as_json: str, as_base64: str) -> object:
    """What stands in `data` of a wrapper that is written as JSON or as base64 of it."""
    text = message.get(as_json)
    try:
        if not isinstance(text, str):
            packed = message.get(as_base64)
            if not isinstance(packed, str):
                return None
            text = urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
        wrapper = msgspec.json.decode(text)
    except _DECODE_ERRORS:
        return None
    return wrapper.get("data") if isinstance(wrapper, Mapping) else None


def _named(described: object) -> tuple[str, dict[str, Any]]:
    """The name of a schema and the data that it describes; empty where that is none."""
    if not isinstance(described, Mapping):
        return "", {}
    schema, data = described.get("schema"), described.get("data")
    found = _SCHEMA.match(schema) if isinstance(schema, str) else None
    return found[1] if found else "", dict(data) if isinstance(data, Mapping) else {}
