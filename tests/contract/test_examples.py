"""The examples drive decoder and JSON Schema: both say the same, or the file says otherwise."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from streams.contracts.catalogue import CONTRACTS, Contract
from streams.contracts.faults import faults_of
from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.diagnosis import diagnose
from streams.contracts.inputs.required import REQUIRED_BY_NAME
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.schemas import file_name, text_of

SCHEMAS = Path(__file__).parents[2] / "schemas"
RULES = InputRules(now_ms=int(datetime(2026, 6, 1, tzinfo=UTC).timestamp() * 1000))
BY_NAME = {contract.name: contract for contract in CONTRACTS}
NAMES = [contract.name for contract in CONTRACTS]


def _validator(name: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / file_name(BY_NAME[name])).read_text(encoding="utf-8"))
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


VALIDATORS = {name: _validator(name) for name in NAMES}


def _files(kind: str) -> list[Any]:
    paths = sorted((SCHEMAS / "examples").glob(f"*/{kind}/*.json"))
    return [pytest.param(path, id=f"{path.parent.parent.name}/{path.stem}") for path in paths]


def _read(contract: Contract, value: Any) -> object:
    """What the program makes of an example: a struct, or why not; closed types strictly."""
    raw = json.dumps(value).encode()
    if contract.topic.direction == "input":
        return decode(contract.topic.name, raw, (), RULES)
    try:
        struct = msgspec.json.decode(raw, type=contract.struct)
    except msgspec.ValidationError as error:
        return diagnose(raw, error)
    for fault in faults_of(value, contract.struct):
        return Rejected("unknown_field", fault.split(":")[0], fault)
    return struct


@pytest.mark.parametrize("path", _files("valid"))
def test_valid_examples_are_accepted_by_decoder_and_schema(path: Path) -> None:
    """A valid example is read by the program and accepted by the JSON Schema."""
    name, value = path.parent.parent.name, json.loads(path.read_text(encoding="utf-8"))
    assert [error.message for error in VALIDATORS[name].iter_errors(value)] == []
    assert not isinstance(_read(BY_NAME[name], value), Rejected)


@pytest.mark.parametrize("path", _files("invalid"))
def test_invalid_examples_are_rejected_with_their_reason_and_path(path: Path) -> None:
    """An invalid example is rejected for its reason; its file says if a schema can know."""
    name, example = path.parent.parent.name, json.loads(path.read_text(encoding="utf-8"))
    rejected = _read(BY_NAME[name], example["value"])
    assert isinstance(rejected, Rejected)
    assert (rejected.reason, rejected.path) == (example["reason"], example["path"])
    accepts = VALIDATORS[name].is_valid(example["value"])
    assert accepts == (example["json_schema"] == "accepts")


@pytest.mark.parametrize("name", NAMES)
def test_the_files_are_what_the_code_says(name: str) -> None:
    """A schema in the repository equals what `python -m streams.contracts.schemas` writes."""
    written = (SCHEMAS / file_name(BY_NAME[name])).read_text(encoding="utf-8")
    assert written == text_of(BY_NAME[name])


def _schema(name: str) -> Mapping[str, Any]:
    schema = VALIDATORS[name].schema
    assert not isinstance(schema, bool)
    return schema


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_valid_and_describes_every_field(name: str) -> None:
    """A schema keeps the metaschema, and no property is without a description."""
    schema = _schema(name)
    Draft202012Validator.check_schema(schema)
    for part in (schema, *schema["$defs"].values()):
        assert part.get("description")
        for field, inner in part.get("properties", {}).items():
            assert inner.get("description"), field
        if BY_NAME[name].closed and "properties" in part:
            assert part["additionalProperties"] is False


@pytest.mark.parametrize("name", NAMES)
def test_every_type_has_examples_of_both_kinds(name: str) -> None:
    """There is at least one valid and one invalid example of every type."""
    for kind in ("valid", "invalid"):
        assert list((SCHEMAS / "examples" / name / kind).glob("*.json")), kind


def test_no_schema_and_no_example_is_left_over() -> None:
    """Every file under `schemas/` belongs to a type of the catalogue."""
    files = {path.name for path in SCHEMAS.glob("*.schema.json")}
    assert files == {file_name(contract) for contract in CONTRACTS}
    assert {path.name for path in (SCHEMAS / "examples").iterdir()} == set(NAMES)


def test_blocks_by_name_stand_in_the_schemas() -> None:
    """What the decoder requires by event name, some schema requires as well."""
    found = {
        rule["if"]["properties"]["event_name"]["const"]: rule["then"]["required"][0]
        for name in VALIDATORS
        for rule in _schema(name).get("allOf", ())
    }
    assert found == REQUIRED_BY_NAME
