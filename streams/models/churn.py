"""Churn: P(no purchase within the horizon), from models that learn and BG/NBD beside them.

BG/NBD serves from the first moment. The hazard learns who comes back within a tick, the direct
model who comes back within the horizon, the life table how long silences last; once they have seen
enough labels, the score is the mean of the probabilities, in which the hazard counts for more as it
learns, and the life table for less. Deciding reads a `ChurnModel`, an immutable view; learning
happens in a `ChurnLearner`, fed with labels that are known for sure (`feedback` sees to that).
"""

import heapq
import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from msgspec import Struct, to_builtins
from numpy.typing import NDArray

from streams.contracts.internal.learning import LearningExample
from streams.contracts.sums import sum_of
from streams.contracts.times import WEEK_MS
from streams.customer.rhythm import Rhythm
from streams.errors import StateError
from streams.features.rhythm import (
    RHYTHM_FEATURES,
    Population,
    habit,
    purchase_history,
    silence_features,
)
from streams.models.bgnbd import BgNbd, cold_start, p_no_purchase
from streams.models.hazard import Hazard, HazardView
from streams.models.mbgcnbd import GapSums, MbgCnbd
from streams.models.mbgcnbd import cold_start as published_regular
from streams.models.mbgcnbd import p_no_purchase as p_no_purchase_of_regular
from streams.models.own_data import OwnData, settles
from streams.models.population import Reservoir, ReservoirState
from streams.models.reasons import reasons
from streams.models.saved import saved_state
from streams.models.silences import LifeTable, Silences, SilencesState

REFIT_TICKS = 4
REFITS_WHEN_YOUNG = 4  # a tick
MEMORY_HALF_LIFE_TICKS = 52.0
HAZARD_LABELS = 5_000.0  # of the rarer kind, at which the hazard counts half as much again
TABLE_LABELS = 1_000.0  # of the rarer kind, at which the life table counts half as much
TABLE_WEIGHT = 0.75  # a third of it is taken from the population, which knows no absences
SEEN_BY = 30  # labels; a silence that fewer have shown is not one that was seen
IN_WORDS = Population(weight=0.5)  # what is said of a habit leans on the customer's own gaps
TICK_FEATURES = (*RHYTHM_FEATURES, "customer_key", "x", "t_x_ticks", "T_ticks")


class ChurnScore(Struct, frozen=True):
    """What is said of one customer at one moment.

    `risk` is P(no purchase within the horizon); `source` names what it comes from (`bgnbd`,
    `hazard` or `blend`); `reasons` are at most two codes; `overdue_ratio` is the silence in units
    of the customer's own usual gap, 1 when the next purchase is due; `carried` says whether the
    shop's own data carry the number (`own_data`).
    """

    risk: float
    source: str
    reasons: tuple[str, ...]
    expected_next_purchase_at_ms: int
    overdue_ratio: float
    carried: bool = False


class ChurnParts(Struct, frozen=True):
    """P(no purchase within the horizon) by each model; None before it is ready.

    `bgnbd` is what the others are measured against; `regular` (MBG/CNBD-k) stands for it, but for
    who bought once: of their regularity nothing is known. `foreign`: neither is fitted, and this
    shop's own data carry a score without them. `table` is of who bought twice or more.
    """

    bgnbd: float
    hazard: float | None
    contributions: NDArray[np.float64] | None
    direct: float | None = None
    foreign: bool = False
    regular: float | None = None
    table: float | None = None


