"""The trainer: gives each learner its examples in order, and publishes what it knows now and then.

Everything that it remembers is in `dump`, so a trainer that was stopped and loaded again ends in
the same bytes as one that was not.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Protocol, runtime_checkable

from msgspec.structs import replace

from streams.contracts.internal.learning import (
    CHALLENGER,
    RESPONSE,
    LearningExample,
    ModelSnapshot,
    version_of,
)
from streams.errors import ExampleError, StateError
from streams.models.calibration import CalibrationLearner
from streams.models.capacity import CapacityLearner
from streams.models.churn import ChurnLearner
from streams.models.fatigue import FatigueLearner
from streams.models.incremental_margin import MarginLearner
from streams.models.offer_margin import OfferMarginLearner
from streams.models.pool import Tuning
from streams.models.quality import Prequential
from streams.models.response import ChallengerLearner, ResponseLearner
from streams.models.save_rates import SaveRatesLearner
from streams.models.signal_lifts import SignalLiftsLearner
from streams.models.tracks import TrackLearner
from streams.models.uplift import SD_EXPECTED_BEFORE, UpliftLearner

FIRST_FORMAT = 1
FORMATS: Final[Mapping[str, int]] = {
    "response": 4,
    "challenger": 4,
    "churn": 3,
    "calibration": 2,
    "uplift": 4,
    "save_rates": 3,
}
"""Of the parameters of models that are written otherwise than they once were."""
_BEFORE_LEVELS: Final[Mapping[str, object]] = {
    "levels": None,
    "own_levels": None,
    "believed": None,
}
_OLDER: Final[Mapping[int, Mapping[str, object]]] = {
    2: {"pairs": None, **_BEFORE_LEVELS},
    3: _BEFORE_LEVELS,
}
_WIDE: Final[Mapping[str, object]] = {"sd_expected": SD_EXPECTED_BEFORE}
STILL_READ: Final[Mapping[str, Mapping[int, Mapping[str, object]]]] = {
    "response": _OLDER,
    "challenger": _OLDER,
    "churn": {2: {"silences": {}}},
    "uplift": {
        2: {"person": None, "totals": (0.0, 0.0), **_WIDE},
        3: _WIDE,
    },
    "save_rates": {
        1: {"treated_stances": {}, "control_stances": {}, "weeks": ()},
        2: {"weeks": ()},
    },
}
"""Older formats that are read as well, and what they do not hold: it begins as in a new model."""
SEEN_MAX = 2_000
PUBLISH_EVERY = 200
SOONER: Final[Mapping[str, int]] = {
    "tracks": 20,
    "capacity": 50,
    "save_rates": 20,
    "signal_lifts": 10,
    "calibration": 10,
    "margin": 20,
    "offer_margin": 20,
}
"""Models of which examples are few: published at least after so many."""

EARLY_EVERY, EARLY_FROM, EARLY_UNTIL = 20, 60, 1_000
"""The response model is published as often as that from so many examples on until so many.

Fewer than the first of these say less than what is believed beforehand. Deciding by what nobody has
told yet costs most while little is known: in the worlds of `benchmarks/offer_regret.py` a quarter
of the regret of the first 2,000 decisions. So is uplift, of which a hundred people tell a hundred
examples a month, and churn, for which a population of another shop speaks until then.
"""
SOON: Final = (RESPONSE, CHALLENGER, UpliftLearner.model_id, ChurnLearner.model_id)


def is_due(model: str, examples: int, every: int) -> bool:
    """Whether a model that has learned so many examples is published now.

    >>> [n for n in (20, 40, 50, 980, 1000, 1020, 1200) if is_due("response", n, 200)]
    [980, 1000, 1200]
    >>> is_due("response", 60, 200)
    True
    """
    step = min(every, SOONER.get(model, every))
    if model in SOON and EARLY_FROM <= examples <= EARLY_UNTIL:
        step = min(step, EARLY_EVERY)
    return examples % step == 0


class Learner(Protocol):
    """What a model that learns gives: a new one is a class with these, and a line in `LEARNERS`.

    The names of `view`'s models are fields of `library.Models`.
    """

    model_id: ClassVar[str]

    def learn(self, example: LearningExample) -> float | None:
        """Learn one label.

        Returns: what it said of the example before, P(the label is 1); even odds while nothing is
            known. None where the label is of a kind that the window of predictions does not judge.

        Raises:
            KeyError: it lacks a feature, which is named; nothing has changed.
        """

    def view(self, version: str) -> object:
        """What is known now, frozen: deciding reads it."""

    def dump(self) -> dict[str, object]:
        """Every parameter by name, as JSON types."""

    @classmethod
    def load(cls, data: Mapping[str, object]) -> "Learner":
        """The learner that `dump` wrote out.

        Raises:
            StateError: a parameter is missing, unknown or of the wrong type.
        """


@runtime_checkable
class Watching(Protocol):
    """A learner that has figures of its own, beside those of the window of predictions."""

    def figures(self) -> dict[str, float]:
        """By name, for the snapshot's quality."""


