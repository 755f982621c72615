"""In the store: whether a beacon sees the person now, and for how long."""

from streams.contracts.times import MINUTE_MS
from streams.customer.row import Customer
from streams.customer.trigger_events import TriggerEvent
from streams.features.family import Family
from streams.features.scaling import log_scale

IN_A_ZONE = ("zone_entered", "zone_dwelled")
PRESENT_MS = 5 * MINUTE_MS
scaled_dwell_s = log_scale(60.0)


def places(person: Customer, trigger_event: TriggerEvent, now_ms: int) -> tuple[float, ...]:
    """1 while in a store, and the dwell in the zone (the event's own, or the visit's so far)."""
    dwell_ms = trigger_event.dwell_ms
    here = trigger_event.kind in IN_A_ZONE or trigger_event.channel == "store"
    for visit in person.visits:
        if visit.exited_at_ms is None and now_ms - visit.last_seen_ms <= PRESENT_MS:
            here = True
            dwell_ms = max(dwell_ms, visit.last_seen_ms - visit.first_seen_ms)
    return float(here), scaled_dwell_s(dwell_ms / 1000.0)


PLACES = Family(("in_store", "zone_dwell"), places)
