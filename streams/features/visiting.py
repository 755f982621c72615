"""The visit that is going on, the cart, and how often the person came lately."""

from streams.contracts.times import DAY_MS
from streams.customer.activity import SESSION_SILENCE_MS
from streams.customer.decay import faded
from streams.customer.row import Customer
from streams.customer.trigger_events import TriggerEvent
from streams.features.family import Family
from streams.features.scaling import log_scaled

TYPICAL_EVENTS_WEEK = 20.0
TYPICAL_VIEWS = 5.0
TYPICAL_DWELL_S = 120.0
TYPICAL_CART = 40.0


def visiting(person: Customer, trigger_event: TriggerEvent, now_ms: int) -> tuple[float, ...]:
    """Events of the last week over all channels, views and dwell of this visit, cart value."""
    events = sum(
        faded(activity.week, max(now_ms - activity.last_at_ms, 0), 7 * DAY_MS)
        for activity in person.channels.values()
    )
    session = person.session
    views = dwell_s = 0.0
    if session is not None and now_ms - session.last_at_ms <= SESSION_SILENCE_MS:
        views, dwell_s = float(session.views), session.dwell_ms / 1000.0
    return (
        log_scaled(events, TYPICAL_EVENTS_WEEK),
        log_scaled(views, TYPICAL_VIEWS),
        log_scaled(dwell_s, TYPICAL_DWELL_S),
        log_scaled(person.cart.value if person.cart is not None else 0.0, TYPICAL_CART),
    )


VISITING = Family(("visits_week", "session_views", "session_dwell", "cart_value"), visiting)
