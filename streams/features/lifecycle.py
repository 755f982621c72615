"""Lifecycle: how long we know the person, and the risk that they are leaving."""

from streams.contracts.times import DAY_MS
from streams.customer.row import Customer
from streams.customer.trigger_events import TriggerEvent
from streams.features.family import Family
from streams.features.scaling import bounded, log_scale

scaled_tenure_days = log_scale(180.0)


def lifecycle(person: Customer, trigger_event: TriggerEvent, now_ms: int) -> tuple[float, ...]:
    """Days since the first event, and the last churn score (0 at even odds or without one)."""
    tenure = scaled_tenure_days((now_ms - person.created_at_ms) / DAY_MS)
    risk = person.churn.risk
    return tenure, bounded(4.0 * (risk - 0.5)) if risk is not None else 0.0


LIFECYCLE = Family(("tenure", "churn_risk"), lifecycle)