class ChurnModel(Struct, frozen=True):
    """The immutable view for deciding; `ChurnModel()` has learned nothing and serves all the same.

    `bgnbd` None stands for the published population; what was learned on another length of tick
    than the one asked for is passed over, and so is `direct` for another horizon than
    `direct_ticks`. The hazard changes with silence up to `longest_seen_ticks`, and stays beyond.
    `leans`: what was fitted leans on its prior, for customers are few; it carries no score.
    """

    version: str = "cold-start"
    tick_ms: int = WEEK_MS
    bgnbd: BgNbd | None = None
    hazard: HazardView | None = None
    own_data: OwnData = OwnData()
    direct: HazardView | None = None
    direct_ticks: float = 0.0
    longest_seen_ticks: float = 0.0
    regular: MbgCnbd | None = None
    silences: Silences | None = None
    leans: bool = False

    @property
    def is_fitted(self) -> bool:
        """Whether a population was fitted on this shop's own customers."""
        return self.bgnbd is not None or self.regular is not None

    def is_carried(self, tick_ms: int, horizon_ticks: float) -> bool:
        """Whether the shop's own data carry a score of this horizon."""
        fitted = self.is_fitted and not self.leans
        return tick_ms == self.tick_ms and self.own_data.carries(horizon_ticks, fitted=fitted)

    def score(
        self, rhythm: Rhythm, now_ms: int, *, tick_ms: int, horizon_ticks: float
    ) -> ChurnScore:
        """Score one customer at `now_ms`; `horizon_ticks` above 0, not always whole."""
        parts = self.parts(rhythm, now_ms, tick_ms, horizon_ticks)
        risk, source = self.combine(parts)
        own = habit(rhythm, tick_ms, self._in_words(tick_ms))
        usual_ms = own.mean_ticks * tick_ms
        return ChurnScore(
            risk=risk,
            source=source,
            reasons=reasons(rhythm, now_ms, tick_ms, own, parts.contributions),
            expected_next_purchase_at_ms=rhythm.last_ms + round(usual_ms),
            overdue_ratio=max(now_ms - rhythm.last_ms, 0) / usual_ms,
            carried=self.is_carried(tick_ms, horizon_ticks),
        )

    def parts(self, rhythm: Rhythm, now_ms: int, tick_ms: int, horizon_ticks: float) -> ChurnParts:
        """What each model says by itself."""
        usable = tick_ms == self.tick_ms
        population = (self.bgnbd if usable else None) or cold_start(tick_ms)
        history = purchase_history(rhythm, now_ms, tick_ms)
        silent, regular = p_no_purchase(population, *history, horizon_ticks), None
        own = self._regular(tick_ms, came_back=rhythm.repeats > 0)
        if own is not None:
            regular = p_no_purchase_of_regular(own, *history, horizon_ticks)
        table = None
        if self.silences is not None and usable and rhythm.repeats:
            repeats, known, age = history
            table = self.silences.p_silent(repeats, known, age - known, horizon_ticks)
        if self.hazard is None or not usable:
            return ChurnParts(silent, None, None, regular=regular, table=table)
        silence = max(now_ms - rhythm.last_ms, 0) / tick_ms
        seen = math.floor(self.longest_seen_ticks - silence)
        rows = min(math.ceil(horizon_ticks), max(seen, 1))
        x = silence_features(rhythm, now_ms, tick_ms, rows)
        z = self.hazard.z(x)
        hazard = self.hazard.p_silent(z, horizon_ticks)
        direct = None
        if self.direct is not None and self.direct_ticks == horizon_ticks:
            direct = 1.0 - float(self.direct.p_return(self.direct.z(x[0])))
        foreign = not self.is_fitted and self.own_data.carries(horizon_ticks, fitted=False)
        pushes = -self.hazard.weights * z[0]
        return ChurnParts(silent, hazard, pushes, direct, foreign, regular, table)

    def _regular(self, tick_ms: int, *, came_back: bool) -> MbgCnbd | None:
        """What stands for BG/NBD; before anything was fitted that is the prior of who came back."""
        unknown = self.bgnbd is None or tick_ms != self.tick_ms
        if self.regular is not None and tick_ms == self.tick_ms and (came_back or unknown):
            return self.regular
        return published_regular(tick_ms) if came_back and unknown else None

    def combine(self, parts: ChurnParts) -> tuple[float, str]:
        """Risk and source: the mean of all probabilities that there are, weighted.

        A population has five parameters and is fitted on a sample; the hazard learns from every
        label, so its weight grows with them from 1 to 2. What the life table knows is in the
        hazard's features as well, so its weight falls from `TABLE_WEIGHT` to 0.
        """
        population = parts.bgnbd if parts.regular is None else parts.regular
        said, rarer = list[tuple[float, float]](), self.own_data.rarer
        table = TABLE_WEIGHT * TABLE_LABELS / (rarer + TABLE_LABELS)
        taken = 0.0 if parts.table is None else table / 3.0
        if parts.table is not None:
            said.append((table, parts.table))
        if not parts.foreign:
            said.append((1.0 - taken, population))
        if parts.hazard is not None:
            said.append((1.0 + rarer / (rarer + HAZARD_LABELS), parts.hazard))
        if parts.direct is not None:
            said.append((1.0, parts.direct))
        risk = sum_of(weight * p for weight, p in said) / sum_of(weight for weight, _ in said)
        if len(said) > 1:
            return risk, "blend"
        return risk, "bgnbd" if parts.hazard is None else "hazard"

    def _in_words(self, tick_ms: int) -> Population:
        """The gap that a customer with few of their own is taken to have: this shop's, if known."""
        regular = self.regular
        if regular is None or tick_ms != self.tick_ms:
            return IN_WORDS
        return Population(regular.gap, regular.gap / math.sqrt(regular.k), IN_WORDS.weight)


