"""What churn alerts are judged by beside their cases: leavers, time watched, a list's top."""

from streams.telemetry import labels as by
from streams.telemetry.metric import Metric, counter, gauge

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
TOP_PRECISION = gauge(
    "learning",
    "churn_top_precision_ratio",
    "Of the first k cases of each week by what is at stake, the share that left; 95 % interval.",
    by.TOP,
    by.ESTIMATE,
)
TOP_CASES = gauge("learning", "churn_top_cases", "Cases behind that, of at most 13 weeks.", by.TOP)

JUDGED_METRICS: tuple[Metric, ...] = (LEAVERS, WATCHED, TOP_PRECISION, TOP_CASES)
