"""Times as other systems write them, and a device's clock set right by when it sent."""

import re
from datetime import UTC, datetime
from typing import Final

from streams.contracts.times import CALENDAR_MS, MINUTE_MS

_NUMBER = re.compile(r"\A\s*-?[0-9]+(?:\.[0-9]+)?\s*\Z")
_MILLISECONDS_FROM: Final = 1e11
_MICROSECONDS_FROM: Final = 1e14
_NANOSECONDS_FROM: Final = 1e17


def moment_ms(value: object) -> int | None:
    """A time in milliseconds since 1970, None where it is none.

    Numbers are seconds, milliseconds, microseconds or nanoseconds by their size; a text without a
    zone is UTC.

    >>> moment_ms(1_772_964_000), moment_ms(1_772_964_000_000), moment_ms("1772964000000000")
    (1772964000000, 1772964000000, 1772964000000)
    >>> moment_ms("2026-03-08T10:00:00"), moment_ms("2026-03-08T11:00:00+01:00"), moment_ms("soon")
    (1772964000000, 1772964000000, None)
    """
    at_ms = None
    if isinstance(value, str):
        at_ms = _of_number(float(value)) if _NUMBER.match(value) else _of_text(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        at_ms = _of_number(value)
    return at_ms if at_ms is not None and CALENDAR_MS[0] <= at_ms < CALENDAR_MS[1] else None


def _of_number(number: float) -> int | None:
    if not 0 <= number < 1e20:
        return None
    if number >= _NANOSECONDS_FROM:
        return round(number / 1e6)
    if number >= _MICROSECONDS_FROM:
        return round(number / 1e3)
    return round(number if number >= _MILLISECONDS_FROM else number * 1000)


def _of_text(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text.strip())
        zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return round(zoned.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def corrected_ms(at_ms: int, sent_ms: int, arrived_ms: int) -> int:
    """An event time with the error of the device's clock taken out.

    Segment's rule: arrival - (sent - event), which is event + (arrival - sent). What is added here
    is in whole minutes: a client that sends the same event once more is some milliseconds slower
    or faster then, and the same event must come out as the same, not as a conflict.

    >>> corrected_ms(0, 1_000, 1_900), corrected_ms(0, 1_000, 3_601_900)
    (0, 3600000)
    """
    return at_ms + round((arrived_ms - sent_ms) / MINUTE_MS) * MINUTE_MS
