"""All faults of data that a person wrote, each with its path; unknown fields count as faults."""

import re
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Final, TypeGuard, Union, get_args, get_origin, get_type_hints

import msgspec

from streams.contracts.inputs.allowed import allowed_at, guess, what_is_allowed
from streams.contracts.inputs.diagnosis import NOT_ALLOWED, path_and_text, reason_of

NO_NUMBER: Final = "must be a number, not a text"
_GROUPED: Final = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")


def faults_of(value: object, kind: object, path: str = "$") -> Iterator[str]:
    """Every fault of a plain value against a type, as `path: what is wrong`.

    >>> from streams.contracts.reference.structs import RiskBand
    >>> list(faults_of({"name": "low", "from_risk": 2, "colour": "red"}, RiskBand))
    ['$.colour: is no field of RiskBand', '$.from_risk: must be at most 1']
    """
    bare = _chosen(_bare(kind), value)
    if _is_struct(bare) and isinstance(value, dict):
        yield from _struct_faults(value, bare, path)
    elif get_origin(bare) is tuple and isinstance(value, list):
        inner = list(_item_faults(value, get_args(bare)[0], path))
        yield from inner or _leaf_faults(value, kind, path)
    elif get_origin(bare) is dict and isinstance(value, dict):
        key_kind, value_kind = get_args(bare)
        inner = list(_entry_faults(value, key_kind, value_kind, path))
        yield from inner or _leaf_faults(value, kind, path)
    else:
        yield from _leaf_faults(value, kind, path)


def _entry_faults(
    value: dict[object, object], key_kind: object, kind: object, path: str
) -> Iterator[str]:
    for key, inner in value.items():
        at = f"{path}.{key}"
        wrong = list(_leaf_faults(key, key_kind, at))
        yield from wrong or faults_of(inner, kind, at)


def _struct_faults(
    value: dict[object, object], kind: type[msgspec.Struct], path: str
) -> Iterator[str]:
    hints = get_type_hints(kind, include_extras=True)
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    tag = kind.__struct_config__.tag_field
    for name in value:
        if name not in fields and name != tag:
            yield f"{path}.{name}: is no field of {kind.__name__}{guess(fields, name)}"
    for name, field in fields.items():
        if name in value:
            yield from faults_of(value[name], hints[field.name], f"{path}.{name}")
        elif field.required:
            yield f"{path}.{name}: is required"


def _item_faults(items: list[object], kind: object, path: str) -> Iterator[str]:
    for index, item in enumerate(items):
        yield from faults_of(item, kind, f"{path}[{index}]")


def _leaf_faults(value: object, kind: object, path: str) -> Iterator[str]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        at, text = path_and_text(str(error), path)
        reason, detail = reason_of(text)
        if reason == "out_of_range" and detail == NOT_ALLOWED:
            detail = what_is_allowed(allowed_at(kind, "$" + at.removeprefix(path)), value)
        if detail == NO_NUMBER and isinstance(value, str) and _GROUPED.fullmatch(value):
            detail = f"{NO_NUMBER}: write {value.replace(',', '')}, without a comma"
        yield f"{at}: {'needs ' + detail if reason == 'missing_field' else detail}"


def _bare(kind: object) -> object:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _chosen(kind: object, value: object) -> object:
    """Of a union with None, or of tagged structs, the one that a value means."""
    if get_origin(kind) not in (Union, UnionType):
        return kind
    options = [option for option in get_args(kind) if option is not NoneType]
    if len(options) == 1:
        return _bare(options[0])
    for option in options:
        config = getattr(option, "__struct_config__", None)
        if config is None or config.tag_field is None or not isinstance(value, dict):
            continue
        if value.get(config.tag_field) == config.tag:
            return option
    return kind


def _is_struct(kind: object) -> TypeGuard[type[msgspec.Struct]]:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
