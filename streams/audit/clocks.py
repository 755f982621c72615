"""The person's own clock: the zone that was named last, quiet hours, the calendar day."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from tzlocal.windows_tz import win_tz

from streams.audit.arrivals import Arrival
from streams.contracts.inputs.events import Profile
from streams.contracts.reference.structs import QuietHours

OFFSET = re.compile(r"\A(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?\Z", re.IGNORECASE)


def zones_of(known: list[Arrival]) -> list[tzinfo]:
    """The zones that the person's clock may show: the newest named by event time.

    Two, where two events of one moment name one each.
    """
    named = [(a.at_ms, zone) for a in known for zone in _named(a)]
    newest_ms = max((at_ms for at_ms, _ in named), default=0)
    return list(dict.fromkeys(zone for at_ms, zone in named if at_ms == newest_ms)) or [UTC]


def zones_so_far(known: list[Arrival]) -> list[tzinfo]:
    """All zones that were ever named, and UTC, by which the days before are told."""
    return list(dict.fromkeys((UTC, *(zone for a in known for zone in _named(a)))))


def _named(arrival: Arrival) -> list[tzinfo]:
    """The zones that an event names and that exist; others leave the last known one."""
    event = arrival.event
    if arrival.timezone is None and not isinstance(event, Profile):
        return []
    texts = [arrival.timezone]
    if isinstance(event, Profile) and event.traits and event.op == "set":
        trait = event.traits.get("timezone")
        texts.append(trait if isinstance(trait, str) else None)
    return [zone for text in texts if text and (zone := zone_of(text)) is not None]


@lru_cache(maxsize=512)
def zone_of(name: str) -> tzinfo | None:
    """A zone by its name (IANA's or that of Windows, in any case) or as an offset; None for others.

    >>> zone_of("+05:30"), zone_of("Mars/Olympus"), str(zone_of("china standard time"))
    (datetime.timezone(datetime.timedelta(seconds=19800)), None, 'Asia/Shanghai')
    """
    offset = OFFSET.match(name)
    if offset is not None:
        away = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        if away > timedelta(hours=14):
            return None
        return timezone(away if offset[1] == "+" else -away)
    known = _names().get(name.lower())
    return ZoneInfo(known) if known is not None else None


@cache
def _names() -> dict[str, str]:
    """IANA's name of each zone, by its names in small letters."""
    windows = {name.lower(): zone for name, zone in win_tz.items()}
    return windows | {"z": "UTC"} | {zone.lower(): zone for zone in available_timezones()}


def is_quiet(at: datetime, zone: tzinfo, quiet: QuietHours) -> bool:
    """Whether the person's clock stands in the quiet hours; equal hours mean never."""
    hour, begin, end = at.astimezone(zone).hour, quiet.from_hour, quiet.to_hour
    if begin < end:
        return begin <= hour < end
    return begin > end and (hour >= begin or hour < end)
