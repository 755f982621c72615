"""The metric catalogue: every metric that offerstream exposes, as data.

The worker, the dashboards, the alert rules and `docs/operate.md` are made from this list or
checked against it. A new metric is one entry here and one row in `fold`, or one call in the worker.
Base units are in the names (`_seconds`, `_bytes`, `_ratio`); money is in the shop's currency
(`_currency`); labels come from closed enums and never hold an id.
"""

from collections.abc import Callable

from streams.telemetry import labels as by
from streams.telemetry.budgets import BUDGET_METRICS
from streams.telemetry.deleted import DELETED_METRICS
from streams.telemetry.judged import JUDGED_METRICS
from streams.telemetry.metric import Label, Metric
from streams.telemetry.metric import counter as _counter
from streams.telemetry.metric import gauge as _gauge
from streams.telemetry.metric import histogram as _histogram

LATENCY_BUCKETS_S = (
    0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
COMMIT_BUCKETS_S = (0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1.0, 2.0, 5.0)
LATE_BUCKETS_S = (1.0, 10.0, 60.0, 600.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0, 2_592_000.0)
DAY_S = 86_400.0
LEAD_BUCKETS_S = tuple(days * DAY_S for days in (1, 3, 7, 14, 21, 28, 42, 56, 70, 91, 182, 365))
SIZE_BUCKETS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0)


def _gateway(kind: Callable[..., Metric], name: str, help_: str, *more: object) -> Metric:
    return kind("gateway", f"gateway_{name}", help_, *more)


def _delivery(kind: Callable[..., Metric], name: str, help_: str, *labels: Label) -> Metric:
    return kind("delivery", f"delivery_{name}", help_, by.DESTINATION, *labels)


# What comes in.
EVENTS = _counter(
    "events", "events_total", "Input events processed.", by.SOURCE_TOPIC, by.EVENT_NAME
)
REJECTED = _counter(
    "events",
    "events_rejected_total",
    "Records sent to dead-letters.",
    by.SOURCE_TOPIC,
    by.REJECT_REASON,
)
IGNORED = _counter(
    "events", "events_ignored_total", "Accepted events that changed nothing.", by.IGNORED_REASON
)
NOT_OURS = _counter(
    "events", "events_not_ours_total", "Messages that are no events of ours.", by.SOURCE_TOPIC
)
DROPPED = _counter(
    "events", "data_dropped_total", "Parts of accepted events not taken in.", by.DROPPED_WHAT
)
LATE = _counter("events", "events_late_total", "Events that came after later ones of the person.")
LATENESS = _histogram(
    "events", "event_lateness_seconds", "How late the late events were.", LATE_BUCKETS_S
)
ROUTED = _counter(
    "events", "events_routed_total", "Messages sent through customer-events.", by.ROUTED_KIND
)
MISPLACED = _counter(
    "events", "events_misplaced_total", "Records under a wrong key or partition.", by.SOURCE_TOPIC
)
TICKS = _counter("events", "ticks_total", "Timers fired.")
TIMER_DELAY = _histogram(
    "events", "timer_delay_seconds", "From a timer's due time to its firing.", LATENCY_BUCKETS_S
)
IDENTITY_CHANGES = _counter(
    "events", "identity_changes_total", "Ids linked, unlinked or in conflict.", by.IDENTITY_KIND
)
RECEIPTS = _counter(
    "events", "privacy_receipts_total", "Privacy requests carried out.", by.RECEIPT_KIND
)
REPLIES = _counter("events", "replies_total", "Questions answered.", by.REPLY)

# What is decided.
DECISIONS = _counter("decisions", "decisions_total", "Decisions.", by.TRIGGER, by.VERDICT, by.ARM)
OFFERS = _counter("decisions", "offers_total", "Offers decided.", by.ARM, by.CHANNEL)
WITHHELD = _counter(
    "decisions", "candidates_withheld_total", "Offers that were not eligible.", by.WHY_NOT
)
EVENT_TO_OFFER = _histogram(
    "decisions",
    "event_to_offer_seconds",
    "From the triggering record's timestamp to the commit of its offer.",
    LATENCY_BUCKETS_S,
)

