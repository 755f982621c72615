"""Faust's group without Faust's data path: an own transport under the scheme `epochs://`.

Faust keeps the consumer group, its assignor and the life cycle. Source topics are subscribed, but
never fetched, acknowledged or committed by Faust: partitions are paused in aiokafka the moment
they are assigned, `getmany` only keeps the membership alive, and every commit of Faust is refused.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import ClassVar

from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import TRANSPORTS, aiokafka

from streams.runtime.faults import EpochError, GroupError

SCHEME = "epochs"
_COMMIT_TIMEOUT_S = 30.0


class PausedFromTheStart(aiokafka.ConsumerRebalanceListener):  # type: ignore[misc]
    """Pauses every assigned partition before Faust, or aiokafka's fetcher, can touch it."""

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Pause, then tell Faust."""
        self._thread._ensure_consumer().pause(*assigned)
        await super().on_partitions_assigned(assigned)


class Consumer(aiokafka.Consumer):  # type: ignore[misc]
    """Membership only."""

    RebalanceListener: ClassVar[type[PausedFromTheStart]] = PausedFromTheStart

    async def getmany(self, timeout: float) -> AsyncIterator[object]:
        """Yield nothing, ever; tell aiokafka that somebody still polls."""
        if self.flow_active:
            await self._thread.call_thread(self._poll)
        await self.sleep(timeout)
        nothing: tuple[object, ...] = ()
        for message in nothing:
            yield message

    async def perform_seek(self) -> None:
        """Positions are the epochs' own."""

    async def commit(self, topics: object = None, start_new_transaction: bool = True) -> bool:
        """Offsets belong to the epochs: there is nothing for Faust to commit."""
        return False

    def verify_event_path(self, now: float, tp: object) -> None:
        """Faust's livelock detector watches a path that is not in use."""

    def check_group(self) -> None:
        """Ask for the errors that aiokafka keeps and does not raise.

        Raises:
            GroupError: the membership is dead and nobody would have said so.
        """
        consumer = self._thread._consumer
        coordinator = None if consumer is None else consumer._coordinator
        if coordinator is None:
            return
        parked = getattr(coordinator, "_pending_exception", None)
        task = getattr(coordinator, "_coordination_task", None)
        if parked is None and task is not None and task.done() and not task.cancelled():
            parked = task.exception()
        if parked is not None:
            raise GroupError(f"consumer group: {parked!r}") from parked

    async def confirm_membership(self) -> bool:
        """Ask the group's coordinator, now, whether this process is still a member.

        A process that slept past its session holds partitions that are somebody else's.

        Raises:
            GroupError: the coordinator will not have this process (authorization lost).
        """
        try:
            return bool(await self._thread.call_thread(self._heartbeat))
        except KafkaError as error:
            raise GroupError(f"consumer group: {error!r}") from error

    def commit_positions(self, partition: int, offsets: Mapping[str, int]) -> None:
        """Commit as the group's member (no transactions); blocks, so call it from a thread.

        Raises:
            EpochError: the group refuses, or does not answer.
        """
        thread = self._thread
        at = {TopicPartition(t, partition): OffsetAndMetadata(o, "") for t, o in offsets.items()}
        commit = thread._ensure_consumer().commit(at)
        try:
            asyncio.run_coroutine_threadsafe(commit, thread.thread_loop).result(_COMMIT_TIMEOUT_S)
        except Exception as error:
            raise EpochError(f"partition {partition}: offsets not committed: {error!r}") from error

    async def _heartbeat(self) -> bool:
        coordinator = self._thread._ensure_consumer()._coordinator
        # Without a coordinator or a generation there is nothing to ask, or nobody.
        if coordinator is None or coordinator.coordinator_id is None or coordinator.generation < 0:
            return False
        return bool(await coordinator._do_heartbeat())

    async def _poll(self) -> None:
        consumer = self._thread._ensure_consumer()
        with consumer._fetcher._subscriptions.fetch_context():
            await asyncio.sleep(0)


class Transport(aiokafka.Transport):  # type: ignore[misc]
    """Faust's aiokafka driver with the consumer above."""

    Consumer: ClassVar[type[Consumer]] = Consumer


def register() -> None:
    """Make `epochs://` known to Faust; harmless when repeated."""
    TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"
