"""What is measured of records that Kafka deleted before anybody here had read them."""

from streams.telemetry import labels as by
from streams.telemetry.metric import Metric, counter

DELETED_UNREAD = counter(
    "events",
    "deleted_unread_total",
    "Offsets that Kafka deleted before a worker had read them: events that never count.",
    by.SOURCE_TOPIC,
)
DELETED_UNDELIVERED = counter(
    "delivery",
    "delivery_deleted_total",
    "Offsets that Kafka deleted before they were delivered.",
    by.DESTINATION,
)

DELETED_METRICS: tuple[Metric, ...] = (DELETED_UNREAD, DELETED_UNDELIVERED)
