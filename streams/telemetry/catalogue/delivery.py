"""What goes out as webhooks."""

from collections.abc import Callable

from streams.telemetry import labels as by
from streams.telemetry.buckets import LATE_BUCKETS_S, LATENCY_BUCKETS_S
from streams.telemetry.metric import Label, Metric, counter, gauge, histogram


def _delivery(kind: Callable[..., Metric], name: str, help_: str, *labels: Label) -> Metric:
    return kind("delivery", f"delivery_{name}", help_, by.DESTINATION, *labels)


DELIVERY_REQUESTS = _delivery(
    counter, "requests_total", "Requests, by what the answer means.", by.DELIVERY_RESULT
)
DELIVERY_RECORDS = _delivery(
    counter, "records_total", "Records, by what became of them.", by.DELIVERY_FATE
)
DELIVERY_PARKED = _delivery(
    counter, "parked_total", "Records sent to delivery-failures.", by.PARKED_REASON
)
DELIVERY_WAITING = _delivery(gauge, "waiting", "Records that were read and are not done.")
DELIVERY_OLDEST = _delivery(
    gauge, "oldest_waiting_seconds", "Age of the oldest record that waits; 0 where none does."
)
DELIVERY_LAG = _delivery(
    gauge, "lag_records", "Offsets between what is done and the end of the topics."
)
DELIVERY_STOPPED = _delivery(gauge, "stopped", "1 when it answered 410 and gets nothing any more.")
DELIVERY_SECONDS = histogram(
    "delivery",
    "delivery_seconds",
    "From a record's time to the answer that it was delivered.",
    (*LATENCY_BUCKETS_S, *LATE_BUCKETS_S[3:7]),
    by.DESTINATION,
)
DELETED_UNDELIVERED = counter(
    "delivery",
    "delivery_deleted_total",
    "Offsets that Kafka deleted before they were delivered.",
    by.DESTINATION,
)
