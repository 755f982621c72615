"""What came in, in order of arrival: lines or records become events, with what the line said."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from streams.contracts.decode import NAMES_BY_TOPIC, decode
from streams.contracts.events import InputEvent
from streams.contracts.rules import InputRules, Rejected
from streams.contracts.times import DAY_MS
from streams.topics import APP, CLICKSTREAM

LEAP_MAX_MS = 366 * DAY_MS
NO_CLOCK_MS = 2**52
UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class Came(Struct, frozen=True):
    """One input as it came: `label` says where it stood, as `line 7`."""

    label: str
    topic: str
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()


class Arrival(Struct, frozen=True):
    """An event that was accepted: `place` counts accepted events from 0 in order of arrival.

    `timezone` is None where the event itself names none.
    """

    place: int
    label: str
    event: InputEvent
    at_ms: int
    timezone: str | None

    @property
    def event_id(self) -> str:
        """The event's id."""
        return self.event.event_id


class _Wrapped(Struct, frozen=True):
    topic: str
    value: msgspec.Raw


class _Alone(Struct, frozen=True):
    event_name: str = ""
    channel: str = ""


class _Where(Struct, frozen=True):
    timezone: str | None = None


class _Said(Struct, frozen=True):
    context: _Where | None = None


_wrapped = msgspec.json.Decoder(_Wrapped)
_alone = msgspec.json.Decoder(_Alone)
_said = msgspec.json.Decoder(_Said)


def came_of_lines(lines: Iterable[bytes]) -> Iterator[Came]:
    """JSON lines as `offerstream replay` reads them: `{"topic", "value"}`, or an event alone.

    >>> [c.topic for c in came_of_lines([b'{"event_name": "order_completed"}'])]
    ['events.purchase']
    """
    for number, line in enumerate(lines, 1):
        if not (text := line.strip()):
            continue
        try:
            wrapped = _wrapped.decode(text)
            yield Came(f"line {number}", wrapped.topic, bytes(wrapped.value))
        except UNREADABLE:
            yield Came(f"line {number}", _topic_of(text), text)


def _topic_of(text: bytes) -> str:
    """The topic of an event that stands alone, by its name; where two have it, by its channel."""
    try:
        event = _alone.decode(text)
    except UNREADABLE:
        return CLICKSTREAM.name
    homes = [topic for topic, names in NAMES_BY_TOPIC.items() if event.event_name in names]
    if APP.name in homes and (event.channel == "app" or len(homes) == 1):
        return APP.name
    return homes[0] if homes else CLICKSTREAM.name


def arrivals_of(came: Iterable[Came]) -> tuple[list[Arrival], int]:
    """The events that can be accepted at all, and how many inputs can not.

    The clock is the stream's own: the greatest event time so far. An event that leaps more than
    a year ahead of it is not accepted (as `replay` says).
    """
    found: list[Arrival] = []
    refused, clock_ms = 0, NO_CLOCK_MS
    for one in came:
        rules = InputRules(now_ms=clock_ms, occurred_at_min_ms=0, future_tolerance_ms=LEAP_MAX_MS)
        event = decode(one.topic, one.value, one.headers, rules)
        if isinstance(event, Rejected):
            refused += 1
            continue
        clock_ms = event.at_ms if clock_ms == NO_CLOCK_MS else max(clock_ms, event.at_ms)
        zone = _timezone_of(one.value)
        found.append(Arrival(len(found), one.label, event, event.at_ms, zone))
    return found, refused


def _timezone_of(value: bytes) -> str | None:
    """The zone that the event itself names; its struct has a default and cannot tell."""
    try:
        context = _said.decode(value).context
    except UNREADABLE:
        return None
    return None if context is None else context.timezone
