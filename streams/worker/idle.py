"""Event time of partitions to which nothing comes: it goes on with that of the others.

With `clock = "event_time"` a partition's time is that of its newest event. One whose people are
quiet would stand still, and their timers with it, while the stream goes on. So a partition that
has read all there is, and had nothing to do for `IDLE_S`, takes the newest event time that stood on
the input topics at the beginning of that stretch; Flink calls this an idle source.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from threading import Event, Thread

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from streams import topics
from streams.broker.clients import librdkafka_config, new_reader
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.sources.records import Ignored
from streams.settings import Settings
from streams.worker.sources import record_reader

log = structlog.get_logger()

IDLE_S = 3.0
LOOK_EVERY_S = 1.0
SAY_EVERY_S = 60.0
TAIL_RECORDS = 5
TIMEOUT_S = 10.0
NOTHING = -10_000  # less than every offset, those that Kafka uses for words too
Place = tuple[str, int]


class IdleClock:
    """How late it is for partitions with nothing to do; no Kafka here."""

    def __init__(self) -> None:
        self._worked_s: dict[int, float] = {}
        self._ms: dict[int, int] = {}
        self._seen: deque[tuple[float, int]] = deque()
        self._settled_ms = 0

    def time_ms(self, partition: int) -> int:
        """Event time in milliseconds; 0 where only the partition's own events tell."""
        return self._ms.get(partition, 0)

    def worked(self, partition: int, now_s: float) -> None:
        """Something came."""
        self._worked_s[partition] = now_s

    def opened(self, partition: int, now_s: float) -> None:
        """A partition was taken over: what was known of it is void."""
        self._ms.pop(partition, None)
        self._worked_s[partition] = now_s

    def look(self, now_s: float, newest_ms: int, read_all: Iterable[int]) -> None:
        """The newest event time on the input topics, and the partitions that have read all."""
        self._seen.append((now_s, newest_ms))
        while self._seen and self._seen[0][0] <= now_s - IDLE_S:
            self._settled_ms = max(self._settled_ms, self._seen.popleft()[1])
        for partition in read_all:
            if now_s - self._worked_s.get(partition, now_s) >= IDLE_S:
                self._ms[partition] = max(self._ms.get(partition, 0), self._settled_ms)


class Tails:
    """The ends of all input topics: how late it is there, and who has read that far."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._records = record_reader(settings)
        self._places: list[Place] = [
            (settings.on_broker(topic), number)
            for topic in topics.INPUTS
            for number in range(settings.partitions)
        ]
        self._names = {settings.on_broker(topic): topic.name for topic in topics.INPUTS}
        self._ends: dict[Place, int] = {}
        self._last: dict[Place, int] = {}
        self._newest_ms = 0
        self._admin = self._new_admin()
        self._reader = new_reader(
            settings,
            settings.group,
            {"enable.partition.eof": True},
        )

    def newest_ms(self) -> int:
        """The greatest event time among the last records of every partition.

        Raises:
            KafkaException: the broker does not answer.
        """
        try:
            ends = self._ask_ends()
        except KafkaException as error:
            if error.args[0].code() > 0:  # said by a broker: another leads by now, or anew
                self._admin = self._new_admin()
            raise
        moved = [place for place in self._places if ends[place] > self._ends.get(place, 0)]
        if moved:
            self._read_tails(moved, ends)
        self._ends = ends
        return self._newest_ms

    def read_all(self, numbers: Sequence[int]) -> list[int]:
        """Those partitions whose group has committed everything that `newest_ms` has seen.

        Raises:
            KafkaException: the broker does not answer.
        """
        wanted = [TopicPartition(*place) for place in self._places if place[1] in numbers]
        committed = self._reader.committed(wanted, timeout=TIMEOUT_S) if wanted else []
        behind = {
            at.partition
            for at in committed
            if at.offset <= self._last.get((at.topic, at.partition), NOTHING)
        }
        return [number for number in numbers if number not in behind]

    def _new_admin(self) -> AdminClient:
        """A client that knows of no leader yet; it would keep the one it knows for minutes."""
        return AdminClient({**librdkafka_config(self._settings), "log_level": 2})

    def _ask_ends(self) -> dict[Place, int]:
        asked = {TopicPartition(*place): OffsetSpec.latest() for place in self._places}
        futures = self._admin.list_offsets(asked, request_timeout=TIMEOUT_S)
        return {(at.topic, at.partition): f.result().offset for at, f in futures.items()}

    def _read_tails(self, places: Sequence[Place], ends: dict[Place, int]) -> None:
        starts = [TopicPartition(*place, max(0, ends[place] - TAIL_RECORDS)) for place in places]
        self._reader.assign(starts)
        left, until_s = set(places), time.monotonic() + TIMEOUT_S
        while left and time.monotonic() < until_s:
            for message in self._reader.consume(500, 0.2):
                place = (message.topic(), message.partition())
                if (error := message.error()) is None:
                    self._last[place] = message.offset()
                    self._note(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    left.discard(place)
                else:
                    raise KafkaException(error)
        self._reader.unassign()

    def _note(self, message: Message) -> None:
        rules = InputRules(
            now_ms=time.time_ns() // 1_000_000,
            occurred_at_min_ms=self._settings.occurred_at_min_ms,
        )
        topic, headers = self._names[message.topic()], message.headers() or ()
        at_ms = message.timestamp()[1]
        event = self._records.read(topic, message.value(), headers, rules, at_ms)
        if not isinstance(event, Rejected | Ignored):
            self._newest_ms = max(self._newest_ms, event.at_ms)


class IdleFollower:
    """Tells a `IdleClock` how late it is, in a thread of its own."""

    def __init__(
        self, settings: Settings, clock: IdleClock, owned: Callable[[], list[int]]
    ) -> None:
        """`owned`: the partitions that this process has and that are open."""
        self._settings = settings
        self._clock = clock
        self._owned = owned
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="idle", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()

    def _run(self) -> None:
        tails, say_at_s = Tails(self._settings), 0.0
        while not self._stopping.wait(LOOK_EVERY_S):
            try:
                newest_ms = tails.newest_ms()
                read_all = tails.read_all(self._owned())
            except KafkaException as error:
                if time.monotonic() >= say_at_s:
                    log.info("event_time_unknown", error=error.args[0].name())
                    say_at_s = time.monotonic() + SAY_EVERY_S
                continue
            self._clock.look(time.monotonic(), newest_ms, read_all)
