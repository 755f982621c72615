"""The visit that is going on, the cart, and how often the person came lately."""

from streams.customer.activity import SESSION_SILENCE_MS
from streams.customer.decay import WEEK_HALF_LIFE_MS, faded
from streams.customer.row import Customer
from streams.customer.trigger_events import TriggerEvent
from streams.features.family import Family
from streams.features.scaling import log_scale

scaled_events_week = log_scale(20.0)
scaled_views = log_scale(5.0)
scaled_dwell_s = log_scale(120.0)
scaled_cart = log_scale(40.0)


def visiting(person: Customer, trigger_event: TriggerEvent, now_ms: int) -> tuple[float, ...]:
    """Events of the last week over all channels, views and dwell of this visit, cart value."""
    events = 0.0
    for activity in person.channels.values():
        events += faded(activity.week, max(now_ms - activity.last_at_ms, 0), WEEK_HALF_LIFE_MS)
    session = person.session
    views = dwell_s = 0.0
    if session is not None and now_ms - session.last_at_ms <= SESSION_SILENCE_MS:
        views, dwell_s = float(session.views), session.dwell_ms / 1000.0
    return (
        scaled_events_week(events),
        scaled_views(views),
        scaled_dwell_s(dwell_s),
        scaled_cart(person.cart.value if person.cart is not None else 0.0),
    )


VISITING = Family(("visits_week", "session_views", "session_dwell", "cart_value"), visiting)
