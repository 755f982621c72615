"""JSON Schema 2020-12 of everything that crosses the border, written from the structs.

`python -m streams.contracts.schemas schemas/` writes one file per type and version; a test holds
that the files in the repository are what this says.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import inspect

from streams.contracts.catalogue import CONTRACTS, Contract
from streams.contracts.descriptions import description_of
from streams.contracts.inputs.required import REQUIRED_BY_NAME

Schema = dict[str, Any]
"""A part of a JSON Schema: as deep and as mixed as the standard allows."""
Place = tuple[str, str]
"""A struct and its field."""
BASE: Final = "https://schemas.offerstream.example/"
REF: Final = "#/$defs/{name}"


def file_name(contract: Contract) -> str:
    """The schema's file: name and version."""
    return f"{contract.type_name}.schema.json"


def schema_of(contract: Contract) -> Schema:
    """The JSON Schema of a type, complete in itself."""
    _, components = msgspec.json.schema_components(
        [contract.struct], ref_template=REF, schema_hook=_any_value
    )
    keys = dict(_key_names(inspect.type_info(contract.struct), ("", ""), set()))
    for name, schema in components.items():
        _describe(name, schema, keys, closed=contract.closed)
    root = components.pop(contract.struct.__name__)
    if contract.topic.direction == "input":
        _add_rules(contract, root, components)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": BASE + file_name(contract),
        "title": f"{contract.name} v{contract.version}",
        "x-topic": contract.topic.name,
    }
    root.pop("title")
    return {key: _ecma(value) for key, value in (head | root | {"$defs": components}).items()}


def _any_value(_: type) -> Schema:
    return {"description": "A number, a text, a list or a map of such."}


def _key_names(kind: inspect.Type, of: Place, seen: set[type]) -> Iterator[tuple[Place, Schema]]:
    """Struct and field of each map whose keys are certain names: msgspec leaves these out."""
    match kind:
        case inspect.StructType(cls=cls) if cls not in seen:
            seen.add(cls)
            for one in kind.fields:
                yield from _key_names(one.type, (cls.__name__, one.encode_name), seen)
        case inspect.DictType(key_type=keys):
            if isinstance(keys, inspect.LiteralType):
                yield of, {"enum": list(keys.values)}
            yield from _key_names(kind.value_type, of, seen)
        case inspect.UnionType():
            for option in kind.types:
                yield from _key_names(option, of, seen)
        case inspect.VarTupleType() | inspect.ListType():
            yield from _key_names(kind.item_type, of, seen)
        case inspect.Metadata():
            yield from _key_names(kind.type, of, seen)


def _describe(struct: str, schema: Schema, keys: Mapping[Place, Schema], *, closed: bool) -> None:
    properties = schema.get("properties", {})
    for field, inner in properties.items():
        inner["description"] = description_of(struct, field)
        for option in (inner, *inner.get("anyOf", ())):
            if "additionalProperties" in option and (struct, field) in keys:
                option["propertyNames"] = keys[struct, field]
    if closed:
        schema["additionalProperties"] = False
    if closed and struct == "Money":
        _close_money(schema)


def _close_money(schema: Schema) -> None:
    """What we write of money has one form, and always its currency."""
    amount, currency = schema["properties"]["amount"], schema["properties"]["currency"]
    schema["properties"] = {
        "amount": {**amount.pop("anyOf")[0], **amount},
        "currency": {**currency.pop("anyOf")[0], "description": currency["description"]},
    }
    schema["required"] = ["amount", "currency"]


def _add_rules(contract: Contract, root: Schema, components: Schema) -> None:
    """What the decoder asks beyond the structs: an id at least, and blocks by event name."""
    components["Identity"]["anyOf"] = [
        {"required": [name], "properties": {name: {"type": "string"}}}
        for name in ("customer_id", "anonymous_id", "device_id")
    ]
    names = sorted(contract.event_names)
    del root["properties"]["odd_parts"]  # ours: nobody sends it
    event_name = root["properties"]["event_name"]
    root["properties"]["event_name"] = {
        "enum": names,
        "description": event_name["description"],
    }
    root["allOf"] = [
        {
            "if": {"properties": {"event_name": {"const": name}}, "required": ["event_name"]},
            "then": {"required": [block], "properties": {block: {"not": {"type": "null"}}}},
        }
        for name, block in REQUIRED_BY_NAME.items()
        if name in names
    ]
    if not root["allOf"]:
        del root["allOf"]
    if contract.name == "privacy_request":
        optional = ("event_id", "occurred_at", "channel")
        root["required"] = [name for name in root["required"] if name not in optional]
    if "LineItem" in components:
        components["LineItem"]["anyOf"] = [
            {
                "required": [name],
                "properties": {name: {"type": "string", "minLength": 1}},
            }
            for name in ("product_id", "gtin")
        ]
    for name in ("app", "device", "campaign"):
        components["Context"]["properties"][name]["anyOf"][0]["maxProperties"] = 64


def _ecma(value: object) -> object:
    """Patterns as ECMA 262 has them, where `$` is the end and never stands before a newline."""
    if isinstance(value, dict):
        return {
            key: inner.replace(r"(?!\n)$", "$") if key == "pattern" else _ecma(inner)
            for key, inner in value.items()
        }
    return [_ecma(inner) for inner in value] if isinstance(value, list) else value


def text_of(contract: Contract) -> str:
    """The schema as it stands in its file."""
    return msgspec.json.format(msgspec.json.encode(schema_of(contract)), indent=2).decode() + "\n"


def main(folder: str) -> None:
    """Write every schema into a folder."""
    for contract in CONTRACTS:
        Path(folder, file_name(contract)).write_text(text_of(contract), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
