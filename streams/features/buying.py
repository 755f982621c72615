"""Recency, frequency, spend: what the person bought, and how much of it on a deal."""

from streams.contracts.times import DAY_MS
from streams.customer.decay import MONTH_HALF_LIFE_MS, WEEK_HALF_LIFE_MS, faded
from streams.customer.row import Customer
from streams.customer.trigger_events import TriggerEvent
from streams.features.family import Family
from streams.features.scaling import bounded, log_scale

scaled_silence_days = log_scale(30.0)
scaled_orders = log_scale(5.0)
scaled_week = log_scale(30.0)
scaled_month = log_scale(100.0)
NEVER = 3.0


def buying(person: Customer, trigger_event: TriggerEvent, now_ms: int) -> tuple[float, ...]:
    """Days since the last purchase, orders, spend decayed by 7 and 30 days, share on deal."""
    spend, rhythm = person.spend, person.rhythm
    silence = NEVER
    if rhythm is not None:
        silence = scaled_silence_days((now_ms - rhythm.last_ms) / DAY_MS)
    if spend is None:
        return silence, -1.0, -1.0, -1.0, 0.0
    age_ms = max(now_ms - spend.at_ms, 0)
    gross = spend.total + spend.discount_total
    return (
        silence,
        scaled_orders(spend.orders),
        scaled_week(faded(spend.week, age_ms, WEEK_HALF_LIFE_MS)),
        scaled_month(faded(spend.month, age_ms, MONTH_HALF_LIFE_MS)),
        bounded(10.0 * spend.discount_total / gross) if gross > 0.0 else 0.0,
    )


BUYING = Family(("recency", "orders", "spend_week", "spend_month", "deal_share"), buying)
