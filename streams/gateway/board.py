"""The offers that are valid now, by person, in bounded memory; and who watches them.

An offer belongs to the id that it was decided for, and is shown to nobody else, whatever ids have
been linked since. All of it happens in one event loop.
"""

import asyncio
import heapq
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from typing import Final

import msgspec
from msgspec import Struct

from streams.contracts.outputs.payloads import NextBestOffer
from streams.contracts.times import to_ms

PERSON_OFFERS_MAX: Final = 20
OFFERS_MAX: Final = 100_000
WATCHERS_MAX: Final = 5
WAITING_MAX: Final = 100
ERASED_MAX: Final = 100_000

_offer: Final = msgspec.json.Decoder(NextBestOffer)


class Place(Struct, frozen=True, order=True, gc=False):
    """Where an offer stands on its topic; all of one person stand on one partition.

    >>> str(Place(3, 41)), Place.read("3-41"), Place.read("x")
    ('3-41', Place(partition=3, offset=41), None)
    """

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}-{self.offset}"

    @staticmethod
    def read(text: str) -> "Place | None":
        """What a watcher has seen last; None where it is none of ours."""
        partition, _, offset = text.partition("-")
        good = all(
            part.isascii() and part.isdigit() and len(part) < 19 for part in (partition, offset)
        )
        return Place(int(partition), int(offset)) if good else None


class Held(Struct, frozen=True, gc=False):
    """An offer and its place, as bytes, for few of many are ever shown.

    Decoded it would be some twenty objects, and Python would walk over those of all offers again
    and again in search of garbage, while everybody waits.
    """

    place: Place
    person: str
    decision_id: str
    decided_ms: int
    end_ms: int
    data: bytes

    @staticmethod
    def read(place: Place, data: bytes) -> "Held":
        """What stands at a place of the topic.

        Raises:
            msgspec.DecodeError: it is no offer.
        """
        offer = _offer.decode(data)
        end_ms = min(to_ms(offer.valid_until), to_ms(offer.offer.valid_until))
        decided_ms = to_ms(offer.decided_at)
        return Held(place, offer.customer_id, offer.decision_id, decided_ms, end_ms, data)

    @property
    def offer(self) -> NextBestOffer:
        """The offer itself."""
        return _offer.decode(self.data)


class Watcher:
    """One who is told of each new offer of a person; `None` in the queue: it is over."""

    def __init__(self, person: str) -> None:
        self.person = person
        self.queue: asyncio.Queue[Held | None] = asyncio.Queue()


class Board:
    """Valid offers by person."""

    def __init__(self, clock_ms: Callable[[], int]) -> None:
        self.ready = False
        self._closed = False
        self._clock_ms = clock_ms
        self._held: OrderedDict[str, Held] = OrderedDict()
        self._by_person: dict[str, list[str]] = {}
        self._ends: list[tuple[int, str, str]] = []
        self._watchers: dict[str, list[Watcher]] = {}
        self._erased_ms: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        """How many offers are held."""
        return len(self._held)

    def post(self, held: Held) -> None:
        """A new offer; told to who watches, unless it is over or its person was erased since."""
        person, now_ms = held.person, self._clock_ms()
        self._take_down_what_is_over(now_ms)
        if not self._is_valid(held, now_ms) or held.decision_id in self._held:
            return
        self._held[held.decision_id] = held
        self._note_end(held)
        own = self._by_person.setdefault(person, [])
        own.append(held.decision_id)
        if len(own) > PERSON_OFFERS_MAX:
            self.take_down(person, own[0])
        if len(self._held) > OFFERS_MAX:
            oldest = next(iter(self._held.values()))
            self.take_down(oldest.person, oldest.decision_id)
        for watcher in tuple(self._watchers.get(person, ())):
            if watcher.queue.qsize() >= WAITING_MAX:
                self._end(watcher)
            else:
                watcher.queue.put_nowait(held)

    def _note_end(self, held: Held) -> None:
        """What was taken down before its end is forgotten once it is more than what is held."""
        heapq.heappush(self._ends, _ending(held))
        if len(self._ends) > 2 * OFFERS_MAX:
            self._ends = [_ending(one) for one in self._held.values()]
            heapq.heapify(self._ends)

    def _take_down_what_is_over(self, now_ms: int) -> None:
        """Else an offer that nobody asks about again would be held until there are too many."""
        while self._ends and self._ends[0][0] <= now_ms:
            _, person, decision_id = heapq.heappop(self._ends)
            self.take_down(person, decision_id)

    def take_down(self, person: str, decision_id: str) -> None:
        """The offer is used, dismissed, not delivered; only where it is this person's."""
        held = self._held.get(decision_id)
        if held is None or held.person != person:
            return
        del self._held[decision_id]
        own = self._by_person[person]
        own.remove(decision_id)
        if not own:
            del self._by_person[person]

    def erase(self, person: str, at_ms: int) -> None:
        """Nothing of before is shown any more, and whoever watches is sent away."""
        self._erased_ms[person] = max(at_ms, self._erased_ms.pop(person, 0))
        if len(self._erased_ms) > ERASED_MAX:
            self._erased_ms.popitem(last=False)
        for decision_id in tuple(self._by_person.get(person, ())):
            if self._held[decision_id].decided_ms <= at_ms:
                self.take_down(person, decision_id)
        for watcher in tuple(self._watchers.get(person, ())):
            self._end(watcher)

    def erased_s(self, person: str) -> float:
        """When the person was erased last, in seconds since the epoch; 0 for never."""
        return self._erased_ms.get(person, 0) / 1_000

    def valid(self, person: str, after: Place | None = None) -> list[Held]:
        """What may be shown now, the oldest first; of its partition only what came `after`."""
        now_ms = self._clock_ms()
        own = [self._held[d] for d in self._by_person.get(person, ())]
        for held in own:
            if not self._is_valid(held, now_ms):
                self.take_down(person, held.decision_id)
        return [
            held
            for held in own
            if held.decision_id in self._held
            and (after is None or held.place.partition != after.partition or held.place > after)
        ]

    def newest(self, most: int) -> list[Held]:
        """The newest valid offers of all people, the newest first."""
        self._take_down_what_is_over(self._clock_ms())
        return list(islice(reversed(self._held.values()), most))

    def watch(self, person: str, after: Place | None = None) -> Watcher | None:
        """Be told of what is valid and of all that comes; None where too many watch already."""
        watching = self._watchers.setdefault(person, [])
        if len(watching) >= WATCHERS_MAX or self._closed:
            return None
        watcher = Watcher(person)
        watching.append(watcher)
        for held in self.valid(person, after):
            watcher.queue.put_nowait(held)
        return watcher

    def unwatch(self, watcher: Watcher) -> None:
        """It has gone."""
        watching = self._watchers.get(watcher.person, [])
        if watcher in watching:
            watching.remove(watcher)
        if not watching:
            self._watchers.pop(watcher.person, None)

    def close(self) -> None:
        """The gateway ends: all are sent away, and come to another one."""
        self._closed = True
        for watching in tuple(self._watchers.values()):
            for watcher in tuple(watching):
                self._end(watcher)

    def _end(self, watcher: Watcher) -> None:
        self.unwatch(watcher)
        watcher.queue.put_nowait(None)

    def _is_valid(self, held: Held, now_ms: int) -> bool:
        return now_ms < held.end_ms and held.decided_ms > self._erased_ms.get(held.person, -1)


def _ending(held: Held) -> tuple[int, str, str]:
    """When it ends, whose it is and which."""
    return held.end_ms, held.person, held.decision_id
