"""The Faust app of a runtime: settings that matter, one agent over a channel of batches."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import faust
from faust.app.base import BootStrategy
from faust.assignor.client_assignment import ClientAssignment
from faust.assignor.partition_assignor import PartitionAssignor
from faust.types import TP
from yarl import URL

from streams.runtime.epoch import Batch
from streams.runtime.faults import StoreError
from streams.runtime.group.sharing import Share, share_out
from streams.runtime.group.transport import SCHEME, register
from streams.runtime.settings import RuntimeSettings

_DELIVERY_PATIENCE_S = 120.0


class Work(NamedTuple):
    """One Faust event: a batch of one partition number, and who is waiting for it."""

    batch: Batch
    handle: Callable[[Batch], None]
    done: "asyncio.Future[None]"

    def run(self) -> None:
        """Handle the batch unless its partition has gone; errors go to whoever waits."""
        if self.done.done():
            return
        try:
            self.handle(self.batch)
        except BaseException as error:
            self.done.set_exception(error)
        else:
            self.done.set_result(None)


class GroupOnly(BootStrategy):  # type: ignore[misc]
    """Consumer group and agents; no producer of Faust's and no web server are started."""

    enable_kafka_producer = False
    enable_web = False


class EpochApp(faust.App):  # type: ignore[misc]
    """A Faust app whose source topics are handled in epochs."""

    BootStrategy = GroupOnly


