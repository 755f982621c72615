"""Who is about to leave: alerts, cases, what came of them, stages."""

from streams.telemetry import labels as by
from streams.telemetry.buckets import LEAD_BUCKETS_S
from streams.telemetry.metric import counter, histogram

ALERTS = counter(
    "churn", "churn_alerts_total", "Churn alerts.", by.TRANSITION, by.BAND, by.CASE_ARM
)
CASES_RESOLVED = counter(
    "churn",
    "churn_cases_resolved_total",
    "Churn cases that ended, by how: bought is saved, lapsed is lost.",
    by.RESOLVED_BY,
    by.CASE_ARM,
)
CASES_HELD = counter(
    "churn",
    "churn_cases_held_total",
    "Looks at which a case did not open, for there is time for those with more at stake only.",
)
CASES_FOLLOWED = counter(
    "churn",
    "churn_cases_followed_total",
    "Churn cases whose horizon is over, by result: left means that the alert came true.",
    by.BAND,
    by.CASE_ARM,
    by.CASE_RESULT,
)
CASES_STATED = counter(
    "churn",
    "churn_cases_stated_risk_total",
    "Sum of the risks stated of the cases that left or bought: how many were to leave.",
    by.BAND,
    by.CASE_ARM,
)
CASE_LEAD = histogram(
    "churn", "churn_case_lead_seconds", "From a true alert to when it is too late.", LEAD_BUCKETS_S
)
CASE_REPORTS = counter(
    "churn", "churn_case_reports_total", "The CRM's word, and what came.", by.SAID, by.CASE_RESULT
)
RETENTION = counter(
    "churn", "retention_outcomes_total", "What became of alerts.", by.RETENTION_RESULT
)
SEGMENTS = counter(
    "churn", "segment_changes_total", "People who entered a life-cycle stage.", by.SEGMENT
)
TRACKS = counter(
    "churn",
    "new_customers_total",
    "New customers by the purchase they have still to make: begun, and its time has come.",
    by.TRACK,
    by.TRACK_CHANGE,
)
LEAVERS = counter(
    "churn",
    "churn_leavers_total",
    "Regulars silent for a whole horizon, by whether a case was opened in that silence.",
    by.WARNED,
)
WATCHED = counter(
    "churn",
    "churn_watched_seconds_total",
    "Time in which customers were looked at: from a purchase on, until silent for a horizon.",
)
