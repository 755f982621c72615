"""What retention deletes unread is told once and passed over; what was read before is handed on."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition

from streams.runtime.epoch import Batch, Epoch
from streams.runtime.group import fetch
from streams.runtime.group.fetch import Fetcher
from tests.support.bare_runtime import bare_settings


def message(offset: int, topic: str = "in", error: int | None = None) -> Any:
    """A record, or what the client says in its place."""
    return SimpleNamespace(
        topic=lambda: topic,
        partition=lambda: 0,
        offset=lambda: offset,
        timestamp=lambda: (1, offset),
        key=lambda: None,
        value=lambda: b"",
        headers=lambda: None,
        error=lambda: None if error is None else KafkaError(error),
    )


class FakeConsumer:
    """A log from `low` to `end`; `waiting` is what it will hand out at once."""

    def __init__(self, committed: int, low: int, end: int) -> None:
        self.at, self.low, self.end = committed, low, end
        self.waiting: list[Any] = []
        self.assigned: list[int] = []

    def committed(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        """Of every topic the same."""
        return [TopicPartition(place.topic, 0, self.at) for place in places]

    def get_watermark_offsets(self, *_: Any, **__: Any) -> tuple[int, int]:
        """As the broker says it."""
        return self.low, self.end

    def assign(self, places: list[TopicPartition]) -> None:
        """Where it reads on."""
        self.assigned += [place.offset for place in places]

    incremental_assign = assign

    def incremental_unassign(self, places: list[TopicPartition]) -> None:
        """Until it is assigned again."""

    def consume(self, count: int, wait_s: float) -> list[Any]:
        """All that waits."""
        taken, self.waiting = self.waiting[:count], self.waiting[count:]
        return taken


def started(
    home: Path, patch: pytest.MonkeyPatch, consumer: FakeConsumer
) -> tuple[Fetcher, Epoch[Any]]:
    """A fetcher that has begun, and the epoch that stands where it does."""
    patch.setattr(fetch, "new_consumer", lambda *_, **__: consumer)
    fetcher = Fetcher(bare_settings(home, batch_records_max=4), 0)
    return fetcher, Epoch(fetcher.start())


def taken(fetcher: Fetcher, epoch: Epoch[Any]) -> Batch:
    """The next batch, which the epoch has taken in."""
    batch = fetcher.fetch(0.05)
    assert batch is not None
    epoch.advance(batch)
    return batch


@pytest.mark.parametrize("end", [11, 14])
def test_the_end_of_a_transaction_that_is_deleted_is_no_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: int
) -> None:
    """All was read to 10, and the partition was emptied: it begins at 11, and commits that."""
    consumer = FakeConsumer(10, 11, end)
    fetcher, epoch = started(tmp_path, monkeypatch, consumer)
    assert consumer.assigned == [11]
    batch = taken(fetcher, epoch)
    assert (batch.records, batch.deleted) == ([], {})
    assert epoch.moved == {"in": 11}


def test_what_was_gone_at_the_start_counts_with_the_epoch_that_commits_past_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An emptied partition with 30 gone: told in one batch, without a record, and not again."""
    consumer = FakeConsumer(10, 40, 40)
    fetcher, epoch = started(tmp_path, monkeypatch, consumer)
    assert taken(fetcher, epoch).deleted == {"in": 30}
    assert epoch.moved == {"in": 40}
    assert fetcher.fetch(0.05) is None
    consumer.waiting = [message(40)]
    batch = taken(fetcher, epoch)
    assert ([r.offset for r in batch.records], batch.deleted) == ([40], {})


def test_overtaken_while_it_runs_it_hands_on_what_it_has_read_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records wait in memory, which retention may have deleted by now; then 23 are gone."""
    consumer = FakeConsumer(0, 0, 10)
    fetcher, epoch = started(tmp_path, monkeypatch, consumer)
    consumer.waiting = [message(n) for n in range(4)]
    assert len(taken(fetcher, epoch).records) == 4
    consumer.low, consumer.end = 30, 50
    late = [message(n) for n in range(4, 7)]
    consumer.waiting = [*late, message(7, error=KafkaError._AUTO_OFFSET_RESET)]
    batch = taken(fetcher, epoch)
    assert [r.offset for r in batch.records] == [4, 5, 6]
    assert (batch.deleted, batch.ends) == ({"in": 23}, {"in": 30})
    assert consumer.assigned == [0, 30]
    consumer.low = 50
    consumer.waiting = [
        *(message(n) for n in range(30, 36)),
        message(36, error=KafkaError._AUTO_OFFSET_RESET),
    ]
    seen, lost = list[int](), 0
    while (part := fetcher.fetch(0.05)) is not None:
        epoch.advance(part)
        seen += [r.offset for r in part.records]
        lost += part.deleted.get("in", 0)
    assert (seen, lost, epoch.positions) == ([*range(30, 36)], 14, {"in": 50})


def test_overtaken_twice_before_anything_was_read_counts_each_offset_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 5 while 0 to 4 are handed on; the oldest is 30, and then 50: 45 are gone."""
    consumer = FakeConsumer(0, 0, 5)
    fetcher, epoch = started(tmp_path, monkeypatch, consumer)
    consumer.waiting = [message(n) for n in range(5)]
    assert len(taken(fetcher, epoch).records) == 4
    lost = 0
    for low in (30, 50):
        consumer.low = consumer.end = low
        consumer.waiting.append(message(5, error=KafkaError._AUTO_OFFSET_RESET))
        lost += taken(fetcher, epoch).deleted["in"]
    assert (lost, epoch.positions) == (45, {"in": 50})
