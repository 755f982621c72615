"""How far a person's clock is from UTC.

A zone may be named as IANA names it (in any case of letters), as an offset from UTC, or as Windows
names it; browsers, phones and tills each have their own habit.
"""

import re
from datetime import UTC, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from tzlocal.windows_tz import win_tz

from streams.contracts.times import from_ms

OFFSET_MINUTES_MAX = 14 * 60
_OFFSET: Final = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?(?!\n)$", re.IGNORECASE)
_OF_THE_MACHINE: Final = frozenset({"localtime", "posixrules", "Factory"})
_WINDOWS: Final = {name.casefold(): iana for name, iana in win_tz.items()}


@lru_cache(maxsize=512)
def zone_name(name: str) -> str | None:
    """The one name of a zone: IANA's, or an offset as `+09:00`; `None` for what names no zone.

    >>> zone_name("asia/tokyo"), zone_name("GMT+0530"), zone_name("China Standard Time")
    ('Asia/Tokyo', '+05:30', 'Asia/Shanghai')
    >>> zone_name("../etc"), zone_name("Nowhere"), zone_name("+25:00")
    (None, None, None)
    """
    folded = name.casefold()
    return _iana_names().get(folded) or _WINDOWS.get(folded) or _offset_name(name)


@lru_cache(maxsize=512)
def zone_of(name: str) -> tzinfo:
    """The zone of that name; UTC for a name that is none.

    >>> zone_of("Mars/Olympus").utcoffset(None)
    datetime.timedelta(0)
    """
    canonical = zone_name(name)
    if canonical is None:
        return UTC
    if canonical[0] not in "+-":
        return ZoneInfo(canonical)
    minutes = int(canonical[1:3]) * 60 + int(canonical[4:])
    return timezone(timedelta(minutes=-minutes if canonical[0] == "-" else minutes))


def offset_ms(name: str, at_ms: int) -> int:
    """The zone's offset from UTC at a moment; 0 for a name that is none.

    >>> offset_ms("Asia/Tokyo", 0), offset_ms("-03:30", 0)
    (32400000, -12600000)
    """
    if name == "UTC":
        return 0
    zone = zone_of(name)
    offset = zone.utcoffset(from_ms(at_ms).astimezone(zone))
    return round(offset.total_seconds() * 1000) if offset is not None else 0


def _offset_name(name: str) -> str | None:
    """`+09:00`, `+0900`, `+9`, each after `UTC` or `GMT` too: east of Greenwich is plus.

    What POSIX and IANA's `Etc/GMT-9` count the other way round never looks like this.
    """
    found = _OFFSET.match(name)
    if found is None:
        return None
    sign, hours, minutes = found.groups(default="0")
    total = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or total > OFFSET_MINUTES_MAX:
        return None
    return f"{sign}{total // 60:02}:{total % 60:02}"


@cache
def _iana_names() -> dict[str, str]:
    """By the name in small letters, with ISO 8601's `Z`; what differs between machines is none."""
    names = available_timezones() - _OF_THE_MACHINE
    return {"z": "UTC"} | {name.casefold(): name for name in names}
