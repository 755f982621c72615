"""What is measured of people who have left: whether a churn case had told of it."""

from streams.telemetry import labels as by
from streams.telemetry.metric import Metric, counter

LEAVERS = counter(
    "churn",
    "churn_leavers_total",
    "Regulars silent for a whole horizon, by whether a case was opened in that silence.",
    by.WARNED,
)

LEAVER_METRICS: tuple[Metric, ...] = (LEAVERS,)
