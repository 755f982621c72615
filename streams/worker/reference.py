"""What decisions stand on, followed live: reference data and model snapshots, without a group.

A thread reads the compacted topics to their end, then tails them. The worker takes `view()` between
batches: one immutable pair of models and policy. A record that cannot be read, or does not fit the
others, is counted and logged; its last good version stays in force, and the others are applied.
"""

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from confluent_kafka import KafkaError as Codes
from msgspec import Struct

from streams import topics
from streams.broker.clients import new_reader
from streams.broker.reading import partitions_on_broker
from streams.contracts.inputs.rules import Rejected
from streams.contracts.reference.records import (
    REFERENCE_TOPICS,
    ReferenceRecord,
    decode_reference_record,
)
from streams.contracts.reference.structs import Policies, Reference
from streams.decisions import Policy, compile_policy
from streams.errors import NoBrokerError, OperatorError
from streams.models import Models
from streams.runtime.clients import arrived
from streams.settings import Settings
from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter
from streams.worker.snapshots import Snapshots
from streams.worker.sound_part import Place, Records, sound_part

log = structlog.get_logger()

POLL_S = 0.2
RECORDS_MAX = 500
NO_BROKER_PAUSE_S = 1.0


class View(Struct, frozen=True):
    """What one batch is decided with."""

    models: Models
    policy: Policy


class ReferenceState:
    """Reference records by topic and key, and the view that follows from them; no Kafka here."""

    def __init__(
        self, meter: Meter, clock_s: Callable[[], float], *, shadowing: bool = False
    ) -> None:
        self._meter = meter
        self._clock_s = clock_s
        self._wanted: dict[Place, ReferenceRecord] = {}
        self._in_force: Records = {}
        self._unreadable: set[Place] = set()
        self._changed, self._refreshed = True, False
        self._snapshots = Snapshots(meter, clock_s, shadowing=shadowing)
        self.view = View(self._snapshots.models, compile_policy(Reference()))

    def take(self, topic: str, key: bytes, value: bytes | None) -> None:
        """Take one record; `None` withdraws what stood under the key."""
        fault = (
            self._take_reference(topic, key, value)
            if topic in REFERENCE_TOPICS
            else self._snapshots.take(key, value)
        )
        if self.view.models is not self._snapshots.models:
            self.view = View(self._snapshots.models, self.view.policy)
        if fault is not None:
            log.error("reference_record_bad", topic=topic, reason=fault.reason, path=fault.path)
        self._meter.count(
            metrics.REFERENCE_RECORDS, self._in_catalogue(topic), "bad" if fault else "applied"
        )

    def refresh(self) -> None:
        """Compile the policy anew if a record changed it.

        A record that cannot be read, or does not fit the others, is held back: what stood in its
        place stays in force, and the others are applied.
        """
        if not self._changed:
            return
        self._changed = False
        found = sound_part(self._in_force, self._wanted, lambda r: compile_policy(_reference(r)))
        for (topic, key), error in found.held_back.items():
            name = key.decode("utf-8", "replace")
            log.error("reference_record_held_back", topic=topic, key=name, error=error)
        if found.records != self._in_force or not self._refreshed:
            self._put_in_force(found.records)
        stale = bool(found.held_back or self._unreadable)
        self._meter.set(metrics.REFERENCE_STALE, value=float(stale))

    def reference(self) -> Reference:
        """All records that are in force, in the order of their keys."""
        return _reference(self._in_force)

    def _put_in_force(self, records: Records) -> None:
        reference = _reference(records)
        self._in_force, self._refreshed = records, True
        self.view = View(self.view.models, compile_policy(reference))
        self._meter.set(metrics.REFERENCE_OFFERS, value=len(reference.offers))
        self._meter.set(metrics.REFERENCE_TIME, value=self._clock_s())
        for arm in reference.policies.experiment.arms:
            self._meter.set(metrics.ARM_SHARE, arm.name, value=arm.share)

    def _take_reference(self, topic: str, key: bytes, value: bytes | None) -> Rejected | None:
        record, place = decode_reference_record(topic, key, value), (topic, key)
        self._changed = True
        if isinstance(record, Rejected):
            self._unreadable.add(place)
            return record
        self._unreadable.discard(place)
        if record is None:
            self._wanted.pop(place, None)
        else:
            self._wanted[place] = record
        return None

    def _in_catalogue(self, topic: str) -> str:
        return topic if topic in REFERENCE_TOPICS else topics.MODEL_SNAPSHOTS.name


