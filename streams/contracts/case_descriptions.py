"""What every field of a churn case's outcome means, in one sentence; part of `descriptions`."""

from typing import Final

OF_CASES: Final[dict[str, str]] = {
    "CaseOutcome.result": "What came: left, bought, or not_followed.",
    "entered_at": "When the case was entered: event time.",
    "CaseOutcome.arm": "Whether the case was treated or left alone.",
    "CaseOutcome.risk": "The risk that the alert stated which entered the case.",
    "CaseOutcome.risk_band": "Band of that risk.",
    "CaseOutcome.reported": "What the CRM reported of the case, each word once.",
    "days_to_purchase": "Days from the alert to the next purchase; null where none came.",
    "lead_days": "Days from the alert to when the person counts as lost.",
}
