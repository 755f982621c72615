"""Milliseconds inside, RFC 3339 outside."""

from datetime import UTC, datetime

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
WEEK_MS = 604_800_000

CALENDAR_MS = (0, 7_258_118_400_000)
"""What counts as a time at all: from 1970 up to the year 2200, so that every sum is a date too."""


def from_ms(at_ms: int) -> datetime:
    """The moment as a zoned datetime.

    >>> from_ms(1_767_225_600_000).isoformat()
    '2026-01-01T00:00:00+00:00'
    """
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def monday_week(at_ms: int) -> int:
    """The number of the week that a moment is in, UTC, Monday to Sunday; 1 January 1970 is in 0.

    >>> monday_week(0), monday_week(1_767_571_199_999), monday_week(1_767_571_200_000)
    (0, 2922, 2923)
    """
    return (at_ms // DAY_MS + 3) // 7


def to_ms(moment: datetime) -> int:
    """The zoned moment in milliseconds since the epoch.

    >>> to_ms(from_ms(1_767_225_600_123))
    1767225600123
    """
    return round(moment.timestamp() * 1000)
