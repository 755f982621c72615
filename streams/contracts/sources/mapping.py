"""What the table of a source may say; tables are data (`segment.yaml`), read once and checked."""

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from streams.contracts.catalogue import EVENT_NAMES
from streams.contracts.sources.values import Kind


class Rule(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename={"from_": "from", "as_": "as"},
):
    """One field of ours.

    Attributes:
        to: where it goes: names with dots; `[0]` is the only item of a list.
        from_: where it comes from: the first place that says anything counts; `[0]` is the first
            item of a list.
        as_: how it is converted.
        default: what stands there where no place says anything.
        chars_max: a longer text is cut off.
        without: entries of a map (`as: flat`) that are left out, in small letters.
        each: rules for each item of the list that `from` names; their places begin at the item.
    """

    to: str
    from_: tuple[str, ...] = ()
    as_: Kind = "text"
    default: Any = None
    chars_max: int = 512
    without: frozenset[str] = frozenset()
    each: tuple["Rule", ...] = ()


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """Rules for some events only.

    Attributes:
        events: names of ours; none: all.
        topics: of the catalogue; none: all.
        when: one of these places must say something; none: whatever they say.
    """

    map: tuple[Rule, ...]
    events: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    when: tuple[str, ...] = ()


class SourceMapping(Struct, frozen=True, forbid_unknown_fields=True):
    """The table of one source.

    Attributes:
        source: its name.
        calls: the type of a message to the name of our event; empty: no event of ours.
        named: the type of message whose own name tells what it is.
        name_at: where that name stands.
        names: their names, in small letters with `_` for blanks, to ours.
        event_at, sent_at: where the time of the event, and of sending, stands.
        app: places and what they hold (in small letters) where it happened in an app.
        sections: the fields.
    """

    source: str
    calls: dict[str, str]
    named: str
    name_at: str
    names: dict[str, str]
    event_at: tuple[str, ...]
    sent_at: tuple[str, ...]
    app: dict[str, frozenset[str]]
    sections: tuple[Section, ...]


def parse_mapping(text: str) -> SourceMapping:
    """A table as it is written.

    Raises:
        ValueError: it is no such table, or names an event that there is not.
    """
    mapping = msgspec.convert(yaml.safe_load(text), SourceMapping)
    named = {*mapping.calls.values(), *mapping.names.values()} - {""}
    named |= {name for section in mapping.sections for name in section.events}
    if unknown := sorted(named - set(EVENT_NAMES)):
        raise ValueError(f"{mapping.source}: there is no event {', '.join(unknown)}")
    return mapping


@cache
def mapping_of(source: str) -> SourceMapping:
    """The table of one of `sources.SOURCES`."""
    return parse_mapping(files(__package__).joinpath(f"{source}.yaml").read_text(encoding="utf-8"))
