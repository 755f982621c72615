"""Which records a destination gets: CEL over `data` and `topic`, checked at the start."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

import cel
import msgspec
from msgspec import Struct

from streams.contracts.catalogue import CONTRACTS

SOURCE_CHARS_MAX: Final = 2_000
VARIABLES: Final = ("data", "topic")
MACROS_MAX: Final = 2
_MACRO: Final = re.compile(r"\.\s*(all|exists|exists_one|map|filter)\s*\(")
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'")
_FIELD: Final = re.compile(r"\bdata\s*\.\s*([A-Za-z_]\w*)")


class Program(Protocol):
    """A compiled CEL program."""

    def execute(self, context: object) -> object:
        """Its value for these variables; raises where it cannot be told."""


class Filter(Struct, frozen=True):
    """A compiled filter; none at all takes every record."""

    program: Program | None = None

    def takes(self, topic: str, data: Mapping[str, Any]) -> bool:
        """Whether the record is sent; one that the filter cannot be told of is not."""
        if self.program is None:
            return True
        try:
            context = cel.Context(variables={"data": dict(data), "topic": topic})
            return self.program.execute(context) is True
        except Exception:
            return False


def compile_filter(source: str, topics: Iterable[str]) -> tuple[Filter, str]:
    """The filter and an empty text, or one that takes all and what is wrong.

    A field that no record of the topics has would never be true, and nothing would say why.
    """
    if not source.strip():
        return Filter(), ""
    if len(_MACRO.findall(source)) > MACROS_MAX:
        return Filter(), f"more than {MACROS_MAX} of all, exists, exists_one, map and filter"
    try:
        program = cel.compile(source)
    except ValueError as error:
        return Filter(), f"is no CEL: {str(error).splitlines()[0]}"
    unknown = set(program.variables()) - set(VARIABLES)
    if unknown and not _MACRO.search(source):
        return Filter(), f"there is no {min(unknown)}; there are {', '.join(VARIABLES)}"
    fields = _fields_of(topics)
    for name in _FIELD.findall(_QUOTED.sub("''", source)):
        if name not in fields:
            return Filter(), f"no record has data.{name}; there are {', '.join(sorted(fields))}"
    return Filter(program), ""


def _fields_of(topics: Iterable[str]) -> frozenset[str]:
    wanted = set(topics)
    return frozenset(
        field.encode_name
        for contract in CONTRACTS
        if contract.topic.name in wanted
        for field in msgspec.structs.fields(contract.struct)
    )
