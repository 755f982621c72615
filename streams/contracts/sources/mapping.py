"""What the table of a source may say; tables are data (`segment.yaml`), read once and checked.

The shipped ones are trusted; those that a shop writes itself are checked by `own`.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Final, Literal

import msgspec
import yaml
from msgspec import Meta, Struct

from streams.contracts.catalogue import EVENT_NAMES
from streams.contracts.sources.values import Kind

NAMES_MAX: Final = 2_000
SECTIONS_MAX: Final = 200
RULES_MAX: Final = 200
_WORDS = re.compile(r"[\s\-]+")


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

    to: Annotated[str, Meta(min_length=1, max_length=256)]
    from_: tuple[str, ...] = ()
    as_: Kind = "text"
    default: Any = None
    chars_max: Annotated[int, Meta(ge=1, le=4_096)] = 512
    without: frozenset[str] = frozenset()
    each: tuple["Rule", ...] = ()


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """Rules for some events only.

    Attributes:
        events: names of ours; none: all.
        topics: of the catalogue; none: all.
        when: one of these places must say something; none: whatever they say.
    """

    map: Annotated[tuple[Rule, ...], Meta(max_length=RULES_MAX)]
    events: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    when: tuple[str, ...] = ()


class SourceMapping(Struct, frozen=True, forbid_unknown_fields=True):
    """The table of one source.

    Attributes:
        source: its name.
        batch_at: the list of messages in a request of several; none: each is one message.
        shared: what stands beside that list, once for all of its messages.
        wrapped: whose form a message must be taken out of first.
        type_at: where the type of a message stands; none: all are of the type `named`.
        calls: the type of a message to the name of our event; empty: no event of ours.
        named: the type of message whose own name tells what it is.
        name_at: where that name stands.
        names: their names, in small letters with `_` for blanks, to ours; empty: no event of ours.
        event_at, sent_at: where the time of the event, and of sending, stands.
        received_at: where the time stands at which somebody before us took it.
        app: places and what they hold (in small letters) where it happened in an app.
        sections: the fields; of two rules for one field the later counts, where it finds something.
    """

    source: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_\-]{0,31}$")] = ""
    batch_at: str = ""
    shared: tuple[str, ...] = ()
    wrapped: Literal["", "snowplow"] = ""
    type_at: str = "type"
    calls: Annotated[dict[str, str], Meta(max_length=NAMES_MAX)] = {}
    named: str = ""
    name_at: str = ""
    names: Annotated[dict[str, str], Meta(max_length=NAMES_MAX)] = {}
    event_at: tuple[str, ...] = ()
    sent_at: tuple[str, ...] = ()
    received_at: tuple[str, ...] = ()
    app: dict[str, frozenset[str]] = {}
    sections: Annotated[tuple[Section, ...], Meta(max_length=SECTIONS_MAX)] = ()


def parse_mapping(text: str) -> SourceMapping:
    """A shipped table as it is written.

    Raises:
        ValueError: it is no such table, or names an event that there is not.
    """
    mapping = msgspec.convert(yaml.safe_load(text), SourceMapping)
    if unknown := sorted(events_named(mapping) - set(EVENT_NAMES)):
        raise ValueError(f"{mapping.source}: there is no event {', '.join(unknown)}")
    return mapping


def events_named(mapping: SourceMapping) -> set[str]:
    """The names of ours that a table speaks of."""
    named = {*mapping.calls.values(), *mapping.names.values()} - {""}
    return named | {name for section in mapping.sections for name in section.events}


def plain_name(said: str) -> str:
    """A name of theirs as the tables have it.

    >>> plain_name(" Order Completed")
    'order_completed'
    """
    return _WORDS.sub("_", said.strip()).lower()


@cache
def mapping_of(source: str) -> SourceMapping:
    """The table of one of `sources.SOURCES`."""
    return parse_mapping(files(__package__).joinpath(f"{source}.yaml").read_text(encoding="utf-8"))
