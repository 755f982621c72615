"""From what happens after a decision to labels: which outcome belongs to which decision.

`credit` joins an event with the person's open decisions (`outcomes` for what the offer's channel
reports, `purchases` for orders, `shown` for coupons that came first), `expire` closes the windows
(`deadlines`), `churn_labels` labels the scoring moments of the churn models, `track_labels` the
waits of new customers, `capacity_labels` the looks at which a case could open; `case_follow_up`
tells what became of churn cases, `case_reports` what the CRM's word on one teaches. `comparisons`
labels what is bought with offers and without, `after_contacts` what contacts do later. `labels`
makes the examples, and only with the person's consent to `model_training`. `said` remembers what
was said at a scoring moment, and of which signals; `watched` tells the time between two of them.
`enrollment` says what the shop earned of each person in a time after their first decision,
`offer_enrollment` the same of people who were sent an offer, and of its holdout.
"""

from streams.feedback.capacity_labels import label_weighed
from streams.feedback.case_follow_up import follow_cases, know_alerts, make_room, tell_outcomes
from streams.feedback.case_reports import hear_report
from streams.feedback.churn_labels import (
    await_label,
    label_horizons,
    label_scoring,
    start_ticks,
)
from streams.feedback.comparisons import end_comparisons
from streams.feedback.credit import credit
from streams.feedback.deadlines import expire
from streams.feedback.enrollment import enroll, tell_margin
from streams.feedback.offer_enrollment import enroll_for_offers, tell_offer_margins
from streams.feedback.said import awaits_said, remember_said
from streams.feedback.shown import credit_shown
from streams.feedback.track_labels import label_track_made, label_track_missed
from streams.feedback.watched import watched

__all__ = [
    "await_label",
    "awaits_said",
    "credit",
    "credit_shown",
    "end_comparisons",
    "enroll",
    "enroll_for_offers",
    "expire",
    "follow_cases",
    "hear_report",
    "know_alerts",
    "label_horizons",
    "label_scoring",
    "label_track_made",
    "label_track_missed",
    "label_weighed",
    "make_room",
    "remember_said",
    "start_ticks",
    "tell_margin",
    "tell_offer_margins",
    "tell_outcomes",
    "watched",
]
