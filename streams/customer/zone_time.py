"""How far a person's clock is from UTC."""

from datetime import UTC, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from streams.contracts.times import from_ms


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo | None:
    """The zone of an IANA name, `None` for a name that is none."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return None


def zone_of(name: str) -> tzinfo:
    """The zone of that name; UTC for a name that is none.

    >>> zone_of("Mars/Olympus").utcoffset(None)
    datetime.timedelta(0)
    """
    return _zone(name) or UTC


def is_zone(name: str) -> bool:
    """Whether this is an IANA name of a zone.

    >>> is_zone("Asia/Tokyo"), is_zone("../etc"), is_zone("Nowhere")
    (True, False, False)
    """
    return _zone(name) is not None


def offset_ms(name: str, at_ms: int) -> int:
    """The zone's offset from UTC at a moment; 0 for a name that is none.

    >>> offset_ms("Asia/Tokyo", 0)
    32400000
    """
    zone = _zone(name)
    if zone is None or name == "UTC":
        return 0
    offset = zone.utcoffset(from_ms(at_ms).astimezone(zone))
    return round(offset.total_seconds() * 1000) if offset is not None else 0
