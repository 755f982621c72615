"""One destination's loop: read, send, follow the answer; nothing of it is shared with others.

Kafka's calls are made in a thread of its own; names are resolved in the loop's own threads.
"""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Final

import aiohttp
import structlog

from streams.contracts.outputs.encode import OutputMessage
from streams.contracts.outputs.payloads import DeliveryFailure, ParkedReason
from streams.delivery.bodies import BodyError
from streams.delivery.destinations import Target, with_headers_anew
from streams.delivery.feedback import FeedbackName, feedback_of, readiness_of
from streams.delivery.parking import parked
from streams.delivery.pauses import Rest, pause_s
from streams.delivery.posting import Answer, new_session, post
from streams.delivery.reader import Reader
from streams.delivery.webhooks import (
    ATTEMPT_HEADER,
    Webhook,
    data_of,
    signed_headers,
)
from streams.delivery.window import Place, Waiting, Window
from streams.gateway.acknowledged import NotAcknowledgedError
from streams.gateway.intake import Sink
from streams.settings import Settings
from streams.telemetry import catalogue as metrics
from streams.telemetry.catalogue.delivery import DELETED_UNDELIVERED
from streams.worker.meter import Meter

log = structlog.get_logger()

COMMIT_S: Final = 1.0
REBALANCE_S: Final = 2.0
WRITE_AGAIN_S: Final = 1.0