# What became of it.
OUTCOMES = _counter("outcomes", "outcomes_total", "Outcomes of decisions made.", by.ARM, by.OUTCOME)
OUTCOME_AMOUNT = _counter(
    "outcomes", "redeemed_amount_currency_total", "Spent when offers were redeemed.", by.ARM
)
PURCHASES = _counter("outcomes", "purchases_total", "Purchases.", by.ARM)
PURCHASE_AMOUNT = _counter(
    "outcomes", "purchase_amount_currency_total", "Spent on purchases.", by.ARM
)
PURCHASE_MARGIN = _counter(
    "outcomes", "purchase_margin_currency_total", "Margin earned on purchases.", by.ARM
)
REFUND_AMOUNT = _counter(
    "outcomes", "refund_amount_currency_total", "Given back on refunds.", by.ARM
)
MARGIN_LOST = _counter(
    "outcomes", "margin_lost_currency_total", "Margin lost on refunds and losses.", by.ARM
)
ARM_SHARE = _gauge(
    "outcomes",
    "experiment_arm_share_ratio",
    "Share of the people in an arm; scales one arm's value to another's.",
    by.ARM,
)

INCREMENTAL = _gauge(
    "outcomes",
    "incremental_margin_currency",
    "Margin a head more in one arm than in another, over whole windows; interval at every look.",
    by.ARM_PAIR,
    by.ESTIMATE,
)
WINDOWS = _gauge("outcomes", "experiment_people", "People whose window is over.", by.ARM)
OFFER_INCREMENTAL = _gauge(
    "outcomes",
    "offer_incremental_margin_currency",
    "Margin a head more of who was sent an offer than of its holdout; interval at every look.",
    by.OFFER_HELD,
    by.ESTIMATE,
)
OFFER_WINDOWS = _gauge(
    "outcomes",
    "offer_experiment_people",
    "People of an offer with a holdout whose window is over.",
    by.OFFER_HELD,
    by.HOLDOUT_GROUP,
)

# Who is about to leave.
ALERTS = _counter(
    "churn", "churn_alerts_total", "Churn alerts.", by.TRANSITION, by.BAND, by.CASE_ARM
)
CASES_RESOLVED = _counter(
    "churn",
    "churn_cases_resolved_total",
    "Churn cases that ended, by how: bought is saved, lapsed is lost.",
    by.RESOLVED_BY,
    by.CASE_ARM,
)
CASES_HELD = _counter(
    "churn",
    "churn_cases_held_total",
    "Looks at which a case did not open, for there is time for those with more at stake only.",
)
CASES_FOLLOWED = _counter(
    "churn",
    "churn_cases_followed_total",
    "Churn cases whose horizon is over, by result: left means that the alert came true.",
    by.BAND,
    by.CASE_ARM,
    by.CASE_RESULT,
)
CASES_STATED = _counter(
    "churn",
    "churn_cases_stated_risk_total",
    "Sum of the risks stated of the cases that left or bought: how many were to leave.",
    by.BAND,
    by.CASE_ARM,
)
CASE_LEAD = _histogram(
    "churn", "churn_case_lead_seconds", "From a true alert to when it is too late.", LEAD_BUCKETS_S
)
CASE_REPORTS = _counter(
    "churn", "churn_case_reports_total", "The CRM's word, and what came.", by.SAID, by.CASE_RESULT
)
RETENTION = _counter(
    "churn", "retention_outcomes_total", "What became of alerts.", by.RETENTION_RESULT
)
SEGMENTS = _counter(
    "churn", "segment_changes_total", "People who entered a life-cycle stage.", by.SEGMENT
)
TRACKS = _counter(
    "churn",
    "new_customers_total",
    "New customers by the purchase they have still to make: begun, and its time has come.",
    by.TRACK,
    by.TRACK_CHANGE,
)
TIME_ZONES_UNKNOWN = _counter(
    "events", "time_zones_unknown_total", "Events whose time zone is none; the last known stays."
)

# Who is where in a store.
ZONE_VISITS = _counter(
    "events", "zone_visits_total", "Visits to zones, opened and closed.", by.VISIT_KIND
)

