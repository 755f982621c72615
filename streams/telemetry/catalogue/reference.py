"""What decisions stand on: the shop's files as workers read them."""

from streams.telemetry import labels as by
from streams.telemetry.metric import counter, gauge

REFERENCE_RECORDS = counter(
    "reference",
    "reference_records_total",
    "Reference records and snapshots read.",
    by.REFERENCE_TOPIC,
    by.REFERENCE_RESULT,
)
REFERENCE_OFFERS = gauge("reference", "reference_offers", "Offers in the policy in use.")
REFERENCE_TIME = gauge(
    "reference", "reference_timestamp_seconds", "When the policy was applied, Unix time."
)
REFERENCE_STALE = gauge(
    "reference",
    "reference_stale",
    "1 while a newer reference record is bad and its old version is kept.",
)