class Courier:
    """Delivers to one destination until it is stopped, or is told 410."""

    def __init__(self, settings: Settings, target: Target, sink: Sink, meter: Meter) -> None:
        self._settings = settings
        self._target = target
        self._sink = sink
        self._meter = meter
        self._window = Window()
        self._rest = Rest()
        self._tasks: dict[asyncio.Task[None], Waiting] = {}
        self._wake = asyncio.Event()
        self._fault: BaseException | None = None
        self._stopping = False
        self._loop = asyncio.get_running_loop()
        self.gone = False

    async def run(self) -> None:
        """Deliver until `stop`, or until the destination answers 410.

        Raises:
            ReadingError, KafkaException: Kafka told of a fault that a new start may mend.
        """
        # It begins at 0: a series that begins with its first count shows no increase.
        self._meter.count(DELETED_UNDELIVERED, self._target.name, value=0.0)
        with ThreadPoolExecutor(1, f"read-{self._target.name}") as pool:
            new_reader = partial(Reader, self._settings, self._target, self)
            reader = await self._loop.run_in_executor(pool, new_reader)
            async with new_session(self._target.destination) as session:
                dispatching = asyncio.create_task(self._dispatch(session))
                dispatching.add_done_callback(self._note_fault)
                try:
                    await self._read(reader, pool)
                finally:
                    dispatching.cancel()
                    await self._end(list(self._tasks), self._settings.stop_timeout_s / 2)
                    with suppress(asyncio.CancelledError):
                        await dispatching
                    await self._loop.run_in_executor(pool, reader.close)

    def stop(self) -> None:
        """End soon: what is on its way has its time, and nothing new begins. From any thread."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._stop)

    def taken_away(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """End what is on its way of these partitions; called in the reader's thread."""
        future = asyncio.run_coroutine_threadsafe(self._give_up(places), self._loop)
        return future.result()

    def _stop(self) -> None:
        self._stopping = True
        self._wake.set()

    async def _read(self, reader: Reader, pool: ThreadPoolExecutor) -> None:
        """Fill the window, and commit what is done."""
        committed_s = 0.0
        while not self._stopping:
            read = partial(reader.read, pause=self._window.full)
            for place, offset, webhook in await self._loop.run_in_executor(pool, read):
                self._take(place, offset, webhook)
            if reader.deleted:
                self._meter.count(DELETED_UNDELIVERED, self._target.name, value=reader.deleted)
                reader.deleted = 0
            if self._fault is not None:
                raise self._fault
            self._wake.set()
            if time.monotonic() - committed_s >= COMMIT_S:
                positions = self._window.to_commit()
                await self._loop.run_in_executor(pool, reader.commit, positions)
                self._window.committed(positions)
                committed_s = time.monotonic()
                self._show()

    def _take(self, place: Place, offset: int, webhook: Webhook | None) -> None:
        if webhook is None or self._filtered(webhook):
            self._window.passed(place, offset)
        else:
            self._window.take(webhook)

    def _filtered(self, webhook: Webhook) -> bool:
        """Whether the destination's filter does not take the record; what was parked has passed."""
        data = None if webhook.again else data_of(webhook)
        if data is None or self._target.filter.takes(webhook.topic, data):
            return False
        self._meter.count(metrics.DELIVERY_RECORDS, self._target.name, "filtered")
        return True

    async def _dispatch(self, session: aiohttp.ClientSession) -> None:
        """Send what may be sent, as soon as it may."""
        while not self._stopping:
            pause = self._start_what_may(session)
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    def _start_what_may(self, session: aiohttp.ClientSession) -> float | None:
        """Begin requests; how long until more may begin by the clock alone."""
        now_s = time.monotonic()
        room = self._rest.room(now_s, self._target.destination.concurrency) - len(self._tasks)
        while room > 0:
            waiting = self._window.next_ready(now_s)
            if waiting is None:
                break
            task = asyncio.create_task(self._deliver(session, waiting))
            self._tasks[task] = waiting
            task.add_done_callback(self._ended)
            room -= 1
        dues = (self._rest.until_s, self._window.next_due_s())
        return min((due - now_s for due in dues if due is not None and due > now_s), default=None)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._note_fault(task)
        self._wake.set()

    def _note_fault(self, task: asyncio.Task[None]) -> None:
        """A fault of the program ends this loop; it is begun again from what is committed."""
        if not task.cancelled() and task.exception() is not None:
            self._fault = self._fault or task.exception()

    async def _deliver(self, session: aiohttp.ClientSession, waiting: Waiting) -> None:
        webhook, target = waiting.webhook, self._target
        data = data_of(webhook)
        if data is None:
            await self._park(waiting, "unreadable", Answer("refused"))
            return
        ready = readiness_of(webhook, data, target.destination, time.time())
        if ready.over:
            await self._park(waiting, "too_old", Answer("refused"))
            return
        if ready.wait_s:
            self._window.back(waiting, time.monotonic() + ready.wait_s)
            return
        try:
            body, media = target.shape.body_of(webhook, data)
        except BodyError as error:
            await self._park(waiting, "bad_template", Answer("refused", detail=str(error)))
            return
        waiting.since_s = waiting.since_s or time.monotonic()
        waiting.attempts += 1
        answer = await self._post(session, waiting, body, media)
        self._meter.count(metrics.DELIVERY_REQUESTS, target.name, answer.fate)
        await self._follow(waiting, answer)

    async def _post(
        self, session: aiohttp.ClientSession, waiting: Waiting, body: bytes, media: str
    ) -> Answer:
        webhook, target = waiting.webhook, self._target
        signed = signed_headers(webhook.webhook_id, body, target.signing_secrets, datetime.now(UTC))
        headers = {
            **target.headers,
            **signed,
            "Content-Type": media,
            ATTEMPT_HEADER: str(waiting.attempts),
        }
        return await post(session, target.destination.url, body, headers)

    async def _follow(self, waiting: Waiting, answer: Answer) -> None:
        """What an answer means for the record and for the destination."""
        now_s = time.monotonic()
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._target = with_headers_anew(self._target)
        if answer.fate == "delivered":
            self._rest.answered()
            await self._report(waiting, "offer_delivered")
            self._delivered(waiting)
        elif answer.fate == "refused":
            self._rest.answered()
            await self._park(waiting, "refused", answer)
        elif answer.fate == "gone":
            self.gone = True
            self._window.back(waiting, now_s)
            log.error("destination_gone", destination=self._target.name, status=answer.status)
            self._stop()
        elif self._is_enough(waiting, now_s):
            await self._park(waiting, "gave_up", answer)
        else:
            self._try_again(waiting, answer, now_s)

    def _is_enough(self, waiting: Waiting, now_s: float) -> bool:
        """Whether a record was tried for long enough, or others went so that it is at fault."""
        tried_s = now_s - waiting.since_s
        return tried_s >= self._target.destination.retry.for_s or self._window.held_up_by(waiting)

    def _try_again(self, waiting: Waiting, answer: Answer, now_s: float) -> None:
        retry = self._target.destination.retry
        pause = pause_s(retry, waiting.attempts, random.random())  # noqa: S311 - no secret
        if answer.fate == "slow_down":
            self._rest.asked_for_time(now_s, answer.wait_s)
            pause = answer.wait_s
        else:
            key = waiting.webhook.key
            self._rest.failed(key, now_s, retry, random.random())  # noqa: S311
        self._window.back(waiting, now_s + pause)
        log.info(
            "not_delivered",
            destination=self._target.name,
            webhook_id=waiting.webhook.webhook_id,
            attempt=waiting.attempts,
            status=answer.status,
            reason=answer.detail,
        )

    def _delivered(self, waiting: Waiting) -> None:
        name = self._target.name
        age_s = max(0.0, time.time() - waiting.webhook.at_ms / 1000)
        self._meter.count(metrics.DELIVERY_RECORDS, name, "delivered")
        self._meter.observe(metrics.DELIVERY_SECONDS, name, value=age_s)
        self._window.done(waiting)

    async def _park(self, waiting: Waiting, reason: ParkedReason, answer: Answer) -> None:
        """Write the record to `delivery-failures`; only then is it done."""
        webhook, name = waiting.webhook, self._target.name
        topic, partition, offset = webhook.origin
        failure = DeliveryFailure(
            destination=name,
            reason=reason,
            detail=answer.detail,
            status=answer.status,
            attempts=waiting.attempts,
            webhook_id=webhook.webhook_id,
            source_topic=topic,
            source_partition=partition,
            source_offset=offset,
        )
        await self._write(parked(webhook, failure))
        await self._report(waiting, "delivery_failed")
        self._meter.count(metrics.DELIVERY_RECORDS, name, "parked")
        self._meter.count(metrics.DELIVERY_PARKED, name, reason)
        log.warning("parked", destination=name, reason=reason, status=answer.status)
        self._window.done(waiting)

    async def _report(self, waiting: Waiting, name: FeedbackName) -> None:
        """Tell the decision's owner what became of its offer, where this is the offer's way."""
        if self._target.destination.reports_delivery:
            message = feedback_of(waiting.webhook, self._target.name, name)
            if message is not None:
                await self._write(message)

    async def _write(self, message: OutputMessage) -> None:
        """Write until Kafka has it: nothing of the record is done before."""
        while True:
            try:
                await self._sink.send([message])
            except NotAcknowledgedError:
                await asyncio.sleep(WRITE_AGAIN_S)
                continue
            return

    async def _give_up(self, places: Sequence[Place]) -> dict[Place, int]:
        """Let what is on its way of these partitions end, or end it."""
        of_them = [t for t, waiting in self._tasks.items() if waiting.webhook.place in places]
        await self._end(of_them, REBALANCE_S)
        done = {p: at for p, at in self._window.to_commit().items() if p in places}
        self._window.drop(places)
        return done

    async def _end(self, tasks: Sequence[asyncio.Task[None]], patience_s: float) -> None:
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=patience_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _show(self) -> None:
        """Gauges, from this loop: nobody else may look into the window."""
        name, oldest_ms = self._target.name, self._window.oldest_ms()
        age_s = 0.0 if oldest_ms is None else max(0.0, time.time() - oldest_ms / 1000)
        self._meter.set(metrics.DELIVERY_WAITING, name, value=float(self._window.records))
        self._meter.set(metrics.DELIVERY_OLDEST, name, value=age_s)
