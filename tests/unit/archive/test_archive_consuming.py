"""What Kafka deletes before it is archived is told, never passed over in silence."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from confluent_kafka import Producer
from msgspec.structs import replace

from streams import topics
from streams.archive import Wish, run_archive
from streams.archive.files import database
from streams.archive.layout import pieces, that_count
from streams.archive.positions import Missing, load
from streams.cli import main
from streams.demo.broker import EmbeddedBroker
from streams.settings import Settings, child_environment

LOG = topics.DECISION_LOG
READ_AHEAD = 300_000  # more records than a client reads ahead of whom it reads for
LARGE, LARGE_BYTES = 200, 60_000  # more than the broker keeps of a partition


@pytest.fixture
def settings() -> Iterator[Settings]:
    """A broker that forgets the oldest records of a partition where it holds 5 MiB."""
    with EmbeddedBroker() as broker:
        yield replace(Settings(), bootstrap=broker.bootstrap, transactional=False)


def send(settings: Settings, values: list[bytes]) -> None:
    """To the log's first partition, and wait until the broker has them."""
    producer = Producer(
        {"bootstrap.servers": settings.bootstrap, "queue.buffering.max.messages": READ_AHEAD}
    )
    for value in values:
        producer.produce(settings.on_broker(LOG), value, partition=0)
    assert producer.flush(60) == 0


def offsets(root: Path) -> list[int]:
    """What is archived of the log's first partition, in order."""
    counted = that_count(pieces(root, LOG.name), load(root).next)
    with database() as connection:
        query = 'SELECT "offset" FROM read_parquet(?) WHERE "partition" = 0 ORDER BY 1'
        found = connection.execute(query, [[str(root / p.place) for p in counted]]).fetchall()
    return [int(offset) for (offset,) in found]


def large() -> list[bytes]:
    """As much as makes the broker forget what was there before."""
    return [b"x" * LARGE_BYTES] * LARGE


def at_look(number: int, do: Callable[[], None], end: int = 10_000) -> Callable[[], bool]:
    """Whether the archive is to stop: at look `end`; `do` is done at look `number`."""
    looks = iter(range(end))

    def stopped() -> bool:
        look = next(looks, None)
        if look == number:
            do()
        return look is None

    return stopped


def test_a_first_run_notes_what_was_deleted_before_it(settings: Settings, tmp_path: Path) -> None:
    """The gap from offset 0 is in `missing` and in the verb's words; the second run says none."""
    send(settings, large())
    root = tmp_path / "kept"
    arguments, environment = ["archive", str(root), "--once"], child_environment(settings)
    told = CliRunner().invoke(main, arguments, env=environment)
    assert told.exit_code == 0, told.output
    kept = offsets(root)
    assert 0 < kept[0] < LARGE
    assert kept == list(range(kept[0], LARGE))
    assert load(root).missing == (Missing(LOG.name, 0, 0, kept[0] - 1),)
    assert f"{kept[0]} offsets were deleted by Kafka before they were archived" in told.output
    again = CliRunner().invoke(main, arguments, env=environment)
    assert "archived 0 records" in again.output
    assert "deleted by Kafka" not in again.output
    assert len(load(root).missing) == 1


def test_what_is_deleted_while_it_reads_is_noted_and_the_rest_is_read(
    settings: Settings, tmp_path: Path
) -> None:
    """Each offset is archived or in `missing`; it goes on at the oldest record that is there."""
    send(settings, [b"{}"] * READ_AHEAD)
    root = tmp_path / "kept"
    stopped = at_look(2, lambda: send(settings, large()))
    done = run_archive(settings, Wish(root=root, once=True), stopped)
    (gap,) = load(root).missing
    end = READ_AHEAD + LARGE
    assert (gap.topic, gap.partition) == (LOG.name, 0)
    assert 0 < gap.first < READ_AHEAD <= gap.last < end - 1
    assert offsets(root) == [*range(gap.first), *range(gap.last + 1, end)]
    assert done.deleted == gap.last + 1 - gap.first
    assert done.written == end - done.deleted
