"""Everything that a runtime is told; nothing here is read from the environment."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct


class RuntimeSettings(Struct, frozen=True, kw_only=True):
    """One application: its group, topics and table. Two of them share nothing but code.

    `client_config` goes to every librdkafka client (security above all) and is never logged.
    `group_instance_id` names a slot: its next process takes its partitions back without a wait.
    `output_topics` are where the shell emits to: a take-over looks there for hanging transactions.
    `standby_replicas` is how many other processes follow each partition's rows.
    `opening_stalled_after_s`: to open a partition may take long, but not so long without a step;
    it should be more than `transaction_timeout_s` by 30 s.
    `broker_patience_s`: so long is a broker that is not there at the start waited for.
    `merge_wait_ms`: what comes while nothing waits is held so long, for other topics to catch up.
    At most `urgent_commits_max` urgent epochs of a process are committed at once; others gather.
    `application_id` is the consumer group's id and, with `-<partition>`, the transactional id.
    """

    application_id: str
    bootstrap: str
    source_topics: tuple[str, ...]
    changelog_topic: str
    table: str
    data_dir: Path
    epoch_ms: int = 1_000
    epoch_rows_max: int = 10_000
    batch_records_max: int = 2_000
    merge_wait_ms: int = 0
    urgent_commits_max: int = 2
    transactional: bool = True
    client_config: Mapping[str, str] = {}
    session_timeout_s: float = 10.0
    heartbeat_s: float = 3.0
    group_instance_id: str | None = None
    transaction_timeout_s: float = 15.0
    broker_patience_s: float = 120.0
    output_topics: tuple[str, ...] = ()
    standby_replicas: int = 0
    opening_stalled_after_s: float = 45.0
    stop_timeout_s: float = 25.0
    stalled_after_s: float = 60.0
    reopen_attempts_max: int = 5
    cached_rows_max: int = 50_000
    block_cache_bytes: int = 64 << 20
    write_buffer_bytes: int = 16 << 20
    fetch_queue_kbytes: int = 8_192

    def __repr__(self) -> str:
        """Without `client_config`: it may hold a password."""
        return (
            f"RuntimeSettings({self.application_id!r}, {self.bootstrap!r}, "
            f"table={self.table!r}, transactional={self.transactional})"
        )
