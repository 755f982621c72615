"""When something was said: how many inputs had come by then."""

from bisect import bisect_left

from streams.audit.arrivals import Arrival


class Timeline:
    """The stream's clock over the arrivals: the greatest event time so far."""

    def __init__(self, arrivals: list[Arrival]) -> None:
        self.arrivals = arrivals
        self._clock: list[int] = []
        self._first: dict[str, Arrival] = {}
        for arrival in arrivals:
            last_ms = self._clock[-1] if self._clock else arrival.at_ms
            self._clock.append(max(last_ms, arrival.at_ms))
            self._first.setdefault(arrival.event_id, arrival)

    def find(self, event_id: str) -> Arrival | None:
        """The first event of this id."""
        return self._first.get(event_id)

    def clock_ms(self, place: float) -> int:
        """The stream's clock after the inputs before `place`; 0 before the first."""
        came = int(min(place, len(self._clock)))
        return self._clock[came - 1] if came else 0

    def place_of(self, at_ms: int, trigger: Arrival | None) -> int:
        """How many inputs had come when something was said at `at_ms`, because of `trigger`.

        What an event causes at once is said after it. What a timer causes is said when the
        stream's clock reaches its time, before the event that brings the clock there.
        """
        by_clock = bisect_left(self._clock, at_ms)
        return by_clock if trigger is None else max(by_clock, trigger.place + 1)
