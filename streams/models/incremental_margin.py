"""What deciding brings: margin a head against other arms, with intervals that hold at every look.

Each person counts once, when the window after their first decision is over. Of two arms the score
of person i is unbiased for the effect, because the arm was drawn with known shares:

    psi_i = (A_i - p) / (p (1 - p)) * (Y_i - m_i)

A is 1 in the arm that is judged, p its share of the two, Y the margin, m the mean of both arms'
margins before i, which only makes psi vary less. The interval around the mean of n scores is the
asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas ("Time-uniform
central limit theory and asymptotic confidence sequences", Annals of Statistics 52 (2024), Theorem
2.2): whoever looks after each person, and stops when they like, is wrong in alpha of all cases.

    mean +- sd * sqrt(2 (n r^2 + 1) / (n r)^2 * log(sqrt(n r^2 + 1) / alpha))

r says after how many people it is narrowest beside a plain interval: `NARROWEST_AT` where p is a
half, later where one arm is small, so that its few people do not decide early.
"""

import math
from collections.abc import Mapping
from typing import ClassVar, Final, get_args

from msgspec import Struct, to_builtins

from streams.contracts.internal.learning import LearningExample
from streams.contracts.reference.structs import Chooser
from streams.contracts.sums import sum_of
from streams.models.experiments import begun, standing
from streams.models.saved import saved_state

MARGIN_MODEL: Final = "margin"
ALPHA: Final = 0.05
NARROWEST_AT: Final = 1_000
"""People of two arms of one size."""
_LOG: Final = -2.0 * math.log(ALPHA)
RHO2: Final = (_LOG + math.log(_LOG) + 1.0) / NARROWEST_AT
PEOPLE_MIN: Final = 100
"""So many are needed of each arm, before anything is said."""
CHOOSERS: Final[tuple[Chooser, ...]] = get_args(Chooser)
PAIRS: Final[tuple[tuple[Chooser, Chooser], ...]] = (
    ("policy", "holdout"),
    ("policy", "uniform"),
    ("uniform", "holdout"),
)


class Sums(Struct, frozen=True):
    """Numbers that came one by one: how many, their mean, the sum of squares around it.

    >>> Sums().with_one(1.0).with_one(3.0)
    Sums(many=2, mean=2.0, squares=2.0)
    """

    many: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def with_one(self, number: float) -> "Sums":
        """One more; Welford's update (Technometrics 4, 1962)."""
        many = self.many + 1
        off = number - self.mean
        mean = self.mean + off / many
        return Sums(many, mean, self.squares + off * (number - mean))


class Effect(Struct, frozen=True):
    """Margin a head more in the first arm than in the second, in the shop's currency.

    `low` to `high` holds the truth at every look, in 95 of 100 experiments.
    """

    value: float
    low: float
    high: float
    people: tuple[int, int]


def effect_of(scores: Sums, share: float, people: tuple[int, int]) -> Effect | None:
    """The effect and its interval; None while one of the arms has too few people.

    `share`: of the first arm in the people of both, as they are dealt.
    """
    if min(people) < PEOPLE_MIN:
        return None
    n, n_rho2 = scores.many, scores.many * RHO2 * 4.0 * share * (1.0 - share)
    width = math.sqrt(2.0 * (n_rho2 + 1.0) / (n * n_rho2) * math.log(math.sqrt(n_rho2 + 1) / ALPHA))
    half = math.sqrt(scores.squares / n) * width
    return Effect(scores.mean, scores.mean - half, scores.mean + half, people)


class IncrementalMargin(Struct, frozen=True):
    """The immutable view: what is known of each pair of arms, and margin a head of each arm."""

    version: str = "cold-start"
    effects: dict[str, Effect] = {}
    arms: dict[str, Sums] = {}

    def of(self, arm: Chooser, against: Chooser) -> Effect | None:
        """A pair of `PAIRS`; None while too few people are known."""
        return self.effects.get(_name(arm, against))


