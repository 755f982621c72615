"""Did a contender do the work? Its answers and its changelog against the input, recomputed."""

from collections import Counter

import msgspec

from benchmarks.workload import expected_answers
from tests.support.apache_kafka import ApacheKafka


class Answer(msgspec.Struct, frozen=True):
    """What every contender says where an event asks."""

    customer_id: str
    event_id: str
    views: int


class Views(msgspec.Struct, frozen=True):
    """The one field of a row that is checked."""

    views: int


def check_answers(kafka: ApacheKafka, topic: str, events: int, customers: int, seed: int) -> None:
    """Every answer once, with the number of views that the customer had then.

    Raises:
        AssertionError: answers are missing, double or wrong.
    """
    said: Counter[tuple[str, str, int]] = Counter()
    decode = msgspec.json.Decoder(Answer).decode
    for message in kafka.read_all(topic):
        answer = decode(message.value() or b"")
        said[answer.customer_id, answer.event_id, answer.views] += 1
    expected = expected_answers(events, customers, seed)
    missing, unexpected = expected - said, said - expected
    wrong = missing.total() + unexpected.total()
    assert wrong == 0, (
        f"{topic}: {missing.total()} of {expected.total()} answers missing, "
        f"{unexpected.total()} double or wrong, e.g. {list(unexpected)[:2]}"
    )


def check_changelog(kafka: ApacheKafka, topic: str, events: int) -> int:
    """The newest rows count every event once; returns the bytes of an average row.

    Raises:
        AssertionError: they do not.
    """
    newest = {m.key(): m.value() or b"" for m in kafka.read_all(topic)}
    counted = sum(_views(data) for data in newest.values())
    assert counted == events, f"{topic}: rows count {counted} of {events} events"
    return sum(map(len, newest.values())) // len(newest)


def _views(data: bytes) -> int:
    """Of a row in JSON (with or without a wrapper) or in MessagePack."""
    if data.startswith(b"{"):
        return msgspec.json.decode(data, type=Views).views
    return msgspec.msgpack.decode(data, type=Views).views
