"""Publishing reference data: a folder or one file is validated as a whole, then published."""

import shutil
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from streams import topics
from streams.admin.catalogue import Change, Records, changes, commit, published
from streams.contracts.reference.files import load_reference
from streams.contracts.reference.records import (
    REFERENCE_TOPICS,
    decode_reference_record,
    encode_reference_record,
    in_key_order,
)
from streams.contracts.reference.structs import (
    BeaconPlace,
    Offer,
    Policies,
    ProductInfo,
    Reference,
    StockLevel,
)
from streams.errors import ReferenceDataError
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.decisions import Policy

SUFFIXES = (".yaml", ".yml", ".json")
PARTS = ("offers", "products", "inventory", "beacons", "policies")


class Plan(Struct, frozen=True):
    """What publishing would do: `changes` are made, `kept` are records that are in no file."""

    changes: tuple[Change, ...]
    kept: tuple[Change, ...] = ()


def load_validated(path: Path) -> Reference:
    """The reference data of a folder, or of one of its files, checked in all that can be checked.

    A file is checked together with those beside it; only its own records are returned. A file of
    another name than the five (`offers.yaml`, ...) is a list of offers.

    Raises:
        ReferenceDataError: everything that is wrong, with file and path.
    """
    found = _loaded(path)
    if found == Reference():  # a file without a record, or a folder without a file
        raise ReferenceDataError(f"{path}: nothing is in it; docs/offers.md shows an offer")
    return found


def compiled(folder: Path | None) -> "Policy":
    """What a folder of reference data (else the example shop) decides by.

    Raises:
        ReferenceDataError: everything that is wrong, with file and path.
    """
    from streams.decisions import compile_policy  # CEL takes a moment to load

    return compile_policy(in_key_order(load_validated(folder or example_shop())))


def _loaded(path: Path) -> Reference:
    from streams.decisions import compile_policy  # CEL takes a moment to load

    if not path.exists():
        raise ReferenceDataError(f"{path}: there is no such file or folder")
    if path.is_dir():
        reference = load_reference(path)
        compile_policy(reference)
        return reference
    if path.suffix not in SUFFIXES:
        raise ReferenceDataError(f"{path}: is neither a folder nor a file {', '.join(SUFFIXES)}")
    if path.stem not in PARTS:
        return _as_offers(path)
    whole = load_reference(path.parent)
    compile_policy(whole)
    return Reference(**{path.stem: getattr(whole, path.stem)})


def whole_of(path: Path) -> Reference:
    """What a file stands in: its folder, where it is one of the five; else itself alone."""
    beside = path.parent if not path.is_dir() and path.stem in PARTS else path
    return load_validated(beside)


def _as_offers(path: Path) -> Reference:
    with TemporaryDirectory() as folder:
        copy = Path(folder) / f"offers{path.suffix}"
        shutil.copy(path, copy)
        try:
            return _loaded(Path(folder))
        except ReferenceDataError as error:
            raise ReferenceDataError(str(error).replace(f"{copy.name}:", f"{path.name}:")) from None


def example_shop() -> Path:
    """The folder of the shop that ships with offerstream."""
    return Path(__file__).parents[1] / "simulator" / "shop"


def publish_reference(settings: Settings, reference: Reference) -> Plan:
    """Make the catalogue what the files say, withdrawals and all; for whoever owns it."""
    plan = plan_of(settings, reference, replace=True)
    commit(settings, plan.changes, "published")
    return plan


def plan_of(settings: Settings, reference: Reference, *, replace: bool) -> Plan:
    """What publishing `reference` changes; only with `replace` are records withdrawn.

    A topic that the files have nothing for is left as it is.

    Raises:
        OperatorError: no broker answers, or a topic is missing.
    """
    found = changes(published(settings), wanted_records(reference))
    kept = () if replace else tuple(c for c in found if c.kind == "withdrawn")
    return Plan(tuple(c for c in found if c not in kept), kept)


def wanted_records(reference: Reference) -> dict[str, dict[str, bytes]]:
    """The records of the topics that the files have something for."""
    wanted = reference_records(reference)
    if reference.policies == Policies():
        wanted[topics.REF_POLICIES.name] = {}
    return {name: records for name, records in wanted.items() if records}


def reference_records(reference: Reference) -> dict[str, dict[str, bytes]]:
    """The records of every reference topic, by key.

    >>> sorted(reference_records(Reference())[topics.REF_POLICIES.name])
    ['policies']
    """
    by_topic: dict[str, dict[str, bytes]] = {name: {} for name in REFERENCE_TOPICS}
    parts = (reference.offers, reference.products, reference.inventory, reference.beacons)
    for record in chain[Any](*parts, (reference.policies,)):
        topic, key, value = encode_reference_record(record)
        by_topic[topic][key.decode()] = value
    return by_topic


def reference_of(there: Records) -> Reference:
    """The published records as one; what cannot be read is passed over, as a worker does."""
    found: dict[type, list[Any]] = {}
    for topic, records in there.items():
        for key, value in records.items():
            record = decode_reference_record(topic, key.encode(), value)
            found.setdefault(type(record), []).append(record)
    return Reference(
        offers=tuple(found.get(Offer, ())),
        products=tuple(found.get(ProductInfo, ())),
        inventory=tuple(found.get(StockLevel, ())),
        beacons=tuple(found.get(BeaconPlace, ())),
        policies=next(iter(found.get(Policies, ())), Policies()),
    )
