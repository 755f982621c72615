"""All times, numbers, texts and lists that come in have bounds; a field without fails here."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec.inspect as inspect
import pytest
from msgspec import Struct

from streams.contracts.catalogue import CONTRACTS
from streams.contracts.inputs.decode import _RoutedWire
from streams.contracts.internal import routing

COMING_IN: tuple[type[Struct], ...] = (
    *(c.struct for c in CONTRACTS if c.topic.direction in ("input", "reference")),
    routing.Tick,
    _RoutedWire,
    routing.LinkRequested,
    routing.LinkAnswered,
    routing.LinkEnded,
    routing.ErasureDone,
)
# Bounded by something else than their type.
ELSEWHERE = {
    "Context.app": "`InputRules.properties_max`: too_many_properties",
    "Context.device": "the same",
    "Context.campaign": "the same",
    "CouponUse.code": "`coupons.code_text` keeps 128 characters",
}
_ENDLESS = re.compile(r"(?<!\\)[*+](?!\?)|\{\d+,\}")


def unbounded(kind: inspect.Type, path: str, seen: set[type]) -> Iterator[str]:
    """The places in a type that have no bounds, each as `Struct.field`."""
    if path in ELSEWHERE:
        return
    match kind:
        case inspect.Metadata(type=inner):
            yield from unbounded(inner, path, seen)
        case inspect.UnionType(types=types):
            for option in types:
                yield from unbounded(option, path, seen)
        case inspect.StructType(cls=struct, fields=fields) if struct not in seen:
            seen.add(struct)
            for field in fields:
                yield from unbounded(field.type, f"{struct.__name__}.{field.encode_name}", seen)
        case inspect.DictType(key_type=key, value_type=value):
            if kind.max_length is None and not isinstance(key, inspect.LiteralType):
                yield path
            yield from unbounded(key, path, seen)
            yield from unbounded(value, path, seen)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            if kind.max_length is None:
                yield path
            yield from unbounded(item, path, seen)
        case _ if not _is_bounded(kind):
            yield path


def _is_bounded(kind: inspect.Type) -> bool:
    match kind:
        case inspect.IntType() | inspect.FloatType():
            lowest = kind.ge if kind.ge is not None else kind.gt
            highest = kind.le if kind.le is not None else kind.lt
            return lowest is not None and highest is not None
        case inspect.StrType(max_length=length, pattern=pattern):
            return length is not None or (pattern is not None and not _ENDLESS.search(pattern))
        case inspect.BytesType(max_length=length):
            return length is not None
        case inspect.DateTimeType():
            return kind.tz is True  # years 1970 to 2199: `semantics.calendar_fault`
        case inspect.AnyType():
            return False
    return True


@pytest.mark.parametrize("struct", COMING_IN, ids=lambda struct: struct.__name__)
def test_every_field_has_bounds(struct: type[Struct]) -> None:
    """Numbers from and to, texts a length or a pattern, lists and maps a length."""
    assert list(unbounded(inspect.type_info(struct), struct.__name__, set())) == []


def test_a_field_without_bounds_is_found() -> None:
    """The control: each kind of field without bounds is told by its name."""

    class Inner(Struct):
        text: str

    class Odd(Struct):
        number: int
        share: float
        items: list[Inner]
        names: dict[str, bool]
        anything: Any
        raw: bytes | None = None

    found = list(unbounded(inspect.type_info(Odd), "Odd", set()))
    assert {name.split(".")[1] for name in found} == {
        "number", "share", "items", "text", "names", "anything", "raw",
    }  # fmt: skip
