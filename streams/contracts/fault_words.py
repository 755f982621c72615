"""What a decoder expected of a value, in words for whoever writes the file or sends the event."""

import re
from typing import Final

_KINDS: Final = {
    "float": "a number",
    "int": "a whole number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object of named fields",
    "bytes": "bytes in base64",
    "null": "null",
}
_EXPECTED: Final = re.compile(r"Expected `(?P<kinds>[a-z0-9| ]+)`(?P<rest>.*)\Z", re.DOTALL)
_GOT: Final = re.compile(r", got `([a-z0-9]+)`\Z")
_BOUND: Final = re.compile(r" (>=|<=|>|<) ([-+.e0-9]+)\Z")
_LENGTH: Final = re.compile(r" of length (?:(>=|<=) )?([0-9]+)(?:, got ([0-9]+))?\Z")
_BOUNDS: Final = {">=": "at least ", "<=": "at most ", ">": "above ", "<": "below ", None: ""}
GROUPED_MIN = 1_000.0


def expected_in_words(message: str) -> str:
    """What msgspec says of a wrong value, in words; as it was where there are none for it.

    >>> expected_in_words("Expected `float | null`, got `str`")
    'must be a number, not a text'
    >>> expected_in_words("Expected `float` > 0.0"), expected_in_words("Expected `int` <= 10000")
    ('must be above 0', 'must be at most 10,000')
    >>> expected_in_words("Expected `str` of length >= 1")
    'must not be empty'
    >>> expected_in_words("Expected `array` of length <= 8")
    'must have at most 8 items'
    """
    found = _EXPECTED.match(message)
    if found is None:
        return message
    kinds, rest = [each for each in found["kinds"].split(" | ") if each != "null"], found["rest"]
    if not kinds or not all(kind in _KINDS for kind in kinds):
        return message
    if got := _GOT.match(rest):
        return f"must be {_one_of(kinds)}, not {_KINDS.get(got[1], got[1])}"
    if bound := _BOUND.match(rest):
        return f"must be {_BOUNDS[bound[1]]}{_number(bound[2])}"
    if length := _LENGTH.match(rest):
        return _length(kinds[0], *length.groups())
    return message


def plain(amount: float) -> str:
    """An amount as a person writes it: from a thousand on with its places, never as a power of ten.

    >>> plain(1e7), plain(12.5), plain(-1234.5)
    ('10,000,000.00', '12.5', '-1,234.50')
    """
    return f"{amount:,.2f}" if abs(amount) >= GROUPED_MIN else f"{amount:g}"


def _one_of(kinds: list[str]) -> str:
    words = [_KINDS[kind] for kind in reversed(kinds)]
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _number(text: str) -> str:
    return f"{int(text):,}" if text.lstrip("+-").isdigit() else f"{float(text):,.15g}"


def _length(kind: str, bound: str | None, count: str, got: str | None) -> str:
    if bound == ">=" and count == "1":
        return "must not be empty"
    name = {"str": "character", "bytes": "byte", "object": "field"}.get(kind, "item")
    many = name if count == "1" else f"{name}s"
    return f"must have {_BOUNDS[bound]}{_number(count)} {many}" + (f", not {got}" if got else "")
