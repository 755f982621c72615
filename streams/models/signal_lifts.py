"""Signal lifts: what each churn signal has been worth in this shop, learned from a judgment on.

A Bayesian logistic regression on moments whose horizon is over. Given is the logit of the score
that was said then; learned is a weight for each signal (times its strength), that is the logarithm
of its lift, and others for each tenth of the score and along the silence: those take up what the
score itself says wrong, so that a signal is measured against people of the same score and silence
without it. Cases that the CRM has spoken of have one more: which of them it speaks of is its own
choice, so its words tell signals apart, and hardly what all of them are worth.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct, to_builtins

from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.payloads import ChurnSignalCode
from streams.contracts.times import DAY_MS
from streams.errors import StateError
from streams.features.churn_signals import (
    LEARNED_SIGNALS,
    LIFTS_MODEL,
    PRIOR_LIFT,
    REPORTED,
    SIGNAL_PREFIX,
)
from streams.models.diagonal_logistic import OFFSET, DiagonalLogisticRegression
from streams.models.reliability import SILENCE_STEPS, logit_of, silence_steps, tenth_of
from streams.models.saved import saved_state

PRIOR_VARIANCE = 0.5  # of a log lift: a judgment counts for about a dozen cases
SCORE_VARIANCE = 0.5  # of what the score says wrong, in log odds
REPORTED_VARIANCE = 9.0  # of how much oftener it speaks of who stays, in log odds
LIFT_MIN = 1.05
MEMORY_HALF_LIFE_HORIZONS = 4.0
SCORE_PREFIX = "score_"


class LearnedLift(Struct, frozen=True):
    """At strength 1: how many times the odds are what they were without it, and from how many."""

    lift: float
    cases: int


class SignalLifts(Struct, frozen=True):
    """The immutable view for alerts; `SignalLifts()` has learned nothing and says the judgment.

    >>> SignalLifts().lift("cancel_page"), SignalLifts().cases("cancel_page")
    (3.0, None)
    """

    version: str = "cold-start"
    learned: Mapping[ChurnSignalCode, LearnedLift] = {}

    def lift(self, code: ChurnSignalCode) -> float:
        """How many times the odds of leaving are what they were without it, at strength 1."""
        found = self.learned.get(code)
        return PRIOR_LIFT[code] if found is None else found.lift

    def cases(self, code: ChurnSignalCode) -> int | None:
        """From how many moments of this shop that was learned; None while it is a judgment."""
        found = self.learned.get(code)
        return None if found is None else found.cases


class SignalLiftsState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the learner remembers, by name; `cases` fade like what was learned from them."""

    means: dict[str, float]
    variances: dict[str, float]
    cases: dict[str, float]
    clock_ms: int


class SignalLiftsLearner:
    """Learns from moments in the order in which their horizons ended.

    A label is 1 when nothing was bought within the horizon. What was learned fades per unit of time
    (half in four horizons), and a signal that is not seen any more goes back to its judgment.
    """

    model_id: ClassVar[str] = LIFTS_MODEL

    def __init__(self) -> None:
        self.regression = _regression()
        self.faded_cases: dict[str, float] = {}
        self.clock_ms = 0

    def learn(self, example: LearningExample) -> float:
        """One label: 1.0 when nothing was bought within the horizon after the moment."""
        x, said = _read(example), self.predict(example)
        self._pass_time(example.observed_at_ms, example.features["horizon_ms"])
        self.regression.learn_one(x, example.label > 0.5, example.weight)
        for name in x:
            if name.startswith(SIGNAL_PREFIX):
                self.faded_cases[name] = self.faded_cases.get(name, 0.0) + example.weight
        return said

    def predict(self, example: LearningExample) -> float:
        """P(nothing is bought within the horizon): the score said, corrected, with the signals."""
        return float(self.regression.predict_proba_one(_read(example))[True])

    def view(self, version: str) -> SignalLifts:
        """What is known now, frozen under a version's name.

        A lift that is hardly one (below 1.05) is none: the signal adds nothing any more.
        """
        learned: dict[ChurnSignalCode, LearnedLift] = {}
        for code in LEARNED_SIGNALS:
            cases = round(self.faded_cases.get(SIGNAL_PREFIX + code, 0.0))
            if cases:
                lift = math.exp(self.regression.weight(SIGNAL_PREFIX + code)[0])
                learned[code] = LearnedLift(lift if lift >= LIFT_MIN else 1.0, cases)
        return SignalLifts(version, learned)

    def dump(self) -> dict[str, object]:
        """Every parameter by name, as JSON types; no pickle."""
        state = SignalLiftsState(
            means=dict(self.regression.means),
            variances=dict(self.regression.variances),
            cases=dict(self.faded_cases),
            clock_ms=self.clock_ms,
        )
        return dict(to_builtins(state))

    @classmethod
    def load(cls, data: Mapping[str, object]) -> "SignalLiftsLearner":
        """The learner that `dump` wrote out; it goes on as if it had never stopped.

        Raises:
            StateError: a parameter is missing, unknown or of the wrong type.
        """
        state = saved_state(data, SignalLiftsState, "the signal lifts'")
        if (
            state.means.keys() != state.variances.keys()
            or min(state.variances.values(), default=1.0) <= 0.0
        ):
            raise StateError("the signal lifts' means and variances do not belong together")
        learner = cls()
        learner.regression.means.update(state.means)
        learner.regression.variances.update(state.variances)
        learner.faded_cases = dict(state.cases)
        learner.clock_ms = state.clock_ms
        return learner

    def _pass_time(self, now_ms: int, horizon_ms: float) -> None:
        """Once a day of event time, forget a little."""
        self.clock_ms = self.clock_ms or now_ms
        days = (now_ms - self.clock_ms) // DAY_MS
        if days <= 0:
            return
        self.clock_ms += days * DAY_MS
        keep = 0.5 ** (days * DAY_MS / (MEMORY_HALF_LIFE_HORIZONS * horizon_ms))
        self.regression.forget(1.0 - keep)
        for name in self.faded_cases:
            self.faded_cases[name] *= keep


def _regression() -> DiagonalLogisticRegression:
    names = {SIGNAL_PREFIX + code: PRIOR_LIFT[code] for code in LEARNED_SIGNALS}
    return DiagonalLogisticRegression(
        {name: math.log(lift) for name, lift in names.items()},
        {**dict.fromkeys(names, PRIOR_VARIANCE), REPORTED: REPORTED_VARIANCE},
        SCORE_VARIANCE,
    )


def _read(example: LearningExample) -> dict[str, float]:
    """The signals that stood, tenth of the score, silence, and the score's logit as given."""
    score = example.features["score"]
    known = (*(SIGNAL_PREFIX + code for code in LEARNED_SIGNALS), REPORTED)
    x = {name: example.features[name] for name in known if name in example.features}
    x[f"{SCORE_PREFIX}{tenth_of(score)}"] = 1.0
    steps = silence_steps(example.features["own_gaps"])
    x.update(zip(SILENCE_STEPS, steps, strict=True))
    x[OFFSET] = logit_of(score)
    return x
