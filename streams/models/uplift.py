"""Of those who use an offer, the share that would have bought without it: learned, not assumed.

Comparisons (`feedback/comparisons.py`) say how many orders came after decisions with an offer and
after decisions without. Each is taken against what a baseline expects of the person and weighted by
1 / P(its group), which is known: the doubly robust difference of the two groups is what offers add
(augmented inverse probability weighting, Robins, Rotnitzky and Zhao 1994). With it

    shop:   share = 1 - (rest of treated - rest of control) / (uses of treated - uses of control)
    group:  share = 1 - (rest of group - rest of control - (1 - shop) * more uses of others)
                        / own uses of group

where a group is a class of offers or one offer, and `rest` is orders less those expected. Of each
use a decision had expected, by who the person is, a share to be bought anyway. What is found above
the mean of that is the correction, for everybody alike. Corrections lean: the offer's on its
class's, that on the shop's, that on 0, by their precision, so that one counts for as much as its
sample carries:

    (found / se^2 + above / sd^2) / (1 / se^2 + 1 / sd^2)

The baseline makes offers comparable among each other; their own probabilities do not enter, since
they are too small to divide by.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from msgspec import Struct, to_builtins

from streams.contracts.internal.learning import LearningExample
from streams.contracts.reference.structs import Offer
from streams.contracts.sums import sum_of
from streams.errors import StateError
from streams.models.baseline import Baseline, BaselineState, numbers_of
from streams.models.comparison_sums import SAMPLE_MIN, Sums, group_probability
from streams.models.fading import fade_of
from streams.models.saved import saved_state

OFFERS_MAX, CLASSES_MAX = 150, 32
USES_MIN = 0.005
SD_SHOP, SD_GROUP = 0.3, 0.1
NOTHING_TOLD = 0.5
EXPECTED = "expected"
VARIANCE_MIN = 1e-4
CLASS = "class_"


class UpliftModel(Struct, frozen=True):
    """The immutable view for deciding, in corrections of the share that is expected of a person.

    `UpliftModel()` has learned nothing and says what is expected.
    """

    version: str = "cold-start"
    shop: float = 0.0
    classes: dict[str, float] = {}
    offers: dict[str, float] = {}

    def shares(self, offers: Sequence[Offer], expected: Sequence[float]) -> list[float]:
        """Of those who use each offer, the share that would have bought without it, 0 to 1.

        Args:
            offers: which offers.
            expected: of each the share by who the person is, before anything is learned.
        """
        own, classes, shop = self.offers, self.classes, self.shop
        if not own and not classes:
            each = {e: _share(e + shop) for e in set(expected)}
            return [each[e] for e in expected]
        pairs = zip(offers, expected, strict=True)
        told = [e + own.get(o.offer_id, classes.get(o.class_, shop)) for o, e in pairs]
        return [x if 0.0 < x < 1.0 else _share(x) for x in told]


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
        """One comparison; the label is the number of orders.

        With an offer, but without what was expected of it, it was begun by an older version: it
        teaches nothing.
        """
        if example.offer_id is not None and EXPECTED not in example.features:
            return
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
        sums = (*squares, weight * uses, own, own * features.get(EXPECTED, 0.0))
        one = Sums(self.clock_ms, weight, weight * weight, *sums)
        if example.offer_id is None:
            self.control = self.control.plus(one)
        else:
            self.treated = self.treated.plus(one)
            self._add_to_groups(example.offer_id, _class_of(features), one)
        organic = example.label - (1.0 - self._shop()) * uses
        self.baseline.learn(x, organic, late, fade)

    def view(self, version: str) -> UpliftModel:
        """What is known now, frozen."""
        shop, share = self._correction(), self._shop()
        classes = {name: self._group(sums, shop, share) for name, sums in self.classes.items()}
        offers = {
            name: self._group(sums, classes.get(self.class_of[name], shop), share)
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

    def _shop(self) -> float:
        """Of the uses of all offers together, the share bought anyway."""
        expected = self.treated.expected
        return NOTHING_TOLD if expected is None else _share(expected + self._correction())

    def _correction(self) -> float:
        """Of what was expected of all offers together."""
        found, error = self._found()
        expected = self.treated.expected
        return 0.0 if expected is None else _lean(found - expected, error, 0.0, SD_SHOP)

    def _found(self) -> tuple[float, float | None]:
        """The share of all offers by the comparisons alone, and its error if there are enough."""
        treated, control = self.treated.mean, self.control.mean
        uses = treated.uses - control.uses
        error = self._error(treated.sample, control.sample, uses)
        return (0.0 if error is None else 1.0 - (treated.rest - control.rest) / uses), error

    def _group(self, sums: Sums, above: float, shop: float) -> float:
        """The correction of a class or an offer, whose comparisons hold uses of others as well."""
        group, control, expected = sums.mean, self.control.mean, sums.expected
        error = self._error(group.sample, control.sample, group.own)
        if error is None or expected is None:
            return above
        others = (group.uses - group.own - control.uses) / group.own
        found = 1.0 - (group.rest - control.rest) / group.own + (1.0 - shop) * others
        return _lean(found - expected, error, above, SD_GROUP)

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


def _lean(found: float, error: float | None, above: float, sd: float) -> float:
    """A correction that is found and the one above it, from which it differs by such an `sd`."""
    if error is None:
        return above
    counts, before = 1.0 / error**2, 1.0 / sd**2
    return (counts * found + before * above) / (counts + before)


def _share(number: float) -> float:
    """Cut to 0 to 1."""
    return min(max(number, 0.0), 1.0)


def _class_of(features: Mapping[str, float]) -> str:
    named = (name for name in features if name.startswith(CLASS))
    return next(named, CLASS).removeprefix(CLASS)
