"""What came in, in order of arrival: lines or records become events, with what the line said."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.events import InputEvent
from streams.contracts.inputs.json_lines import parse_line
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.times import DAY_MS
from streams.contracts.unreadable import UNREADABLE

LEAP_MAX_MS = 366 * DAY_MS
NO_CLOCK_MS = 2**52


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


class _Where(Struct, frozen=True):
    timezone: str | None = None


class _Said(Struct, frozen=True):
    context: _Where | None = None


_said = msgspec.json.Decoder(_Said)


def came_of_lines(lines: Iterable[bytes]) -> Iterator[Came]:
    """JSON lines as `offerstream replay` reads them: `{"topic", "value"}`, or an event alone.

    >>> [c.topic for c in came_of_lines([b'{"event_name": "order_completed"}'])]
    ['events.purchase']
    """
    for number, line in enumerate(lines, 1):
        if text := line.strip():
            record = parse_line(number, text)
            yield Came(f"line {number}", record.topic, record.value)


def arrivals_of(came: Iterable[Came], leap_max_ms: int = LEAP_MAX_MS) -> tuple[list[Arrival], int]:
    """The events that can be accepted at all, and how many inputs can not.

    The clock is the stream's own: the greatest event time so far. An event that leaps further ahead
    of it than `leap_max_ms` is not accepted; `replay` takes a year, a worker goes by the wall.
    """
    found: list[Arrival] = []
    refused, clock_ms = 0, NO_CLOCK_MS
    for one in came:
        rules = InputRules(now_ms=clock_ms, occurred_at_min_ms=0, future_tolerance_ms=leap_max_ms)
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
