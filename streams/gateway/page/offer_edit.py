"""An offer as YAML to edit: read, checked as `offers validate` checks it, compared with before."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from difflib import unified_diff
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec
import yaml
from msgspec import Struct

from streams import topics
from streams.admin.catalogue import Change, Records, changes
from streams.admin.reference import load_validated, reference_of
from streams.admin.soundness import Finding, findings
from streams.contracts.reference.records import encode_reference_record
from streams.contracts.reference.structs import Offer, Reference
from streams.contracts.safe_yaml import load_yaml
from streams.contracts.yaml_faults import YamlFaultError, YamlKind
from streams.errors import ReferenceDataError

OFFERS: Final = topics.REF_OFFERS.name
FILE: Final = "offer.json"
TEXT_BYTES_MAX: Final = 65_536
_FAULTS: Final = (ReferenceDataError, ValueError, TypeError, OverflowError, RecursionError)


class Slip(Struct, frozen=True):
    """A slip in YAML: its kind, its line and column from 1, if known, and what it is of."""

    kind: YamlKind
    line: int | None
    column: int | None
    what: str


class Edited(Struct, frozen=True):
    """What an edit would do; with a `fault`, or a finding that is an error, it is not published.

    `slip`: the fault where it is one of YAML, for the page's own words.
    """

    fault: str = ""
    slip: Slip | None = None
    offer_id: str = ""
    found: tuple[Finding, ...] = ()
    changes: tuple[Change, ...] = ()
    diff: tuple[str, ...] = ()

    @property
    def may_be_published(self) -> bool:
        """It is whole, can work, and changes something."""
        errors = any(one.level == "error" for one in self.found)
        return bool(self.changes) and not self.fault and not errors


def edited(text: str, there: Records) -> Edited:
    """An edit, checked against the catalogue that stands; nothing is changed. Blocks.

    Args:
        text: YAML of one offer.
        there: the published records, by topic and key.
    """
    try:
        offer = _offer(text)
    except YamlFaultError as error:
        line, column = error.spot or (None, None)
        return Edited(fault=str(error), slip=Slip(error.kind, line, column, error.what))
    except _FAULTS as error:
        return Edited(fault=str(error).replace(f"{FILE}: ", ""))
    _, key, value = encode_reference_record(offer)
    before = there.get(OFFERS, {}).get(key.decode())
    wanted = {OFFERS: {**there.get(OFFERS, {}), key.decode(): value}}
    whole = reference_of({**there, **wanted})
    return Edited(
        offer_id=offer.offer_id,
        found=tuple(findings(Reference(offers=(offer,)), whole, datetime.now(UTC))),
        changes=tuple(changes({OFFERS: there.get(OFFERS, {})}, wanted)),
        diff=tuple(_diff("" if before is None else as_yaml(before), as_yaml(value))),
    )


def as_yaml(value: bytes) -> str:
    """A record as a person edits it."""
    text: str = yaml.safe_dump(msgspec.json.decode(value), sort_keys=False, allow_unicode=True)
    return text


def _offer(text: str) -> Offer:
    """Raises: ReferenceDataError, ValueError or YamlFaultError: it is no offer, and why."""
    raw = text.encode()
    if len(raw) > TEXT_BYTES_MAX:
        raise ReferenceDataError(f"it has {len(raw):,} bytes, and may have {TEXT_BYTES_MAX:,}")
    document = load_yaml(raw, aliases=False)
    if not isinstance(document, Mapping):
        raise ReferenceDataError("write one offer: lines of name: value")
    with TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        path.write_bytes(msgspec.json.encode([document]))
        (offer,) = load_validated(path).offers
    return offer


def _diff(before: str, after: str) -> Iterator[str]:
    """The lines of a unified diff without its head."""
    lines = unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    yield from (line for line in lines if not line.startswith(("---", "+++")))
