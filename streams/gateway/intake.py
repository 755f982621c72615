"""What of a request is taken, what is refused, and what goes where; nothing is decided here."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.envelope import STRUCTURED
from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.encode import OutputMessage, encode_dead_letter
from streams.contracts.outputs.payloads import DeadLetter
from streams.contracts.sources.apply import path_at_origin
from streams.gateway.consent import objecting
from streams.gateway.keys import Sender
from streams.gateway.splitting import Incoming
from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter

NOT_ALLOWED: Final = "not_allowed"
SERVER_ONLY: Final = "needs the write key of a server"
KEY_BYTES_MAX: Final = 256
NO_PLACE: Final = -1  # a dead letter of a request has no partition and no offset


class RejectedEvent(Struct, frozen=True):
    """An event that was not taken: its place in the request, why, and where in the event."""

    index: int
    reason: str
    path: str
    detail: str


class Taken(Struct, frozen=True):
    """What became of a request's events; all of it is in Kafka."""

    accepted: int
    rejected: list[RejectedEvent]


class Sink(Protocol):
    """Where records go; returns when all in-sync replicas hold them."""

    async def send(self, messages: Sequence[OutputMessage]) -> None:
        """Write all of them."""


class Intake:
    """Judges events as the worker does, and writes them."""

    def __init__(
        self,
        sink: Sink,
        meter: Meter,
        occurred_at_min_ms: int,
        clock_ms: Callable[[], int],
        placeholders: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        """`placeholders` are the shop's own words for nobody, as they are now."""
        self._sink = sink
        self._meter = meter
        self._occurred_at_min_ms = occurred_at_min_ms
        self._clock_ms = clock_ms
        self._placeholders = placeholders

    async def take(
        self, sender: Sender, incoming: Sequence[Incoming], *, gpc: bool = False
    ) -> Taken:
        """Write what is good to its topics and the rest to the dead letters.

        What the sender may not write is refused and goes nowhere: whoever drives dead letters again
        must not do it in the sender's place.

        Raises:
            NotAcknowledgedError: Kafka did not confirm all of it.
        """
        rules = InputRules(
            now_ms=self._clock_ms(),
            occurred_at_min_ms=self._occurred_at_min_ms,
            placeholders=self._placeholders(),
        )
        messages: list[OutputMessage] = []
        rejected: list[RejectedEvent] = []
        letters: list[tuple[str, str]] = []
        for one in incoming:
            item = _objecting(one) if gpc else one
            if not sender.may_send(item.topic):
                rejected.append(RejectedEvent(item.index, NOT_ALLOWED, "$.event_name", SERVER_ONLY))
                continue
            found = judge(item, rules)
            if isinstance(found, Rejected):
                path = path_at_origin(found.path, item.origins)
                rejected.append(RejectedEvent(item.index, found.reason, path, found.detail))
                messages.append(_letter(item, found))
                letters.append((item.topic, found.reason))
            else:
                messages.append(found)
        started_s = time.perf_counter()
        await self._sink.send(messages)
        self._meter.observe(metrics.GATEWAY_ACK, value=time.perf_counter() - started_s)
        for topic, reason in letters:
            self._meter.count(metrics.REJECTED, topic, reason)
        return Taken(len(messages) - len(letters), rejected)


def judge(item: Incoming, rules: InputRules) -> OutputMessage | Rejected:
    """The record of an event, or why the worker would not take it."""
    if item.fault is not None:
        return item.fault
    event = decode(item.topic, item.value, item.headers, rules)
    if isinstance(event, Rejected):
        return event
    key = event.identity.key.encode()
    return OutputMessage(item.topic, key, item.value, item.headers)


def _objecting(item: Incoming) -> Incoming:
    structured = ("content-type", STRUCTURED) in item.headers
    return replace(item, value=objecting(item.value, structured=structured))


def _letter(item: Incoming, rejected: Rejected) -> OutputMessage:
    letter = DeadLetter(
        reason=rejected.reason,
        path=rejected.path,
        detail=rejected.detail,
        source_topic=item.topic,
        source_partition=NO_PLACE,
        source_offset=NO_PLACE,
        attempt=1,
    )
    key = item.key if item.key is not None and len(item.key) <= KEY_BYTES_MAX else None
    return encode_dead_letter(letter, key, item.value, item.headers)
