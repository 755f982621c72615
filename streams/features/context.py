"""The context of a decision: what triggered, on which channel, at which local time.

Hours go in as a point on the circle, so that midnight lies between 23 and 1.
"""

import math
from datetime import datetime

from streams.customer.row import Customer
from streams.customer.trigger_events import TriggerEvent
from streams.customer.zone_time import zone_of
from streams.features.family import Family
from streams.features.scaling import log_scale

scaled_price = log_scale(20.0)
SATURDAY = 5


def context(person: Customer, trigger_event: TriggerEvent, now_ms: int) -> tuple[float, ...]:
    """Flags for the trigger, the channel, the time of day, the weekend, the product's price."""
    local = datetime.fromtimestamp(now_ms / 1000, zone_of(person.timezone))
    turn = math.tau * (local.hour + local.minute / 60.0) / 24.0
    kind = trigger_event.kind
    return (
        1.0 if kind == "product_viewed" else 0.0,
        1.0 if kind == "cart_abandoned" else 0.0,
        1.0 if kind == "order_completed" else 0.0,
        1.0 if trigger_event.channel == "app" else 0.0,
        math.sin(turn),
        math.cos(turn),
        1.0 if local.weekday() >= SATURDAY else 0.0,
        scaled_price(trigger_event.price) if trigger_event.price > 0.0 else 0.0,
    )


CONTEXT = Family(
    (
        "at_product",
        "at_cart",
        "at_order",
        "on_app",
        "hour_sin",
        "hour_cos",
        "weekend",
        "trigger_price",
    ),
    context,
)
