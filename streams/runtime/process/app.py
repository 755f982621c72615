"""The runtime of one process: Faust's group on one side, a loop per owned partition on the other.

`build_runtime` holds no globals: two of them in one process share nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from faust.types import TP

from streams.errors import OfferstreamError
from streams.runtime.commit.failpoint import Failpoint, nothing_fails
from streams.runtime.commit.turns import Turns
from streams.runtime.faults import BrokerError, GroupError
from streams.runtime.group.context import PartitionContext
from streams.runtime.group.faust_app import FaustSide
from streams.runtime.group.partition import PartitionLoop
from streams.runtime.group.standby import Follower, Pace
from streams.runtime.process.contact import BrokerContact
from streams.runtime.process.health import Health
from streams.runtime.process.pins import check_pins
from streams.runtime.process.threads import CountingExecutor
from streams.runtime.process.topics import count_partitions
from streams.runtime.settings import RuntimeSettings
from streams.runtime.shell import Shell
from streams.runtime.state.store import StoreOptions

log = logging.getLogger(__name__)
R = TypeVar("R")
_WATCH_S = 0.5
_THREADS = 128


class Runtime(Generic[R]):
    """`start`, then `finished` until something ends it, then `stop`; `app` is the faust.App."""

    def __init__(
        self, settings: RuntimeSettings, shell: Shell[R], failpoint: Failpoint = nothing_fails
    ) -> None:
        self.settings = settings
        self.failure: BaseException | None = None
        self.finished = asyncio.Event()
        self.owned: dict[int, PartitionLoop[R]] = {}
        self.followed: dict[int, Follower[R]] = {}
        self.health = Health(self)
        self.assigned = False
        self._contact = BrokerContact(settings, self._fail_from_thread)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._faust = FaustSide(settings)
        self.app = self._faust.app
        self._executor = CountingExecutor(_THREADS, f"{settings.table}-epochs")
        self._context = PartitionContext(
            settings=settings,
            shell=shell,
            stores=StoreOptions(settings.block_cache_bytes, settings.write_buffer_bytes),
            failpoint=failpoint,
            commit_offsets=self._faust.commit_positions,
            confirm_membership=self._faust.confirm_membership,
            turns=Turns(settings.urgent_commits_max),
            executor=self._executor,
            deliver=self._faust.deliver,
            fail=self.fail,
        )
        self._pace = Pace()
        # Who uses the local store of a partition; one after the other.
        self._running: dict[int, asyncio.Task[None]] = {}
        self._watch: asyncio.Task[None] | None = None
        self._count = 0
        self.app.on_partitions_assigned.connect(self._on_assigned, weak=False)
        self.app.on_partitions_revoked.connect(self._on_revoked, weak=False)
        self.app.on_before_shutdown.connect(self._on_shutdown, weak=False)

    async def start(self) -> None:
        """Check libraries and topics, join the group; partitions open as they are assigned.

        Raises:
            OperatorError: topics are missing or do not fit each other, or a library is another.
            BrokerError: no broker answers within `broker_patience_s`.
        """
        check_pins()
        await self.reach_broker()
        loop = asyncio.get_running_loop()
        self._count = await loop.run_in_executor(self._executor, count_partitions, self.settings)
        self._watch = asyncio.create_task(self._watch_over())
        await self._faust.start()

    async def reach_broker(self) -> None:
        """Wait until the broker answers; from then on it is known when it does not.

        Raises:
            BrokerError: it does not within `broker_patience_s`.
        """
        self._loop = asyncio.get_running_loop()
        await self._contact.reach(self.settings.broker_patience_s)

    async def stop(self) -> None:
        """Drain and commit every partition, then leave the group; nothing is delivered twice."""
        await self._close([*self.owned, *self.followed])
        if self._watch is not None:
            self._watch.cancel()
        self._contact.stop()
        await self._faust.stop()
        self._executor.shutdown(wait=False, cancel_futures=True)

    @property
    def stuck(self) -> bool:
        """After `stop`: a thread is still inside a client call, so the process must end hard."""
        return self._executor.busy > 0

    @property
    def no_broker(self) -> str:
        """A sentence where no broker answers, else nothing."""
        return self._contact.away

    @property
    def broker_silent_s(self) -> float:
        """Seconds since the broker answered; 0 while it does."""
        return self._contact.silent_s

    @property
    def partition_count(self) -> int:
        """How many partitions there are, of all processes; 0 until the broker was asked."""
        return self._count

    def standby_lag(self) -> dict[int, int | None]:
        """By followed partition: changelog positions left to read; None: not known now."""
        return {number: f.behind for number, f in list(self.followed.items())}

    def block_cache_bytes(self) -> int:
        """What the block cache of all stores takes now."""
        return self._context.stores.cached_bytes

    def fail(self, error: BaseException) -> None:
        """End the process, with the first reason that there was."""
        if self.failure is None:
            self.failure = error
            foreseen = isinstance(error, OfferstreamError)
            log.critical(
                "the runtime ends: %s: %s",
                type(error).__name__,
                error,
                exc_info=None if foreseen else error,
            )
        self.finished.set()

    def _fail_from_thread(self, error: BaseException) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.fail, error)

    def finish(self) -> None:
        """End the process cleanly."""
        self.finished.set()

    async def _on_assigned(self, sender: object, assigned: Iterable[TP], **_: object) -> None:
        """Open what was assigned, in the background: the group is not kept waiting."""
        if self.finished.is_set():
            return
        numbers: dict[int, set[str]] = {}
        for tp in assigned:
            numbers.setdefault(tp.partition, set()).add(tp.topic)
        wanted = set(self.settings.source_topics)
        if any(topics != wanted for topics in numbers.values()):
            self.fail(GroupError(f"assignment is not co-partitioned: {numbers}"))
            return
        log.info("assigned: partitions %s of %d", sorted(numbers), self._count)
        standbys = self._faust.followed() - numbers.keys()
        for number in self.followed.keys() - standbys:
            self.followed.pop(number).close()
        await self._close([n for n in self.owned if n not in numbers])
        for number in sorted(numbers.keys() - self.owned.keys()):
            self._open(number)
        for number in sorted(standbys - self.followed.keys()):
            self._follow(number)
        self.assigned = True

    async def _on_revoked(self, sender: object, revoked: Iterable[TP], **_: object) -> None:
        """Drain, end the epochs, commit, close: before anybody else is assigned."""
        log.info("revoked: partitions %s", sorted({tp.partition for tp in revoked}))
        self.assigned = False
        await self._close({tp.partition for tp in revoked})

    async def _on_shutdown(self, sender: object, **_: object) -> None:
        await self._close([*self.owned, *self.followed])

    def _open(self, number: int) -> None:
        owned = PartitionLoop(number, self._count, self._context)
        self.owned[number] = owned
        self._start(number, owned.run)

    def _follow(self, number: int) -> None:
        follower = Follower(number, self._context, self._pace)
        self.followed[number] = follower
        self._start(number, follower.run)

    def _start(self, number: int, run: Callable[[], Awaitable[None]]) -> None:
        before = self._running.get(number)
        self._running[number] = asyncio.create_task(self._after(before, number, run))

    async def _after(
        self, before: "asyncio.Task[None] | None", number: int, run: Callable[[], Awaitable[None]]
    ) -> None:
        """`run` when whoever is in the partition's local store has left it, as it must soon."""
        patience_s = 2 * self.settings.opening_stalled_after_s
        if before is not None and not (await asyncio.wait([before], timeout=patience_s))[0]:
            self.fail(BrokerError(f"partition {number}: a client call does not return"))
            return
        await run()

    async def _close(self, numbers: Iterable[int]) -> None:
        """Close, and wait as long as the group allows; its next owner shuts out who is late."""
        closing = [n for n in numbers if n in self.owned or n in self.followed]
        for number in closing:
            (self.owned.pop(number, None) or self.followed.pop(number)).close()
        tasks = [self._running[n] for n in closing]
        if tasks:
            patience_s = max(1.0, self.settings.session_timeout_s * 0.8)
            _, late = await asyncio.wait(tasks, timeout=patience_s)
            if late:
                log.error("%d partitions were not drained within %.1f s", len(late), patience_s)

    async def _watch_over(self) -> None:
        while not self.finished.is_set():
            self.health.tick()
            try:
                self._faust.check()
            except BaseException as error:
                self.fail(error)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.finished.wait(), _WATCH_S)


def build_runtime(
    settings: RuntimeSettings, shell: Shell[R], *, failpoint: Failpoint = nothing_fails
) -> Runtime[R]:
    """A runtime, ready to `start`; nothing is connected yet."""
    return Runtime(settings, shell, failpoint)


__all__ = ["Runtime", "RuntimeSettings", "build_runtime"]


AnyRuntime = Runtime[Any]
"""Whatever its rows are: who starts, stops and watches it does not look into them."""
