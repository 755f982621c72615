"""Why bytes could not be read: one failed decode becomes one reason, path and hint."""

import json
import re
from typing import Final

import msgspec

from streams.contracts.fault_words import expected_in_words
from streams.contracts.inputs.allowed import allowed_at, what_is_allowed
from streams.contracts.inputs.personal import is_email, looks_personal
from streams.contracts.inputs.rules import InputRules, Rejected, RejectReason
from streams.contracts.pattern_words import in_words
from streams.contracts.unreadable import UNREADABLE

_PATH = re.compile(r" - at (?:`(?P<at>[^`]*)`|.* in `(?P<inside>[^`]*)`)\Z")
_STEP = re.compile(r"\.([A-Za-z_0-9]+)|\[([0-9]+)\]")
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))

_MAGIC: Final[tuple[tuple[bytes, RejectReason, str], ...]] = (
    (b"\x1f\x8b", "invalid_json", "starts like gzip; send it plain"),
    (b"\x28\xb5\x2f\xfd", "invalid_json", "starts like zstd; send it plain"),
    (b"\x04\x22\x4d\x18", "invalid_json", "starts like lz4; send it plain"),
    (b"PK\x03\x04", "invalid_json", "starts like a zip file"),
    (b"Obj\x01", "invalid_json", "starts like an Avro file"),
    (b"\x00", "invalid_json", "starts like a schema registry's framing (Avro, Protobuf)"),
    (b"\x80", "invalid_json", "starts like a pickle; such a thing is never opened"),
    (b"\xef\xbb\xbf", "invalid_json", "starts with a byte order mark"),
    (b"\xff\xfe", "invalid_utf8", "starts like UTF-16; JSON on the wire is UTF-8"),
    (b"\xfe\xff", "invalid_utf8", "starts like UTF-16; JSON on the wire is UTF-8"),
)

_TIME = "is no time as RFC 3339 writes it: 2026-03-01T10:00:00Z"
NOT_ALLOWED = "is not one of the allowed values"
_FAULTS: Final[tuple[tuple[str, RejectReason, str | None], ...]] = (
    ("Invalid RFC3339", "bad_timestamp", _TIME),
    ("Expected `datetime` with a timezone", "bad_timestamp", "has no time zone"),
    ("Expected `datetime", "bad_timestamp", _TIME),
    ("Invalid enum value", "out_of_range", NOT_ALLOWED),
    ("Invalid value", "out_of_range", NOT_ALLOWED),
    ("Number out of range", "out_of_range", "is too large a number"),
    ("Integer value out of range", "out_of_range", "is too large a number"),
    ("Object contains unknown field", "unknown_field", None),
    ("Amount out of range", "out_of_range", "is too large an amount"),
    ("Currencies differ", "wrong_currency", "names two currencies for one thing"),
)
# Whose ids these are: a number in them may be that of a telephone.
_OF_PEOPLE: Final = ("customer_id", "anonymous_id", "device_id", "from", "to", "value_hash")
_LEAP_SECOND = re.compile(r"[Tt ][0-9]{2}:[0-9]{2}:60")
_MIDNIGHT = re.compile(r"[Tt ]24:")
_EXPECTED = re.compile(r"\AExpected `[^`]*`(?P<rest>.*)\Z", re.DOTALL)
_MISSING = re.compile(r"\AObject missing required field `([^`]*)`")


def diagnose(value: bytes, error: Exception, prefix: str = "$", kind: object = None) -> Rejected:
    """The reason of a failed decode.

    Args:
        value: what was decoded.
        error: what it failed with.
        prefix: the path of `value` in its record.
        kind: the type that it was to be, to say what it allows.
    """
    if isinstance(error, RecursionError):
        return Rejected("too_deep", prefix, "is nested deeper than the rules allow")
    if isinstance(error, UnicodeDecodeError):
        return Rejected("invalid_utf8", prefix, "is not UTF-8")
    if isinstance(error, msgspec.ValidationError):
        # A fault of the schema can stand before one of the syntax, which is the real one.
        rejected = _diagnose_validation(value, str(error), prefix, kind)
        broken = None if rejected.reason == "not_an_object" else _syntax_error(value)
        return rejected if broken is None else diagnose(value, broken, prefix)
    return _diagnose_syntax(value, str(error), prefix)


def _diagnose_syntax(value: bytes, message: str, prefix: str) -> Rejected:
    for magic, reason, hint in _MAGIC:
        if value.startswith(magic):
            return Rejected(reason, prefix, hint)
    if not is_utf8(value):
        return Rejected("invalid_utf8", prefix, "is not UTF-8")
    if "surrogate" in message or ("truncated" in message and _is_lenient_json(value)):
        return Rejected("invalid_utf8", prefix, "holds half a surrogate pair")
    if "trailing comma" in message:
        return Rejected("invalid_json", prefix, "has a comma before a closing bracket")
    if "trailing characters" in message and value.rstrip().endswith(b","):
        return Rejected("invalid_json", prefix, "has a comma behind its JSON; leave it out")
    if "trailing characters" in message:
        return Rejected("invalid_json", prefix, "holds more than one JSON document")
    if "truncated" in message:
        return Rejected("invalid_json", prefix, "ends before its JSON does")
    return Rejected("invalid_json", prefix, "is not JSON (RFC 8259)")


