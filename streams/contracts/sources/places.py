"""Whether an event of ours has a field at a place of a table, and what else may have been meant."""

from collections.abc import Iterable, Iterator

from msgspec import Struct, inspect

from streams.contracts.catalogue import INPUT_CONTRACTS
from streams.contracts.inputs.allowed import guess


def kinds_of(events: Iterable[str], topics: Iterable[str]) -> tuple[type[Struct], ...]:
    """The structs that events of these names on these topics are; none named: all."""
    names, on = set(events), set(topics)
    return tuple(
        contract.struct
        for contract in INPUT_CONTRACTS
        if (not names or names & set(contract.event_names))
        and (not on or contract.topic.name in on)
    )


def field_fault(kinds: Iterable[type[Struct]], place: str) -> str:
    """Why none of the structs has a field at a place; empty where one has.

    >>> from streams.contracts.inputs.events import Clickstream
    >>> field_fault([Clickstream], "product.brand"), field_fault([Clickstream], "product.brnd")
    ('', 'there is no field `brnd` in product; did you mean brand?')
    """
    types: list[inspect.Type] = [inspect.type_info(kind) for kind in kinds]
    around = "the event"
    steps = place.split(".")
    if steps[-1].endswith("[0]"):
        return "a list is filled by `each`, or by a field of its only item"
    for step in steps:
        name = step.removesuffix("[0]")
        inner = [found for one in types for found in _inside(one, name)]
        if step.endswith("[0]"):
            inner = [found for one in inner for found in _items(one)]
        if not inner:
            known = sorted({field for one in types for field in _fields(one)})
            return f"there is no field `{name}` in {around}{guess(known, name)}"
        types, around = inner, name
    return ""


def _bare(one: inspect.Type) -> Iterator[inspect.Type]:
    """A type without its bounds; of a union each."""
    match one:
        case inspect.Metadata(type=inner):
            yield from _bare(inner)
        case inspect.UnionType(types=types):
            for option in types:
                yield from _bare(option)
        case _:
            yield one


def _inside(one: inspect.Type, name: str) -> Iterator[inspect.Type]:
    for bare in _bare(one):
        match bare:
            case inspect.StructType(fields=fields):
                yield from (field.type for field in fields if field.encode_name == name)
            case inspect.DictType(value_type=inner):
                yield inner
            case inspect.AnyType():
                yield bare
            case _:
                pass


def _items(one: inspect.Type) -> Iterator[inspect.Type]:
    for bare in _bare(one):
        match bare:
            case inspect.ListType(item_type=inner) | inspect.VarTupleType(item_type=inner):
                yield inner
            case _:
                pass


def _fields(one: inspect.Type) -> Iterator[str]:
    for bare in _bare(one):
        if isinstance(bare, inspect.StructType):
            yield from (field.encode_name for field in bare.fields)