class ChurnState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the learner remembers, by name."""

    tick_ms: int
    clock_ms: int
    refit_at_ms: int
    bgnbd: BgNbd | None
    hazard: dict[str, object]
    customers: ReservoirState
    since_ms: int = 0
    newest_ms: int = 0
    direct: dict[str, object] | None = None
    direct_ticks: float = 0.0
    longest_silences: tuple[float, ...] = ()
    regular: MbgCnbd | None = None
    gaps: GapSums = GapSums()
    silences: SilencesState


class ChurnLearner:
    """Learns from labeled scoring moments in the order in which they became known.

    Its clock is the labels' event time: forgetting and the refit of BG/NBD go by it. The length of
    the tick comes with the examples; when it changes, what was learned no longer applies and the
    learner starts again.
    """

    model_id: ClassVar[str] = "churn"

    def __init__(self, tick_ms: int = WEEK_MS) -> None:
        self._start_over(tick_ms)

    def _start_over(self, tick_ms: int) -> None:
        self.tick_ms = tick_ms
        self.clock_ms = 0
        self.since_ms = 0
        self.newest_ms = 0
        self.refit_at_ms = 0
        self.bgnbd: BgNbd | None = None
        self.regular: MbgCnbd | None = None
        self.gaps = GapSums()
        self.hazard = Hazard(RHYTHM_FEATURES)
        self.direct = Hazard(RHYTHM_FEATURES)
        self.direct_ticks = 0.0
        self.longest_silences: list[float] = []
        self.customers = Reservoir()
        self.silences = LifeTable()

    @property
    def examples(self) -> int:
        """How many labels the hazard has learned."""
        return self.hazard.labels

    def learn(self, example: LearningExample) -> float | None:
        """One label: 1.0 when the customer came back within the tick after the scoring moment.

        With `horizon_ticks` among the features it is within the horizon, and the direct model's.

        Raises:
            KeyError: a feature is missing; nothing has changed.
        """
        features = example.features
        horizon_ticks = features.get("horizon_ticks")
        _require(features, TICK_FEATURES if horizon_ticks is None else RHYTHM_FEATURES)
        said = self.predict(example)
        tick_ms = round(features.get("tick_ms", self.tick_ms))
        if tick_ms != self.tick_ms:
            self._start_over(tick_ms)
        returned = example.label > 0.5
        self._pass_time(example.observed_at_ms)
        if horizon_ticks is not None:
            self._learn_horizon(features, horizon_ticks, returned, example.weight)
            return said
        self.since_ms = self.since_ms or example.observed_at_ms
        self.newest_ms = max(self.newest_ms, example.observed_at_ms)
        self.hazard.learn(features, returned, example.weight)
        x, t_x, silence = features["x"], features["t_x_ticks"], features["sqrt_silence"] ** 2
        self._see_silence(silence + 1.0)
        self.silences.learn(x, t_x, silence, returned=returned, weight=example.weight)
        if "gap_squares" in features:
            self.gaps = self.gaps.plus(x, features["gap_squares"], t_x)
        self.customers.put(features, returned, example.observed_at_ms, tick_ms)
        return said

    def _learn_horizon(
        self, x: Mapping[str, float], horizon_ticks: float, returned: bool, weight: float
    ) -> None:
        """A label of the horizon; another horizon than before begins again."""
        if horizon_ticks != self.direct_ticks:
            self.direct, self.direct_ticks = Hazard(RHYTHM_FEATURES), horizon_ticks
        self.direct.learn(x, returned, weight)

    def _see_silence(self, ticks: float) -> None:
        """Keep the longest silences that labels have shown."""
        if len(self.longest_silences) < SEEN_BY:
            heapq.heappush(self.longest_silences, ticks)
        elif ticks > self.longest_silences[0]:
            heapq.heapreplace(self.longest_silences, ticks)

    def predict(self, example: LearningExample) -> float | None:
        """P(the label is 1) by the hazard alone; even odds while it has learned nothing.

        None for a label of the horizon: one window tells how good one kind of prediction is.
        """
        if "horizon_ticks" in example.features:
            return None
        if not self.hazard.labels:
            return 0.5
        view = self.hazard.view()
        features = np.array([example.features[name] for name in self.hazard.features])
        return float(view.p_return(view.z(features)))

    def view(self, version: str) -> ChurnModel:
        """What is known now, frozen under a version's name."""
        labels, came = self.hazard.labels, self.hazard.returns
        seen = len(self.longest_silences) == SEEN_BY
        return ChurnModel(
            version=version,
            tick_ms=self.tick_ms,
            bgnbd=self.bgnbd,
            hazard=self.hazard.view() if settles(labels, came) else None,
            own_data=OwnData((self.newest_ms - self.since_ms) / self.tick_ms, labels, came),
            direct=self.direct.view() if settles(self.direct.labels, self.direct.returns) else None,
            direct_ticks=self.direct_ticks,
            longest_seen_ticks=self.longest_silences[0] if seen else 0.0,
            regular=self.regular,
            silences=self.silences.view(),
            leans=self.bgnbd is None and not self.customers.tells_enough,
        )

    def dump(self) -> dict[str, object]:
        """Every parameter by name, as JSON types; no pickle."""
        state = ChurnState(
            tick_ms=self.tick_ms,
            clock_ms=self.clock_ms,
            refit_at_ms=self.refit_at_ms,
            bgnbd=self.bgnbd,
            hazard=self.hazard.dump(),
            customers=self.customers.dump(),
            since_ms=self.since_ms,
            newest_ms=self.newest_ms,
            direct=self.direct.dump(),
            direct_ticks=self.direct_ticks,
            longest_silences=tuple(sorted(self.longest_silences)),
            regular=self.regular,
            gaps=self.gaps,
            silences=self.silences.dump(),
        )
        return dict(to_builtins(state))

    @classmethod
    def load(cls, data: Mapping[str, object]) -> "ChurnLearner":
        """The learner that `dump` wrote out; it goes on as if it had never stopped.

        Raises:
            StateError: a parameter is missing, unknown or of the wrong type, or belongs to features
                that are no longer computed; or the life table is none.
        """
        state = saved_state(data, ChurnState, "the churn model's")
        learner = cls(state.tick_ms)
        learner.clock_ms, learner.refit_at_ms = state.clock_ms, state.refit_at_ms
        learner.since_ms, learner.newest_ms = state.since_ms, state.newest_ms
        learner.bgnbd, learner.regular, learner.gaps = state.bgnbd, state.regular, state.gaps
        learner.hazard = Hazard.load(state.hazard)
        if state.direct is not None:
            learner.direct, learner.direct_ticks = Hazard.load(state.direct), state.direct_ticks
        learner.longest_silences = sorted(state.longest_silences)
        if {learner.hazard.features, learner.direct.features} != {RHYTHM_FEATURES}:
            raise StateError("the churn model was learned on other features than today's")
        learner.customers = Reservoir(state.customers)
        learner.silences = LifeTable(state.silences)
        return learner

    def _pass_time(self, now_ms: int) -> None:
        """Once a tick, forget a little; each fourth, oftener while young, fit again."""
        if not self.clock_ms:
            self.clock_ms = self.refit_at_ms = now_ms
        ticks = (now_ms - self.clock_ms) // self.tick_ms
        if ticks > 0:
            keep = 0.5 ** (ticks / MEMORY_HALF_LIFE_TICKS)
            for model in (self.hazard, self.direct):
                model.forget(1.0 - keep)
            self.gaps = self.gaps.faded(keep)
            self.silences.forget(ticks)
            self.clock_ms += ticks * self.tick_ms
        if now_ms >= self.refit_at_ms:
            usual_ms, k = REFIT_TICKS * self.tick_ms, self.gaps.k
            old = bool(self.since_ms) and now_ms - self.since_ms >= usual_ms
            if old:  # it has no prior, and in its first weeks takes who is slow for gone
                self.bgnbd = self.customers.fit(self.bgnbd, now_ms, self.tick_ms)
            self.regular = self.customers.fit_regular(self.regular, k, now_ms, self.tick_ms)
            few_ms = usual_ms if self.customers.tells_enough else self.tick_ms
            self.refit_at_ms = now_ms + (few_ms if old else self.tick_ms // REFITS_WHEN_YOUNG)


def _require(features: Mapping[str, float], names: Sequence[str]) -> None:
    for name in names:
        if name not in features:
            raise KeyError(name)
