"""What became of offers: uses, purchases, margins by arm, what deciding brings."""

from streams.telemetry import labels as by
from streams.telemetry.metric import counter, gauge

OUTCOMES = counter("outcomes", "outcomes_total", "Outcomes of decisions made.", by.ARM, by.OUTCOME)
OUTCOME_AMOUNT = counter(
    "outcomes", "redeemed_amount_currency_total", "Spent when offers were redeemed.", by.ARM
)
PURCHASES = counter("outcomes", "purchases_total", "Purchases.", by.ARM)
PURCHASE_AMOUNT = counter(
    "outcomes", "purchase_amount_currency_total", "Spent on purchases.", by.ARM
)
PURCHASE_MARGIN = counter(
    "outcomes", "purchase_margin_currency_total", "Margin earned on purchases.", by.ARM
)
REFUND_AMOUNT = counter(
    "outcomes", "refund_amount_currency_total", "Given back on refunds.", by.ARM
)
MARGIN_LOST = counter(
    "outcomes", "margin_lost_currency_total", "Margin lost on refunds and losses.", by.ARM
)
ARM_SHARE = gauge(
    "outcomes",
    "experiment_arm_share_ratio",
    "Share of the people in an arm; scales one arm's value to another's.",
    by.ARM,
)
INCREMENTAL = gauge(
    "outcomes",
    "incremental_margin_currency",
    "Margin a head more in one arm than in another, over whole windows; interval at every look.",
    by.ARM_PAIR,
    by.ESTIMATE,
)
WINDOWS = gauge("outcomes", "experiment_people", "People whose window is over.", by.ARM)
OFFER_INCREMENTAL = gauge(
    "outcomes",
    "offer_incremental_margin_currency",
    "Margin a head more of who was sent an offer than of its holdout; interval at every look.",
    by.OFFER_HELD,
    by.ESTIMATE,
)
OFFER_WINDOWS = gauge(
    "outcomes",
    "offer_experiment_people",
    "People of an offer with a holdout whose window is over.",
    by.OFFER_HELD,
    by.HOLDOUT_GROUP,
)
