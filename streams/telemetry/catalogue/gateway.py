"""What comes in over HTTP, and what is answered there."""

from collections.abc import Callable

from streams.telemetry import labels as by
from streams.telemetry.buckets import LATENCY_BUCKETS_S
from streams.telemetry.metric import Metric, counter, gauge, histogram


def _gateway(kind: Callable[..., Metric], name: str, help_: str, *more: object) -> Metric:
    return kind("gateway", f"gateway_{name}", help_, *more)


GATEWAY_REQUESTS = _gateway(
    counter, "requests_total", "Requests answered, by status.", by.DOOR, by.HTTP_STATUS
)
GATEWAY_EVENTS = _gateway(
    counter, "events_total", "Events sent, by what became of them.", by.DOOR, by.GATEWAY_FATE
)
GATEWAY_ACK = _gateway(
    histogram,
    "acknowledgement_seconds",
    "From the first record of a request until Kafka, or the spool, has its last.",
    LATENCY_BUCKETS_S,
)
GATEWAY_SPOOLED = _gateway(counter, "spooled_total", "Records kept on disk, as Kafka was away.")
SPOOL_RECORDS = _gateway(gauge, "spool_records", "Records on the disk, for Kafka.")
SPOOL_BYTES = _gateway(gauge, "spool_bytes", "What they take of `spool_bytes_max`.")
SPOOL_AGE = _gateway(gauge, "spool_oldest_seconds", "How long the oldest of them has waited.")
GATEWAY_ANSWERS = _gateway(counter, "answers_total", "Decisions asked for, by answer.", by.ANSWER)
GATEWAY_ANSWER = _gateway(
    histogram,
    "answer_seconds",
    "From a question to its answer, where one came in time.",
    LATENCY_BUCKETS_S,
)
GATEWAY_LATE = _gateway(counter, "late_answers_total", "Answers that came after their time.")
