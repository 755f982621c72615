"""Whole numbers as JSON Schema 2020-12 has them: 1000.0 and 1e3 are integers.

The decoder's fast path takes an integer only without a point. What it refuses comes here: at the
fields that want an integer, and only there, a float without a fraction becomes one.
"""

import re
from typing import Any, Final

import msgspec

from streams.contracts.inputs.diagnosis import path_and_text

_WANTS_INTEGER: Final = re.compile(r"\AExpected `int(?: \| null)?`, got `float`")
STEP: Final = re.compile(r"\.([A-Za-z_0-9]+)|(\[[^\]]*\])")
_INT_BITS: Final = 63
_ROUNDS_MAX: Final = 64  # each mends one field of the schema, in all items of its lists


def wants_integer(error: Exception) -> bool:
    """Whether a decode failed at a float where an integer belongs."""
    return isinstance(error, msgspec.ValidationError) and bool(_WANTS_INTEGER.match(str(error)))


def with_integers(document: object, kind: object) -> object:
    """The same document (plain dicts and lists, changed in place) with integers where they belong.

    >>> from streams.contracts.common import Product
    >>> with_integers({"product_id": "s", "category": "c", "quantity": 2.0}, Product)["quantity"]
    2
    """
    for _ in range(_ROUNDS_MAX):
        try:
            msgspec.convert(document, kind)
        except msgspec.ValidationError as error:
            path = path_and_text(str(error))[0]
            if not wants_integer(error) or not _mend(document, STEP.findall(path)):
                return document
        else:
            return document
    return document


def integers_in(value: bytes, kind: object) -> bytes | None:
    """The same JSON with integers where they belong; None where it cannot be read at all."""
    try:
        return msgspec.json.encode(with_integers(msgspec.json.decode(value), kind))
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError, TypeError):
        return None


def _mend(holder: object, steps: list[tuple[str, str]]) -> bool:
    """Change what stands at a path, in every item of the lists and maps on the way."""
    if not steps:
        return False
    (name, _), *rest = steps
    places: list[Any]
    if isinstance(holder, dict):
        places = list(holder) if not name else [name] if name in holder else []
    elif isinstance(holder, list) and not name:
        places = list(range(len(holder)))
    else:
        return False
    if rest:
        changed = [_mend(holder[place], rest) for place in places]  # all, not the first alone
        return any(changed)
    mended = [place for place in places if _is_whole(holder[place])]
    for place in mended:
        holder[place] = int(holder[place])
    return bool(mended)


def _is_whole(number: object) -> bool:
    return isinstance(number, float) and number.is_integer() and abs(number) < 2**_INT_BITS