def _syntax_error(value: bytes) -> Exception | None:
    try:
        msgspec.json.decode(value)
    except msgspec.ValidationError:
        return None
    except UNREADABLE as error:
        return error
    return None


def _diagnose_validation(value: bytes, message: str, prefix: str, kind: object) -> Rejected:
    path, text = path_and_text(message, prefix)
    reason, detail = reason_of(text)
    if reason == "missing_field":
        return Rejected(reason, f"{path}.{detail}", "is required")
    if path == prefix and reason == "wrong_type":
        return Rejected("not_an_object", path, detail)
    if path == f"{prefix}.event_name" and reason == "out_of_range":
        return Rejected("unknown_event_name", path, "is not an event of this topic")
    given = _at(value, path.removeprefix(prefix))
    if reason == "bad_format" and _is_personal(path, given):
        return Rejected("pii_in_key", path, "is an e-mail address or a phone number; send a hash")
    if reason == "bad_timestamp" and isinstance(given, str):
        detail = _of_time(given) or detail
    if detail == NOT_ALLOWED and kind is not None:
        detail = what_is_allowed(allowed_at(kind, "$" + path.removeprefix(prefix)), given)
    return Rejected(reason, path, detail)


def _is_personal(path: str, given: object) -> bool:
    of_people = path.rpartition(".")[2] in _OF_PEOPLE
    return looks_personal(given) if of_people else is_email(given)


def _of_time(given: str) -> str | None:
    if _LEAP_SECOND.search(given):
        return "is a leap second, which clocks here do not have; send second 59"
    if _MIDNIGHT.search(given):
        return "has the hour 24, which RFC 3339 does not have; send 00:00 of the next day"
    return None


def path_and_text(message: str, prefix: str = "$") -> tuple[str, str]:
    """Split a msgspec message into the path of the field and what is wrong with it.

    >>> path_and_text("Expected `str`, got `int` - at `$.page.path`")
    ('$.page.path', 'Expected `str`, got `int`')
    """
    found = _PATH.search(message)
    if found is None:
        return prefix, message
    at = found["at"] if found["at"] is not None else f"{found['inside']}[...]"
    return prefix + at.removeprefix("$"), message[: found.start()]


def reason_of(text: str) -> tuple[RejectReason, str]:
    """The reason, and a hint that holds nothing of the record; for a missing field, its name.

    >>> reason_of("Invalid enum value 'jane@example.com'")
    ('out_of_range', 'is not one of the allowed values')
    >>> reason_of("Expected `str`, got `int`")
    ('wrong_type', 'must be a text, not a whole number')
    """
    missing = _MISSING.match(text)
    if missing:
        return "missing_field", missing[1]
    for start, reason, hint in _FAULTS:
        if text.startswith(start):
            return reason, hint or text
    expected = _EXPECTED.match(text)
    if expected is None:
        return "wrong_type", "is not what the schema says"
    if expected["rest"].startswith(" matching regex"):
        return "bad_format", in_words(text)
    reason = "wrong_type" if expected["rest"].startswith(", got") else "out_of_range"
    return reason, expected_in_words(text)


def is_utf8(value: bytes) -> bool:
    """Whether the bytes are UTF-8."""
    if value.isascii():
        return True
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_too_deep(value: bytes, rules: InputRules) -> bool:
    """Whether JSON that has been decoded once is nested deeper than `rules.depth_max`.

    Few brackets are not deep; else strings are cut out and the innermost pairs removed, level by
    level. Only for valid JSON: the pattern takes quadratic time on a string that never ends.
    """
    if value.count(b"{") + value.count(b"[") <= rules.depth_max:
        return False
    brackets = _STRING.sub(b"", value).translate(None, _NOT_BRACKETS)
    for _ in range(rules.depth_max):
        brackets = _without_leaves(brackets)
    return bool(brackets)


_LEAVES = re.compile(rb"\[\]|\{\}")


def _without_leaves(brackets: bytes) -> bytes:
    return _LEAVES.sub(b"", brackets) if brackets else brackets


def _is_lenient_json(value: bytes) -> bool:
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True


def _at(value: bytes, path: str) -> object:
    """What stands at a path of a document; None where nothing does."""
    try:
        found = msgspec.json.decode(value)
        for name, index in _STEP.findall(path):
            found = found[int(index)] if index else found[name]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, LookupError, TypeError):
        return None
    return found
