"""The occasion: what triggered, on which channel, at which time of the person's own day and week.

Hours go in as a point on the circle, so that midnight lies between 23 and 1.
"""

import math
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from streams.customer.moments import Moment
from streams.customer.row import Customer
from streams.features.family import Family
from streams.features.scaling import log_scaled

TYPICAL_PRICE = 20.0
SATURDAY = 5


def occasion(person: Customer, moment: Moment, now_ms: int) -> tuple[float, ...]:
    """Flags for the trigger, the channel, the time of day, the weekend, the product's price."""
    local = datetime.fromtimestamp(now_ms / 1000, zone_of(person.timezone))
    turn = math.tau * (local.hour + local.minute / 60.0) / 24.0
    return (
        float(moment.kind == "product_viewed"),
        float(moment.kind == "cart_abandoned"),
        float(moment.kind == "order_completed"),
        float(moment.channel == "app"),
        math.sin(turn),
        math.cos(turn),
        float(local.weekday() >= SATURDAY),
        log_scaled(moment.price, TYPICAL_PRICE) if moment.price > 0.0 else 0.0,
    )


@lru_cache(maxsize=1024)
def zone_of(name: str) -> tzinfo:
    """The IANA zone of that name; UTC for a name that nobody knows.

    >>> zone_of("Mars/Olympus").utcoffset(None)
    datetime.timedelta(0)
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


OCCASION = Family(
    (
        "at_product",
        "at_cart",
        "at_order",
        "on_app",
        "hour_sin",
        "hour_cos",
        "weekend",
        "moment_price",
    ),
    occasion,
)
