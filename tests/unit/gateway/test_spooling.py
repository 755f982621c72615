"""Whatever Kafka does, and whenever: what a request was told is true, and of one key in order."""

import asyncio
import os
import random
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from streams.contracts.outputs.encode import OutputMessage
from streams.gateway import spool as spool_module
from streams.gateway import spooling
from streams.gateway.acknowledged import AcknowledgedProducer, NotAcknowledgedError
from streams.gateway.spool import Spool
from streams.gateway.spooling import SpoolingSink
from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter

NOW_MS = 1_772_964_000_000


class Moody:
    """A Kafka that a test sends away and back; it fails after it took a part, as Kafka does."""

    def __init__(self) -> None:
        self.reachable = True
        self.failing = ""
        self.refusing: dict[bytes, str] = {}
        self.slow = asyncio.Event()
        self.slow.set()
        self.values: list[bytes] = []
        self.sends = 0

    async def send(self, messages: Sequence[OutputMessage]) -> None:
        """Take all, or a part."""
        self.sends += 1
        await self.slow.wait()
        await asyncio.sleep(0)
        refused = [why for m in messages if (why := self.refusing.get(m.value or b""))]
        if refused:
            self.values += [m.value or b"" for m in messages if m.value not in self.refusing]
            raise KeyError(refused[0]) if "." in refused[0] else NotAcknowledgedError(refused[0])
        taken = messages[: len(messages) // 2] if self.failing else messages
        self.values += [message.value or b"" for message in taken]
        if self.failing:
            raise NotAcknowledgedError(self.failing)


class Shop:
    """A sink over a folder."""

    def __init__(self, folder: Path, bytes_max: int = 10_000_000) -> None:
        self.kafka, self.meter = Moody(), Meter()
        self.spool = Spool(folder, bytes_max)
        kafka = cast("AcknowledgedProducer", self.kafka)
        self.sink = SpoolingSink(kafka, self.spool, self.meter, lambda: NOW_MS)

    async def send(self, *numbers: int) -> None:
        """Records of one key."""
        await self.sink.send([OutputMessage("events.app", b"k", b"%d" % n) for n in numbers])

    async def emptied(self) -> None:
        """Until nothing waits."""
        async with asyncio.timeout(10):
            while self.spool.records:
                await asyncio.sleep(0.01)

    def first(self) -> list[int]:
        """What arrived, each where it came first."""
        return list(dict.fromkeys(map(int, self.kafka.values)))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooling, "PAUSE_S", 0.01)


def run(story: Coroutine[Any, Any, None]) -> None:
    """Play it, in bounded time."""
    asyncio.run(asyncio.wait_for(story, 30))


def test_kafka_there_means_kafka_and_no_file(tmp_path: Path) -> None:
    """Nothing goes over the disk while nothing waits there."""

    async def story() -> None:
        shop = Shop(tmp_path)
        await shop.send(1, 2)
        assert (shop.first(), list(tmp_path.glob("*.spool"))) == ([1, 2], [])
        assert shop.meter.value(metrics.GATEWAY_SPOOLED) == 0
        await shop.sink.stop()

    run(story())


@pytest.mark.parametrize("why", ["_MSG_TIMED_OUT", "queue full", "NOT_ENOUGH_REPLICAS"])
def test_what_kafka_does_not_take_waits_and_nothing_overtakes_it(tmp_path: Path, why: str) -> None:
    """Kafka is back, but what came before goes first; then the way is direct again."""

    async def story() -> None:
        shop = Shop(tmp_path)
        shop.kafka.failing = why
        await shop.send(1, 2)
        shop.kafka.failing = ""
        await shop.send(3)
        assert shop.spool.records == 3
        shop.sink.start()
        await shop.emptied()
        await shop.send(4)
        assert shop.first() == [1, 2, 3, 4]
        assert shop.meter.value(metrics.GATEWAY_SPOOLED) == 3
        await shop.sink.stop()

    run(story())


def test_a_kafka_that_is_known_to_be_away_is_not_waited_for(tmp_path: Path) -> None:
    """At once to the disk."""

    async def story() -> None:
        shop = Shop(tmp_path)
        shop.kafka.reachable = False
        await shop.send(1)
        assert (shop.kafka.sends, shop.spool.records) == (0, 1)
        await shop.sink.stop()

    run(story())


def test_what_kafka_would_refuse_for_ever_never_waits(tmp_path: Path) -> None:
    """It would hold up all others; its sender is told."""

    async def story() -> None:
        shop = Shop(tmp_path)
        shop.kafka.failing = "MSG_SIZE_TOO_LARGE"
        with pytest.raises(NotAcknowledgedError):
            await shop.send(1)
        assert shop.spool.records == 0
        await shop.sink.stop()

    run(story())


def test_what_kafka_refuses_only_later_holds_up_nobody(tmp_path: Path) -> None:
    """It was told to be kept, so it is kept, aside; the others go on, and the metrics show it."""

    async def story() -> None:
        shop = Shop(tmp_path)
        shop.kafka.reachable = False
        await shop.send(*range(10))
        shop.kafka.reachable = True
        shop.kafka.refusing = {b"3": "MSG_SIZE_TOO_LARGE", b"7": "no.such.topic"}
        shop.sink.start()
        await shop.emptied()
        assert shop.first() == [0, 1, 2, 4, 5, 6, 8, 9]
        shop.meter.exposition()
        assert shop.meter.value(metrics.SPOOL_RECORDS) == 2
        assert shop.meter.value(metrics.SPOOL_BYTES) == shop.spool.size > 0
        await shop.send(10)
        assert shop.meter.value(metrics.GATEWAY_SPOOLED) == 10
        sends = shop.kafka.sends
        await asyncio.sleep(0.05)
        assert shop.kafka.sends == sends
        await shop.sink.stop()
        mended = Shop(tmp_path)
        mended.sink.start()
        await mended.emptied()
        assert mended.first() == [3, 7]
        await mended.sink.stop()

    run(story())


