"""What one more contact costs: learned from what contacts do to later visits and to opt-outs.

Comparisons (`feedback/comparisons.py`) say of people whom an offer was sent and of people whom none
was: how often they came in the time after, whether they opted out, and how crowded their contacts
were: for each contact in that time, the contacts of the seven days before it, summed up. `fatigue`
is a price on just that, so with means of both groups, weighted by 1 / P(its group), which is known,

    visits lost by contact = (visits without - visits with) / (crowding with - crowding without)
    opt-outs by contact    = (opt-outs with - opt-outs without) / (the same)

the effect of treatment over the effect on the dose (the Wald estimator; Angrist and Imbens, Journal
of the American Statistical Association 90, 1995). A ridge regression on who the person was before
any offer takes the differences between people out of the visits. In money

    found = visits lost * margin of a visit + opt-outs * contact.reachable_value

where the margin of a visit is what the shop earned of people without an offer for each time that
they came. That leans on the policies' price by precision, which stands for a price of the same
size, give or take itself:

    price = (found / error^2 + prior / prior^2) / (1 / error^2 + 1 / prior^2), at least 0
"""

import math
from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct, to_builtins

from streams.contracts.internal.learning import LearningExample
from streams.contracts.reference.structs import ContactPolicy
from streams.models.baseline import Baseline, BaselineState, numbers_of
from streams.models.comparison_sums import SAMPLE_MIN, group_probability, sample_of
from streams.models.fading import fade_of
from streams.models.saved import saved_state

CROWDING_MIN = 0.02
VARIANCE_MIN = 1e-6
ERROR_MIN = 1e-9


