"""What each offer brings: margin a head of people who got it against its holdout, at every look.

Each person counts once for an offer, when the window after its first draw is over. The group was
dealt with a known share, so scores and intervals are those of `incremental_margin`, by offer.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from msgspec import Struct, to_builtins

from streams.contracts.internal.learning import LearningExample
from streams.contracts.sums import sum_of
from streams.models.experiments import begun, standing
from streams.models.incremental_margin import Effect, Sums, effect_of
from streams.models.saved import saved_state

OFFER_MARGIN_MODEL: Final = "offer_margin"
OFFERS_MAX: Final = 50


class OfferSums(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One offer: margins of both groups, the scores of all their people.

    `share`: of the people who may get it, as it was when the first of them was dealt; `at_ms`: when
    it was learned of last.
    """

    share: float
    treated: Sums = Sums()
    withheld: Sums = Sums()
    scores: Sums = Sums()
    at_ms: int = 0

    def with_one(self, margin: float, *, withheld: bool, share: float, at_ms: int) -> "OfferSums":
        """One person more, dealt to be treated with this share."""
        known = [group.mean for group in (self.treated, self.withheld) if group.many]
        off = margin - (sum_of(known) / len(known) if known else 0.0)
        score = -off / (1.0 - share) if withheld else off / share
        return OfferSums(
            share=self.share,
            treated=self.treated if withheld else self.treated.with_one(margin),
            withheld=self.withheld.with_one(margin) if withheld else self.withheld,
            scores=self.scores.with_one(score),
            at_ms=max(self.at_ms, at_ms),
        )

    @property
    def effect(self) -> Effect | None:
        """Margin a head more of who got it; None while one of the groups has too few people."""
        people = (self.treated.many, self.withheld.many)
        return effect_of(self.scores, self.share, people)


class OfferMargins(Struct, frozen=True):
    """The immutable view: what each offer with a holdout brings, as far as that is known."""

    version: str = "cold-start"
    effects: dict[str, Effect] = {}


class OfferMarginState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the learner remembers, by name; `experiments` are over, but for the last."""

    experiments: tuple[float, ...] = ()
    offers: dict[str, OfferSums] = {}


class OfferMarginLearner:
    """Compares both groups of each offer; an experiment with a new id begins anew."""

    model_id: ClassVar[str] = OFFER_MARGIN_MODEL

    def __init__(self, state: OfferMarginState | None = None) -> None:
        """`state`: what `dump` gave, else nothing was seen."""
        state = state or OfferMarginState()
        self.experiments, self.offers = state.experiments, dict(state.offers)

    def learn(self, example: LearningExample) -> None:
        """One person whose window is over: the label is the margin of it."""
        features, offer_id = example.features, example.offer_id
        experiment, withheld = features["experiment"], features["withheld"] > 0.5
        share = 1.0 - features["share"]
        if offer_id is None or not 0.0 < share < 1.0 or not self._is_of_this(experiment):
            return
        sums = self.offers.get(offer_id) or OfferSums(share=share)
        at_ms = example.observed_at_ms
        one = sums.with_one(example.label, withheld=withheld, share=share, at_ms=at_ms)
        self.offers[offer_id] = one
        if len(self.offers) > OFFERS_MAX:
            del self.offers[min(self.offers, key=lambda name: self.offers[name].at_ms)]

    def view(self, version: str) -> OfferMargins:
        """What is known now, frozen."""
        found = {name: sums.effect for name, sums in self.offers.items()}
        return OfferMargins(version, {n: e for n, e in found.items() if e is not None})

    def figures(self) -> dict[str, float]:
        """People and margin a head of both groups by offer; the effect and its interval."""
        told: dict[str, float] = {}
        for name, sums in self.offers.items():
            for group, of in (("treated", sums.treated), ("withheld", sums.withheld)):
                told[f"people_{group}:{name}"] = float(of.many)
                told[f"margin_{group}:{name}"] = round(of.mean, 6)
        for name, effect in self.view("").effects.items():
            told[f"value:{name}"] = round(effect.value, 6)
            told[f"low:{name}"] = round(effect.low, 6)
            told[f"high:{name}"] = round(effect.high, 6)
        return told

    def dump(self) -> dict[str, object]:
        """Every parameter by name, as JSON types."""
        return dict(to_builtins(OfferMarginState(experiments=self.experiments, offers=self.offers)))

    @classmethod
    def load(cls, data: Mapping[str, object]) -> "OfferMarginLearner":
        """The learner that `dump` wrote out; it goes on as if it had never stopped.

        Raises:
            StateError: a parameter is missing, unknown or of the wrong type.
        """
        return cls(saved_state(data, OfferMarginState, "the offers' margins'"))

    def _is_of_this(self, experiment: float) -> bool:
        """Whether it counts; one that was never seen begins a new experiment."""
        stands = standing(self.experiments, experiment)
        if stands != "new":
            return stands == "running"
        self.experiments = begun(self.experiments, experiment)
        self.offers = {}
        return True