def _reference(records: Records) -> Reference:
    found: dict[str, tuple[Any, ...]] = {
        name: tuple(records[place] for place in sorted(records) if place[0] == name)
        for name in REFERENCE_TOPICS
    }
    policies = found[topics.REF_POLICIES.name]
    return Reference(
        policies=policies[-1] if policies else Policies(),
        offers=found[topics.REF_OFFERS.name],
        products=found[topics.REF_PRODUCTS.name],
        inventory=found[topics.REF_INVENTORY.name],
        beacons=found[topics.REF_BEACONS.name],
    )


class ReferenceFollower:
    """Feeds a `ReferenceState` from Kafka in a thread of its own."""

    def __init__(self, settings: Settings, meter: Meter) -> None:
        self._settings = settings
        self._state = ReferenceState(meter, time.time, shadowing=settings.learner.challenger)
        self._meter = meter
        self._caught_up = Event()
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="reference", daemon=True)
        self.failure: str = ""
        self.error: Exception | None = None
        meter.before_scrape(self._set_ages)

    @property
    def ready(self) -> bool:
        """Whether everything that was there at the start has been applied."""
        return self._caught_up.is_set()

    def view(self) -> View:
        """The newest models and policy."""
        return self._state.view

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._thread.ident:
            self._thread.join(5)

    def _run(self) -> None:
        try:
            self._follow()
        except OperatorError as error:
            self.failure, self.error = str(error), error
        except Exception as error:  # a dead follower must be seen: the worker goes unhealthy
            self.error = error
            self.failure = f"the reference follower died: {type(error).__name__}"
            log.error("reference_follower_died", error=type(error).__name__, exc_info=True)

    def _follow(self) -> None:
        names = {self._settings.on_broker(topic): topic.name for topic in topics.REFERENCES}
        consumer = self._open()
        ends_left = self._assign_when_there(consumer)
        while not self._stopping.is_set():
            for message in arrived(consumer, POLL_S, RECORDS_MAX):
                error = message.error()
                if error is None:
                    name = names.get(message.topic(), message.topic())
                    self._state.take(name, message.key() or b"", message.value())
                elif error.code() == Codes._PARTITION_EOF:
                    ends_left.discard((message.topic(), message.partition()))
            if not ends_left:
                self._state.refresh()
                self._caught_up.set()
        consumer.close()

    def _open(self) -> Consumer:
        return new_reader(
            self._settings,
            f"{self._settings.group}-reference",
            {"enable.partition.eof": True, "fetch.wait.max.ms": 100},
        )

    def _assign_when_there(self, consumer: Consumer) -> set[tuple[str, int]]:
        """A broker that goes at this moment is waited for; who waits for us has less patience."""
        while True:
            try:
                return self._assign(consumer)
            except NoBrokerError:
                if self._stopping.wait(NO_BROKER_PAUSE_S):
                    return set()

    def _assign(self, consumer: Consumer) -> set[tuple[str, int]]:
        names = [self._settings.on_broker(topic) for topic in topics.REFERENCES]
        if self._settings.learner.learn:
            names.append(self._settings.on_broker(topics.MODEL_SNAPSHOTS))
        wanted = {
            (name, partition)
            for name in names
            for partition in partitions_on_broker(consumer, name, self._settings)
        }
        consumer.assign([TopicPartition(t, p, OFFSET_BEGINNING) for t, p in sorted(wanted)])
        return wanted

    def _set_ages(self) -> None:
        applied = self._meter.values_of(metrics.SNAPSHOT_TIME)
        for (model,) in self._meter.values_of(metrics.SNAPSHOT_AGE).keys() - applied.keys():
            self._meter.forget(metrics.SNAPSHOT_AGE, model)
        for (model,), at_s in applied.items():
            self._meter.set(metrics.SNAPSHOT_AGE, model, value=max(0.0, time.time() - at_s))
