"""Of those who use an offer, the share that would have bought without it: learned, not assumed.

Comparisons (`feedback/comparisons.py`) say how many orders came after decisions with an offer and
after decisions without. Each is taken against what a baseline expects of the person and weighted by
1 / P(its group), which is known: the doubly robust difference of the two groups is what offers add
(augmented inverse probability weighting, Robins, Rotnitzky and Zhao 1994). With it

    shop:   share = 1 - (rest of treated - rest of control) / (uses of treated - uses of control)
    group:  share = 1 - (rest of group - rest of control - (1 - shop) * more uses of others)
                        / own uses of group

where a group is a class of offers or one offer, and `rest` is orders less those expected. Means
lean: the offer's on its class's, that on the shop's, that on the policies' prior, by their
precision, so a mean counts for as much as its sample carries:

    (found / se^2 + prior / sd^2) / (1 / se^2 + 1 / sd^2)

The baseline makes offers comparable among each other; their own probabilities do not enter, since
they are too small to divide by.
"""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from msgspec import Struct, to_builtins

from streams.contracts.internal.learning import LearningExample
from streams.contracts.sums import sum_of
from streams.errors import StateError
from streams.models.baseline import Baseline, BaselineState, numbers_of
from streams.models.comparison_sums import SAMPLE_MIN, Sums, group_probability
from streams.models.fading import fade_of
from streams.models.saved import saved_state

OFFERS_MAX, CLASSES_MAX = 150, 32
USES_MIN = 0.005
SD_SHOP, SD_GROUP = 0.3, 0.1
NO_PRIOR = 0.5
VARIANCE_MIN = 1e-4
CLASS = "class_"


class Share(NamedTuple):
    """A share that leans on a prior: `own + leaning * prior`, cut to 0 to 1 where it is used."""

    own: float = 0.0
    leaning: float = 1.0

    def at(self, prior: float) -> float:
        """The share where the shop thinks `prior`."""
        share = self.own + self.leaning * prior
        return share if 0.0 < share < 1.0 else min(max(share, 0.0), 1.0)


class UpliftModel(Struct, frozen=True):
    """The immutable view for deciding; `UpliftModel()` has learned nothing and says the prior."""

    version: str = "cold-start"
    shop: Share = Share()
    classes: dict[str, Share] = {}
    offers: dict[str, Share] = {}

    def bought_anyway(self, offer_id: str, class_: str, prior: float) -> float:
        """Of those who use the offer, the share that would have bought without it, 0 to 1."""
        share = self.offers.get(offer_id) or self.classes.get(class_) or self.shop
        return share.at(prior)


