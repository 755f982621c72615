"""Records that Kafka does not take wait on the disk, and go to it in order when it is back.

As long as anything waits, what comes later waits behind it: of one key nothing overtakes. What is
kept is on the disk before its request is answered; requests of one moment share one `fsync`.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import structlog
from msgspec import Struct

from streams.contracts.outputs.encode import OutputMessage
from streams.gateway.acknowledged import AcknowledgedProducer, NotAcknowledgedError
from streams.gateway.frames import framed
from streams.gateway.spool import Batch, Spool
from streams.settings import GatewaySettings
from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter

log = structlog.get_logger()
Answer = TypeVar("Answer")

# Below the 256 ids that a row remembers: a batch that is sent once more is known in full.
BATCH_RECORDS: Final = 200
PAUSE_S: Final = 0.5
# What Kafka would refuse as often as it is sent: it is owned up to at once, and holds up nobody.
REFUSED: Final = frozenset(
    {"MSG_SIZE_TOO_LARGE", "INVALID_MSG", "INVALID_RECORD", "TOPIC_AUTHORIZATION_FAILED"}
)


class _Waiting(Struct, frozen=True):
    """A request's records until they are on the disk."""

    frames: list[bytes]
    size: int
    kept: asyncio.Future[None]

    def settle(self, failure: Exception | None) -> None:
        """They are, or they could not be written."""
        if self.kept.done():  # whoever waited has gone
            return
        if failure is None:
            self.kept.set_result(None)
        else:
            self.kept.set_exception(failure)


class SpoolingSink:
    """Kafka, and a spool for when it is away."""

    def __init__(
        self, kafka: AcknowledgedProducer, spool: Spool, meter: Meter, clock_ms: Callable[[], int]
    ) -> None:
        self._kafka = kafka
        self._spool = spool
        self._meter = meter
        self._clock_ms = clock_ms
        self._disk = ThreadPoolExecutor(1, "spool")  # one call at a time, whoever is cancelled
        self._waiting: list[_Waiting] = []
        self._waiting_bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._open = asyncio.Event()
        self._open.set()
        self._filled = asyncio.Event()
        self._flowing = False
        self._singly = 0  # so many of the oldest go one by one, since Kafka refuses one of them
        self._drainer: asyncio.Task[None] | None = None
        if spool.records:
            self._filled.set()

    @property
    def has_room(self) -> bool:
        """Whether events would be taken with Kafka away."""
        return self._spool.fits(1)

    def start(self) -> None:
        """Begin to send what waits, in the event loop that runs now."""
        self._meter.before_scrape(self._show)
        self._drainer = asyncio.create_task(self._drain())

    async def stop(self) -> None:
        """Send no more; what waits stays on the disk for the next start."""
        if self._drainer is not None:
            self._drainer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._drainer
        await self._on_disk(self._spool.close)
        self._disk.shutdown()

    async def send(self, messages: Sequence[OutputMessage]) -> None:
        """Write records; when this returns they are in Kafka, or on the disk.

        Raises:
            NotAcknowledgedError: neither.
        """
        if not messages:
            return
        await self._open.wait()
        if self._kafka.reachable and not self._spool.records:
            try:
                await self._kafka.send(messages)
            except NotAcknowledgedError as error:
                if str(error) in REFUSED:
                    raise
            else:
                return
        await self._keep(messages)

    async def _keep(self, messages: Sequence[OutputMessage]) -> None:
        now_ms = self._clock_ms()
        frames = [framed(message, now_ms) for message in messages]
        size = sum(map(len, frames))
        if not self._spool.fits(self._waiting_bytes + size):
            raise NotAcknowledgedError("the spool is full")
        mine = _Waiting(frames, size, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        self._waiting_bytes += size
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await mine.kept
        self._meter.count(metrics.GATEWAY_SPOOLED, value=len(messages))

    async def _write(self) -> None:
        """All that wait at a time go to the disk together, until none waits."""
        while self._waiting:
            group, self._waiting = self._waiting, []
            frames = [frame for one in group for frame in one.frames]
            try:
                await self._on_disk(partial(self._spool.append, frames, self._clock_ms()))
            except OSError as error:
                log.error("spool_not_written", reason=error.strerror)
                failure: Exception | None = NotAcknowledgedError("the spool cannot be written")
            else:
                failure = None
                self._filled.set()
            self._waiting_bytes -= sum(one.size for one in group)
            for one in group:
                one.settle(failure)

    async def _drain(self) -> None:
        while True:
            await self._filled.wait()
            if not self._spool.records:
                self._filled.clear()
            elif not (self._kafka.reachable and await self._send_oldest()):
                await asyncio.sleep(PAUSE_S)

    async def _send_oldest(self) -> bool:
        """Whether the oldest records have gone to Kafka.

        While the last ones are on their way requests wait a moment, so that the spool gets empty
        under load too; but only where Kafka has taken what was before.
        """
        try:
            count = 1 if self._singly else BATCH_RECORDS
            batch = await self._on_disk(partial(self._spool.oldest, count))
            if self._flowing and len(batch.records) == self._spool.records:
                self._open.clear()
            await self._send_batch(batch)
        except (NotAcknowledgedError, OSError) as error:
            self._flowing = False
            log.warning("spool_waits", reason=str(error), records=self._spool.records)
            return False
        finally:
            self._open.set()
        self._flowing = True
        if not self._spool.records:
            log.info("spool_empty")
        return True

    async def _send_batch(self, batch: Batch) -> None:
        """Have Kafka take a batch; where it refuses a record for good, that one is set aside.

        Raises:
            NotAcknowledgedError: Kafka did not take it now.
            OSError: the disk does not let us set it aside.
        """
        refused = await self._refused(batch)
        if refused and len(batch.records) > 1:
            self._singly = len(batch.records)
            return
        self._singly = max(0, self._singly - 1)
        if refused:
            log.error("spool_refused", reason=refused, topic=batch.records[0].topic)
            await self._on_disk(partial(self._spool.set_aside, batch))
        elif batch.records:
            await self._on_disk(partial(self._spool.done, batch))

    async def _refused(self, batch: Batch) -> str:
        """Send it; why Kafka would refuse it as often as it is sent, or nothing."""
        try:
            await self._kafka.send([kept.message for kept in batch.records])
        except KeyError:
            return "no topic of ours"
        except NotAcknowledgedError as error:
            if str(error) not in REFUSED:
                raise
            return str(error)
        return ""

    async def _on_disk(self, call: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._disk, call)

    def _show(self) -> None:
        spool = self._spool
        taken_ms = [at_ms for at_ms in (spool.oldest_ms, spool.refused_ms) if at_ms]
        age_s = (self._clock_ms() - min(taken_ms)) / 1_000 if taken_ms else 0.0
        self._meter.set(metrics.SPOOL_RECORDS, value=spool.records + spool.refused)
        self._meter.set(metrics.SPOOL_BYTES, value=spool.size)
        self._meter.set(metrics.SPOOL_AGE, value=max(0.0, age_s))


def spool_of(settings: GatewaySettings) -> Spool | None:
    """The spool of the settings, or None where there is none.

    Raises:
        OperatorError: its folder cannot be used.
    """
    if not settings.spool_dir:
        return None
    return Spool(Path(settings.spool_dir), settings.spool_bytes_max)
