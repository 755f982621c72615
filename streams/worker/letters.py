"""Records that no shell of ours can use, as they go to the dead letters."""

from streams import topics
from streams.contracts.inputs.rules import Rejected
from streams.contracts.outputs.encode import encode_dead_letter
from streams.contracts.outputs.payloads import DeadLetter
from streams.runtime.records import Output, Record
from streams.settings import Settings


def dead_letter(record: Record, topic: str, rejected: Rejected, settings: Settings) -> Output:
    """What goes to the dead letters for a record of `topic`, as the catalogue names it."""
    letter = DeadLetter(
        reason=rejected.reason,
        path=rejected.path,
        detail=rejected.detail,
        source_topic=topic,
        source_partition=record.partition,
        source_offset=record.offset,
        attempt=attempt_of(record) + 1,
    )
    _, key, value, headers = encode_dead_letter(letter, record.key, record.value, record.headers)
    return Output(settings.on_broker(topics.DEAD_LETTERS), key, value, headers)


def attempt_of(record: Record) -> int:
    """How often the record was driven again before; what is no number counts as never."""
    for name, value in record.headers:
        if name == "os_attempt":
            return int(value) if value.isdigit() and len(value) < 6 else 0
    return 0
