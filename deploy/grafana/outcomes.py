"""What offers and alerts are worth, and whether the models can be believed."""

from deploy.grafana.panels import COUNT, Board, Graph, Number, Row
from deploy.grafana.queries import (
    CURRENCY,
    incremental_margin,
    median_over_range,
    or_zero,
    rate,
    scaled,
    seen,
    share,
    total,
    within,
    yearly,
)
from streams.telemetry import catalogue as c
from streams.telemetry.catalogue.churn import LEAVERS, WATCHED
from streams.telemetry.catalogue.decisions import BUDGET
from streams.telemetry.catalogue.learning import TOP_PRECISION

DECIDED = total(c.OFFERS, "arm")
REDEEMED = total(c.OUTCOMES, "arm", 'outcome="redeemed"')
SPENT = f'{BUDGET.name}{{part=~"used|reserved"}}'
KNOWN = 'result=~"left|bought"'
RIGHT = total(c.CASES_FOLLOWED, "", 'result="left"'), total(c.CASES_FOLLOWED, "", KNOWN)
FOUND = total(LEAVERS, "", 'warned="yes"'), total(LEAVERS)
TOP = f'max by (k) ({TOP_PRECISION.name}{{estimate="value"}})'
FIRST_10 = f'max by (estimate) ({TOP_PRECISION.name}{{k="10", estimate=~"low|high"}})'

