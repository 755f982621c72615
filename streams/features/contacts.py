"""Offers so far: how many the person got and used lately, and how long ago the last one was."""

from streams.contracts.sums import sum_of
from streams.contracts.times import DAY_MS, HOUR_MS
from streams.customer.row import Customer
from streams.customer.trigger_events import TriggerEvent
from streams.features.family import Family
from streams.features.scaling import log_scale

scaled_offers = log_scale(5.0)
scaled_used = log_scale(1.0)
scaled_gap_hours = log_scale(48.0)
GAP_MAX_HOURS = 24.0 * 60.0


def contacts(person: Customer, trigger_event: TriggerEvent, now_ms: int) -> tuple[float, ...]:
    """Offers sent (half-life 7 days), offers used (30 days), hours since the last one."""
    sent, used, gap_hours = 0.0, 0.0, GAP_MAX_HOURS
    if person.redemptions:
        uses = [redeemed for redeemed in person.redemptions if not redeemed.again]
        used = sum_of([_fresh(redeemed.at_ms, now_ms, 30 * DAY_MS) for redeemed in uses])
    if person.contacts:
        sent = sum_of([_fresh(contact.at_ms, now_ms, 7 * DAY_MS) for contact in person.contacts])
        last_ms = max([contact.at_ms for contact in person.contacts])
        gap_hours = min(max(now_ms - last_ms, 0) / HOUR_MS, GAP_MAX_HOURS)
    return (
        scaled_offers(sent),
        scaled_used(used),
        scaled_gap_hours(gap_hours),
    )


def _fresh(at_ms: int, now_ms: int, half_life_ms: int) -> float:
    return float(2.0 ** (-max(now_ms - at_ms, 0) / half_life_ms))


CONTACTS = Family(("offers_sent", "offers_used", "since_offer"), contacts)