LEARNERS: Final[Mapping[str, type[Learner]]] = {
    learner.model_id: learner
    for learner in (
        ResponseLearner,
        ChallengerLearner,
        ChurnLearner,
        TrackLearner,
        CapacityLearner,
        SignalLiftsLearner,
        CalibrationLearner,
        SaveRatesLearner,
        MarginLearner,
        OfferMarginLearner,
        UpliftLearner,
        FatigueLearner,
    )
}


def format_of(model: str) -> int:
    """In which format this version writes a model's parameters."""
    return FORMATS.get(model, FIRST_FORMAT)


def formats_read(model: str) -> tuple[int, ...]:
    """In which formats this version reads a model's parameters.

    >>> formats_read("response"), formats_read("tracks")
    ((2, 3, 4), (1,))
    """
    return (*STILL_READ.get(model, ()), format_of(model))


def learner_of(model: str, parameters: Mapping[str, object], written: int) -> Learner:
    """The learner that wrote these parameters, in one of `formats_read`.

    Raises:
        StateError: a parameter is missing, unknown or of the wrong type.
    """
    not_held = STILL_READ.get(model, {}).get(written, {})
    return LEARNERS[model].load({**parameters, **not_held})


class Trainee:
    """One learner, what it has seen lately, and how good it was on what it had not."""

    def __init__(self, model: str) -> None:
        """`model`: a name in `LEARNERS`."""
        self.model = model
        self.learner: Learner = LEARNERS[model]()
        self.quality = Prequential()
        self.seen: dict[str, None] = {}
        self.examples = 0
        self.trained_at_ms = 0

    def learn(self, example: LearningExample) -> bool:
        """Whether it was new: an example is learned once.

        Raises:
            ExampleError: it lacks a feature; nothing has changed.
        """
        if example.example_id in self.seen:
            return False
        try:
            said = self.learner.learn(example)
        except KeyError as error:
            raise ExampleError(str(error.args[0])) from error
        if said is not None:
            self.quality.add(said, example.label, example.arm or "")
        self.seen[example.example_id] = None
        if len(self.seen) > SEEN_MAX:
            del self.seen[next(iter(self.seen))]
        self.examples += 1
        self.trained_at_ms = max(self.trained_at_ms, example.observed_at_ms)
        return True

    def snapshot(self) -> ModelSnapshot:
        """What is known now, every parameter by its name."""
        return ModelSnapshot(
            model=self.model,
            version=self._version(),
            format=format_of(self.model),
            examples=self.examples,
            trained_at_ms=self.trained_at_ms,
            parameters=self.learner.dump(),
            quality=self.quality.figures() | self._watched(),
        )

    def _version(self) -> str:
        """How much it explores hangs on the name: what a pool that began anew forgot is no label.

        The count goes on, for the names of versions must not come twice.
        """
        if not isinstance(self.learner, ResponseLearner):
            return version_of(self.model, self.examples)
        known = self.learner.examples
        return version_of(self.model, known, before=self.examples - known)

    def _watched(self) -> dict[str, float]:
        return self.learner.figures() if isinstance(self.learner, Watching) else {}

    def tune(self, tuning: Tuning) -> None:
        """Begin anew where the challenger was tuned otherwise; its versions go on counting."""
        learner = self.learner
        if not isinstance(learner, ChallengerLearner) or learner.tuning != tuning:
            self.learner, self.quality = ChallengerLearner(tuning), Prequential()

    def dump(self) -> dict[str, object]:
        """All of the state, as JSON types."""
        return {
            "format": format_of(self.model),
            "examples": self.examples,
            "trained_at_ms": self.trained_at_ms,
            "seen": list(self.seen),
            "quality": self.quality.dump(),
            "learner": self.learner.dump(),
        }

    @classmethod
    def load(cls, model: str, data: Mapping[str, Any]) -> "Trainee":
        """The trainee that `dump` wrote out.

        A model of a format that is not read any more begins anew, and goes on counting.

        Raises:
            StateError: the state is damaged, of a newer format, or of a model that is not known.
        """
        written = data.get("format")
        if model not in LEARNERS or written not in range(FIRST_FORMAT, format_of(model) + 1):
            raise StateError(f"the learner `{model}` has a state that this version cannot read")
        trainee = cls(model)
        try:
            if written in formats_read(model):
                trainee.learner = learner_of(model, data["learner"], written)
                trainee.quality = Prequential.load(data["quality"])
            trainee.seen = dict.fromkeys(str(example_id) for example_id in data["seen"])
            trainee.examples, trainee.trained_at_ms = (
                int(data["examples"]),
                int(data["trained_at_ms"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(f"the learner `{model}` lost a part of its state: {error}") from error
        return trainee


class Trainer:
    """All learners by the name of their model; the challenger only where one is asked for.

    >>> Trainer(every=200).learn(LearningExample(
    ...     example_id="x-1", model="unheard-of", observed_at_ms=0, label=1.0, features={}))
    """

    def __init__(self, every: int = PUBLISH_EVERY, challenger: Tuning | None = None) -> None:
        """A trainer that has learned nothing.

        Args:
            every: a snapshot is published after so many examples of its model, or sooner.
            challenger: how the challenger is tuned; None: there is none.
        """
        self.every = every
        self.trainees = {model: Trainee(model) for model in LEARNERS if model != CHALLENGER}
        if challenger is not None:
            self.trainees[CHALLENGER] = Trainee(CHALLENGER)
            self.trainees[CHALLENGER].tune(challenger)

    def for_each(self, example: LearningExample) -> tuple[LearningExample, ...]:
        """The example for each model that learns it: one of the response model, also its rival."""
        if example.model == RESPONSE and CHALLENGER in self.trainees:
            return example, replace(example, model=CHALLENGER)
        return (example,)

    def learn(self, example: LearningExample) -> ModelSnapshot | None:
        """Learn one example; the snapshot that is to be published now, if one is.

        An example that was seen lately, or is of a model that nobody learns, changes nothing.

        Raises:
            ExampleError: it lacks a feature that its model needs; nothing has changed.
        """
        trainee = self.trainees.get(example.model)
        if trainee is None or not trainee.learn(example):
            return None
        due = is_due(example.model, trainee.examples, self.every)
        return trainee.snapshot() if due else None

    def dump(self) -> dict[str, object]:
        """The state of every learner by model, as JSON types; each part stands alone."""
        return {model: trainee.dump() for model, trainee in self.trainees.items()}

    @classmethod
    def load(
        cls, data: Mapping[str, Any], every: int = PUBLISH_EVERY, challenger: Tuning | None = None
    ) -> "Trainer":
        """The trainer that `dump` wrote out; a model without a state starts anew.

        So does a challenger that was tuned otherwise; it goes on counting.

        Raises:
            StateError: a state cannot be read.
        """
        trainer = cls(every, challenger)
        for model, state in data.items():
            if model == CHALLENGER and challenger is None:
                continue
            trainer.trainees[model] = Trainee.load(model, state)
        if challenger is not None:
            trainer.trainees[CHALLENGER].tune(challenger)
        return trainer
