"""How many people each offer reached lately, and how often it was used, by the log."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from streams import topics
from streams.archive import archived_up_to, is_archive, rows_of_days
from streams.broker.clients import new_reader
from streams.broker.reading import CONNECT_S_MAX, newest_places, partitions_on_broker, read_to_end
from streams.contracts.unreadable import UNREADABLE
from streams.errors import NoBrokerError
from streams.evaluation.offer_logs import RESPONSE, label_of
from streams.settings import Settings
from streams.topics import Topic

DAYS: Final = 28
NEWEST_MAX: Final = 50_000  # of each partition, of what is not archived


class OfferReach(Struct, frozen=True):
    """One offer: people who got it, how often it was sent, how many of these are known as used."""

    offer_id: str
    people: int
    sent: int
    used: int


class Reached(Struct, frozen=True, tag="reached"):
    """All offers that were sent; since when the log that was read tells of decisions; how many."""

    offers: tuple[OfferReach, ...]
    since: str
    decisions: int


class _Decided(Struct):
    decision_id: str
    customer_id: str
    decided_at: str
    verdict: str
    chosen_offer_id: str | None = None


class _Example(Struct):
    example_id: str
    model: str
    label: float


_decided: Final = msgspec.json.Decoder(_Decided)
_example: Final = msgspec.json.Decoder(_Example)


def reach(settings: Settings) -> Reached:
    """The last days of the archive of this machine, where there is one, and the newest records.

    Raises:
        NoBrokerError: no broker answers, and nothing is archived here.
        OperatorError: a topic is missing, or the archive cannot be read.
    """
    log = _Log(settings)
    used = _used(log.values(topics.LEARNING_EXAMPLES))
    return counted(log.values(topics.DECISION_LOG), used)


def counted(entries: Iterable[bytes], used: dict[str, float]) -> Reached:
    """What the log says; `used` has the labels by the id of their example."""
    people: defaultdict[str, set[str]] = defaultdict(set)
    sent: defaultdict[str, int] = defaultdict(int)
    uses: defaultdict[str, int] = defaultdict(int)
    since, many = "", 0
    for value in entries:
        try:
            entry = _decided.decode(value)
        except UNREADABLE:
            continue
        many += 1
        since = min(since or entry.decided_at, entry.decided_at)
        offer_id = entry.chosen_offer_id
        if entry.verdict != "offer" or offer_id is None:
            continue
        people[offer_id].add(entry.customer_id)
        sent[offer_id] += 1
        uses[offer_id] += (label_of(used, entry.decision_id) or 0.0) > 0.5
    found = (OfferReach(o, len(people[o]), sent[o], uses[o]) for o in sorted(sent))
    return Reached(tuple(found), since, many)


def _used(examples: Iterable[bytes]) -> dict[str, float]:
    """The labels of uses by the id of their example."""
    labels: dict[str, float] = {}
    for value in examples:
        try:
            example = _example.decode(value)
        except UNREADABLE:
            continue
        if example.model == RESPONSE and example.label > 0.5:
            labels[example.example_id] = example.label
    return labels


class _Log:
    """What is archived of the last days, then the newest that is not archived yet."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._root = Path(settings.archive_dir)
        self._archived = is_archive(self._root)
        self._away = False

    def values(self, topic: Topic) -> Iterator[bytes]:
        """The records of a topic; without a broker those that are archived."""
        if self._archived:
            yield from rows_of_days(self._root, topic, DAYS)
        if self._away:
            return
        name = self._settings.on_broker(topic)
        try:
            for message in read_to_end(self._settings, (name,), self._after(topic, name)):
                if message.value():
                    yield message.value()
        except NoBrokerError:
            if not self._archived:
                raise
            self._away = True

    def _after(self, topic: Topic, name: str) -> dict[tuple[str, int], int]:
        """Where to begin: after what is archived, and at the newest of each partition at most."""
        passed = archived_up_to(self._root) if self._archived else {}
        consumer = new_reader(self._settings, f"{self._settings.group}-admin-reader", {})
        try:
            partitions = partitions_on_broker(consumer, name, self._settings)
            places = newest_places(consumer, name, partitions, NEWEST_MAX, timeout_s=CONNECT_S_MAX)
        finally:
            consumer.close()
        return {
            (name, at.partition): max(at.offset, passed.get((topic.name, at.partition), 0))
            for at in places
        }