class MarginState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the learner remembers, by name.

    `experiments` are over, but for the last. `shares`: of the first arm of each pair in the people
    of both, as they were dealt when the experiment began.
    """

    experiments: tuple[float, ...] = ()
    arms: dict[str, Sums] = {}
    scores: dict[str, Sums] = {}
    shares: dict[str, float] = {}


class MarginLearner:
    """Compares arms, person by person; an experiment with a new id begins anew."""

    model_id: ClassVar[str] = MARGIN_MODEL

    def __init__(self, state: MarginState | None = None) -> None:
        """`state`: what `dump` gave, else nothing was seen."""
        state = state or MarginState()
        self.experiments = state.experiments
        self.arms, self.scores = dict(state.arms), dict(state.scores)
        self.shares = dict(state.shares)

    def learn(self, example: LearningExample) -> None:
        """One person whose window is over: the label is the margin of it."""
        features = example.features
        mine = next((c for c in CHOOSERS if features.get(f"chooser_{c}", 0.0) > 0.5), None)
        if mine is None or not self._is_of_this_experiment(features):
            return
        for arm, against in PAIRS:
            share, other = features.get(f"share_{arm}", 0.0), features.get(f"share_{against}", 0.0)
            if mine in (arm, against) and share > 0.0 and other > 0.0:
                p = share / (share + other)
                weight = 1.0 / p if mine == arm else -1.0 / (1.0 - p)
                score = weight * (example.label - self._before(arm, against))
                name = _name(arm, against)
                self.scores[name] = self.scores.get(name, Sums()).with_one(score)
                self.shares.setdefault(name, p)
        self.arms[mine] = self.arms.get(mine, Sums()).with_one(example.label)

    def view(self, version: str) -> IncrementalMargin:
        """What is known now, frozen."""
        found = {_name(*pair): self._effect(*pair) for pair in PAIRS}
        known = {name: effect for name, effect in found.items() if effect is not None}
        return IncrementalMargin(version, known, dict(self.arms))

    def figures(self) -> dict[str, float]:
        """People and margin a head by arm; of each pair the effect and its interval."""
        told = {f"people_{arm}": float(sums.many) for arm, sums in self.arms.items()}
        told |= {f"margin_{arm}": round(sums.mean, 6) for arm, sums in self.arms.items()}
        for name, effect in self.view("").effects.items():
            told |= {
                f"{name}_value": round(effect.value, 6),
                f"{name}_low": round(effect.low, 6),
                f"{name}_high": round(effect.high, 6),
            }
        return told

    def dump(self) -> dict[str, object]:
        """Every parameter by name, as JSON types."""
        state = MarginState(
            experiments=self.experiments, arms=self.arms, scores=self.scores, shares=self.shares
        )
        return dict(to_builtins(state))

    @classmethod
    def load(cls, data: Mapping[str, object]) -> "MarginLearner":
        """The learner that `dump` wrote out; it goes on as if it had never stopped.

        Raises:
            StateError: a parameter is missing, unknown or of the wrong type.
        """
        return cls(saved_state(data, MarginState, "the incremental margin's"))

    def _is_of_this_experiment(self, features: Mapping[str, float]) -> bool:
        """Whether it counts; one that was never seen begins a new experiment."""
        experiment = features.get("experiment", 0.0)
        stands = standing(self.experiments, experiment)
        if stands != "new":
            return stands == "running"
        self.experiments = begun(self.experiments, experiment)
        self.arms, self.scores, self.shares = {}, {}, {}
        return True

    def _before(self, arm: Chooser, against: Chooser) -> float:
        """The mean of both arms' means, of the people before."""
        known = [self.arms[c].mean for c in (arm, against) if c in self.arms]
        return sum_of(known) / len(known) if known else 0.0

    def _effect(self, arm: Chooser, against: Chooser) -> Effect | None:
        one, other = (self.arms.get(c, Sums()).many for c in (arm, against))
        name = _name(arm, against)
        if name not in self.scores:
            return None
        return effect_of(self.scores[name], self.shares[name], (one, other))


def _name(arm: Chooser, against: Chooser) -> str:
    return f"{arm}_{against}"
