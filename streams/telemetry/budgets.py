"""What is measured of offers' budgets: the treasury's gauges, and how partitions ask it."""

from streams.telemetry import labels as by
from streams.telemetry.metric import Metric, counter, gauge

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

BUDGET_METRICS: tuple[Metric, ...] = (BUDGET, LEASES_ASKED, LEASES_ANSWERED)