# What is learned.
LABELS = _counter(
    "learning", "labels_total", "Labels sent to the learner.", by.MODEL, by.LABEL_CLASS
)
EXAMPLES = _counter(
    "learning",
    "learner_examples_total",
    "Examples read by the learner.",
    by.MODEL,
    by.LEARNED_RESULT,
)
SNAPSHOTS_PUBLISHED = _counter(
    "learning", "snapshots_published_total", "Snapshots published by the learner.", by.MODEL
)
MODEL_EXAMPLES = _gauge(
    "learning", "model_examples", "Examples behind the snapshot in use: its version.", by.MODEL
)
MODEL_FORMAT = _gauge("learning", "model_format", "Format of the snapshot in use.", by.MODEL)
SNAPSHOT_TIME = _gauge(
    "learning",
    "model_snapshot_timestamp_seconds",
    "When the snapshot was applied, Unix time.",
    by.MODEL,
)
SNAPSHOT_AGE = _gauge(
    "learning", "model_snapshot_age_seconds", "Since the snapshot in use was applied.", by.MODEL
)
MODEL_HELD_BACK = _gauge(
    "learning", "model_held_back", "1 while an older snapshot decides.", by.MODEL, by.HELD_BACK_BY
)
LOG_LOSS = _gauge("learning", "model_log_loss_nats", "Prequential log loss per example.", by.MODEL)
CONSTANT_LOG_LOSS = _gauge(
    "learning",
    "model_constant_log_loss_nats",
    "Prequential log loss of always saying the base rate.",
    by.MODEL,
)
AUC = _gauge("learning", "model_auc_ratio", "Prequential area under the ROC curve.", by.MODEL)
CALIBRATION = _gauge(
    "learning", "model_calibration_ratio", "Sum of predictions over sum of labels.", by.MODEL
)
RISK_SAID = _gauge(
    "learning",
    "churn_risk_said_ratio",
    "Mean churn risk that was said, by the tenth that it begins with, where its horizon is over.",
    by.RISK,
)
RISK_CAME = _gauge(
    "learning",
    "churn_risk_came_ratio",
    "Of those, the share that bought nothing within the horizon.",
    by.RISK,
)
SILENCE_SAID = _gauge(
    "learning",
    "churn_silence_said_ratio",
    "Mean churn risk that was said, by silence in units of the own usual gap.",
    by.OWN_GAPS,
)
SILENCE_CAME = _gauge(
    "learning",
    "churn_silence_came_ratio",
    "Of those, the share that bought nothing within the horizon.",
    by.OWN_GAPS,
)
CALIBRATION_GAP = _gauge(
    "learning",
    "churn_calibration_gap_ratio",
    "Mean distance between the churn risk said and what came, over the bins.",
    by.BINS,
)
CALIBRATION_LABELS = _gauge(
    "learning", "churn_calibration_labels", "Labels behind that; they fade, half in a horizon."
)
SCORE_CORRECTED = _gauge(
    "learning", "churn_score_corrected", "1 while the churn score is corrected."
)

# What the decisions stand on.
REFERENCE_RECORDS = _counter(
    "reference",
    "reference_records_total",
    "Reference records and snapshots read.",
    by.REFERENCE_TOPIC,
    by.REFERENCE_RESULT,
)
REFERENCE_OFFERS = _gauge("reference", "reference_offers", "Offers in the policy in use.")
REFERENCE_TIME = _gauge(
    "reference", "reference_timestamp_seconds", "When the policy was applied, Unix time."
)
REFERENCE_STALE = _gauge(
    "reference",
    "reference_stale",
    "1 while a newer reference record is bad and its old version is kept.",
)

