"""What carries it: epochs, rows, restores, standbys, lag, faults."""

from streams.telemetry import labels as by
from streams.telemetry.buckets import COMMIT_BUCKETS_S, SIZE_BUCKETS
from streams.telemetry.metric import counter, gauge, histogram

COMMITS = counter("runtime", "epoch_commits_total", "Epochs ended.", by.COMMIT_RESULT)
COMMIT_DURATION = histogram(
    "runtime",
    "epoch_commit_duration_seconds",
    "Duration of an epoch's transaction.",
    COMMIT_BUCKETS_S,
)
EPOCH_ROWS = histogram("runtime", "epoch_rows", "Rows written by an epoch.", SIZE_BUCKETS)
EPOCH_OUTPUTS = histogram("runtime", "epoch_outputs", "Records sent by an epoch.", SIZE_BUCKETS)
LAG = gauge("runtime", "lag_records", "Records not yet processed.", by.SOURCE_TOPIC)
ROWS = gauge("runtime", "rows", "Rows held by this worker.")
CACHE = counter("runtime", "row_cache_reads_total", "Rows read, by the cache.", by.CACHE_RESULT)
STORE_MEMORY = gauge(
    "runtime",
    "store_memory_bytes",
    "Memory of the local stores: blocks read, and rows not on disk yet.",
    by.STORE_MEMORY,
)
RESTORED = counter("runtime", "restored_rows_total", "Rows restored from the changelog.")
RESTORE_DURATION = gauge("runtime", "restore_duration_seconds", "Duration of the last restore.")
PARTITIONS = gauge("runtime", "partitions_active", "Partitions that this worker owns and serves.")
DECISION_PARTITIONS = gauge(
    "runtime",
    "decision_partitions",
    "Of the partitions that decisions are made on: served by this worker, and how many there are.",
    by.PARTITION_STATE,
)
STANDBYS = gauge("runtime", "partitions_standby", "Partitions whose rows this worker follows.")
STANDBY_LAG = gauge(
    "runtime", "standby_lag_records", "What the standby furthest behind has left to read."
)
READY = gauge("runtime", "ready", "1 when restored, assigned and caught up with models.")
BROKER_SILENT = gauge(
    "runtime", "broker_silent_seconds", "Since the broker last answered; 0 while it does."
)
BREAKER = gauge("runtime", "breaker_open", "1 when nearly everything is bad and work has stopped.")
BAD_SHARE = gauge("runtime", "breaker_bad_ratio", "Share of bad records in the breaker's window.")
INTERNAL_ERRORS = counter(
    "runtime",
    "internal_errors_total",
    "Records and timers whose processing failed twice, by a fault in the program.",
    by.FAILED_KIND,
)
PROCESS_TIME = counter(
    "runtime", "process_seconds_total", "Wall time spent in decode, process and encode."
)
