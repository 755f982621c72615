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

The same with margin in place of orders says what a use gains. Uses times both are what sending an
offer changes (`offer_effects`), more or less for one person than on average (`person_effect`).
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np
from msgspec import Struct, to_builtins
from numpy.typing import NDArray

from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.terms import EffectColumns, EffectRow
from streams.contracts.reference.structs import Offer
from streams.contracts.sums import sum_of
from streams.errors import StateError
from streams.features.offer_table import Where
from streams.models.baseline import Baseline, BaselineState, numbers_of
from streams.models.comparison_sums import SAMPLE_MIN, Mean, Sums, group_probability
from streams.models.fading import fade_of
from streams.models.last_catalog import LastCatalog
from streams.models.leaning import NOTHING_ABOVE, Leaned, lean
from streams.models.offer_effects import Effects, effects_of
from streams.models.person_effect import NAMES, PersonEffect, PersonState
from streams.models.saved import saved_state

OFFERS_MAX, CLASSES_MAX = 150, 32
USES_MIN = 0.005
SD_EXPECTED = 0.15
"""By so much what is expected of the uses of all offers is off, before anything is compared."""
SD_EXPECTED_BEFORE = 0.3
"""As models of formats 2 and 3 took it; they go on by that, and say what they said."""
SD_SHOP, SD_GROUP = 0.3, 0.1
NOTHING_TOLD = 0.5
EXPECTED = "expected"
VARIANCE_MIN = 1e-4
CLASS = "class_"


class UpliftModel(Struct, frozen=True, dict=True):
    """The immutable view for deciding, in corrections of the share that is expected of a person.

    `UpliftModel()` has learned nothing and says what is expected. `added`: what sending an offer
    changes, once enough was compared. `order_margin`: what an order brings on the mean, 0 before.
    """

    version: str = "cold-start"
    shop: float = 0.0
    classes: dict[str, float] = {}
    offers: dict[str, float] = {}
    added: Effects | None = None
    order_margin: float = 0.0

    def effects(
        self, offers: Sequence[Offer], context: NDArray[np.float32], where: Where = None
    ) -> EffectColumns | None:
        """What sending each of these offers to the person changes; None: nothing is known yet.

        `where`: the places of the offers that are asked for; None: all.
        """
        return None if self.added is None else self.added.of(offers, context, where)

    def shares(
        self, offers: Sequence[Offer], expected: Sequence[float], where: Where = None
    ) -> list[float]:
        """Of those who use each offer, the share that would have bought without it, 0 to 1.

        Args:
            offers: which offers.
            expected: of each that is asked for the share by who the person is, before anything is
                learned.
            where: the places of the offers that are asked for; None: all.
        """
        known = self._catalog.of(offers, self._corrections)
        if where is not None:
            known = [known[place] for place in where.tolist()]
        pairs = zip(expected, known, strict=True)
        return [x if 0.0 < (x := e + more) < 1.0 else _share(x) for e, more in pairs]

    @cached_property
    def _catalog(self) -> LastCatalog[Offer, list[float]]:
        return LastCatalog()

    def _corrections(self, offers: Sequence[Offer]) -> list[float]:
        """Of the share of each offer: its own, else that of its class, else that of the shop."""
        own, classes, shop = self.offers, self.classes, self.shop
        return [own.get(o.offer_id, classes.get(o.class_, shop)) for o in offers]


