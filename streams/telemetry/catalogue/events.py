"""What comes in: events, timers, ids, visits, and what of it cannot be used."""

from streams.telemetry import labels as by
from streams.telemetry.buckets import LATE_BUCKETS_S, LATENCY_BUCKETS_S
from streams.telemetry.metric import counter, histogram

EVENTS = counter(
    "events", "events_total", "Input events processed.", by.SOURCE_TOPIC, by.EVENT_NAME
)
REJECTED = counter(
    "events",
    "events_rejected_total",
    "Records sent to dead-letters.",
    by.SOURCE_TOPIC,
    by.REJECT_REASON,
)
IGNORED = counter(
    "events", "events_ignored_total", "Accepted events that changed nothing.", by.IGNORED_REASON
)
NOT_OURS = counter(
    "events", "events_not_ours_total", "Messages that are no events of ours.", by.SOURCE_TOPIC
)
DROPPED = counter(
    "events", "data_dropped_total", "Parts of accepted events not taken in.", by.DROPPED_WHAT
)
LATE = counter("events", "events_late_total", "Events that came after later ones of the person.")
LATENESS = histogram(
    "events", "event_lateness_seconds", "How late the late events were.", LATE_BUCKETS_S
)
ROUTED = counter(
    "events", "events_routed_total", "Messages sent through customer-events.", by.ROUTED_KIND
)
MISPLACED = counter(
    "events", "events_misplaced_total", "Records under a wrong key or partition.", by.SOURCE_TOPIC
)
TICKS = counter("events", "ticks_total", "Timers fired.")
TIMER_DELAY = histogram(
    "events", "timer_delay_seconds", "From a timer's due time to its firing.", LATENCY_BUCKETS_S
)
IDENTITY_CHANGES = counter(
    "events", "identity_changes_total", "Ids linked, unlinked or in conflict.", by.IDENTITY_KIND
)
RECEIPTS = counter(
    "events", "privacy_receipts_total", "Privacy requests carried out.", by.RECEIPT_KIND
)
REPLIES = counter("events", "replies_total", "Questions answered.", by.REPLY)
TIME_ZONES_UNKNOWN = counter(
    "events", "time_zones_unknown_total", "Events whose time zone is none; the last known stays."
)
ZONE_VISITS = counter(
    "events", "zone_visits_total", "Visits to zones, opened and closed.", by.VISIT_KIND
)
DELETED_UNREAD = counter(
    "events",
    "deleted_unread_total",
    "Offsets that Kafka deleted before a worker had read them: events that never count.",
    by.SOURCE_TOPIC,
)
