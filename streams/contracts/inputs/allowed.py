"""What a field may say: the values of its schema, for a hint that a person can use."""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

import msgspec.inspect as inspect

_STEP: Final = re.compile(r"\.([A-Za-z_0-9]+)|(\[[^\]]*\])")
_GIVEN_CHARS_MAX: Final = 64


@lru_cache(maxsize=256)
def allowed_at(kind: object, path: str) -> tuple[str, ...]:
    """The strings that a type allows at a path (`$.channel`); empty where any will do.

    >>> from streams.contracts.common import HashedId
    >>> allowed_at(HashedId, "$.type")
    ('email', 'loyalty_card', 'other', 'payment_card', 'phone')
    """
    types = [inspect.type_info(kind)]
    for name, _ in _STEP.findall(path):
        types = [found for one in types for found in _inside(one, name)]
    values = [v for one in types for v in _literals(one)]
    return tuple(dict.fromkeys(v for v in values if isinstance(v, str)))


def what_is_allowed(allowed: Iterable[str], given: object) -> str:
    """What is allowed, and which of it was probably meant; never what was given.

    >>> what_is_allowed(("store", "app"), "stroe")
    'is not one of store, app; did you mean store?'
    """
    names = tuple(allowed)
    if not names:
        return "is not one of the allowed values"
    return f"is not one of {', '.join(names)}{guess(names, given)}"


def guess(names: Iterable[str], given: object) -> str:
    """`; did you mean ...?`, or nothing."""
    if not isinstance(given, str) or len(given) > _GIVEN_CHARS_MAX:
        return ""
    close = get_close_matches(given.lower(), names, 1, 0.7)
    return f"; did you mean {close[0]}?" if close else ""


def _inside(one: inspect.Type, name: str) -> Iterator[inspect.Type]:
    match one:
        case inspect.Metadata(type=inner):
            yield from _inside(inner, name)
        case inspect.UnionType(types=types):
            for option in types:
                yield from _inside(option, name)
        case inspect.StructType(fields=fields) if name:
            yield from (field.type for field in fields if field.encode_name == name)
        case inspect.DictType(key_type=key, value_type=inner) if not name:
            yield from (key, inner)  # a decoder names both by the same path
        case inspect.ListType(item_type=inner) | inspect.VarTupleType(item_type=inner) if not name:
            yield inner
        case _:
            return


def _literals(one: inspect.Type) -> Iterator[object]:
    match one:
        case inspect.Metadata(type=inner):
            yield from _literals(inner)
        case inspect.UnionType(types=types):
            for option in types:
                yield from _literals(option)
        case inspect.LiteralType(values=values):
            yield from values
        case _:
            return
