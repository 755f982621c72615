"""Transactions that were decided but never ended: found and ended when a partition is opened.

Apache Kafka (seen in 4.3.1) writes the end of a transaction to every partition that it touched, but
skips those that have no leader at that moment ("likely deleted already"). A lone broker that is
killed and started again has such a moment. The coordinator then calls the transaction complete
while its records and offsets hang: readers stop before them, `committed` finds them unstable for
ever, and the next transaction of the same producer ends them *its* way.

The remedy needs no right that a producer lacks: one more transaction of the same id over the same
partitions, without records, ended the way the coordinator had decided; its markers end what hangs.
"""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from kafka import TopicPartition as WirePartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError as WireError
from kafka.errors import TransactionalIdNotFoundError, UnsupportedVersionError
from kafka.protocol.metadata import CoordinatorType
from kafka.protocol.producer.transaction import (
    AddOffsetsToTxnRequest,
    AddPartitionsToTxnRequest,
    EndTxnRequest,
    InitProducerIdRequest,
)

from streams.runtime.clients import kafka_python_config, new_admin, transactional_id
from streams.runtime.faults import EpochError, StoreError
from streams.runtime.settings import RuntimeSettings

log = logging.getLogger(__name__)
_LOOK_TIMEOUT_S = 30.0
_STABLE_WITHIN_S = 3.0
_PATIENCE_S = 60.0
_OFFSETS = "__consumer_offsets"
_COMMITTED = {"PrepareCommit", "CompleteCommit"}
_ONGOING = "Ongoing"
_ABORTED = {_ONGOING, "PrepareAbort", "PrepareEpochFence", "CompleteAbort"}
# Coordinator loading, gone or moved; the transaction before is still being ended.
_LATER = {14, 15, 16, 51}
Place = tuple[str, int]
Owner = tuple[int, int]  # producer id and epoch


def end_hanging(settings: RuntimeSettings, partition: int, group: Consumer) -> list[str]:
    """End what an earlier transaction of this partition left open; returns where.

    To be called before `init_transactions`: that forgets what the coordinator had decided. Costs
    four small requests where nothing hangs.

    Raises:
        EpochError: the broker does not answer, or somebody else takes the partition over.
    """
    before = _look(settings, partition, group)
    note = settings.data_dir / "hanging" / f"{settings.table}-{partition}"
    if not before:
        note.unlink(missing_ok=True)
        return []
    try:
        with _Coordinator(settings, partition) as coordinator:
            decision = _remembered(note, _decided(coordinator, _read(note)))
            coordinator.fence()
            _write(note, decision, coordinator.owner)
            now = _look(settings, partition, group)
            # An output partition is shared: what moved belongs to somebody who is at work.
            still = [place for place, end in now.items() if before.get(place) == end]
            hanging = _told(partition, coordinator.own_open(list(now)), still, decision)
            if hanging:
                coordinator.end_again([p for p in hanging if p[0] != _OFFSETS], bool(decision))
            note.unlink(missing_ok=True)
            return [topic for topic, _ in hanging]
    except WireError as error:
        raise EpochError(f"partition {partition}: hanging transaction: {error!r}") from error


def _told(
    partition: int, own: set[Place] | None, still: list[Place], decision: bool | None
) -> list[Place]:
    """Say what hangs, and return what is to be ended.

    `own` is what this partition's producer has open after it was fenced. What else is open belongs
    to other partitions, whose owners end it, or the broker does after the transaction timeout.
    Where the broker does not tell (None), an empty transaction is ended over all that is `still`
    open as it was: that ends nothing of the others.
    """
    hanging = still if own is None else sorted(own)
    names = ", ".join(f"{topic}[{number}]" for topic, number in hanging)
    if hanging and own is None:
        log.info(
            "partition %d: a transaction is open in %s, the broker does not tell whose; should it "
            "be a hanging one of this partition, it is ended: %s",
            *(partition, names, _said(decision)),
        )
    elif hanging:
        log.error(
            "partition %d: a transaction hangs in %s; it is ended: %s",
            *(partition, names, _said(decision)),
        )
    return hanging