OFFERS = Row(
    "Do people use their offers?",
    (
        Number("Offers decided", COUNT, total(c.OFFERS), "Over the range on top."),
        Number(
            "Redeemed",
            COUNT,
            total(c.OUTCOMES, "", 'outcome="redeemed"'),
            "Over the range on top.",
        ),
        Number(
            "Alerts entered",
            COUNT,
            total(c.ALERTS, "", 'transition="entered"'),
            "New churn cases.",
        ),
        Number(
            "Incremental margin, no interval",
            CURRENCY,
            incremental_margin(),
            "More than as many of the holdout; of few people it is chance: see below.",
        ),
        Number(
            "Examples learned: response",
            COUNT,
            f'max({c.MODEL_EXAMPLES.name}{{model="response"}})',
            "Behind the snapshot in use.",
        ),
        Number(
            "Examples learned: churn",
            COUNT,
            f'max({c.MODEL_EXAMPLES.name}{{model="churn"}})',
            "Behind the snapshot in use.",
        ),
        Graph(
            "How many of the offers sent are used?",
            "percentunit",
            ((f"{REDEEMED} / {DECIDED}", "{{arm}}"),),
            "Uses for each offer sent. It flatters who sends fewer: look beside it.",
        ),
        Graph(
            "How many would be used, if all were in this arm?",
            "short",
            ((f"{REDEEMED} / max by (arm) ({c.ARM_SHARE.name})", "{{arm}}"),),
            "Uses over the arm's share of the people; an arm of few people jumps.",
        ),
        Graph(
            "What becomes of offers?",
            "ops",
            ((rate(c.OUTCOMES, "outcome"), "{{outcome}}"),),
            "Delivered, viewed, clicked, dismissed, redeemed, expired.",
        ),
        Graph(
            "Where do people meet their offers?",
            "ops",
            ((seen(rate(c.OFFERS, "channel")), "{{channel}}"),),
            "Where people met their offers.",
        ),
    ),
)
BUDGETS = Row(
    "Do the budgets last?",
    (
        Graph(
            "Where is the money of the budgets?",
            CURRENCY,
            (
                (
                    f'max by (offer, part) ({BUDGET.name}{{part=~"used|reserved|free|overdrawn"}})',
                    "{{offer}} {{part}}",
                ),
            ),
            "Used, put aside for coupons that are out, free; overdrawn is more than there was.",
        ),
        Graph(
            "How much of each budget is used or reserved?",
            "percentunit",
            (
                (
                    f"sum by (offer) (max by (offer, part) ({SPENT}))"
                    f' / max by (offer) ({BUDGET.name}{{part="amount"}})',
                    "{{offer}}",
                ),
            ),
            "At 100% the offer is made no more; what coupons reserve comes back, if not used.",
        ),
    ),
)
INCREMENTAL_VALUE = Row(
    "Do offers bring more than they cost?",
    (
        Graph(
            "Is the margin above the holdout's?",
            CURRENCY,
            ((scaled(c.PURCHASE_MARGIN), "{{arm}}"),),
            "Margin over the arm's share of people; above the holdout is what offers brought.",
        ),
        Graph(
            "What does deciding bring a head?",
            CURRENCY,
            (
                (
                    f'max by (estimate) ({c.INCREMENTAL.name}{{arms="policy_holdout"}})',
                    "{{estimate}}",
                ),
            ),
            "Margin more than the holdout, of first windows; its interval holds at every look.",
        ),
        Graph(
            "And beside random choice?",
            CURRENCY,
            (
                (
                    f'max by (estimate) ({c.INCREMENTAL.name}{{arms="policy_uniform"}})',
                    "{{estimate}}",
                ),
            ),
            "The same against the uniform arm; nothing below 100 people of each.",
        ),
        Graph(
            "What does each offer bring a head?",
            CURRENCY,
            ((f"max by (offer, estimate) ({c.OFFER_INCREMENTAL.name})", "{{offer}} {{estimate}}"),),
            "Who was sent it against its own holdout (holdout_share); interval at every look.",
        ),
        Graph(
            "Of how many people is that?",
            "short",
            ((f"max by (offer, group) ({c.OFFER_WINDOWS.name})", "{{offer}} {{group}}"),),
            "People whose window is over; nothing is said below 100 of each group.",
        ),
        Graph(
            "Do people buy more often?",
            "short",
            ((scaled(c.PURCHASES), "{{arm}}"),),
            "The holdout redeems nothing and buys all the same: the gap is what offers add.",
        ),
        Graph(
            "How much is lost again to refunds?",
            CURRENCY,
            (
                (total(c.REFUND_AMOUNT, "arm"), "refunds {{arm}}"),
                (total(c.MARGIN_LOST, "arm"), "margin lost {{arm}}"),
            ),
            "Subtract before you celebrate.",
        ),
    ),
)
LEAVING = Row(
    "Who is leaving, and what is done?",
    (
        Graph(
            "How many cases open, grow and end?",
            "ops",
            ((rate(c.ALERTS, "transition"), "{{transition}}"),),
            "One open case a person: entered, escalated, de-escalated, resolved.",
        ),
        Graph(
            "How many alerts does a customer get in a year?",
            "short",
            yearly(total(c.ALERTS, "", 'transition="entered"'), total(WATCHED)),
            "New cases over the time in which customers are watched, with a 95 % interval.",
        ),
        Graph(
            "How do cases end?",
            "short",
            ((seen(total(c.CASES_RESOLVED, "resolved_by, arm")), "{{resolved_by}} {{arm}}"),),
            "Bought is saved, lapsed is lost. Treated against control is what contacts bring.",
        ),
        Graph(
            "What does the CRM report?",
            "short",
            ((seen(total(c.RETENTION, "result")), "{{result}}"),),
            "As the CRM reports with retention_outcome; saved over all others is its worth.",
        ),
        Graph(
            "Who becomes active, at risk, lapsed?",
            "ops",
            ((rate(c.SEGMENTS, "segment"), "{{segment}}"),),
            "New, active, at risk, lapsed.",
        ),
        Graph(
            "Which purchase is still to be made?",
            "short",
            ((total(c.TRACKS, "track, change"), "{{track}} {{change}}"),),
            "Begun, and its time has come: due over begun is who lets it pass.",
        ),
        Graph(
            "How many cases wait for want of time?",
            "short",
            ((total(c.CASES_HELD), "held back"),),
            "Looks, not people: who is held back is looked at again. Only with cases_per_week.",
        ),
    ),
)
CASES = Row(
    "Were the alerts right, and do contacts help?",
    (
        Graph(
            "How many alerts were right?",
            "percentunit",
            (
                (
                    share(
                        total(c.CASES_FOLLOWED, "band", 'result="left"'),
                        total(c.CASES_FOLLOWED, "band", KNOWN),
                    ),
                    "{{band}}",
                ),
                *within(*RIGHT),
            ),
            "Of the cases entered, who then bought nothing; all bands within 95 %. A long range.",
        ),
        Graph(
            "Were the first k of each week right?",
            "percentunit",
            (
                (or_zero(TOP), "first {{k}}"),
                (or_zero(FIRST_10), "first 10, {{estimate}}"),
            ),
            "By what is at stake, as a list is worked from the top: who left, of up to 13 weeks.",
        ),
        Graph(
            "Of how many who left was there an alert?",
            "percentunit",
            ((share(*FOUND), "warned of"), *within(*FOUND)),
            "Of regulars silent for a horizon: a case was opened in that silence. A long range.",
        ),
        Graph(
            "Did as many leave as was said?",
            "short",
            (
                (total(c.CASES_STATED, "band"), "stated {{band}}"),
                (total(c.CASES_FOLLOWED, "band", 'result="left"'), "left {{band}}"),
            ),
            "How many were to leave by the sum of the stated risks, and how many did.",
        ),
        Graph(
            "Do more buy who are contacted?",
            "percentunit",
            (
                (
                    share(
                        total(c.CASES_FOLLOWED, "arm", 'result="bought"'),
                        total(c.CASES_FOLLOWED, "arm", KNOWN),
                    ),
                    "{{arm}}",
                ),
            ),
            "The gap is what contacts save; control is small, so look at months.",
        ),
        Graph(
            "How early do alerts come?",
            "s",
            ((median_over_range(c.CASE_LEAD), "alert to lost"),),
            "From an alert that came true to when the person counts as lost: time to act.",
        ),
        Graph(
            "Is a false alarm one?",
            "percentunit",
            (
                (
                    share(
                        total(c.CASE_REPORTS, "reported", 'result="left"'),
                        total(c.CASE_REPORTS, "reported", KNOWN),
                    ),
                    "{{reported}}",
                ),
            ),
            "Share that left, by what the CRM had reported: low for false alarms, high for lost.",
        ),
    ),
)
MODELS = Row(
    "Can the models be believed?",
    (
        Graph(
            "Is each model better than its base rate?",
            "short",
            (
                (f"max by (model) ({c.LOG_LOSS.name})", "{{model}}"),
                (f"max by (model) ({c.CONSTANT_LOG_LOSS.name})", "{{model}}: base rate"),
            ),
            "Predicted before it is learned. Above its base rate, a model harms.",
        ),
        Graph(
            "Does each model rank well?",
            "short",
            ((f"max by (model) ({c.AUC.name})", "{{model}}"),),
            "AUC, judged before it is learned: .5 is a coin, 1 is perfect.",
        ),
        Graph(
            "Are probabilities right on the whole?",
            "short",
            ((f"max by (model) ({c.CALIBRATION.name})", "{{model}}"),),
            "Sum of predictions over sum of labels; 1 is right, outside .8 to 1.25 alerts.",
        ),
        Graph(
            "Does the risk said come, by risk?",
            "percentunit",
            (
                (
                    f"max by (risk) ({c.RISK_CAME.name}) - max by (risk) ({c.RISK_SAID.name})",
                    "from {{risk}}",
                ),
            ),
            "Share that left, less the risk that was said, by its tenth: best 0, of past horizons.",
        ),
        Graph(
            "Does the risk said come, by silence?",
            "percentunit",
            (
                (
                    f"max by (own_gaps) ({c.SILENCE_CAME.name})"
                    f" - max by (own_gaps) ({c.SILENCE_SAID.name})",
                    "{{own_gaps}} own gaps",
                ),
            ),
            "The same by how long people had been silent, in units of their own usual gap.",
        ),
        Graph(
            "How far off is the risk said?",
            "percentunit",
            (
                (f"max by (bins) ({c.CALIBRATION_GAP.name})", "by {{bins}}"),
                (f"max({c.SCORE_CORRECTED.name})", "1 while corrected"),
            ),
            "Mean over the bins; above ten points with more than 500 labels it alerts.",
        ),
        Graph(
            "What is there to learn from?",
            "ops",
            ((seen(rate(c.LABELS, "model, class")), "{{model}} {{class}}"),),
            "What the learner is given.",
        ),
        Graph(
            "What does the learner read?",
            "ops",
            ((seen(rate(c.EXAMPLES, "model, result")), "{{model}} {{result}}"),),
            "Repeated examples are passed over.",
        ),
        Graph(
            "How old is each model in use?",
            "s",
            ((f"max by (model) ({c.SNAPSHOT_AGE.name})", "{{model}}"),),
            "Grows while there is nothing new to learn, or the learner is down.",
        ),
    ),
)

OUTCOMES = Board(
    "offerstream: outcomes",
    "offerstream-outcomes",
    (OFFERS, BUDGETS, INCREMENTAL_VALUE, LEAVING, CASES, MODELS),
)
