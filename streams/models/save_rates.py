"""What contacts are worth: of those who would have left, the share that stays because of one.

Learned from churn cases whose horizon is over, treated against control (which are drawn by a hash):

    saved     = P(bought | treated) - P(bought | control)
    save rate = saved / mean stated risk

The decision multiplies the rate by the stated risk again, so that a risk which is stated too high
or too low does not matter to it on average. The rate leans on the shop's setting, which is worth
`PRIOR_CASES`; a band leans on the whole shop in the same way, and so does a stance (whether
the person has refused marketing), on `PRIOR_TIMES` the shop's rate, one that refused on no more
than what is known of others:

    save rate = (n * found + PRIOR_CASES * prior) / (n + PRIOR_CASES)
    n         = treated * control / (treated + control)

n is the effective size of a comparison of two groups: with a small control group about its size.
What a stance is above or below the shop is added to the rate of the band.

The same outcomes tell how good the top of each week's list was (`top_cases`), which is watched.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from msgspec import Struct, to_builtins

from streams.contracts.common import RiskBandName, Stance
from streams.contracts.internal.learning import LearningExample
from streams.contracts.sums import sum_of
from streams.models.fading import fade_of
from streams.models.saved import saved_state
from streams.models.top_cases import Weeks, figures_of, with_case

PRIOR_CASES = 100.0
BANDS: tuple[RiskBandName, ...] = ("low", "medium", "high")
PRIOR_TIMES: Mapping[Stance, float] = {"refused": 0.4, "open": 1.0}
"""A judgment, found in simulated worlds: docs/churn-saved.md."""


class Cases(Struct, frozen=True):
    """Cases of one band and arm whose outcome is known: how many, how many bought, their risks."""

    many: float = 0.0
    bought: float = 0.0
    risk: float = 0.0

    def faded(self, share: float) -> "Cases":
        """The same with less weight."""
        return Cases(self.many * share, self.bought * share, self.risk * share)


NO_CASES = Cases()


class SaveRates(Struct, frozen=True):
    """The immutable view for deciding; `SaveRates()` has learned nothing and says the prior.

    `treated` and `control` are by band, `treated_stances` and `control_stances` by stance, with the
    weights that they had at `clock_ms`.
    """

    version: str = "cold-start"
    clock_ms: int = 0
    treated: dict[str, Cases] = {}
    control: dict[str, Cases] = {}
    treated_stances: dict[str, Cases] = {}
    control_stances: dict[str, Cases] = {}

    def at(
        self, band: RiskBandName, prior: float, now_ms: int, stance: Stance | None = None
    ) -> float:
        """The save rate of a band and a stance, 0 to 1, where the shop's own setting is `prior`.

        It goes back to `prior` while no outcome comes: a shop that has stopped to contact for want
        of effect tries again.
        """
        fade = fade_of(now_ms - self.clock_ms)
        shop = _leaning(_sum(self.treated.values()), _sum(self.control.values()), prior, fade)
        own = self.treated.get(band, NO_CASES), self.control.get(band, NO_CASES)
        rate = _leaning(*own, shop, fade)
        if stance is not None:
            rate += self._of_stance(stance, shop, fade) - shop
        return min(max(rate, 0.0), 1.0)

    def _of_stance(self, stance: Stance, shop: float, fade: float) -> float:
        """The save rate of a stance. Before its outcomes a refusal is worth no more than none.

        Where contacts drive people away `shop` is below 0, and a share of it would be above it.
        """
        prior = shop * PRIOR_TIMES[stance]
        if stance == "refused":
            prior = min(prior, self._of_stance("open", shop, fade))
        treated = self.treated_stances.get(stance, NO_CASES)
        control = self.control_stances.get(stance, NO_CASES)
        return _leaning(treated, control, prior, fade)


class SaveRatesState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the learner remembers, by name."""

    clock_ms: int
    treated: dict[str, Cases]
    control: dict[str, Cases]
    treated_stances: dict[str, Cases]
    control_stances: dict[str, Cases]
    weeks: Weeks