def _decided(coordinator: "_Coordinator", noted: "_Noted | None") -> bool | None:
    """Was the newest transaction committed? None: the broker does not know any more.

    An earlier try may have broken off between the two last steps of the remedy. Its transaction is
    then open, and whoever fences it aborts what was to be committed: it is ended first, its way.
    """
    newest = coordinator.newest()
    if newest is None:
        return None
    state, owner = newest
    if noted and state == _ONGOING and owner == noted.owner:
        coordinator.owner = owner
        coordinator.end(noted.committed)
        return noted.committed
    return True if state in _COMMITTED else False if state in _ABORTED else None


class _Noted(NamedTuple):
    """What is kept on disk until it is carried out: to fence makes the coordinator forget it."""

    committed: bool
    owner: Owner | None  # of the remedy's transaction


def _remembered(note: Path, decision: bool | None) -> bool | None:
    """The decision, noted; one that was noted before where the broker knows none.

    Raises:
        StoreError: the disk refuses.
    """
    if decision is not None:
        _write(note, decision, None)
        return decision
    noted = _read(note)
    return noted.committed if noted else None


def _read(note: Path) -> _Noted | None:
    try:
        if not note.exists():
            return None
        committed, *owner = note.read_text(encoding="ascii").split()
    except OSError as error:
        raise StoreError(f"{note}: {error}") from error
    except ValueError:  # a disk that was full
        return None
    two = len(owner) == 2
    return _Noted(committed == "True", (int(owner[0]), int(owner[1])) if two else None)


def _write(note: Path, decision: bool | None, owner: Owner | None) -> None:
    if decision is None:
        return
    words = [str(decision), *map(str, owner or ())]
    partial = note.with_suffix(".new")
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(" ".join(words), encoding="ascii")
        partial.replace(note)
    except OSError as error:
        raise StoreError(f"{note}: {error}") from error


def _look(settings: RuntimeSettings, partition: int, group: Consumer) -> Mapping[Place, int]:
    """Where a transaction is open now, and from which offset on (-1: in the group's offsets)."""
    try:
        found = _open_partitions(settings, partition)
    except KafkaException as error:
        raise EpochError(f"partition {partition}: {error.args[0].str()}") from error
    sources = [TopicPartition(t, partition) for t in settings.source_topics]
    try:
        group.committed(sources, timeout=_STABLE_WITHIN_S)
    except KafkaException as error:
        if error.args[0].code() not in (KafkaError._TIMED_OUT, KafkaError.UNSTABLE_OFFSET_COMMIT):
            raise EpochError(f"committed offsets: {error.args[0].str()}") from error
        found[_OFFSETS, partition] = -1
    return found


def _open_partitions(settings: RuntimeSettings, partition: int) -> dict[Place, int]:
    """Partitions of the changelog and the outputs that a `read_committed` reader cannot finish."""
    admin = new_admin(settings)
    places = [TopicPartition(settings.changelog_topic, partition)]
    topics = admin.list_topics(timeout=_LOOK_TIMEOUT_S).topics
    for topic in topics.keys() & set(settings.output_topics):
        places += [TopicPartition(topic, number) for number in topics[topic].partitions]
    stable = _ends(admin, places, IsolationLevel.READ_COMMITTED)
    written = _ends(admin, places, IsolationLevel.READ_UNCOMMITTED)
    return {place: end for place, end in stable.items() if end < written[place]}


def _ends(
    admin: AdminClient, places: list[TopicPartition], level: IsolationLevel
) -> dict[Place, int]:
    asked = admin.list_offsets(
        {place: OffsetSpec.latest() for place in places},
        isolation_level=level,
        request_timeout=_LOOK_TIMEOUT_S,
    )
    return {(p.topic, p.partition): future.result().offset for p, future in asked.items()}


