"""Placeholders are no ids: what a broken tag sends where it knows nobody must not become a person.

Built-in are the words that programs write for "nothing", and ids of zeros alone, as phones give
out where the advertising id may not be read. A shop adds its own in `policies.yaml`.
"""

from typing import Final

import msgspec
from msgspec.structs import replace

from streams.contracts.inputs.events import InputEvent
from streams.contracts.unreadable import UNREADABLE

WORDS: Final = frozenset(
    {
        "", "-", "-1", "anonymous", "empty", "false", "n.a.", "n/a", "nan", "nil", "no_id", "none",
        "not_set", "not-set", "(not set)", "null", "(null)", "[object object]", "true", "undefined",
        "unknown",
    }
)  # fmt: skip
_ZEROS: Final = "0-:.{}"
_IDS: Final = ("customer_id", "anonymous_id", "device_id")


def is_placeholder(id_: str, listed: frozenset[str] = frozenset()) -> bool:
    """Whether an id is none; `listed` are the shop's own, in lower case.

    >>> is_placeholder("Undefined"), is_placeholder("00000000-0000-0000-0000-000000000000")
    (True, True)
    >>> is_placeholder("c-1"), is_placeholder("guest", frozenset({"guest"}))
    (False, True)
    """
    word = id_.strip().lower()
    return word in WORDS or word in listed or not word.strip(_ZEROS)


def without_placeholders(event: InputEvent, listed: frozenset[str]) -> InputEvent:
    """The event under the ids that are left; the same where none is a placeholder."""
    identity = event.identity
    given = (identity.customer_id, identity.anonymous_id, identity.device_id)
    real = tuple([None if i is None or is_placeholder(i, listed) else i for i in given])
    if real == given:
        return event
    customer, anonymous, device = real
    kept = replace(identity, customer_id=customer, anonymous_id=anonymous, device_id=device)
    return replace(event, identity=kept)


def cleared(value: bytes, listed: frozenset[str]) -> bytes | None:
    """A JSON document without the placeholders among its ids, None where it has none.

    For those that are not even of an id's format, as an empty text is.
    """
    try:
        found = msgspec.json.decode(value)
    except UNREADABLE:
        return None
    identity = found.get("identity") if isinstance(found, dict) else None
    if not isinstance(identity, dict):
        return None
    nobody = [
        name
        for name in _IDS
        if isinstance(identity.get(name), str) and is_placeholder(identity[name], listed)
    ]
    if not nobody:
        return None
    for name in nobody:
        del identity[name]
    return msgspec.json.encode(found)
