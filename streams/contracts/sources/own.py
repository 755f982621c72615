"""Mapping files that a shop writes: read, checked against what events may hold, and laid on ours.

A file extends the table of a shipped source (`extends`), is a table of its own (`source`), or both:
a new source that begins with the table of another. What is wrong is said at once, with its place.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from streams.contracts.catalogue import EVENT_NAMES
from streams.contracts.faults import faults_of
from streams.contracts.inputs.allowed import guess
from streams.contracts.safe_yaml import load_yaml
from streams.contracts.sources import SOURCES
from streams.contracts.sources.mapping import Rule, SourceMapping, mapping_of, plain_name
from streams.contracts.sources.places import field_fault, kinds_of
from streams.contracts.sources.tables import Sources
from streams.errors import SettingsError

FILE_BYTES_MAX: Final = 262_144
FILES_MAX: Final = 64
_PLACE: Final = re.compile(r"[^.\[\]\s](?:[^.\[\]]{0,127})(?:\[0\])?")
_LAID_OVER: Final = ("calls", "names", "app")
_BASE_ONLY: Final = ("batch_at", "shared", "wrapped", "type_at", "named", "name_at")


class Written(SourceMapping, frozen=True, forbid_unknown_fields=True):
    """A mapping file as it is written; `extends` names the shipped source that it adds to."""

    extends: str = ""


def load_own(folder: str) -> Sources:
    """The tables of every `.yaml` file of a folder, beside the shipped ones; empty: those alone.

    Raises:
        SettingsError: the folder or a file cannot be read, or says what cannot be; all of it.
    """
    if not folder:
        return Sources()
    root = Path(folder)
    if not root.is_dir():
        raise SettingsError(f"mappings_dir: {folder} is no folder: name one that holds .yaml files")
    paths = sorted(path for path in root.iterdir() if path.suffix in (".yaml", ".yml"))
    if len(paths) > FILES_MAX:
        raise SettingsError(f"mappings_dir: {folder} holds over {FILES_MAX} files")
    return read_own(paths)


def read_own(paths: list[Path]) -> Sources:
    """The tables of these files, beside the shipped ones.

    Raises:
        SettingsError: one cannot be read, says what cannot be, or is of the source of another.
    """
    own: dict[str, SourceMapping] = {}
    errors: list[str] = []
    for path in paths:
        mapping, faults = _read(path)
        errors += [f"{path}: {fault}" for fault in faults]
        if mapping is None:
            continue
        if mapping.source in own:
            errors.append(f"{path}: another file is of the source {mapping.source} already")
        own[mapping.source] = mapping
    if errors:
        raise SettingsError("\n".join(["mapping files are wrong:", *(f"  {e}" for e in errors)]))
    return Sources(own)


def _read(path: Path) -> tuple[SourceMapping | None, list[str]]:
    """A file's table, or every fault of it."""
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
        if len(raw) > FILE_BYTES_MAX:
            return None, [f"is over {FILE_BYTES_MAX} bytes"]
        value = load_yaml(raw, aliases=False)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        return None, [f"cannot be read: {' '.join(str(error).split())}"]
    return parsed(value)


def parsed(value: object) -> tuple[SourceMapping | None, list[str]]:
    """The table that plain values of YAML are, or every fault of them with its place.

    >>> print(*parsed({"source": "till", "name_at": "n", "names": {"Sold": "order_complete"}})[1])
    $.names.Sold: there is no event `order_complete`; did you mean order_completed?
    """
    if not isinstance(value, dict):
        return None, ["$: is no mapping of YAML: write `extends: segment` or `source: NAME` first"]
    faults = list(faults_of(value, Written))
    if faults:
        return None, faults
    written = msgspec.convert(value, Written)
    faults = [*_source_faults(written, value), *_name_faults(written), *_rule_faults(written)]
    return (None, faults) if faults else (_laid_on_base(written, value), [])


def _source_faults(written: Written, value: dict[str, Any]) -> Iterator[str]:
    if not written.extends and not written.source:
        yield "$: has no source: write `extends: segment` or `source: NAME`"
    if written.extends and written.extends not in SOURCES:
        yield f"$.extends: is not one of {', '.join(SOURCES)}"
    if written.extends:
        for name in _BASE_ONLY:
            if name in value:
                yield f"$.{name}: stands in the table of {written.extends}; leave it out"
    if written.source in SOURCES and written.source != written.extends:
        yield f"$.source: {written.source} is shipped; write `extends: {written.source}` to add"
    if written.extends:
        return
    if not written.names and not written.calls:
        yield "$: names no event: write `names` with `name_at`, or `calls` with `type_at`"
    elif written.names and not written.name_at:
        yield "$.name_at: is required: the field of a message that holds its name"


def _name_faults(written: Written) -> Iterator[str]:
    for where, table in (("names", written.names), ("calls", written.calls)):
        for theirs, ours in table.items():
            if ours and ours not in EVENT_NAMES:
                yield f"$.{where}.{theirs}: there is no event `{ours}`{guess(EVENT_NAMES, ours)}"
    for at in ("event_at", "sent_at", "received_at"):
        for place in getattr(written, at):
            yield from _place_faults(place, f"$.{at}")
    for place in (*written.app, written.name_at, written.type_at):
        yield from _place_faults(place, "$") if place else ()


def _rule_faults(written: Written) -> Iterator[str]:
    for number, section in enumerate(written.sections):
        where = f"$.sections[{number}]"
        for name in section.events - set(EVENT_NAMES):
            yield f"{where}.events: there is no event `{name}`{guess(EVENT_NAMES, name)}"
        for place in section.when:
            yield from _place_faults(place, f"{where}.when")
        kinds = kinds_of(section.events, section.topics)
        if not kinds:
            yield f"{where}: no event is on those topics"
            continue
        for at, rule in enumerate(section.map):
            yield from _faults_of_rule(rule, f"{where}.map[{at}]", kinds, "")


def _faults_of_rule(
    rule: Rule, where: str, kinds: tuple[type[msgspec.Struct], ...], around: str
) -> Iterator[str]:
    if fault := field_fault(kinds, around + rule.to):
        yield f"{where}.to: {fault}"
    for place in rule.from_:
        yield from _place_faults(place, f"{where}.from")
    if not rule.from_ and rule.default is None:
        yield f"{where}: says nothing: write `from` or `default`"
    for number, inner in enumerate(rule.each):
        inside = f"{where}.each[{number}]"
        if around:
            yield f"{inside}: a list within a list is not read"
        else:
            yield from _faults_of_rule(inner, inside, kinds, f"{rule.to}[0].")


def _place_faults(place: str, where: str) -> Iterator[str]:
    if len(place) > 512 or not all(_PLACE.fullmatch(step) for step in place.split(".")):
        yield f"{where}: is no place; write names with dots, as properties.items[0].sku"


def _laid_on_base(written: Written, value: dict[str, Any]) -> SourceMapping:
    """The table in force: what is written goes before what the shipped table says."""
    names = {plain_name(theirs): ours for theirs, ours in written.names.items()}
    fields = {field: getattr(written, field) for field in SourceMapping.__struct_fields__}
    if not written.extends:
        return SourceMapping(**{**fields, "names": names})
    base = mapping_of(written.extends)
    given = {name: fields[name] for name in fields if name in value}
    for name in _LAID_OVER:
        given[name] = {**getattr(base, name), **(names if name == "names" else fields[name])}
    given["sections"] = (*base.sections, *written.sections)
    given["source"] = written.source or base.source
    return msgspec.structs.replace(base, **given)