class SaveRatesLearner:
    """Counts outcomes by band, stance and arm; they fade by event time, which is its clock."""

    model_id: ClassVar[str] = "save_rates"

    def __init__(self) -> None:
        self.clock_ms = 0
        self.treated: dict[str, Cases] = {}
        self.control: dict[str, Cases] = {}
        self.treated_stances: dict[str, Cases] = {}
        self.control_stances: dict[str, Cases] = {}
        self.weeks: Weeks = ()

    def learn(self, example: LearningExample) -> None:
        """One outcome: 1.0 for a case whose person bought within the horizon."""
        features, at_ms = example.features, example.observed_at_ms
        self.weeks = with_case(self.weeks, features, example.label <= 0.5)
        fade = fade_of(at_ms - self.clock_ms)
        for arm in (self.treated, self.control, self.treated_stances, self.control_stances):
            for name, cases in arm.items():
                arm[name] = cases.faded(fade)
        weight = example.weight * fade_of(self.clock_ms - at_ms)  # one that is known late is older
        self.clock_ms = max(self.clock_ms, at_ms)
        treated = features.get("treated", 0.0) > 0.5
        one = Cases(weight, weight * float(example.label > 0.5), weight * features.get("risk", 0.0))
        band = next((b for b in BANDS if features.get(f"band_{b}", 0.0) > 0.5), "low")
        _count(self.treated if treated else self.control, band, one)
        stance = next((s for s in PRIOR_TIMES if features.get(f"stance_{s}", 0.0) > 0.5), None)
        if stance is not None:
            _count(self.treated_stances if treated else self.control_stances, stance, one)

    def view(self, version: str) -> SaveRates:
        """What is known now, frozen."""
        return SaveRates(
            version,
            self.clock_ms,
            dict(self.treated),
            dict(self.control),
            dict(self.treated_stances),
            dict(self.control_stances),
        )

    def figures(self) -> dict[str, float]:
        """Precision at k, of the weeks whose cases have run their horizon."""
        return figures_of(self.weeks)

    def dump(self) -> dict[str, object]:
        """Every parameter by name, as JSON types."""
        state = SaveRatesState(
            clock_ms=self.clock_ms,
            treated=self.treated,
            control=self.control,
            treated_stances=self.treated_stances,
            control_stances=self.control_stances,
            weeks=self.weeks,
        )
        return dict(to_builtins(state))

    @classmethod
    def load(cls, data: Mapping[str, object]) -> "SaveRatesLearner":
        """The learner that `dump` wrote out.

        Raises:
            StateError: a parameter is missing, unknown or of the wrong type.
        """
        state, learner = saved_state(data, SaveRatesState, "save rates"), cls()
        learner.clock_ms = state.clock_ms
        learner.treated, learner.control = dict(state.treated), dict(state.control)
        learner.treated_stances = dict(state.treated_stances)
        learner.control_stances = dict(state.control_stances)
        learner.weeks = state.weeks
        return learner


def _count(arm: dict[str, Cases], name: str, one: Cases) -> None:
    known = arm.get(name, NO_CASES)
    arm[name] = Cases(known.many + one.many, known.bought + one.bought, known.risk + one.risk)


def _sum(bands: Iterable[Cases]) -> Cases:
    known = list(bands)
    return Cases(
        sum(c.many for c in known), sum(c.bought for c in known), sum_of(c.risk for c in known)
    )


def _leaning(treated: Cases, control: Cases, prior: float, fade: float) -> float:
    """What two groups say of the save rate, pulled to `prior`; `fade` takes from their weight."""
    total, risk = treated.many + control.many, treated.risk + control.risk
    if treated.many <= 0.0 or control.many <= 0.0 or risk <= 0.0:
        return prior
    saved = treated.bought / treated.many - control.bought / control.many
    n = fade * treated.many * control.many / total
    return (n * saved * total / risk + PRIOR_CASES * prior) / (n + PRIOR_CASES)
