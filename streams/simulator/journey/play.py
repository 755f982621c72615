"""The slice as a story: what households did, and what our offers meet of it.

An offer is redeemed if the household did use a coupon of that deal in 2017, after the offer came
and before it ended: that basket then carries the decision's id, and the till reports it. Nothing
else is made up but that each offer is delivered and looked at soon. Coupons that we never offered
stay on the baskets as they were.
"""

import heapq
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from streams import topics
from streams.contracts.reference.files import load_reference
from streams.contracts.reference.structs import Reference
from streams.contracts.times import HOUR_MS, from_ms, to_ms
from streams.evaluation.inputs import read_records
from streams.simulator.journey import EVENTS, SHOP
from streams.simulator.journey.events import CONTEXT
from streams.simulator.records import Sent
from streams.simulator.stories import Received

DELIVERED_AFTER_MS: Final = 2_000
VIEWED_AFTER_MS: Final = 20_000


class Event(Struct, frozen=True):
    """What the household did: the record and its moment."""

    at_ms: int
    sent: Sent


class _Stamp(Struct, frozen=True):
    occurred_at: datetime


class _Given(Struct, frozen=True):
    """An offer in a household's hand."""

    customer_id: str
    offer_id: str
    decision_id: str
    from_ms: int
    until_ms: int


_stamp = msgspec.json.Decoder(_Stamp)


class Journey:
    """Households of the slice from the first record to an hour after the last; a `Story`."""

    def __init__(
        self, events: Path = EVENTS, shop: Path = SHOP, *, every_household: int = 1
    ) -> None:
        """Read the slice.

        Args:
            events: JSON lines in the order of time.
            shop: the folder of the reference data.
            every_household: 4 plays one of four households, whole as ever.
        """
        self.reference: Reference = load_reference(shop)
        self._ahead = deque(_read(events, every_household))
        self.start_ms = self._ahead[0].at_ms
        self.end_ms = self._ahead[-1].at_ms + HOUR_MS
        self._households = dict.fromkeys(event.sent.key.decode() for event in self._ahead)
        self._answers: list[tuple[int, int, Sent]] = []
        self._answered: set[str] = set()
        self._given: dict[tuple[str, str], list[_Given]] = {}
        self._count = 0

    @property
    def customer_ids(self) -> tuple[str, ...]:
        """All households."""
        return tuple(self._households)

    def step(self, until_ms: int) -> list[Sent]:
        """What households did up to `until_ms`, and what became of offers, in order."""
        sent: list[Sent] = []
        while (at_ms := self._next_ms()) is not None and at_ms <= until_ms:
            if self._answers and self._answers[0][0] == at_ms:
                sent.append(heapq.heappop(self._answers)[2])
            else:
                sent.extend(self._credited(self._ahead.popleft()))
        return sent

    def receive(self, offer: Received, now_ms: int) -> None:
        """An offer is delivered and looked at; its use, if there was one, waits for its day."""
        who, decision_id, offer_id = offer.customer_id, offer.decision_id, offer.offer_id
        if who not in self._households or decision_id in self._answered:
            return
        self._answered.add(decision_id)
        until_ms = to_ms(offer.valid_until)
        given = _Given(who, offer_id, decision_id, now_ms, until_ms)
        self._given.setdefault((who, offer_id), []).append(given)
        for name, after_ms in (
            ("offer_delivered", DELIVERED_AFTER_MS),
            ("offer_viewed", VIEWED_AFTER_MS),
        ):
            report = _report(name, given, now_ms + after_ms, "app")
            self._count += 1
            heapq.heappush(self._answers, (now_ms + after_ms, self._count, report))

    def _next_ms(self) -> int | None:
        heads = [self._answers[0][0]] if self._answers else []
        heads += [self._ahead[0].at_ms] if self._ahead else []
        return min(heads, default=None)

    def _credited(self, event: Event) -> Iterator[Sent]:
        """The household's record; a coupon on it that we offered names its decision."""
        sent = event.sent
        if sent.topic == topics.OFFER_FEEDBACK.name:
            yield self._on_paper(event)
        elif sent.topic == topics.PURCHASE.name and b'"coupons"' in sent.value:
            order = msgspec.json.decode(sent.value)
            who = sent.key.decode()
            for coupon in order["coupons"]:
                given = self._used(who, coupon.get("offer_id"), event.at_ms)
                if given is not None:
                    coupon["decision_id"] = given.decision_id
                    yield _report("offer_redeemed", given, event.at_ms, "pos")
            yield sent._replace(value=msgspec.json.encode(order))
        else:
            yield sent

    def _on_paper(self, event: Event) -> Sent:
        """A use whose basket was not sampled: under our decision if we made the offer."""
        used = msgspec.json.decode(event.sent.value)
        given = self._used(event.sent.key.decode(), used["offer_id"], event.at_ms)
        if given is None:
            return event.sent
        credited = {**used, "decision_id": given.decision_id}
        return event.sent._replace(value=msgspec.json.encode(credited))

    def _used(self, who: str, offer_id: str | None, at_ms: int) -> _Given | None:
        """The newest decision that gave this offer and still holds; it holds no longer then."""
        given = self._given.get((who, offer_id or ""), [])
        held = [g for g in given if g.from_ms <= at_ms < g.until_ms]
        if not held:
            return None
        newest = max(held, key=lambda g: g.from_ms)
        given.remove(newest)
        return newest


def _report(name: str, given: _Given, at_ms: int, reporter: str) -> Sent:
    event = {
        "event_id": f"{name[6:]}-{given.decision_id}",
        "event_name": name,
        "occurred_at": from_ms(at_ms),
        "identity": {"customer_id": given.customer_id},
        "channel": "app" if reporter == "app" else "store",
        "context": CONTEXT,
        "decision_id": given.decision_id,
        "offer_id": given.offer_id,
        "reporter": reporter,
    }
    key = given.customer_id.encode()
    return Sent(topics.OFFER_FEEDBACK.name, key, msgspec.json.encode(event))


def _read(path: Path, every_household: int) -> Iterator[Event]:
    place: dict[bytes, int] = {}
    for record in read_records(str(path)):
        key = record.key or b""
        if place.setdefault(key, len(place)) % every_household == 0:
            at_ms = to_ms(_stamp.decode(record.value).occurred_at)
            yield Event(at_ms, Sent(record.topic, key, record.value))