class UpliftState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the learner remembers, by name."""

    clock_ms: int
    baseline: BaselineState
    treated: Sums
    control: Sums
    classes: dict[str, Sums]
    offers: dict[str, Sums]
    class_of: dict[str, str]


class UpliftLearner:
    """Sums by group; its clock is the event time of the comparisons' ends, and they fade by it."""

    model_id: ClassVar[str] = "uplift"

    def __init__(self) -> None:
        self.clock_ms = 0
        self.baseline = Baseline()
        self.treated = Sums()
        self.control = Sums()
        self.classes: dict[str, Sums] = {}
        self.offers: dict[str, Sums] = {}
        self.class_of: dict[str, str] = {}

    def learn(self, example: LearningExample) -> None:
        """One comparison; the label is the number of orders."""
        features, at_ms = example.features, example.observed_at_ms
        x, fade = numbers_of(features), fade_of(at_ms - self.clock_ms)
        late = example.weight * fade_of(self.clock_ms - at_ms)
        self.clock_ms = max(self.clock_ms, at_ms)
        uses = features.get("uses", 0.0)
        treated = example.offer_id is not None
        weight = late / group_probability(features, treated=treated)
        rest = example.label - self.baseline.expected(x)
        squares = (weight * rest, weight * rest * rest)
        own = weight * features.get("own_uses", 0.0)
        one = Sums(self.clock_ms, weight, weight * weight, *squares, weight * uses, own)
        if example.offer_id is None:
            self.control = self.control.plus(one)
        else:
            self.treated = self.treated.plus(one)
            self._add_to_groups(example.offer_id, _class_of(features), one)
        organic = example.label - (1.0 - self._shop().at(NO_PRIOR)) * uses
        self.baseline.learn(x, organic, late, fade)

    def predict(self, example: LearningExample) -> None:
        """Nothing: it compares groups, and foretells no single outcome."""

    def view(self, version: str) -> UpliftModel:
        """What is known now, frozen."""
        shop = self._shop()
        classes = {name: self._group(sums, shop, shop) for name, sums in self.classes.items()}
        offers = {
            name: self._group(sums, classes.get(self.class_of[name], shop), shop)
            for name, sums in self.offers.items()
        }
        return UpliftModel(version, shop, classes, offers)

    def figures(self) -> dict[str, float]:
        """How many are compared, and what is found of all offers before it leans on a prior."""
        treated, control = self.treated.mean, self.control.mean
        figures: dict[str, float] = {
            "compared_with": round(treated.sample, 1),
            "compared_without": round(control.sample, 1),
        }
        found, error = self._found()
        if error is None:
            return figures
        return figures | {"bought_anyway": round(found, 4), "standard_error": round(error, 4)}

    def dump(self) -> dict[str, object]:
        """Every parameter by name, as JSON types."""
        return {
            "clock_ms": self.clock_ms,
            "baseline": self.baseline.dump(),
            "treated": to_builtins(self.treated),
            "control": to_builtins(self.control),
            "classes": to_builtins(self.classes),
            "offers": to_builtins(self.offers),
            "class_of": dict(self.class_of),
        }

    @classmethod
    def load(cls, data: Mapping[str, object]) -> "UpliftLearner":
        """The learner that `dump` wrote out.

        Raises:
            StateError: a parameter is missing, unknown or of the wrong type.
        """
        state, learner = saved_state(data, UpliftState, "uplift"), cls()
        learner.baseline = Baseline.of(state.baseline, "uplift")
        if state.offers.keys() != state.class_of.keys():
            raise StateError("uplift parameters cannot be read: offers without a class")
        learner.clock_ms = state.clock_ms
        learner.treated, learner.control = state.treated, state.control
        learner.classes, learner.offers = dict(state.classes), dict(state.offers)
        learner.class_of = dict(state.class_of)
        return learner

    def _add_to_groups(self, offer_id: str, class_: str, one: Sums) -> None:
        """The groups learned of last are kept."""
        for groups, name in ((self.classes, class_), (self.offers, offer_id)):
            groups[name] = groups.pop(name, Sums()).plus(one)
        self.class_of[offer_id] = class_
        if len(self.classes) > CLASSES_MAX:
            del self.classes[next(iter(self.classes))]
        if len(self.offers) > OFFERS_MAX:
            gone = next(iter(self.offers))
            del self.offers[gone], self.class_of[gone]

    def _shop(self) -> Share:
        """Of all offers together."""
        found, error = self._found()
        return _lean(found, 0.0, error, Share(), SD_SHOP)

    def _found(self) -> tuple[float, float | None]:
        """The share of all offers by the comparisons alone, and its error if there are enough."""
        treated, control = self.treated.mean, self.control.mean
        uses = treated.uses - control.uses
        error = self._error(treated.sample, control.sample, uses)
        return (0.0 if error is None else 1.0 - (treated.rest - control.rest) / uses), error

    def _group(self, sums: Sums, prior: Share, shop: Share) -> Share:
        """Of a class or an offer, whose comparisons hold uses of other offers as well."""
        group, control = sums.mean, self.control.mean
        error = self._error(group.sample, control.sample, group.own)
        if error is None:
            return prior
        others = (group.uses - group.own - control.uses) / group.own
        own = 1.0 - (group.rest - control.rest) / group.own + (1.0 - shop.own) * others
        return _lean(own, -shop.leaning * others, error, prior, SD_GROUP)

    def _error(self, sample: float, control: float, uses: float) -> float | None:
        """Standard error of a share found by samples of this size; None: they say nothing yet."""
        if min(sample, control) < SAMPLE_MIN or uses < USES_MIN:
            return None
        return float((self._variance() * (1.0 / sample + 1.0 / control)) ** 0.5 / uses)

    def _variance(self) -> float:
        """Of orders less those expected, within the two groups."""
        treated, control = self.treated, self.control
        weight = treated.weight + control.weight
        between = sum_of(s.rest**2 / s.weight for s in (treated, control) if s.weight > 0.0)
        squares = treated.rest_squared + control.rest_squared
        return max((squares - between) / weight, VARIANCE_MIN)


def _lean(own: float, leaning: float, error: float | None, prior: Share, sd: float) -> Share:
    """What is found, `own + leaning * the shop's prior`, and what it leans on, by precision."""
    if error is None:
        return prior
    found, before = error**-2.0, sd**-2.0
    total = found + before
    return Share(
        (found * own + before * prior.own) / total,
        (found * leaning + before * prior.leaning) / total,
    )


def _class_of(features: Mapping[str, float]) -> str:
    named = (name for name in features if name.startswith(CLASS))
    return next(named, CLASS).removeprefix(CLASS)
