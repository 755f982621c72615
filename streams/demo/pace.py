"""How fast a story goes: its past in so many seconds, and its present slowly, for a visitor."""

from collections.abc import Callable
from typing import Final

from streams.contracts.times import DAY_MS, HOUR_MS

PRESENT_SPEED: Final = 60.0  # a minute of the story in a second
PRESENT_HOUR_MS: Final = 10 * HOUR_MS  # UTC: when shops are open and nobody sleeps


class Pace:
    """Story time that goes on as real time does, at one of two speeds.

    The past ends at `present_ms`, which is None as long as nobody is there to see the present.
    Until then it ends with the story.
    """

    def __init__(
        self,
        start_ms: int,
        end_ms: int,
        seconds: float,
        tell: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`seconds`: of real time, from `start_ms` to `end_ms`; `tell` is told what time it is."""
        self.start_ms = start_ms
        self.end_ms = end_ms
        self.seconds = seconds
        self._tell = tell
        self.past_speed = (end_ms - start_ms) / 1000.0 / seconds
        self.present_ms: int | None = None
        self._now_ms = float(start_ms)

    @property
    def now_ms(self) -> int:
        """What time it is in the story."""
        return round(self._now_ms)

    @property
    def is_present(self) -> bool:
        """Whether the past is over, and somebody sees the present."""
        return self.present_ms is not None and self.now_ms >= self.present_ms

    @property
    def is_cut_short(self) -> bool:
        """Whether the present begins before the story's last morning: somebody did not wait."""
        return self.present_ms is not None and self.present_ms < _morning_before(self.end_ms)

    @property
    def speed(self) -> float:
        """Seconds of the story in a second of real time."""
        return PRESENT_SPEED if self.is_present else self.past_speed

    def stop_at_last_morning(self) -> None:
        """Somebody is there: the present begins on the last morning, or where the story is."""
        last_ms = _morning_before(self.end_ms)
        self._begin_present_at(last_ms if self.now_ms <= last_ms else self.now_ms)

    def stop_at_next_morning(self) -> None:
        """Somebody cannot wait for the past to be over."""
        self._begin_present_at(min(_morning_before(self.now_ms) + DAY_MS, self.end_ms))

    def go_on(self, seconds: float) -> None:
        """So much real time has passed."""
        left_s = seconds
        if not self.is_present:
            until_ms = self.end_ms if self.present_ms is None else self.present_ms
            moved_ms = min(seconds * self.past_speed * 1000.0, until_ms - self._now_ms)
            self._now_ms += moved_ms
            left_s -= moved_ms / 1000.0 / self.past_speed
        if self.is_present:
            self._now_ms += left_s * PRESENT_SPEED * 1000.0
        self._tell(self.now_ms)

    def _begin_present_at(self, at_ms: int) -> None:
        if not self.is_present:
            self.present_ms = at_ms if self.present_ms is None else min(at_ms, self.present_ms)


def _morning_before(at_ms: int) -> int:
    """The last one at or before this moment."""
    return (at_ms - PRESENT_HOUR_MS) // DAY_MS * DAY_MS + PRESENT_HOUR_MS