class BalancedAssignor(PartitionAssignor):  # type: ignore[misc]
    """Faust's assignor with an own way of sharing out; Faust's carries the claims and the answers.

    Faust's gives `ceil(partitions / workers)` to each once it knows of standbys, so that of three
    workers over four partitions one is idle; and it would have Faust's recovery read the standbys.
    """

    def __init__(self, app: Any, replicas: int = 0, *, standby_replicas: int = 0) -> None:
        super().__init__(app, replicas=0)
        self._standby_replicas = standby_replicas

    @property
    def followed(self) -> set[int]:
        """Partition numbers whose rows this member is to follow."""
        return {number for numbers in self._assignment.standbys.values() for number in numbers}

    def assigned_standbys(self) -> set[TP]:
        """None that Faust's recovery should know of: ours are no Faust tables."""
        return set()

    def _perform_assignment(
        self, cluster: Any, member_metadata: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Whole partition numbers for every member; only the group's leader is asked."""
        if len({frozenset(data.subscription) for data in member_metadata.values()}) > 1:
            # Two versions in one group: until the older one has gone, each has its own topics.
            return super()._perform_assignment(cluster, member_metadata)  # type: ignore[no-any-return]
        members = {m: self._get_client_metadata(data) for m, data in member_metadata.items()}
        self._update_member_urls(members)
        topics = set().union(*(data.subscription for data in member_metadata.values()))
        existing = {topic: cluster.partitions_for_topic(topic) or set() for topic in topics}
        claims = {m: _claim(data.assignment, topics) for m, data in members.items()}
        shares = share_out(max(map(len, existing.values())), self._standby_replicas, claims)
        assignments = {
            member: ClientAssignment(
                actives={t: sorted(share.actives & existing[t]) for t in topics},
                standbys={t: sorted(share.standbys & existing[t]) for t in topics},
            )
            for member, share in shares.items()
        }
        answers: Mapping[str, Any] = self._protocol_assignments(
            assignments,
            self._get_changelog_distribution(assignments),
            self._get_external_topic_distribution(assignments),
            dict.fromkeys(topics, 0),
        )
        return answers


def _claim(assignment: ClientAssignment, topics: set[str]) -> Share:
    """What a member has had, by its own word."""
    had = assignment.copartitioned_assignment(topics)
    return Share(frozenset(had.actives), frozenset(had.standbys))


class FaustSide:
    """The app, its group subscription and its agent `batches`."""

    def __init__(self, settings: RuntimeSettings) -> None:
        register()
        self._follows = settings.standby_replicas > 0
        self.app = EpochApp(settings.application_id, **_app_settings(settings))
        self._sources = self.app.topic(
            *settings.source_topics, key_type=bytes, value_type=bytes, acks=False
        )
        self._channel = self.app.channel()
        self.app.agent(self._channel, name="batches")(_handle_batches)

    async def deliver(self, batch: Batch, handle: Callable[[Batch], None]) -> None:
        """Give a batch to the agent; return when it has been handled there.

        Raises:
            TimeoutError: the agent did not get to it.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(_DELIVERY_PATIENCE_S):
                await self._channel.put(Work(batch, handle, done))
                await done
        finally:
            done.cancel()

    async def start(self) -> None:
        """Join the group.

        Raises:
            StoreError: the data folder cannot be written.
        """
        self.app.finalize()
        try:
            self.app.conf.datadir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"data folder: {error}") from error
        # Subscribed for membership and assignment; no stream ever reads from it.
        self.app.topics.add(self._sources)
        await self.app.start()

    async def stop(self) -> None:
        """Leave the group."""
        await self.app.stop()

    def check(self) -> None:
        """Look for what Faust and aiokafka only note down.

        Raises:
            GroupError: the membership is dead.
        """
        if self.app.crashed:
            raise self.app.crash_reason or RuntimeError("the Faust app crashed")
        self.app.consumer.check_group()

    def followed(self) -> set[int]:
        """Partition numbers that this process is to follow as a standby."""
        return self.app.assignor.followed if self._follows else set()

    async def confirm_membership(self) -> bool:
        """Is this process still a member of the group, by the coordinator's word?"""
        return bool(await self.app.consumer.confirm_membership())

    def commit_positions(self, partition: int, offsets: Mapping[str, int]) -> None:
        """Plain commits, as the group's member."""
        self.app.consumer.commit_positions(partition, offsets)


async def _handle_batches(batches: Any) -> None:
    async for work in batches:
        work.run()


def _app_settings(settings: RuntimeSettings) -> dict[str, object]:
    return {
        "broker": [URL(f"{SCHEME}://{b}") for b in settings.bootstrap.split(",")],
        "broker_client_id": settings.client_config.get("client.id", settings.application_id),
        "broker_session_timeout": settings.session_timeout_s,
        "broker_heartbeat_interval": settings.heartbeat_s,
        "broker_request_timeout": max(40.0, settings.session_timeout_s + 5),
        "broker_rebalance_timeout": max(30.0, settings.session_timeout_s),
        "broker_max_poll_interval": 300.0,
        "broker_credentials": _credentials(settings.client_config),
        "consumer_auto_offset_reset": "earliest",
        "consumer_group_instance_id": settings.group_instance_id,
        "datadir": settings.data_dir / "faust",
        "PartitionAssignor": partial(BalancedAssignor, standby_replicas=settings.standby_replicas),
        # Only to make Faust use that: with 0 it takes one that is not co-partitioned.
        "table_standby_replicas": 1,
        "reply_create_topic": False,
        "stream_wait_empty": False,
        "store": "memory://",
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "web_enabled": False,
        "worker_redirect_stdouts": False,
    }


def _credentials(config: Mapping[str, str]) -> faust.SSLCredentials | faust.SASLCredentials | None:
    """Librdkafka's security settings in Faust's words."""
    protocol = config.get("security.protocol", "PLAINTEXT").upper()
    if protocol == "PLAINTEXT":
        return None
    context = _ssl_context(config) if protocol.endswith("SSL") else None
    if protocol == "SSL":
        return faust.SSLCredentials(context=context)
    return faust.SASLCredentials(
        username=config.get("sasl.username", ""),
        password=config.get("sasl.password", ""),
        mechanism=config.get("sasl.mechanism", config.get("sasl.mechanisms", "PLAIN")),
        ssl_context=context,
    )


def _ssl_context(config: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=config.get("ssl.ca.location"))
    if certificate := config.get("ssl.certificate.location"):
        context.load_cert_chain(
            certificate, config.get("ssl.key.location"), config.get("ssl.key.password")
        )
    return context