class _Coordinator:
    """The transaction coordinator of one partition's transactional id, spoken to by hand.

    librdkafka adds a partition to a transaction only by producing to it, so kafka-python sends
    the four requests. `max_version`: the protocol that librdkafka speaks, without epoch bumps.
    """

    def __init__(self, settings: RuntimeSettings, partition: int) -> None:
        self._id = transactional_id(settings, partition)
        self._group = settings.application_id
        self._timeout_ms = round(settings.transaction_timeout_s * 1000)
        self._admin = KafkaAdminClient(**kafka_python_config(settings))
        self.owner: Owner = (-1, -1)

    def __enter__(self) -> "_Coordinator":
        return self

    def __exit__(self, *_: object) -> None:
        self._admin.close()

    def newest(self) -> tuple[str, Owner] | None:
        """State and owner of the newest transaction; None: the broker does not know any more."""
        try:
            found = self._admin.describe_transactions([self._id])[self._id]
        except (TransactionalIdNotFoundError, UnsupportedVersionError):
            return None
        return found.state.value, (found.producer_id, found.producer_epoch)

    def fence(self) -> None:
        """Become the owner of the id; what is open in an orderly way is ended."""
        answer = self._send(
            InitProducerIdRequest(
                transactional_id=self._id,
                transaction_timeout_ms=self._timeout_ms,
                producer_id=-1,
                producer_epoch=-1,
                max_version=4,
            )
        )
        self.owner = (answer.producer_id, answer.producer_epoch)

    def own_open(self, places: list[Place]) -> set[Place] | None:
        """Where this producer's own transaction is open; after `fence` nothing of it may be.

        None: the broker does not tell. It needs the right to read the topics.
        """
        own = {place for place in places if place[0] == _OFFSETS}
        asked = [WirePartition(*place) for place in places if place not in own]
        try:
            found = self._admin.describe_producers(asked)
        except WireError as error:
            log.info("who has a transaction open is not told: %s", type(error).__name__)
            return None
        for place, state in found.items():
            if any(
                producer.producer_id == self.owner[0]
                and producer.current_transaction_start_offset >= 0
                for producer in state.active_producers
            ):
                own.add((place.topic, place.partition))
        return own

    def end_again(self, places: list[Place], committed: bool) -> None:
        """A transaction over these partitions and the group's offsets, ended at once."""
        if places:
            topics: dict[str, list[int]] = {}
            for topic, number in places:
                topics.setdefault(topic, []).append(number)
            row = AddPartitionsToTxnRequest.AddPartitionsToTxnTopic
            self._send(
                AddPartitionsToTxnRequest(
                    v3_and_below_transactional_id=self._id,
                    v3_and_below_producer_id=self.owner[0],
                    v3_and_below_producer_epoch=self.owner[1],
                    v3_and_below_topics=[row(name=t, partitions=n) for t, n in topics.items()],
                    max_version=3,
                )
            )
        self._send(AddOffsetsToTxnRequest(group_id=self._group, max_version=3, **self._owner()))
        self.end(committed)

    def end(self, committed: bool) -> None:
        """The owner's open transaction."""
        self._send(EndTxnRequest(committed=committed, max_version=3, **self._owner()))

    def _owner(self) -> dict[str, Any]:
        return {
            "transactional_id": self._id,
            "producer_id": self.owner[0],
            "producer_epoch": self.owner[1],
        }

    def _send(self, request: Any) -> Any:
        """Send until the coordinator is ready for it.

        Raises:
            EpochError: it refuses.
        """
        deadline_s = time.monotonic() + _PATIENCE_S
        while True:
            answer = self._admin._manager.run(self._ask, request)
            codes = _codes(answer)
            if not codes:
                return answer
            if not codes <= _LATER or time.monotonic() > deadline_s:
                raise EpochError(f"{self._id}: {type(request).__name__}: error codes {codes}")
            time.sleep(0.05)

    async def _ask(self, request: Any) -> Any:
        kind = CoordinatorType.TRANSACTION
        node = await self._admin._find_coordinator_id(self._id, key_type=kind)
        return await self._admin._manager.send(request, node_id=node)


def _codes(answer: Any) -> set[int]:
    """The error codes of an answer, wherever it keeps them; empty: all went well."""
    rows = getattr(answer, "results_by_topic_v3_and_below", None)
    if rows is None:
        return {answer.error_code} - {0}
    return {p.partition_error_code for topic in rows for p in topic.results_by_partition} - {0}


def _said(decision: bool | None) -> str:
    if decision is None:
        return "aborted, for the coordinator no longer knows what it decided"
    return "committed, as decided" if decision else "aborted, as decided"
