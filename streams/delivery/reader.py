"""A destination's own consumer group: what it reads, where it begins, what it has committed.

Everything here is called in one thread of the destination's; rebalances are told in it, too.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from streams import topics
from streams.broker.clients import librdkafka_config
from streams.delivery.destinations import Target
from streams.delivery.parking import webhook_of
from streams.delivery.webhooks import Webhook
from streams.delivery.window import Place
from streams.errors import OfferstreamError
from streams.runtime.gaps import lost_of
from streams.settings import Settings
from streams.topics import Topic

log = structlog.get_logger()

WAIT_S: Final = 0.1
BATCH: Final = 200
TIMEOUT_S: Final = 10.0


class ReadingError(OfferstreamError):
    """Kafka told a reader of a fault that it cannot go on from."""


class Owner(Protocol):
    """Who is told that partitions come and go; asked from the reader's thread."""

    def taken_away(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """End what is on its way of these partitions; what is done of them and not committed."""


class Reader:
    """The consumer of one destination.

    `deleted`: how many offsets Kafka had deleted before they were read.
    """

    def __init__(self, settings: Settings, target: Target, owner: Owner) -> None:
        self._target = target
        self._owner = owner
        self._names = {settings.on_broker(topic): topic.name for topic in topics_of(target)}
        self._paused = False
        self._next: dict[Place, int] = {}
        self.deleted = 0
        self._fault: KafkaException | None = None
        self._consumer = Consumer(
            {
                **librdkafka_config(settings),
                "group.id": group_of(settings, target.name),
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                # Where to go on is said here: a client that does so by itself is silent.
                "auto.offset.reset": "error",
                "isolation.level": "read_committed",
                "session.timeout.ms": settings.session_timeout_ms,
                "queued.max.messages.kbytes": 4_096,
                "fetch.queue.backoff.ms": 50,
                "log_level": 2,
            }
        )
        self._consumer.subscribe(
            list(self._names),
            on_assign=self._assigned,
            on_revoke=self._revoked,
            on_lost=self._lost,
        )

    def read(self, *, pause: bool) -> list[tuple[Place, int, Webhook | None]]:
        """What came within a moment: where it was, and the webhook where it is to be delivered.

        What was deleted unread has passed like a record that is not to be delivered: once all
        before it is done, the commit is behind it.

        `pause`: nothing is to come, but the group must know that we are there.

        Raises:
            ReadingError, KafkaException: it cannot go on.
        """
        if pause != self._paused:
            self._pause(pause)
        found, overtaken = [], list[Place]()
        # One call: between two of them a partition could go, and leave its records behind.
        for message in self._consumer.consume(BATCH, WAIT_S):
            error = message.error()
            if error is not None:
                if error.code() == KafkaError._AUTO_OFFSET_RESET:
                    overtaken.append((message.topic(), message.partition()))
                    continue
                if error.fatal() or not error.retriable():
                    raise ReadingError(f"reading {message.topic()}: {error.str()}")
                continue
            found.append(self._read(message))
        if self._fault is not None:
            raise self._fault
        # One that was taken away in the same moment is somebody else's.
        ours = [place for place in overtaken if place in self._next]
        return found + [(place, self._go_on(place) - 1, None) for place in ours]

    def commit(self, positions: Mapping[Place, int]) -> None:
        """Tell Kafka what is done.

        Raises:
            KafkaException: it does not answer, or the partitions are somebody else's by now.
        """
        if positions:
            self._consumer.commit(offsets=_offsets(positions), asynchronous=False)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _read(self, message: Any) -> tuple[Place, int, Webhook | None]:
        name = self._names[message.topic()]
        place = (message.topic(), message.partition())
        if place in self._next:
            self._next[place] = message.offset() + 1
        return place, message.offset(), webhook_of(message, name, self._target.name)

    def _pause(self, pause: bool) -> None:
        change: Callable[[Any], None] = self._consumer.pause if pause else self._consumer.resume
        change(self._consumer.assignment())
        self._paused = pause

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Begin where we ended.

        What is raised here ends the reader's thread without a word to anybody; `read` raises it.
        """
        try:
            found = self._begins(consumer, partitions)
        except KafkaException as error:
            self._fault = error
            return
        self._next = {(at.topic, at.partition): at.offset for at in found}
        consumer.assign(found)
        self._paused = False
        log.info("assigned", destination=self._target.name, partitions=len(found))

    def _begins(self, consumer: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Where to begin; a new group says at once where it began, so that nothing is lost.

        Without that a group that is killed before its first commit would begin anew, later.
        """
        found: list[TopicPartition] = consumer.committed(partitions, timeout=TIMEOUT_S)
        new = [at for at in found if at.offset < 0]
        for at in new:
            low, high = consumer.get_watermark_offsets(at, timeout=TIMEOUT_S)
            at.offset = low if self._target.destination.begin == "all" else high
        if new:
            consumer.commit(offsets=new, asynchronous=False)
        return found

    def _go_on(self, place: Place) -> int:
        """Kafka keeps records for a while only: go on at the oldest there is, and say what is gone.

        That may be found at a start, or while a destination that is away holds up what waits.

        Returns:
            Where it goes on.

        Raises:
            KafkaException: a broker does not answer; a new start begins here again.
        """
        low, end = self._consumer.get_watermark_offsets(TopicPartition(*place), timeout=TIMEOUT_S)
        stood = self._next[place]
        told = {"destination": self._target.name, "topic": place[0], "partition": place[1]}
        if lost := lost_of(stood, low):
            self.deleted += lost
            log.error("deleted_before_it_was_delivered", **told, n=lost)
        elif low > stood:
            log.info("ends_of_transactions_deleted", **told, n=low - stood)
        # It may have come back meanwhile, and stand where there is something; or be made anew.
        begin = self._next[place] = stood if low <= stood <= end else low
        # Such a client may only be given all its partitions anew: each goes on where it was read.
        self._consumer.assign(_offsets(self._next))
        self._paused = False
        return int(begin)

    def _revoked(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        done = self._taken_away(partitions)
        try:
            self.commit(done)
        except KafkaException as error:
            reason = error.args[0].name()
            log.warning("not_committed", destination=self._target.name, reason=reason)

    def _lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._taken_away(partitions)

    def _taken_away(self, partitions: list[TopicPartition]) -> Mapping[Place, int]:
        places = [(p.topic, p.partition) for p in partitions]
        for place in places:
            self._next.pop(place, None)
        return self._owner.taken_away(places)


def group_of(settings: Settings, name: str) -> str:
    """The consumer group of a destination."""
    return f"{settings.group}-deliver-{name}"


def topics_of(target: Target) -> tuple[Topic, ...]:
    """What a destination reads: its topics, and what is driven again for it."""
    wanted = set(target.destination.topics)
    return (*(t for t in topics.OUTPUTS if t.name in wanted), topics.DELIVERY_FAILURES)


def _offsets(positions: Mapping[Place, int]) -> list[TopicPartition]:
    return [TopicPartition(*place, position) for place, position in positions.items()]
