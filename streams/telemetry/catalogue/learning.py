"""What is learned: labels, snapshots, and how well the models say what comes."""

from streams.telemetry import labels as by
from streams.telemetry.metric import counter, gauge

LABELS = counter(
    "learning", "labels_total", "Labels sent to the learner.", by.MODEL, by.LABEL_CLASS
)
EXAMPLES = counter(
    "learning",
    "learner_examples_total",
    "Examples read by the learner.",
    by.MODEL,
    by.LEARNED_RESULT,
)
SNAPSHOTS_PUBLISHED = counter(
    "learning", "snapshots_published_total", "Snapshots published by the learner.", by.MODEL
)
MODEL_EXAMPLES = gauge(
    "learning", "model_examples", "Examples behind the snapshot in use: its version.", by.MODEL
)
MODEL_FORMAT = gauge("learning", "model_format", "Format of the snapshot in use.", by.MODEL)
SNAPSHOT_TIME = gauge(
    "learning",
    "model_snapshot_timestamp_seconds",
    "When the snapshot was applied, Unix time.",
    by.MODEL,
)
SNAPSHOT_AGE = gauge(
    "learning", "model_snapshot_age_seconds", "Since the snapshot in use was applied.", by.MODEL
)
MODEL_HELD_BACK = gauge(
    "learning", "model_held_back", "1 while an older snapshot decides.", by.MODEL, by.HELD_BACK_BY
)
LOG_LOSS = gauge("learning", "model_log_loss_nats", "Prequential log loss per example.", by.MODEL)
CONSTANT_LOG_LOSS = gauge(
    "learning",
    "model_constant_log_loss_nats",
    "Prequential log loss of always saying the base rate.",
    by.MODEL,
)
AUC = gauge("learning", "model_auc_ratio", "Prequential area under the ROC curve.", by.MODEL)
CALIBRATION = gauge(
    "learning", "model_calibration_ratio", "Sum of predictions over sum of labels.", by.MODEL
)
RISK_SAID = gauge(
    "learning",
    "churn_risk_said_ratio",
    "Mean churn risk that was said, by the tenth that it begins with, where its horizon is over.",
    by.RISK,
)
RISK_CAME = gauge(
    "learning",
    "churn_risk_came_ratio",
    "Of those, the share that bought nothing within the horizon.",
    by.RISK,
)
SILENCE_SAID = gauge(
    "learning",
    "churn_silence_said_ratio",
    "Mean churn risk that was said, by silence in units of the own usual gap.",
    by.OWN_GAPS,
)
SILENCE_CAME = gauge(
    "learning",
    "churn_silence_came_ratio",
    "Of those, the share that bought nothing within the horizon.",
    by.OWN_GAPS,
)
CALIBRATION_GAP = gauge(
    "learning",
    "churn_calibration_gap_ratio",
    "Mean distance between the churn risk said and what came, over the bins.",
    by.BINS,
)
CALIBRATION_LABELS = gauge(
    "learning", "churn_calibration_labels", "Labels behind that; they fade, half in a horizon."
)
SCORE_CORRECTED = gauge(
    "learning", "churn_score_corrected", "1 while the churn score is corrected."
)
TOP_PRECISION = gauge(
    "learning",
    "churn_top_precision_ratio",
    "Of the first k cases of each week by what is at stake, the share that left; 95 % interval.",
    by.TOP,
    by.ESTIMATE,
)
TOP_CASES = gauge("learning", "churn_top_cases", "Cases behind that, of at most 13 weeks.", by.TOP)
