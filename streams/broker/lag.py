"""How far a group is behind; the ends of transactions, which are control records, are no lag."""

import time
from collections.abc import Iterable, Mapping

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka import KafkaError as Codes

from streams.broker.clients import new_reader
from streams.runtime.clients import Config
from streams.settings import Settings

TIMEOUT_S = 5.0
_WAIT_S = 0.5
Place = tuple[str, int]
Ends = tuple[int, int]


class LagReader:
    """Asks for a group's lag again and again.

    After a transaction the end of a partition is one more than its last record's, so that an idle
    group never seems to be through. Where nothing has moved since the last time, one read tells
    whether there is a record at all.
    """

    def __init__(self, settings: Settings, group_id: str) -> None:
        self._client = end_reader(settings, group_id)
        self._before: Mapping[Place, Ends] = {}
        self._looked: dict[Place, Ends] = {}
        self._empty: dict[Place, Ends] = {}

    def lag(self, places: Iterable[Place]) -> dict[Place, int]:
        """Offsets between what is committed and the end, by topic and partition.

        Raises:
            KafkaException: the broker does not answer.
        """
        now = self._ends(places)
        idle = {
            place: ends[0]
            for place, ends in now.items()
            if ends[0] < ends[1]
            and self._before.get(place) == ends
            and self._looked.get(place) != ends
        }
        if idle:
            empty = without_records(self._client, idle)
            self._looked.update({place: now[place] for place in idle})
            self._empty.update({place: now[place] for place in empty})
        self._before = now
        return {
            place: 0 if self._empty.get(place) == ends else max(0, ends[1] - ends[0])
            for place, ends in now.items()
        }

    def _ends(self, places: Iterable[Place]) -> dict[Place, Ends]:
        """The committed position, or where a group without one begins, and the end."""
        asked = [TopicPartition(*place) for place in places]
        found = {}
        for at in self._client.committed(asked, timeout=TIMEOUT_S) if asked else ():
            low, high = self._client.get_watermark_offsets(at, timeout=TIMEOUT_S)
            found[at.topic, at.partition] = (max(at.offset, low), high)
        return found


def end_reader(settings: Settings, group_id: str) -> Consumer:
    """A consumer that tells where a partition ends; commits nothing."""
    more: Config = {"enable.partition.eof": True, "fetch.message.max.bytes": 1_000}
    return new_reader(settings, group_id, more)


def without_records(reader: Consumer, begins: Mapping[Place, int]) -> set[Place]:
    """Where from these offsets on nothing comes but the end; `reader` is an `end_reader`."""
    reader.assign([TopicPartition(*place, begin) for place, begin in begins.items()])
    left, empty, deadline_s = set(begins), set(), time.monotonic() + TIMEOUT_S
    try:
        while left and time.monotonic() < deadline_s:
            for message in reader.consume(100, _WAIT_S):
                place = (message.topic() or "", message.partition() or 0)
                error = message.error()
                if place in left and error is not None and error.code() == Codes._PARTITION_EOF:
                    empty.add(place)
                if error is None or place in empty:
                    left.discard(place)
    finally:
        reader.unassign()
    return empty
