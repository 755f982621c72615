"""What is decided: verdicts, offers, what was withheld, and the budgets of offers."""

from streams.telemetry import labels as by
from streams.telemetry.buckets import LATENCY_BUCKETS_S
from streams.telemetry.metric import counter, gauge, histogram

DECISIONS = counter("decisions", "decisions_total", "Decisions.", by.TRIGGER, by.VERDICT, by.ARM)
OFFERS = counter("decisions", "offers_total", "Offers decided.", by.ARM, by.CHANNEL)
WITHHELD = counter(
    "decisions", "candidates_withheld_total", "Offers that were not eligible.", by.WHY_NOT
)
EVENT_TO_OFFER = histogram(
    "decisions",
    "event_to_offer_seconds",
    "From the triggering record's timestamp to the commit of its offer.",
    LATENCY_BUCKETS_S,
)
BUDGET = gauge(
    "decisions",
    "offer_budget_currency",
    "An offer's budget, and what of it is used, reserved, free or overdrawn, as last reported.",
    by.OFFER_BUDGETED,
    by.BUDGET_PART,
)
LEASES_ASKED = counter(
    "decisions", "lease_requests_total", "Reports of partitions to the treasury.", by.LEASE_REQUEST
)
LEASES_ANSWERED = counter(
    "decisions", "treasury_requests_total", "Reports read by the treasury.", by.TREASURY_RESULT
)
