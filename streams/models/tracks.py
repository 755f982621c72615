"""How long new customers of this shop take to their first and second purchase, learned.

A histogram of the time that it took, in ticks, one for each purchase; what was learned fades by
event time, as in `models.churn`. The view says within how long `DUE_SHARE` of those who made the
purchase within the horizon had made it. Those who did not make it are counted beside it (`missed`):
nothing is said of when they would have.
"""

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct, to_builtins

from streams.contracts.common import TrackName
from streams.contracts.internal.learning import LearningExample
from streams.contracts.sums import sum_of
from streams.contracts.times import WEEK_MS
from streams.models.saved import saved_state

DUE_SHARE = 0.8
MADE_MIN = 30.0
TIMES_SEEN_MIN = 2.0
MEMORY_HALF_LIFE_TICKS = 52.0
TICKS_MAX = 104
TRACKS: dict[float, TrackName] = {1.0: "first_purchase", 2.0: "second_purchase"}


class Times(Struct, frozen=True, forbid_unknown_fields=True):
    """Of one purchase: how many took so many whole ticks, how many never made it, since when.

    `since_ms` and `newest_ms`: when the first label and the newest became known.
    """

    took: tuple[float, ...] = ()
    missed: float = 0.0
    since_ms: int = 0
    newest_ms: int = 0

    def within_ticks(self, share: float) -> float:
        """Within how many ticks this share of those who made it had made it; even in a tick.

        >>> Times(took=(0.0, 2.0, 2.0)).within_ticks(0.75)
        2.5
        """
        wanted = share * sum_of(self.took)
        for ticks, many in enumerate(self.took):
            if wanted <= many:
                return ticks + (wanted / many if many else 0.0)
            wanted -= many
        return float(len(self.took))

    def due_ticks(self, tick_ms: int) -> float | None:
        """The time, if this shop's own data carry it.

        Thirty have made the purchase, and labels were seen for twice the time that is said: in a
        shorter while only the quick ones can have made it.
        """
        if sum_of(self.took) < MADE_MIN:
            return None
        ticks = self.within_ticks(DUE_SHARE)
        seen = (self.newest_ms - self.since_ms) / tick_ms
        return ticks if seen >= TIMES_SEEN_MIN * ticks else None


class TrackModel(Struct, frozen=True):
    """The immutable view; `TrackModel()` has learned nothing and says of no purchase when."""

    version: str = "cold-start"
    tick_ms: int = WEEK_MS
    first_purchase: float | None = None
    second_purchase: float | None = None

    def due_ticks(self, track: TrackName, tick_ms: int) -> float | None:
        """Within how many ticks people of this shop make this purchase; None: own data do not tell.

        What was learned on another length of tick is passed over.
        """
        if tick_ms != self.tick_ms:
            return None
        return self.first_purchase if track == "first_purchase" else self.second_purchase


class TrackState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the learner remembers, by name."""

    tick_ms: int
    clock_ms: int
    first_purchase: Times
    second_purchase: Times


class TrackLearner:
    """Learns from the end of each wait, in the order in which they became known."""

    model_id: ClassVar[str] = "tracks"

    def __init__(self, tick_ms: int = WEEK_MS) -> None:
        self._start_over(tick_ms)

    def _start_over(self, tick_ms: int) -> None:
        self.tick_ms = tick_ms
        self.clock_ms = 0
        self.times: dict[TrackName, Times] = {name: Times() for name in TRACKS.values()}

    def learn(self, example: LearningExample) -> None:
        """One label: 1 when the purchase was made, after `took_ticks`; 0 when it was not."""
        features = example.features
        name = TRACKS.get(features["purchase"])
        if name is None:
            return
        made = example.label > 0.5
        tick_ms, took_ticks = round(features["tick_ms"]), features["took_ticks"] if made else 0.0
        if tick_ms != self.tick_ms:
            self._start_over(tick_ms)
        self._pass_time(example.observed_at_ms)
        old = self.times[name]
        self.times[name] = Times(
            took=_with_one(old.took, took_ticks) if made else old.took,
            missed=old.missed + (not made),
            since_ms=old.since_ms or example.observed_at_ms,
            newest_ms=max(old.newest_ms, example.observed_at_ms),
        )

    def view(self, version: str) -> TrackModel:
        """What is known now, frozen under a version's name."""
        due = {name: times.due_ticks(self.tick_ms) for name, times in self.times.items()}
        return TrackModel(version, self.tick_ms, due["first_purchase"], due["second_purchase"])

    def dump(self) -> dict[str, object]:
        """Every parameter by name, as JSON types."""
        state = TrackState(
            tick_ms=self.tick_ms,
            clock_ms=self.clock_ms,
            first_purchase=self.times["first_purchase"],
            second_purchase=self.times["second_purchase"],
        )
        return dict(to_builtins(state))

    @classmethod
    def load(cls, data: Mapping[str, object]) -> "TrackLearner":
        """The learner that `dump` wrote out; it goes on as if it had never stopped.

        Raises:
            StateError: a parameter is missing, unknown or of the wrong type.
        """
        state = saved_state(data, TrackState, "the tracks'")
        learner = cls(state.tick_ms)
        learner.clock_ms = state.clock_ms
        learner.times = {
            "first_purchase": state.first_purchase,
            "second_purchase": state.second_purchase,
        }
        return learner

    def _pass_time(self, now_ms: int) -> None:
        """Once a tick of event time, forget a little."""
        if not self.clock_ms:
            self.clock_ms = now_ms
        ticks = (now_ms - self.clock_ms) // self.tick_ms
        if ticks <= 0:
            return
        self.clock_ms += ticks * self.tick_ms
        kept = 0.5 ** (ticks / MEMORY_HALF_LIFE_TICKS)
        for name, old in self.times.items():
            took = tuple(many * kept for many in old.took)
            self.times[name] = Times(took, old.missed * kept, old.since_ms, old.newest_ms)


def _with_one(took: tuple[float, ...], ticks: float) -> tuple[float, ...]:
    """The histogram with one more; it is as long as the longest time in it."""
    at = min(max(int(ticks), 0), TICKS_MAX)
    longer = took + (0.0,) * (at + 1 - len(took))
    return (*longer[:at], longer[at] + 1.0, *longer[at + 1 :])
