"""Calibration: whether the risk that was said came true, watched, and corrected where it drifts.

Labels are those of a whole horizon. Said and came are kept by tenth of the risk and by silence in
own gaps. A correction of the score on the logit scale (intercept, slope, and a line along the
silence, all pulled to none) is learned beside, and serves only while it has been better than none
on labels it had not seen, in each of the last two horizons: one alone may be a season. What is
judged is the correction as it was when the score was said, a horizon before its label.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from streams.contracts.internal.learning import LearningExample
from streams.contracts.sums import sum_of
from streams.contracts.times import DAY_MS
from streams.errors import StateError
from streams.features.calibration import CALIBRATION_MODEL
from streams.models.churn import ChurnScore
from streams.models.diagonal_logistic import OFFSET, DiagonalLogisticRegression
from streams.models.reliability import (
    RISK_EDGE,
    SILENCE_STEPS,
    SILENCES,
    TENTHS,
    Bin,
    gap_of,
    logit_of,
    named,
    silence_of,
    silence_steps,
    tenth_of,
)
from streams.models.saved import saved_state

WATCH_HALF_LIFE_HORIZONS = 1.0
CORRECTION_HALF_LIFE_HORIZONS = 2.0
PRIOR_VARIANCES = {"intercept": 0.2, "slope": 0.05, **dict.fromkeys(SILENCE_STEPS, 0.5)}
OVERLAP = 4.0  # so many moments of one person wait within one horizon: they are not independent
PAST_PER_HORIZON = 8
LABELS_MIN = 100.0
SLOPE_MIN = -0.9  # a higher score never becomes the lower risk
MARGIN_NATS = 0.002
DEVIATIONS = 2.0


class Correction(Struct, frozen=True, array_like=True):
    """logit(risk) = logit(score) + intercept + slope * logit(score) + steps . silence steps."""

    intercept: float = 0.0
    slope: float = 0.0
    steps: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def logit(self, score: float, own_gaps: float) -> float:
        """The log odds of a score, corrected; `own_gaps` is the silence in usual gaps."""
        given = logit_of(score)
        passed = silence_steps(own_gaps)
        along = sum_of(weight * step for weight, step in zip(self.steps, passed, strict=True))
        return given + self.intercept + self.slope * given + along


NONE = Correction()


class Gains(Struct, frozen=True, array_like=True):
    """Labels of one horizon, and sums of the correction's gain in log loss and of its square."""

    labels: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    def plus(self, gain: float) -> "Gains":
        """One label more."""
        return Gains(self.labels + 1.0, self.total + gain, self.squares + gain * gain)

    @property
    def mean(self) -> float:
        """Nats a label; 0 without any."""
        return self.total / self.labels if self.labels else 0.0

    @property
    def is_a_win(self) -> bool:
        """Whether it is above the margin by more than chance, over labels enough."""
        if self.labels < LABELS_MIN:
            return False
        spread = max(self.squares / self.labels - self.mean**2, 0.0)
        return self.mean - DEVIATIONS * math.sqrt(spread * OVERLAP / self.labels) > MARGIN_NATS


NO_GAINS = Gains()


class Calibration(Struct, frozen=True):
    """The immutable view for scoring.

    >>> drifted = Calibration("v", Correction(intercept=1.0))
    >>> Calibration().probability(0.25, 1.0), round(drifted.probability(0.25, 1.0), 3)
    (0.25, 0.475)
    """

    version: str = "cold-start"
    correction: Correction = NONE

    def corrected(self, score: ChurnScore) -> ChurnScore:
        """The score, corrected; itself while there is no correction."""
        if self.correction == NONE:
            return score
        return replace(score, risk=self.probability(score.risk, score.overdue_ratio))

    def probability(self, score: float, own_gaps: float) -> float:
        """The same of a bare probability and a silence in usual gaps."""
        if self.correction == NONE:
            return score
        return 1.0 / (1.0 + math.exp(-self.correction.logit(score, own_gaps)))