class UpliftState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the learner remembers, by name.

    Of format 3 without `sd_expected`, of format 2 without `person` and `totals` either.
    """

    clock_ms: int
    baseline: BaselineState
    treated: Sums
    control: Sums
    classes: dict[str, Sums]
    offers: dict[str, Sums]
    class_of: dict[str, str]
    person: PersonState | None
    totals: tuple[float, float]
    sd_expected: float


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
        self.person = PersonEffect()
        self.totals = (0.0, 0.0)
        self.sd_expected = SD_EXPECTED

    def learn(self, example: LearningExample) -> None:
        """One comparison; the label is the number of orders.

        With an offer, but without what was expected of it, it was begun by an older version: it
        teaches nothing.
        """
        if example.offer_id is not None and EXPECTED not in example.features:
            return
        features, at_ms = example.features, example.observed_at_ms
        treated, margin = example.offer_id is not None, features.get("margin")
        x, fade = numbers_of(features), fade_of(at_ms - self.clock_ms)
        late = example.weight * fade_of(self.clock_ms - at_ms)
        self.clock_ms = max(self.clock_ms, at_ms)
        uses = features.get("uses", 0.0)
        weight = late / group_probability(features, treated=treated)
        expected, margin_expected = self.baseline.both_expected(x).tolist()
        rest = example.label - expected
        gained = np.nan if margin is None else margin - margin_expected
        squares = (weight * rest, weight * rest * rest)
        own = weight * features.get("own_uses", 0.0)
        sums = (*squares, weight * uses, own, own * features.get(EXPECTED, 0.0))
        gains = (0.0, 0.0, 0.0)
        if margin is not None:
            gains = (weight * gained, weight * gained * gained, weight)
        one = Sums(self.clock_ms, weight, weight * weight, *sums, *gains)
        if example.offer_id is None:
            self.control = self.control.plus(one)
        else:
            self.treated = self.treated.plus(one)
            self._add_to_groups(example.offer_id, _class_of(features), one)
        organic = example.label - (1.0 - self._shop()) * uses
        self.baseline.learn(x, organic, late, fade, margin)
        self._learn_person(features, (rest, gained), treated, (late, fade))
        more = (0.0, 0.0) if margin is None else (late * example.label, late * margin)
        self.totals = (self.totals[0] * fade + more[0], self.totals[1] * fade + more[1])

    def _learn_person(
        self,
        features: Mapping[str, float],
        rests: tuple[float, float],
        treated: bool,
        counts: tuple[float, float],
    ) -> None:
        """The score of one comparison; `counts` is how much it counts, and what is left before."""
        own = group_probability(features, treated=treated)
        x = np.array([1.0, *[features.get(name, 0.0) for name in NAMES]])
        self.person.learn(x, np.array(rests), 1.0 - own if treated else own - 1.0, *counts)

    def view(self, version: str) -> UpliftModel:
        """What is known now, frozen."""
        shop, share = self._correction(), self._shop()
        classes = {name: self._group(sums, shop, share) for name, sums in self.classes.items()}
        offers = {
            name: self._group(sums, classes.get(self.class_of[name], shop), share)
            for name, sums in self.offers.items()
        }
        return UpliftModel(
            version,
            shop.value,
            {name: one.value for name, one in classes.items()},
            {name: one.value for name, one in offers.items()},
            self._added(shop, classes, offers),
            self._order_margin(),
        )

    def _order_margin(self) -> float:
        """What an order of a comparison brought on the mean."""
        orders, margin = self.totals
        return max(margin / orders, 0.0) if orders >= SAMPLE_MIN else 0.0

    def _added(
        self, shop: Leaned, classes: Mapping[str, Leaned], offers: Mapping[str, Leaned]
    ) -> Effects | None:
        """What sending an offer changes: its uses, times what each brings in orders and margin."""
        treated, control, (orders, margin) = self.treated.mean, self.control.mean, self.totals
        error = self._gain_error(treated, control, treated.uses - control.uses)
        if error is None or orders <= 0.0:
            return None
        worth = margin / orders
        whole = self._gain(worth)
        by_class = {
            n: self._group_gain(sums, whole, whole, worth) for n, sums in self.classes.items()
        }
        by_offer = {
            n: self._group_gain(sums, by_class.get(self.class_of[n], whole), whole, worth)
            for n, sums in self.offers.items()
        }
        uses = treated.own
        person = self.person.view(np.array((uses, uses * abs(worth))))
        return effects_of(
            {n: _row(sums, offers[n], by_offer[n]) for n, sums in self.offers.items()},
            {n: _row(sums, classes[n], by_class[n]) for n, sums in self.classes.items()},
            _row(self.treated, shop, whole),
            person,
        )

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
            "person": to_builtins(self.person.dump()),
            "totals": list(self.totals),
            "sd_expected": self.sd_expected,
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
        learner.totals, learner.sd_expected = state.totals, state.sd_expected
        if state.person is not None:
            learner.person = PersonEffect.of(state.person)
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
        return NOTHING_TOLD if expected is None else _share(expected + self._correction().value)

    def _correction(self) -> Leaned:
        """Of what was expected of all offers together."""
        found, error = self._found()
        expected = self.treated.expected
        if expected is None:
            return Leaned(0.0, self.sd_expected)
        return lean(found - expected, error, NOTHING_ABOVE, self.sd_expected)

    def _found(self) -> tuple[float, float | None]:
        """The share of all offers by the comparisons alone, and its error if there are enough."""
        treated, control = self.treated.mean, self.control.mean
        uses = treated.uses - control.uses
        error = self._error(treated.sample, control.sample, uses)
        return (0.0 if error is None else 1.0 - (treated.rest - control.rest) / uses), error

    def _group(self, sums: Sums, above: Leaned, shop: float) -> Leaned:
        """The correction of a class or an offer, whose comparisons hold uses of others as well."""
        group, control, expected = sums.mean, self.control.mean, sums.expected
        error = self._error(group.sample, control.sample, group.own)
        if error is None or expected is None:
            return lean(0.0, None, above, SD_GROUP)
        others = (group.uses - group.own - control.uses) / group.own
        found = 1.0 - (group.rest - control.rest) / group.own + (1.0 - shop) * others
        return lean(found - expected, error, above, SD_GROUP)

    def _gain(self, worth: float) -> Leaned:
        """Margin that a use of any offer brings; `worth`: what an order brings on average.

        It leans on that, of the uses that bring an order.
        """
        treated, control = self.treated.mean, self.control.mean
        above = Leaned((1.0 - self._shop()) * worth, 0.0)
        error = self._gain_error(treated, control, treated.uses - control.uses)
        if error is None:
            return lean(0.0, None, above, SD_SHOP * abs(worth))
        found = (treated.gained - control.gained) / (treated.uses - control.uses)
        return lean(found, error, above, SD_SHOP * abs(worth))

    def _group_gain(self, sums: Sums, above: Leaned, shop: Leaned, worth: float) -> Leaned:
        """The same of a class or an offer."""
        group, control, sd = sums.mean, self.control.mean, SD_GROUP * abs(worth)
        error = self._gain_error(group, control, group.own)
        if error is None:
            return lean(0.0, None, above, sd)
        others = (group.uses - group.own - control.uses) / group.own
        found = (group.gained - control.gained) / group.own - shop.value * others
        return lean(found, error, above, sd)

    def _error(self, sample: float, control: float, uses: float) -> float | None:
        """Standard error of a share found by samples of this size; None: they say nothing yet."""
        if min(sample, control) < SAMPLE_MIN or uses < USES_MIN:
            return None
        return float((self._variance() * (1.0 / sample + 1.0 / control)) ** 0.5 / uses)

    def _gain_error(self, group: Mean, control: Mean, uses: float) -> float | None:
        """The same of a gain, by the comparisons that told a margin."""
        if min(group.gained_sample, control.gained_sample) < SAMPLE_MIN or uses < USES_MIN:
            return None
        told = (self.treated, self.control)
        sums = [(s.gained, s.gained_squared, s.gained_weight) for s in told]
        samples = 1.0 / group.gained_sample + 1.0 / control.gained_sample
        return float((_within(sums) * samples) ** 0.5 / uses)

    def _variance(self) -> float:
        """Of orders less those expected, within the two groups."""
        told = (self.treated, self.control)
        return _within([(s.rest, s.rest_squared, s.weight) for s in told])


def _within(sums: Sequence[tuple[float, float, float]]) -> float:
    """Variance within groups, by the sum, the sum of squares and the weight of each."""
    weight = sum_of(w for _, _, w in sums)
    between = sum_of(s**2 / w for s, _, w in sums if w > 0.0)
    return max((sum_of(squared for _, squared, _ in sums) - between) / weight, VARIANCE_MIN)


def _row(sums: Sums, correction: Leaned, gain: Leaned) -> EffectRow:
    """Orders and margin that sending an offer adds, with their errors, by its uses."""
    uses, expected = sums.mean.own, sums.expected
    share = NOTHING_TOLD if expected is None else _share(expected + correction.value)
    return uses * (1.0 - share), uses * correction.error, uses * gain.value, uses * gain.error


def _share(number: float) -> float:
    """Cut to 0 to 1."""
    return min(max(number, 0.0), 1.0)


def _class_of(features: Mapping[str, float]) -> str:
    named = (name for name in features if name.startswith(CLASS))
    return next(named, CLASS).removeprefix(CLASS)