class ContactSums(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Weighted sums over comparisons of one group; `rest` is visits less those expected."""

    weight: float = 0.0
    weight_squared: float = 0.0
    crowding: float = 0.0
    rest: float = 0.0
    rest_squared: float = 0.0
    opted_out: float = 0.0
    visits: float = 0.0
    margin: float = 0.0

    def plus(self, fade: float, more: "ContactSums") -> "ContactSums":
        """Faded, with one comparison more."""
        return ContactSums(
            weight=self.weight * fade + more.weight,
            weight_squared=self.weight_squared * fade * fade + more.weight_squared,
            crowding=self.crowding * fade + more.crowding,
            rest=self.rest * fade + more.rest,
            rest_squared=self.rest_squared * fade + more.rest_squared,
            opted_out=self.opted_out * fade + more.opted_out,
            visits=self.visits * fade + more.visits,
            margin=self.margin * fade + more.margin,
        )

    @property
    def sample(self) -> float:
        """How many comparisons of equal weight it is worth."""
        return sample_of(self.weight, self.weight_squared)

    def mean(self, total: float) -> float:
        """A sum over the weight."""
        return total / self.weight if self.weight > 0.0 else 0.0


class FatigueModel(Struct, frozen=True):
    """The immutable view; `FatigueModel()` has learned nothing and says the policies' price.

    `visits_lost` and `opted_out`: by contact that follows one contact within seven days, with
    their standard errors; `visit_margin`: in the shop's currency. `known`: enough were compared.
    """

    version: str = "cold-start"
    known: bool = False
    visits_lost: float = 0.0
    visits_error: float = 0.0
    opted_out: float = 0.0
    opted_out_error: float = 0.0
    visit_margin: float = 0.0

    def price(self, contact: ContactPolicy) -> float:
        """Of one more contact, for each contact of the last seven days, in the shop's currency."""
        prior = contact.fatigue_price
        if not (contact.learn_fatigue and self.known and prior > 0.0):
            return prior
        found = self.visits_lost * self.visit_margin + self.opted_out * contact.reachable_value
        error = math.hypot(
            self.visits_error * self.visit_margin, self.opted_out_error * contact.reachable_value
        )
        own, before = 1.0 / max(error, ERROR_MIN) ** 2, 1.0 / prior**2
        return max((found * own + prior * before) / (own + before), 0.0)


class FatigueState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the learner remembers, by name."""

    clock_ms: int
    baseline: BaselineState
    treated: ContactSums
    control: ContactSums


class FatigueLearner:
    """Sums of both groups; its clock is the event time of the comparisons' ends."""

    model_id: ClassVar[str] = "fatigue"

    def __init__(self) -> None:
        self.clock_ms = 0
        self.baseline = Baseline()
        self.treated, self.control = ContactSums(), ContactSums()

    def learn(self, example: LearningExample) -> None:
        """One comparison; the label is how often the person came."""
        features, at_ms = example.features, example.observed_at_ms
        x, fade = numbers_of(features), fade_of(at_ms - self.clock_ms)
        late = example.weight * fade_of(self.clock_ms - at_ms)
        self.clock_ms = max(self.clock_ms, at_ms)
        treated = features.get("treated", 0.0) > 0.5
        weight = late / group_probability(features, treated=treated)
        rest = example.label - self.baseline.expected(x)
        one = ContactSums(
            weight=weight,
            weight_squared=weight * weight,
            crowding=weight * features.get("crowding", 0.0),
            rest=weight * rest,
            rest_squared=weight * rest * rest,
            opted_out=weight * features.get("opted_out", 0.0),
            visits=weight * example.label,
            margin=weight * features.get("margin", 0.0),
        )
        self.treated = self.treated.plus(fade, one if treated else ContactSums())
        self.control = self.control.plus(fade, ContactSums() if treated else one)
        self.baseline.learn(x, example.label, late, fade)

    def view(self, version: str) -> FatigueModel:
        """What is known now, frozen."""
        a, b = self.treated, self.control
        dose = a.mean(a.crowding) - b.mean(b.crowding)
        margin = max(b.margin / b.visits, 0.0) if b.visits > 0.0 else 0.0
        if min(a.sample, b.sample) < SAMPLE_MIN or dose < CROWDING_MIN:
            return FatigueModel(version, visit_margin=margin)
        lost = (b.mean(b.rest) - a.mean(a.rest)) / dose
        opted = (a.mean(a.opted_out) - b.mean(b.opted_out)) / dose
        weight = a.weight + b.weight
        spread = (a.rest_squared + b.rest_squared) / weight
        share = (a.opted_out + b.opted_out) / weight
        errors = [
            math.sqrt(max(variance, VARIANCE_MIN) * (1.0 / a.sample + 1.0 / b.sample)) / dose
            for variance in (spread, share * (1.0 - share))
        ]
        return FatigueModel(version, True, lost, errors[0], opted, errors[1], margin)

    def figures(self) -> dict[str, float]:
        """How many are compared, and what was found before it leans on the price."""
        found = self.view("")
        figures = {
            "compared_with": round(self.treated.sample, 1),
            "compared_without": round(self.control.sample, 1),
            "visit_margin": round(found.visit_margin, 6),
        }
        if not found.known:
            return figures
        return figures | {
            "visits_lost": round(found.visits_lost, 6),
            "visits_error": round(found.visits_error, 6),
            "opted_out": round(found.opted_out, 6),
            "opted_out_error": round(found.opted_out_error, 6),
        }

    def dump(self) -> dict[str, object]:
        """Every parameter by name, as JSON types."""
        return {
            "clock_ms": self.clock_ms,
            "baseline": self.baseline.dump(),
            "treated": to_builtins(self.treated),
            "control": to_builtins(self.control),
        }

    @classmethod
    def load(cls, data: Mapping[str, object]) -> "FatigueLearner":
        """The learner that `dump` wrote out.

        Raises:
            StateError: a parameter is missing, unknown or of the wrong type.
        """
        state, learner = saved_state(data, FatigueState, "fatigue"), cls()
        learner.baseline = Baseline.of(state.baseline, "fatigue")
        learner.clock_ms = state.clock_ms
        learner.treated, learner.control = state.treated, state.control
        return learner