class CalibrationState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the learner remembers, by name.

    `past`: corrections as they were, and since when, the oldest first. `gains`: of the horizon that
    runs, which began at `gains_since_ms`, and of the two before it.
    """

    tenths: tuple[Bin, ...]
    silences: tuple[Bin, ...]
    means: dict[str, float]
    variances: dict[str, float]
    past: tuple[tuple[int, Correction], ...]
    gains: tuple[Gains, Gains, Gains]
    gains_since_ms: int
    clock_ms: int


class CalibrationLearner:
    """Compares what was said with what came, in the order in which horizons ended."""

    model_id: ClassVar[str] = CALIBRATION_MODEL

    def __init__(self) -> None:
        self.tenths = [Bin()] * TENTHS
        self.silences = [Bin()] * len(SILENCES)
        self.regression = DiagonalLogisticRegression(None, dict(PRIOR_VARIANCES))
        self.past: list[tuple[int, Correction]] = []
        self.gains = (NO_GAINS, NO_GAINS, NO_GAINS)
        self.gains_since_ms = 0
        self.clock_ms = 0

    def learn(self, example: LearningExample) -> float:
        """One label: 1.0 when nothing was bought within the horizon after the moment."""
        x, gone, said = example.features, example.label > 0.5, self.predict(example)
        horizon_ms, risk, score, own_gaps = (
            x[n] for n in ("horizon_ms", "risk", "score", "own_gaps")
        )
        self._pass_time(example.observed_at_ms, horizon_ms)
        tenth, silence = tenth_of(risk), silence_of(own_gaps)
        self.tenths[tenth] = self.tenths[tenth].with_label(risk, gone)
        self.silences[silence] = self.silences[silence].with_label(risk, gone)
        self._judge(score, own_gaps, gone, example.observed_at_ms - horizon_ms)
        logit, steps = logit_of(score), silence_steps(own_gaps)
        read = {OFFSET: logit, "intercept": 1.0, "slope": logit}
        read.update(zip(SILENCE_STEPS, steps, strict=True))
        self.regression.learn_one(read, gone, example.weight / OVERLAP)
        return said

    def predict(self, example: LearningExample) -> float:
        """P(nothing is bought within the horizon): the risk as it was stated."""
        return min(max(example.features["risk"], RISK_EDGE), 1.0 - RISK_EDGE)

    def view(self, version: str) -> Calibration:
        """The correction where it has earned its place; none else."""
        return Calibration(version, self.correction if self.is_better else NONE)

    @property
    def correction(self) -> Correction:
        """What the labels so far would have the score corrected by."""
        first, second, third = (self._weight(name) for name in SILENCE_STEPS)
        slope = max(self._weight("slope"), SLOPE_MIN)
        return Correction(self._weight("intercept"), slope, (first, second, third))

    @property
    def is_better(self) -> bool:
        """Whether the correction, judged on what it had not seen, has won twice and still does."""
        running, last, before = self.gains
        lost = running.labels >= LABELS_MIN and running.mean <= 0.0
        return last.is_a_win and before.is_a_win and not lost

    def figures(self) -> dict[str, float]:
        """Said and came by bin, their mean distance, and what the correction would be."""
        labels = sum(one.labels for one in self.tenths)
        if not labels:
            return {}
        figures = {
            "labels": labels,
            "gap_risk": gap_of(self.tenths),
            "gap_silence": gap_of(self.silences),
            "intercept": self._weight("intercept"),
            "slope": 1.0 + self._weight("slope"),
            **{name: self._weight(name) for name in SILENCE_STEPS},
            "corrected": float(self.is_better),
            "correction_gain": self.gains[0].mean,
            **named("risk", self.tenths),
            **named("gaps", self.silences),
        }
        return {name: round(value, 6) for name, value in figures.items()}

    def dump(self) -> dict[str, object]:
        """Every parameter by name, as JSON types; no pickle."""
        state = CalibrationState(
            tenths=tuple(self.tenths),
            silences=tuple(self.silences),
            means=dict(self.regression.means),
            variances=dict(self.regression.variances),
            past=tuple(self.past),
            gains=self.gains,
            gains_since_ms=self.gains_since_ms,
            clock_ms=self.clock_ms,
        )
        return dict(to_builtins(state))

    @classmethod
    def load(cls, data: Mapping[str, object]) -> "CalibrationLearner":
        """The learner that `dump` wrote out; it goes on as if it had never stopped.

        Raises:
            StateError: a parameter is missing, unknown or of the wrong type.
        """
        state = saved_state(data, CalibrationState, "the calibration's")
        bins = (len(state.tenths), len(state.silences))
        if bins != (TENTHS, len(SILENCES)) or state.means.keys() != state.variances.keys():
            raise StateError("the calibration's parts do not belong together")
        learner = cls()
        learner.tenths, learner.silences = list(state.tenths), list(state.silences)
        learner.regression.means.update(state.means)
        learner.regression.variances.update(state.variances)
        learner.past, learner.gains = list(state.past), state.gains
        learner.gains_since_ms, learner.clock_ms = state.gains_since_ms, state.clock_ms
        return learner

    def _weight(self, name: str) -> float:
        return self.regression.weight(name)[0]

    def _judge(self, score: float, own_gaps: float, gone: bool, said_ms: float) -> None:
        """What the correction of then would have gained on this label."""
        known = [correction for at_ms, correction in self.past if at_ms <= said_ms]
        then = (known or [NONE])[-1].logit(score, own_gaps)
        gain = _loss(logit_of(score), gone) - _loss(then, gone)
        running, *earlier = self.gains
        self.gains = (running.plus(gain), earlier[0], earlier[1])

    def _pass_time(self, now_ms: int, horizon_ms: float) -> None:
        """Once a day of event time, forget a little; each eighth of a horizon, note where we are.

        What was noted is kept as long as a score of then may still wait for its label.
        """
        self.clock_ms = self.clock_ms or now_ms
        days = (now_ms - self.clock_ms) // DAY_MS
        if days <= 0:
            return
        self.clock_ms += days * DAY_MS
        horizons = days * DAY_MS / horizon_ms
        watch = 0.5 ** (horizons / WATCH_HALF_LIFE_HORIZONS)
        self.tenths = [one.faded(watch) for one in self.tenths]
        self.silences = [one.faded(watch) for one in self.silences]
        keep = 0.5 ** (horizons / CORRECTION_HALF_LIFE_HORIZONS)
        self.regression.forget(1.0 - keep)
        self.gains_since_ms = self.gains_since_ms or self.clock_ms
        if self.clock_ms - self.gains_since_ms >= horizon_ms:
            self.gains_since_ms = self.clock_ms
            self.gains = (NO_GAINS, self.gains[0], self.gains[1])
        if self.past and self.clock_ms - self.past[-1][0] < horizon_ms / PAST_PER_HORIZON:
            return
        self.past.append((self.clock_ms, self.correction))
        while len(self.past) > 1 and self.past[1][0] <= self.clock_ms - horizon_ms:
            del self.past[0]


def _loss(logit: float, gone: bool) -> float:
    return math.log1p(math.exp(-logit if gone else logit))