# What carries it.
COMMITS = _counter("runtime", "epoch_commits_total", "Epochs ended.", by.COMMIT_RESULT)
COMMIT_DURATION = _histogram(
    "runtime",
    "epoch_commit_duration_seconds",
    "Duration of an epoch's transaction.",
    COMMIT_BUCKETS_S,
)
EPOCH_ROWS = _histogram("runtime", "epoch_rows", "Rows written by an epoch.", SIZE_BUCKETS)
EPOCH_OUTPUTS = _histogram("runtime", "epoch_outputs", "Records sent by an epoch.", SIZE_BUCKETS)
LAG = _gauge("runtime", "lag_records", "Records not yet processed.", by.SOURCE_TOPIC)
ROWS = _gauge("runtime", "rows", "Rows held by this worker.")
CACHE = _counter("runtime", "row_cache_reads_total", "Rows read, by the cache.", by.CACHE_RESULT)
STORE_MEMORY = _gauge(
    "runtime",
    "store_memory_bytes",
    "Memory of the local stores: blocks read, and rows not on disk yet.",
    by.STORE_MEMORY,
)
RESTORED = _counter("runtime", "restored_rows_total", "Rows restored from the changelog.")
RESTORE_DURATION = _gauge("runtime", "restore_duration_seconds", "Duration of the last restore.")
PARTITIONS = _gauge("runtime", "partitions_active", "Partitions that this worker owns and serves.")
DECISION_PARTITIONS = _gauge(
    "runtime",
    "decision_partitions",
    "Of the partitions that decisions are made on: served by this worker, and how many there are.",
    by.PARTITION_STATE,
)
STANDBYS = _gauge("runtime", "partitions_standby", "Partitions whose rows this worker follows.")
STANDBY_LAG = _gauge(
    "runtime", "standby_lag_records", "What the standby furthest behind has left to read."
)
READY = _gauge("runtime", "ready", "1 when restored, assigned and caught up with models.")
BROKER_SILENT = _gauge(
    "runtime", "broker_silent_seconds", "Since the broker last answered; 0 while it does."
)
BREAKER = _gauge("runtime", "breaker_open", "1 when nearly everything is bad and work has stopped.")
BAD_SHARE = _gauge("runtime", "breaker_bad_ratio", "Share of bad records in the breaker's window.")
INTERNAL_ERRORS = _counter(
    "runtime",
    "internal_errors_total",
    "Records and timers whose processing failed twice, by a fault in the program.",
    by.FAILED_KIND,
)
PROCESS_TIME = _counter(
    "runtime", "process_seconds_total", "Wall time spent in decode, process and encode."
)

# What comes in over HTTP.
GATEWAY_REQUESTS = _gateway(
    _counter, "requests_total", "Requests answered, by status.", by.DOOR, by.HTTP_STATUS
)
GATEWAY_EVENTS = _gateway(
    _counter, "events_total", "Events sent, by what became of them.", by.DOOR, by.GATEWAY_FATE
)
GATEWAY_ACK = _gateway(
    _histogram,
    "acknowledgement_seconds",
    "From the first record of a request until Kafka, or the spool, has its last.",
    LATENCY_BUCKETS_S,
)
GATEWAY_SPOOLED = _gateway(_counter, "spooled_total", "Records kept on disk, as Kafka was away.")
SPOOL_RECORDS = _gateway(_gauge, "spool_records", "Records on the disk, for Kafka.")
SPOOL_BYTES = _gateway(_gauge, "spool_bytes", "What they take of `spool_bytes_max`.")
SPOOL_AGE = _gateway(_gauge, "spool_oldest_seconds", "How long the oldest of them has waited.")
GATEWAY_ANSWERS = _gateway(_counter, "answers_total", "Decisions asked for, by answer.", by.ANSWER)
GATEWAY_ANSWER = _gateway(
    _histogram,
    "answer_seconds",
    "From a question to its answer, where one came in time.",
    LATENCY_BUCKETS_S,
)
GATEWAY_LATE = _gateway(_counter, "late_answers_total", "Answers that came after their time.")

# What goes out as webhooks.
DELIVERY_REQUESTS = _delivery(
    _counter, "requests_total", "Requests, by what the answer means.", by.DELIVERY_RESULT
)
DELIVERY_RECORDS = _delivery(
    _counter, "records_total", "Records, by what became of them.", by.DELIVERY_FATE
)
DELIVERY_PARKED = _delivery(
    _counter, "parked_total", "Records sent to delivery-failures.", by.PARKED_REASON
)
DELIVERY_WAITING = _delivery(_gauge, "waiting", "Records that were read and are not done.")
DELIVERY_OLDEST = _delivery(
    _gauge, "oldest_waiting_seconds", "Age of the oldest record that waits; 0 where none does."
)
DELIVERY_LAG = _delivery(
    _gauge, "lag_records", "Offsets between what is done and the end of the topics."
)
DELIVERY_STOPPED = _delivery(_gauge, "stopped", "1 when it answered 410 and gets nothing any more.")
DELIVERY_SECONDS = _histogram(
    "delivery",
    "delivery_seconds",
    "From a record's time to the answer that it was delivered.",
    (*LATENCY_BUCKETS_S, *LATE_BUCKETS_S[3:7]),
    by.DESTINATION,
)

CATALOGUE: tuple[Metric, ...] = (
    *(value for value in list(globals().values()) if isinstance(value, Metric)),
    *(*BUDGET_METRICS, *DELETED_METRICS, *JUDGED_METRICS),
)
