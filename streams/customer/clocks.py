"""The person's time zone: the one that was named last, by event time."""

from msgspec.structs import replace

from streams.customer.change import EventTiming
from streams.customer.row import Customer
from streams.customer.zone_time import zone_name

NEVER_NAMED = "UTC"


def in_zone(person: Customer, named: str | None, timing: EventTiming) -> Customer:
    """The person with the zone that an event names, unless a newer event named one.

    What names no zone changes nothing.
    """
    zone = zone_name(named) if named is not None else None
    if zone is None or not _is_newest(person, timing):
        return person
    if zone == person.timezone and timing.at_ms == person.zone_named_ms:
        return person
    return replace(person, timezone=zone, zone_named_ms=timing.at_ms)


def zone_of_both(into: Customer, other: Customer) -> tuple[str, int | None]:
    """The zone of two rows that become one, and when it was named; of one moment `into` stands.

    Older rows do not know when: there a zone that is not UTC stands.
    """
    mine, theirs = into.zone_named_ms, other.zone_named_ms
    if mine is None and theirs is None:
        kept = into if into.timezone != NEVER_NAMED else other
    elif mine is None or theirs is None:
        named, unknown = (into, other) if theirs is None else (other, into)
        kept = unknown if unknown.timezone != NEVER_NAMED and unknown is into else named
    else:
        kept = other if theirs > mine else into
    return kept.timezone, kept.zone_named_ms


def _is_newest(person: Customer, timing: EventTiming) -> bool:
    """Whether no newer event named a zone; an older row knows only that it names UTC or not."""
    if person.zone_named_ms is None:
        return timing.in_order or person.timezone == NEVER_NAMED
    return timing.at_ms >= person.zone_named_ms