def test_requests_on_their_way_to_the_disk_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound holds however slow the disk is: what is being written is not forgotten."""

    async def story() -> None:
        shop = Shop(tmp_path, bytes_max=1_000)
        shop.kafka.reachable = False
        fsync = os.fsync

        def slow(file: int) -> None:
            time.sleep(0.05)
            fsync(file)

        monkeypatch.setattr(os, "fsync", slow)
        tasks = list[asyncio.Task[None]]()
        for n in range(60):
            tasks.append(asyncio.create_task(shop.send(n)))
            await asyncio.sleep(0.005)
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert shop.spool.size <= 1_000
        assert 0 < sum(answer is None for answer in answers) == shop.spool.records < 60
        await shop.sink.stop()

    run(story())


def test_neither_kafka_nor_disk_is_owned_up_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full spool, and a disk that fails, are no 202."""

    async def story() -> None:
        shop = Shop(tmp_path, bytes_max=100)
        shop.kafka.reachable = False
        await shop.send(1)
        with pytest.raises(NotAcknowledgedError, match="full"):
            await shop.send(*range(2, 12))

        def broken(_: int) -> None:
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", broken)
            with pytest.raises(NotAcknowledgedError, match="written"):
                await shop.send(20)
        await shop.send(21)
        shop.sink.start()
        shop.kafka.reachable = True
        await shop.emptied()
        assert shop.first() == [1, 21]
        await shop.sink.stop()

    run(story())


def test_requests_of_one_moment_share_one_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty requests, a few writes: the disk is not the bound."""

    async def story() -> None:
        shop, synced = Shop(tmp_path), list[int]()
        append = spool_module.Spool.append

        def counted(spool: Spool, frames: Sequence[bytes], at_ms: int) -> None:
            synced.append(len(frames))
            append(spool, frames, at_ms)

        monkeypatch.setattr(spool_module.Spool, "append", counted)
        shop.kafka.reachable = False
        await asyncio.gather(*(shop.send(n) for n in range(50)))
        assert sum(synced) == shop.spool.records == 50
        assert len(synced) <= 3
        await shop.sink.stop()

    run(story())


def test_a_request_that_is_given_up_harms_no_other(tmp_path: Path) -> None:
    """Its records may be kept or not; those beside it are."""

    async def story() -> None:
        shop = Shop(tmp_path)
        shop.kafka.reachable = False
        tasks = [asyncio.create_task(shop.send(n)) for n in range(20)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[7].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [n for n, one in enumerate(done) if one is not None] == [0, 7]
        shop.sink.start()
        shop.kafka.reachable = True
        await shop.emptied()
        assert set(shop.first()) >= set(range(20)) - {0, 7}
        await shop.sink.stop()

    run(story())


def test_under_load_the_spool_gets_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the last ones are on their way requests wait; then they go to Kafka, in order."""
    monkeypatch.setattr(spooling, "BATCH_RECORDS", 2)

    async def story() -> None:
        shop = Shop(tmp_path)
        shop.kafka.reachable = False
        for n in range(4):
            await shop.send(n)
        shop.kafka.reachable = True
        shop.sink.start()
        while shop.kafka.values[-1:] != [b"1"]:
            await asyncio.sleep(0)
        shop.kafka.slow.clear()  # the last batch hangs
        while shop.kafka.sends < 2:
            await asyncio.sleep(0)
        later = [asyncio.create_task(shop.send(n)) for n in (4, 5)]
        await asyncio.sleep(0.05)
        assert shop.spool.records == 2
        shop.kafka.slow.set()
        await asyncio.gather(*later)
        assert (shop.first(), shop.spool.records) == (list(range(6)), 0)
        assert shop.meter.value(metrics.GATEWAY_SPOOLED) == 4
        await shop.sink.stop()

    run(story())


def test_in_any_weather_each_key_keeps_its_order_and_nothing_told_is_lost(tmp_path: Path) -> None:
    """Kafka comes and goes by chance, processes end and begin; four seeds."""

    async def story(folder: Path, seed: int) -> None:
        dice, told, number = random.Random(seed), list[int](), 0
        shop = Shop(folder)
        shop.sink.start()
        for _ in range(40):
            mood = dice.random()
            shop.kafka.reachable = mood < 0.6
            shop.kafka.failing = "_MSG_TIMED_OUT" if 0.3 < mood < 0.6 else ""
            if dice.random() < 0.1:
                await shop.sink.stop()
                kafka, shop = shop.kafka, Shop(folder)
                shop.kafka.values = kafka.values
                shop.sink.start()
            numbers = range(number, number + dice.randint(1, 5))
            number = numbers.stop
            await shop.send(*numbers)
            told += numbers
            await asyncio.sleep(dice.choice([0, 0.002, 0.02]))
        shop.kafka.reachable, shop.kafka.failing = True, ""
        await shop.emptied()
        assert shop.first() == told
        await shop.sink.stop()

    for seed in range(4):
        print("seed", seed)
        run(story(tmp_path / str(seed), seed))
