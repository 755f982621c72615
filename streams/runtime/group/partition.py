"""The loop of one partition number: its batches, its timers and its epochs, one at a time.

While an epoch's commit runs in a thread the next epoch is already gathered; it is committed only
after the one before, and both are dropped when that fails. An urgent epoch ends as soon as it has
a turn among those of the process, any other one with its time.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Generic, Literal, NoReturn, TypeVar

from streams.errors import OfferstreamError
from streams.runtime.commit.turns import Turn
from streams.runtime.epoch import Batch, Epoch
from streams.runtime.faults import BrokerError, EpochError, StaleBatchError
from streams.runtime.group.context import PartitionContext
from streams.runtime.group.patience import StalledError, opened_in_time, returned
from streams.runtime.group.session import Session
from streams.runtime.records import Output
from streams.runtime.shell import EpochStats
from streams.runtime.state.rows import Rows
from streams.runtime.state.store import RowStore

log = logging.getLogger(__name__)
R = TypeVar("R")
T = TypeVar("T")
State = Literal["opening", "running", "closed"]
FETCH_WAIT_S = 0.1
# To abort and to close take 5 s each, where librdkafka keeps to its time.
_CLOSE_PATIENCE_S = 15.0


class PartitionLoop(Generic[R]):
    """One owned partition, from assignment to revocation; it is the shell's `Partition`.

    `count` is how many partitions there are; `deleted` adds up, by topic, what Kafka had deleted
    before it was read, for whoever takes it away.
    """

    def __init__(self, number: int, count: int, context: PartitionContext[R]) -> None:
        self.number = number
        self.count = count
        self.state: State = "opening"
        self._context = context
        self._settings = context.settings
        self._closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._session: Session[R] | None = None
        self._fetch: asyncio.Future[Batch | None] | None = None
        self._commit: asyncio.Future[None] | None = None
        self._commit_began_s = 0.0
        self._turn: Turn | None = None
        self._behind = False
        self._unhandled: BaseException | None = None
        self.deleted: Counter[str] = Counter()
        # The open rows' own, every time it is opened: a shell calls them for each event.
        self.get: Callable[[bytes], R | None] = _not_open
        self.put: Callable[[bytes, R | None], None] = _not_open
        self.put_off: Callable[[bytes, int], None] = _not_open

    # What a shell sees, beside `get` and `put`.

    @property
    def epoch(self) -> int:
        """The number of the open epoch."""
        return self._epoch.number

    def emit(self, output: Output, *, urgent: bool = False) -> None:
        """Write a record with this epoch."""
        epoch = self._epoch
        epoch.outputs.append(output)
        epoch.urgent |= urgent

    def due(self, now_ms: int, limit: int) -> list[bytes]:
        """Keys of due rows, the earliest first."""
        return self._rows.due(now_ms, limit)

    # What the runtime sees.

    @property
    def busy_since_s(self) -> float | None:
        """Since when (monotonic) something waits for its commit; None: nothing does."""
        session = self._session
        if session is None or self.state != "running":
            return None
        return (session.rows.committing or session.rows.open).began_s

    @property
    def store(self) -> RowStore:
        """The local store while it is open; reads from it are safe from any thread.

        Raises:
            OfferstreamError: it is not open.
        """
        if self.state != "running":
            _not_open()
        return self._opened.store

    async def run(self) -> None:
        """Own the partition until `close`; never raises, `fail` is told instead."""
        try:
            await self._run()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._context.fail(error)
        finally:
            self.state = "closed"

    def close(self) -> None:
        """End the epoch, commit, let go; `run` returns when that is done."""
        if not self._closing.done():
            self._closing.set_result(None)

    async def _run(self) -> None:
        failures = 0
        while not self._closing.done():
            opened_s = float("inf")
            try:
                if failures:
                    await self._confirm_membership()
                await self._open()
                opened_s = time.monotonic()
                await self._work()
                await self._drain()
            except EpochError as fault:
                log.warning("epoch of partition %d dropped: %s", self.number, fault)
                failures = 1 if time.monotonic() - opened_s > 60 else failures + 1
                if failures > self._settings.reopen_attempts_max:
                    raise BrokerError(f"partition {self.number}: gave up: {fault}") from fault
                await self._sleep(min(5.0, 0.1 * 2**failures))
            finally:
                await self._let_go()

    async def _confirm_membership(self) -> None:
        """Only a member may open again.

        To open shuts out whoever holds the partition. A process that slept past its session has
        lost it, and would shut out the one that was assigned it since.

        Raises:
            EpochError: the group does not know this process any more, or does not answer.
        """
        if not await self._context.confirm_membership():
            raise EpochError(f"partition {self.number}: the group does not confirm the membership")

    async def _open(self) -> None:
        self.state = "opening"
        self._unhandled = None
        began_s = time.monotonic()
        self._session = Session(self._context, self.number, self._closing.done)
        opening = self._in_thread(self._session.open)
        patience_s = self._settings.opening_stalled_after_s
        try:
            restored = await opened_in_time(self.number, opening, self._session, patience_s)
        except StalledError:
            self._session = None
            raise
        log.info(
            "partition %d is open after %.2f s: %d rows restored (changelog %d to %d)",
            self.number,
            time.monotonic() - began_s,
            restored.rows,
            restored.begin,
            restored.end,
        )
        self.get, self.put, self.put_off = self._rows.get, self._rows.put, self._rows.put_off
        self._context.shell.on_restored(self.number, restored.rows)
        self.state = "running"

    async def _work(self) -> None:
        while not self._closing.done():
            self._start_fetch()
            await self._wait()
            await self._settle_if_done()
            # A turn may have come: end what has waited for it before more is taken in.
            await self._end_epoch_if_time()
            await self._handle_fetched()
            self._handle_due()
            await self._end_epoch_if_time()

    async def _drain(self) -> None:
        """Commit what has been handled; a fetched batch that was not handled is read again."""
        await self._settle()
        if not self._epoch.empty:
            self._start_commit()
            await self._settle()
        log.info("partition %d is drained", self.number)

    async def _let_go(self) -> None:
        """Wait for the threads, then close; what was not committed is forgotten."""
        was_running, self.state = self.state == "running", "opening"
        for running in (self._fetch, self._commit):
            if running is not None:
                await returned(self.number, running, self._commit_patience_s())
                # A failure has been seen already, or no longer matters.
                running.exception()
        if was_running:
            self._say_what_became_of_epochs(self._opened.rows)
        self._fetch = self._commit = None
        self._give_back_turn()
        self.get = self.put = self.put_off = _not_open
        session, self._session = self._session, None
        if session is not None:
            closed = self._in_thread(session.close)
            await returned(self.number, closed, _CLOSE_PATIENCE_S)
            closed.result()

    def _say_what_became_of_epochs(self, rows: Rows[R]) -> None:
        """A commit may have succeeded while something else failed; all that is left is dropped."""
        commit, epoch = self._commit, rows.committing
        if epoch is not None and commit is not None and commit.exception() is None:
            self._committed(epoch)
        if rows.committing is not None or not rows.open.empty:
            self._context.shell.on_dropped(self.number)

    def _start_fetch(self) -> None:
        """Read on; but what trickles in while a commit runs gathers at the client meanwhile.

        It could not be committed earlier, and a batch for each record costs more than the record.
        """
        if self._fetch is None and (self._behind or self._commit is None):
            self._fetch = self._in_thread(lambda: self._opened.fetch(FETCH_WAIT_S))

    async def _wait(self) -> None:
        """Until there is something to do: a batch, an ended commit, a turn, or time."""
        awaited = self._commit or self._turn
        waiting: set[asyncio.Future[Any]] = {f for f in (self._fetch, awaited) if f is not None}
        if self._time_left_s() > 0 and not self._is_due():
            await asyncio.wait(
                waiting, timeout=self._time_left_s(), return_when=asyncio.FIRST_COMPLETED
            )
        else:
            await asyncio.sleep(0)

    async def _handle_fetched(self) -> None:
        if self._fetch is None or not self._fetch.done():
            return
        batch, self._fetch = self._fetch.result(), None
        if batch is None:
            return
        self._behind = len(batch.records) >= self._settings.batch_records_max
        if self._behind:
            # The next batch is read while this one is handled.
            self._start_fetch()
        handled = asyncio.ensure_future(self._context.deliver(batch, self._take))
        try:
            await asyncio.wait({self._closing, handled}, return_when=asyncio.FIRST_COMPLETED)
            if handled.done():
                handled.result()
        finally:
            handled.cancel()
        self._epoch.begin_unless_empty()

    def _take(self, batch: Batch) -> None:
        """Handle a batch, in the agent: it becomes part of the open epoch as a whole."""
        try:
            self._epoch.advance(batch)
            self.deleted.update(batch.deleted)
            self._context.shell.on_records(self, batch.records)
        except StaleBatchError as stale:
            raise EpochError(str(stale)) from stale
        except BaseException as error:
            # Who waits for the batch may be gone (closing): half a batch must not be drained.
            self._unhandled = error
            raise

    def _handle_due(self) -> None:
        if self._is_due():
            now_ms = self._context.shell.now_ms(self.number)
            if self._rows.due(now_ms, 1):
                self._context.shell.on_due(self, now_ms)
            self._epoch.begin_unless_empty()

    def _is_due(self) -> bool:
        return self._rows.next_due_ms() <= self._context.shell.now_ms(self.number)

    async def _end_epoch_if_time(self) -> None:
        epoch, full = self._epoch, len(self._epoch.rows) >= self._settings.epoch_rows_max
        if self._commit is not None and full:
            await self._settle()
        if self._commit is not None:
            return
        if epoch.urgent and self._turn is None:
            self._turn = self._context.turns.ask()
        if full or self._time_left_s() <= 0:
            self._start_commit()

    def _time_left_s(self) -> float:
        began_s = self._epoch.began_s
        if began_s is None or self._commit is not None:
            return 10 * FETCH_WAIT_S
        if self._turn is not None and self._turn.done():
            return 0.0
        return began_s + self._settings.epoch_ms / 1000 - time.monotonic()

    def _start_commit(self) -> None:
        if self._unhandled is not None:
            raise self._unhandled
        epoch = self._rows.end_epoch()
        self._commit_began_s = time.monotonic()
        self._commit = self._in_thread(lambda: self._opened.commit(epoch))

    async def _settle_if_done(self) -> None:
        if self._commit is None:
            return
        if self._commit.done() or self._commit_patience_s() <= 0:
            await self._settle()

    async def _settle(self) -> None:
        """Wait for the running commit; its rows are clean then.

        Raises:
            EpochError, FencedError, BrokerError, StoreError: what the commit raised.
        """
        epoch = self._rows.committing
        if self._commit is None or epoch is None:
            return
        await returned(self.number, self._commit, self._commit_patience_s())
        self._commit.result()
        self._commit = None
        self._give_back_turn()
        self._committed(epoch)

    def _committed(self, epoch: Epoch[R]) -> None:
        self._rows.settle(epoch)
        self._context.shell.on_committed(self._stats(epoch))

    def _give_back_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            self._context.turns.give_back(turn)

    def _commit_patience_s(self) -> float:
        """How long the running commit may still take; the broker has long given it up then."""
        deadline_s = self._commit_began_s + self._settings.transaction_timeout_s + 5.0
        return deadline_s - time.monotonic()

    def _stats(self, epoch: Epoch[R]) -> EpochStats:
        now_s = time.monotonic()
        row_reads, store_reads = self._rows.take_reads()
        return EpochStats(
            partition=self.number,
            epoch=epoch.number,
            records=epoch.records,
            rows=len(epoch.rows),
            row_reads=row_reads,
            store_reads=store_reads,
            outputs=len(epoch.outputs),
            seconds=now_s - (epoch.began_s or now_s),
            commit_seconds=now_s - self._commit_began_s,
        )

    @property
    def _opened(self) -> Session[R]:
        if self._session is None:
            _not_open()
        return self._session

    @property
    def _rows(self) -> Rows[R]:
        return self._opened.rows

    @property
    def _epoch(self) -> Epoch[R]:
        return self._opened.rows.open

    async def _sleep(self, seconds: float) -> None:
        await asyncio.wait({self._closing}, timeout=seconds)

    def _in_thread(self, call: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._context.executor, call)


def _not_open(*_: object) -> NoReturn:
    raise OfferstreamError("the partition is not open")
