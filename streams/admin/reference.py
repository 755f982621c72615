"""Publishing reference data: a folder or one file is validated as a whole, then published."""

import shutil
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec import Struct

from streams import topics
from streams.admin.sending import produce, producing
from streams.broker.reading import read_to_end
from streams.contracts.reference.files import load_reference
from streams.contracts.reference.records import REFERENCE_TOPICS, encode_reference_record
from streams.contracts.reference.structs import Policies, Reference
from streams.errors import ReferenceDataError
from streams.settings import Settings

SUFFIXES = (".yaml", ".yml", ".json")
PARTS = ("offers", "products", "inventory", "beacons", "policies")


class Published(Struct, frozen=True):
    """How many records went to each topic, and how many old ones were withdrawn."""

    records: dict[str, int]
    withdrawn: int


def load_validated(path: Path) -> Reference:
    """The reference data of a folder, or of one of its files, checked in all that can be checked.

    A file is checked together with those beside it; only its own records are returned. A file of
    another name than the five (`offers.yaml`, ...) is a list of offers.

    Raises:
        ReferenceDataError: everything that is wrong, with file and path.
    """
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


def _as_offers(path: Path) -> Reference:
    with TemporaryDirectory() as folder:
        copy = Path(folder) / f"offers{path.suffix}"
        shutil.copy(path, copy)
        try:
            return load_validated(Path(folder))
        except ReferenceDataError as error:
            raise ReferenceDataError(str(error).replace(f"{copy.name}:", f"{path.name}:")) from None


def example_shop() -> Path:
    """The folder of the shop that ships with offerstream."""
    return Path(__file__).parents[1] / "simulator" / "shop"


def publish_reference(settings: Settings, reference: Reference) -> Published:
    """Publish every record under its key, and withdraw what is no longer in the files.

    A topic that the files have nothing for is left as it is.
    """
    wanted = reference_records(reference)
    if reference.policies == Policies():
        wanted[topics.REF_POLICIES.name] = {}
    names = [name for name, records in wanted.items() if records]
    old = _keys_there(settings, names)
    withdrawn = 0
    with producing(settings) as producer:
        for name in names:
            for key, value in wanted[name].items():
                produce(producer, name, key.encode(), value)
            for key in old[name] - wanted[name].keys():
                produce(producer, name, key.encode(), None)
                withdrawn += 1
    return Published({name: len(wanted[name]) for name in names}, withdrawn)


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


def _keys_there(settings: Settings, names: list[str]) -> dict[str, set[str]]:
    there: dict[str, set[str]] = {name: set() for name in names}
    for message in read_to_end(settings, names):
        keys = there[message.topic()]
        key = (message.key() or b"").decode("utf-8", "replace")
        if message.value() is None:
            keys.discard(key)
        else:
            keys.add(key)
    return there
