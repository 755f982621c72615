"""Reference data as files: a folder of YAML or JSON becomes a `Reference`, or every error in it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from streams.contracts.faults import faults_of
from streams.contracts.inputs.integers import with_integers
from streams.contracts.reference.check import check_reference
from streams.contracts.reference.structs import (
    BeaconPlace,
    Offer,
    Policies,
    ProductInfo,
    Reference,
    StockLevel,
)
from streams.contracts.safe_yaml import load_yaml
from streams.errors import ReferenceDataError

FILE_BYTES_MAX = 64 * 1024 * 1024
_LISTS: Final[dict[str, type[msgspec.Struct]]] = {
    "offers": Offer,
    "products": ProductInfo,
    "inventory": StockLevel,
    "beacons": BeaconPlace,
}
READ_ERRORS = (
    ReferenceDataError,
    OSError,
    ValueError,  # such as the 13th month in a YAML date, or bytes that are not UTF-8
    RecursionError,
    yaml.YAMLError,
    msgspec.DecodeError,
)
_SUFFIXES = (".yaml", ".yml", ".json")


def load_reference(folder: str | Path) -> Reference:
    """Read offers, products, inventory, beacons (lists) and policies (one document) of a folder.

    A file that is not there means an empty list, or the default policies.

    Raises:
        ReferenceDataError: with every fault as `file: record: path: what is wrong`, one a line.
    """
    found = {stem: path for stem in (*_LISTS, "policies") if (path := _file(Path(folder), stem))}
    if not found:
        names = ", ".join(f"{stem}.yaml" for stem in (*_LISTS, "policies"))
        raise ReferenceDataError(f"{folder}: holds no reference data; expected some of {names}")
    errors: list[str] = []
    parts = {stem: _part(path, stem, errors) for stem, path in found.items()}
    if not errors:
        reference = Reference(**parts)
        errors.extend(check_reference(reference))
    if errors:
        raise ReferenceDataError("\n".join(errors))
    return reference


def _file(folder: Path, stem: str) -> Path | None:
    paths = (folder / f"{stem}{suffix}" for suffix in _SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def _part(path: Path, stem: str, errors: list[str]) -> Any:
    """One file as structs; its faults are added to `errors`."""
    try:
        value = read_document(path)
    except READ_ERRORS as error:
        errors.append(f"{path.name}: cannot be read: {_in_a_line(error)}")
        return None
    if stem == "policies":
        return _whole(path, with_integers(value if value is not None else {}, Policies), errors)
    if value is None:
        return ()
    if not isinstance(value, list):
        errors.append(f"{path.name}: is not a list")
        return None
    value = [with_integers(item, _LISTS[stem]) for item in value]
    faults = list(_list_faults(path, value, _LISTS[stem]))
    errors.extend(faults)
    return None if faults else tuple(msgspec.convert(item, _LISTS[stem]) for item in value)


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _whole(path: Path, value: object, errors: list[str]) -> Policies | None:
    faults = [f"{path.name}: {fault}" for fault in faults_of(value, Policies)]
    errors.extend(faults)
    return None if faults else msgspec.convert(value, Policies)


def _list_faults(path: Path, records: list[object], kind: type[msgspec.Struct]) -> Iterator[str]:
    for index, record in enumerate(records):
        for fault in faults_of(record, kind):
            yield f"{path.name}: {_name(record, index)}: {fault}"


def _name(record: object, index: int) -> str:
    """How a person finds a record: its place in the list, and its id if it has one."""
    if isinstance(record, dict):
        for name in ("offer_id", "product_id", "beacon_ref"):
            if name in record:
                return f"[{index}] {record[name]}"
    return f"[{index}]"


def read_document(path: Path) -> object:
    """A file of YAML or JSON as plain values; the same key twice is refused.

    Raises:
        READ_ERRORS: it is too large, not there, or neither.
    """
    raw = path.read_bytes()
    if len(raw) > FILE_BYTES_MAX:
        raise ReferenceDataError(f"is over {FILE_BYTES_MAX} bytes")
    if path.suffix == ".json":
        return msgspec.json.decode(raw)
    return load_yaml(raw)
