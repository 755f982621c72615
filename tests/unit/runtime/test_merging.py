"""Topics of one partition become one stream by time, whatever the sizes in which they arrive."""

import random

from streams.runtime.group.merging import PATIENCE_S, Merge
from streams.runtime.records import Record

TOPICS = ("a", "b", "c")


def record(topic: str, offset: int, timestamp_ms: int) -> Record:
    """A record with nothing in it."""
    return Record(topic, 0, offset, timestamp_ms, None, None, ())


def test_a_backlog_comes_in_the_order_of_time_however_it_is_fetched() -> None:
    """3 topics, 900 records, fetched in runs of one topic: the output is sorted by time."""
    draw = random.Random(7)  # seed 7
    left = {t: [record(t, n, 0) for n in range(300)] for t in TOPICS}
    times = {t: sorted(draw.randrange(10_000) for _ in range(300)) for t in TOPICS}
    left = {t: [record(t, n, at) for n, at in enumerate(times[t])] for t in TOPICS}
    wanted = sorted(at for each in times.values() for at in each)
    merge, taken = Merge(TOPICS, lambda: 0.0), list[Record]()
    while any(left.values()):
        topic = draw.choice([t for t in TOPICS if left[t]])
        for _ in range(min(len(left[topic]), draw.randrange(1, 120))):
            merge.add(topic, [left[topic].pop(0)])
        if not left[topic]:
            merge.at_end(topic)
        taken += merge.take(50)
    while some := merge.take(50):
        taken += some
    assert [r.timestamp_ms for r in taken] == wanted
    assert merge.empty


def test_the_order_of_a_topic_stays() -> None:
    """Also where its timestamps go back."""
    merge = Merge(["a"])
    for offset, at in enumerate((30, 10, 20)):
        merge.add("a", [record("a", offset, at)])
    assert [r.offset for r in merge.take(10)] == [0, 1, 2]


def test_an_unread_topic_is_waited_for_and_not_for_ever() -> None:
    """Its record comes first where it arrives in time; a topic without a leader blocks nothing."""
    now_s = 0.0
    merge = Merge(["a", "b"], lambda: now_s)
    merge.add("a", [record("a", 0, 50)])
    assert merge.take(10) == []
    merge.add("b", [record("b", 0, 40)])
    assert [r.topic for r in merge.take(10)] == ["b"]  # there may be more of it
    assert merge.take(10) == []
    now_s = PATIENCE_S + 0.1
    assert [r.topic for r in merge.take(10)] == ["a"]


def test_a_topic_at_its_end_is_not_waited_for() -> None:
    """So that what comes in while nothing else is there goes on at once."""
    merge = Merge(["a", "b"])
    merge.at_end("b")
    merge.add("a", [record("a", 0, 50)])
    assert len(merge.take(10)) == 1


def test_of_equal_times_the_first_topic_goes_first() -> None:
    """So that two workers, and a replay, merge the same backlog the same way."""
    merge = Merge(TOPICS)
    for topic in reversed(TOPICS):
        for offset in range(2):
            merge.add(topic, [record(topic, offset, 5)])
        merge.at_end(topic)
    taken = [(r.topic, r.offset) for r in merge.take(10)]
    assert taken == [(t, n) for t in TOPICS for n in range(2)]
