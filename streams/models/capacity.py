"""How much a contact must gain so that about as many cases a week open as there is time for.

Every look at which a case could open is learned, with what a contact would gain: a histogram in
bins of 5 %, and how long was watched. Both fade by event time. Above the threshold lie about so
many looks a week; who lies above it is opened and looked at no more, so looks above it are cases.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct, to_builtins

from streams.contracts.internal.learning import LearningExample
from streams.contracts.times import HOUR_MS, WEEK_MS
from streams.models.saved import saved_state

BIN = math.log(1.05)
GAIN_MIN = 0.01
HALF_LIFE_WEEKS = 4.0
WEEKS_SEEN_MIN = 1.0
FORGOTTEN = 1e-6


class CapacityModel(Struct, frozen=True):
    """The immutable view: looks by gain, as (bin, how many), the greatest first; weeks watched."""

    version: str = "cold-start"
    weeks: float = 0.0
    bins: tuple[tuple[int, float], ...] = ()

    def threshold(self, per_week: float) -> float | None:
        """The gain above which so many looks a week lie; None while under a week was watched.

        >>> CapacityModel("v", 2.0, ((100, 2.0), (90, 40.0))).threshold(100.0)
        0.0
        """
        if self.weeks < WEEKS_SEEN_MIN:
            return None
        left = per_week * self.weeks
        for at, many in self.bins:
            if many > left:
                return math.exp(BIN * (at + 1.0 - left / many))
            left -= many
        return 0.0


class CapacityState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the learner remembers, by name."""

    clock_ms: int = 0
    weeks: float = 0.0
    bins: tuple[tuple[int, float], ...] = ()


class CapacityLearner:
    """Learns from looks in the order in which they are told; its clock is their event time."""

    model_id: ClassVar[str] = "capacity"

    def __init__(self, state: CapacityState | None = None) -> None:
        """`state`: what `dump` gave, else nothing was seen."""
        state = state or CapacityState()
        self.clock_ms, self.weeks = state.clock_ms, state.weeks
        self.bins = dict(state.bins)

    def learn(self, example: LearningExample) -> None:
        """One look: what a contact would gain, in the shop's currency."""
        at = math.floor(math.log(max(example.features["gain"], GAIN_MIN)) / BIN)
        self._pass_time(example.observed_at_ms)
        self.bins[at] = self.bins.get(at, 0.0) + 1.0

    def view(self, version: str) -> CapacityModel:
        """What is known now, frozen under a version's name."""
        return CapacityModel(version, self.weeks, self._sorted())

    def dump(self) -> dict[str, object]:
        """Every parameter by name, as JSON types."""
        state = CapacityState(clock_ms=self.clock_ms, weeks=self.weeks, bins=self._sorted())
        return dict(to_builtins(state))

    @classmethod
    def load(cls, data: Mapping[str, object]) -> "CapacityLearner":
        """The learner that `dump` wrote out; it goes on as if it had never stopped.

        Raises:
            StateError: a parameter is missing, unknown or of the wrong type.
        """
        return cls(saved_state(data, CapacityState, "the capacity's"))

    def _sorted(self) -> tuple[tuple[int, float], ...]:
        return tuple(sorted(self.bins.items(), reverse=True))

    def _pass_time(self, now_ms: int) -> None:
        """Once an hour of event time, forget a little: looks and time watched alike."""
        if not self.clock_ms:
            self.clock_ms = now_ms
        hours = (now_ms - self.clock_ms) // HOUR_MS
        if hours <= 0:
            return
        self.clock_ms += hours * HOUR_MS
        kept = 0.5 ** (hours * HOUR_MS / WEEK_MS / HALF_LIFE_WEEKS)
        faded = HALF_LIFE_WEEKS / math.log(2.0) * (1.0 - kept)
        self.weeks = self.weeks * kept + faded
        left = {at: many * kept for at, many in self.bins.items()}
        self.bins = {at: many for at, many in left.items() if many > FORGOTTEN}
