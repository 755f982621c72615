"""Which dead letters wait, told in bounded memory and time, however many there are."""

import heapq
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka import KafkaError as Codes
from msgspec import Struct

from streams import topics
from streams.admin.dead_letters import MARKER, Choice, Headers, Letter
from streams.broker.clients import new_reader
from streams.broker.reading import partitions_on_broker
from streams.contracts.outputs.encode import dead_letter_of
from streams.contracts.outputs.payloads import DeadLetter
from streams.errors import OperatorError
from streams.runtime.clients import Config, arrived
from streams.settings import Settings

SHOWN_MAX: Final = 100
HELD_MAX: Final = 1_000  # more than are shown: some of the newest may be driven again by now
RECORDS_MAX: Final = 400_000  # the newest, of all partitions together
SECONDS_MAX: Final = 8.0
TIMEOUT_S: Final = 5.0
WAIT_S: Final = 0.2
AT_ONCE: Final = 100
READER: Final[Config] = {
    "enable.partition.eof": True,
    "queued.max.messages.kbytes": 4_096,
    "fetch.message.max.bytes": 262_144,
}
_OFFSET_BITS: Final = 48


class Waiting(Struct, frozen=True):
    """Letters that wait: counts by topic and reason, the newest first without key and value.

    `complete`: all that the topic holds was read.
    """

    counts: dict[tuple[str, str], int]
    newest: tuple[Letter, ...]
    complete: bool = True


class Tally:
    """Counts letters as they are read; of each it keeps eight bytes, of the newest the facts."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._places: dict[tuple[str, str], array[int]] = {}
        self._driven: set[int] = set()
        self._heads: dict[str, Letter] = {}
        self._oldest: list[tuple[int, str]] = []

    def take(self, message: Any) -> None:
        """A record of the topic: a letter, or the mark of one that was driven again."""
        headers: Headers = message.headers() or []
        if marked := [value.decode("utf-8", "replace") for n, value in headers if n == MARKER]:
            for letter_id in marked:
                self._mark(letter_id)
            return
        head = head_of(message, headers)
        if head is None or not self._choice.holds(head):
            return
        kind = (head.facts.source_topic, head.facts.reason)
        self._places.setdefault(kind, array("q")).append(_packed(head.letter_id))
        self._heads[head.letter_id] = head
        heapq.heappush(self._oldest, (head.at_ms, head.letter_id))
        while len(self._heads) > HELD_MAX:
            self._heads.pop(heapq.heappop(self._oldest)[1], None)

    def told(self, *, complete: bool) -> Waiting:
        """What waits, as far as it was read."""
        counts = {
            kind: sum(place not in self._driven for place in places)
            for kind, places in self._places.items()
        }
        left = (h for h in self._heads.values() if _packed(h.letter_id) not in self._driven)
        newest = heapq.nlargest(SHOWN_MAX, left, key=lambda head: (head.at_ms, head.letter_id))
        return Waiting({k: n for k, n in counts.items() if n}, tuple(newest), complete)

    def _mark(self, letter_id: str) -> None:
        with suppress(ValueError):
            self._driven.add(_packed(letter_id))
        self._heads.pop(letter_id, None)


def head_of(message: Any, headers: Headers) -> Letter | None:
    """A letter without key, value and headers; None: it is none of ours."""
    facts = dead_letter_of(headers)
    if not isinstance(facts, DeadLetter):
        return None
    letter_id = f"{message.partition()}@{message.offset()}"
    return Letter(letter_id, message.timestamp()[1], facts, None, None, [])


def _packed(letter_id: str) -> int:
    """A place in 64 bits. Raises: ValueError: it is none."""
    partition, _, offset = letter_id.partition("@")
    return (int(partition) << _OFFSET_BITS) | int(offset)


def waiting_letters(settings: Settings, choice: Choice, stopped: Callable[[], bool]) -> Waiting:
    """The letters of a choice that wait, among the newest `RECORDS_MAX` records; blocks.

    Args:
        settings: whose broker is asked.
        choice: which are meant; its ids are passed over.
        stopped: whether nobody wants to know any more.

    Raises:
        OperatorError: no broker answers, or the topic is missing.
    """
    tally, reading = Tally(choice), _Reading(settings, stopped)
    for message in reading.newest():
        tally.take(message)
    return tally.told(complete=reading.complete)


def waiting_letter(
    settings: Settings, letter_id: str, stopped: Callable[[], bool]
) -> Letter | None:
    """One letter with its value, read at its place; None: it does not wait. Blocks.

    Raises:
        OperatorError: no broker answers, or the topic is missing.
    """
    partition, _, offset = letter_id.partition("@")
    place, found = (int(partition), int(offset)), None
    for message in _Reading(settings, stopped).newest(place):
        headers: Headers = message.headers() or []
        if (MARKER, letter_id.encode()) in headers:
            return None
        if (message.partition(), message.offset()) == place:
            head = head_of(message, headers)
            if head is None:
                return None
            found = Letter(letter_id, head.at_ms, head.facts, None, message.value(), [])
        elif found is None and message.partition() == place[0] and message.offset() > place[1]:
            return None
    return found


class _Reading:
    """The newest records of the topic, one after the other, for a bounded time."""

    def __init__(self, settings: Settings, stopped: Callable[[], bool]) -> None:
        self.complete = True
        self._settings = settings
        self._stopped = stopped
        self._name = settings.on_broker(topics.DEAD_LETTERS)

    def newest(self, first: tuple[int, int] | None = None) -> Iterator[Any]:
        """Them; of one partition from an offset on, where `first` says so."""
        consumer = new_reader(self._settings, f"{self._settings.group}-page-letters", READER)
        try:
            places = self._places(consumer, first)
            consumer.assign(places)
            left, end_s = len(places), time.monotonic() + SECONDS_MAX
            while left and time.monotonic() < end_s and not self._stopped():
                for message in arrived(consumer, WAIT_S, AT_ONCE):
                    error = message.error()
                    if error is None:
                        yield message
                    elif error.code() == Codes._PARTITION_EOF:
                        left -= 1
                    else:
                        raise OperatorError(f"reading {self._name}: {error.str()}")
            self.complete = self.complete and not left
        finally:
            consumer.close()

    def _places(self, consumer: Consumer, first: tuple[int, int] | None) -> list[TopicPartition]:
        numbers = partitions_on_broker(consumer, self._name, self._settings)
        each = RECORDS_MAX // len(numbers)
        places = []
        for number in numbers:
            place = TopicPartition(self._name, number)
            begin, end = consumer.get_watermark_offsets(place, timeout=TIMEOUT_S)
            place.offset = max(begin, end - each)
            if first is not None and number == first[0]:
                if not begin <= first[1] < end:
                    return []
                place.offset = first[1]
            self.complete = self.complete and place.offset == begin
            places.append(place)
        return places
