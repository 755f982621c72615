"""Response: P(an offer is used | this person, this moment), for all eligible offers at once.

log odds = prior of the offer (its owner's expected rate)
         + [1, offer features] W [1, context features]     (shared by all offers)
         + residual of the offer                            (its own, from 0)

so a new offer is scored at once through the shared part. River learns W and the residuals example
by example (`OffsetLogisticRegression`, AdaGrad); deciding reads them as one matrix with numpy.
AdaGrad: Duchi, Hazan, Singer, JMLR 12 (2011).
"""

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from msgspec import Struct, to_builtins
from numpy.typing import NDArray
from river import optim

from streams.contracts.internal.learning import LearningExample
from streams.features import CONTEXT_FEATURES, OFFER_FEATURES
from streams.features.offers import RATE_LOGITS
from streams.models.offset_regression import OFFSET, OffsetLogisticRegression
from streams.models.saved import saved_state

RATE = 0.05
L2 = 1e-5
OFFERS_MAX = 1_000
PROPENSITY_MIN = 1e-4
LOGIT_MAX = -math.log(PROPENSITY_MIN / (1.0 - PROPENSITY_MIN))
BIAS = "1"
OFFER_AXIS = (BIAS, *(f"o.{name}" for name in OFFER_FEATURES))
CONTEXT_AXIS = (BIAS, *(f"c.{name}" for name in CONTEXT_FEATURES))
CROSSES = tuple(f"{offer}*{context}" for offer in OFFER_AXIS for context in CONTEXT_AXIS)
OFFER_PREFIX = "offer:"

Floats = NDArray[np.float64]
AnyFloats = NDArray[np.float64] | NDArray[np.float32]


class ResponseModel(Struct, frozen=True):
    """The immutable view for deciding; `ResponseModel()` has learned nothing: owners' rates only.

    `weights` is W, shape `[1 + offer features, 1 + context features]`.
    """

    version: str = "cold-start"
    weights: Floats = np.zeros((len(OFFER_AXIS), len(CONTEXT_AXIS)))
    residuals: Mapping[str, float] = {}

    def response_probabilities(
        self,
        context: AnyFloats,
        offers: AnyFloats,
        offer_ids: Sequence[str],
        priors: Sequence[float],
    ) -> Floats:
        """P(used) of `n` offers, shape `[n]`, each within [1e-4, 1 - 1e-4].

        Args:
            context: `features.context_vector`, shape `[K]`.
            offers: one `features.offer_vector` a row, shape `[n, 8]`.
            offer_ids: their ids, for the residuals.
            priors: what their owners expect, log odds (`features.prior_log_odds`).

        >>> none = np.zeros(len(CONTEXT_FEATURES)), np.zeros((1, len(OFFER_FEATURES)))
        >>> model = ResponseModel()
        >>> model.response_probabilities(*none, ["new"], [math.log(0.05 / 0.95)]).round(6).tolist()
        [0.05]
        """
        shared = self.weights[:, 1:] @ context + self.weights[:, 0]
        logits = offers @ shared[1:] + shared[0] + np.array(priors)
        if self.residuals:
            logits += np.array([self.residuals.get(offer_id, 0.0) for offer_id in offer_ids])
        return np.asarray(1.0 / (1.0 + np.exp(-_within(logits, -LOGIT_MAX, LOGIT_MAX))))


class ResponseState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the learner remembers, by name: weights and AdaGrad's sums of squared gradients.

    `offers` has the newest last.
    """

    weights: dict[str, float]
    squared_gradients: dict[str, float]
    offers: tuple[str, ...]
    iterations: int
    examples: int


class ResponseLearner:
    """Learns from labeled decisions in the order in which their outcomes became known."""

    model_id: ClassVar[str] = "response"

    def __init__(self) -> None:
        # The shared intercept is the cross of the two biases, under AdaGrad like all the rest.
        self.regression = OffsetLogisticRegression(optim.AdaGrad(RATE), l2=L2, intercept_lr=0.0)
        self.offers: dict[str, None] = {}
        self.examples = 0

    def learn(self, example: LearningExample) -> None:
        """One label: 1.0 when the offer was used, 0.0 when its window closed without it."""
        self._remember(example.offer_id)
        self.regression.learn_one(crossed(example), example.label > 0.5, example.weight)
        self.examples += 1

    def predict(self, example: LearningExample) -> float:
        """P(the label is 1), by River itself."""
        return float(self.regression.predict_proba_one(crossed(example))[True])

    def view(self, version: str) -> ResponseModel:
        """What is known now, frozen under a version's name."""
        held = self.regression.weights
        weights = np.array([held.get(name, 0.0) for name in CROSSES])
        weights = weights.reshape(len(OFFER_AXIS), len(CONTEXT_AXIS))
        weights.flags.writeable = False
        residuals = {offer: held.get(OFFER_PREFIX + offer, 0.0) for offer in self.offers}
        return ResponseModel(version, weights, residuals)

    def dump(self) -> dict[str, object]:
        """Every parameter by name, as JSON types; no pickle."""
        state = ResponseState(
            weights=_floats(self.regression.weights),
            squared_gradients=_floats(self.regression.optimizer.g2),
            offers=tuple(self.offers),
            iterations=int(self.regression.optimizer.n_iterations),
            examples=self.examples,
        )
        return dict(to_builtins(state))

    @classmethod
    def load(cls, data: Mapping[str, object]) -> "ResponseLearner":
        """The learner that `dump` wrote out; it goes on as if it had never stopped.

        Features that are no longer computed are left out, new ones start from 0.

        Raises:
            StateError: a parameter is missing, unknown or of the wrong type.
        """
        state = saved_state(data, ResponseState, "the response model's")
        learner = cls()
        learner.offers = dict.fromkeys(state.offers)
        known = {*CROSSES, *(OFFER_PREFIX + offer for offer in state.offers)}
        learner.regression._weights.update(_only(state.weights, known))
        learner.regression.optimizer.g2.update(_only(state.squared_gradients, known))
        learner.regression.optimizer.n_iterations = state.iterations
        learner.examples = state.examples
        return learner

    def _remember(self, offer_id: str | None) -> None:
        """Residuals of at most `OFFERS_MAX` offers: those that were learned of last."""
        if offer_id is None:
            return
        self.offers.pop(offer_id, None)
        self.offers[offer_id] = None
        if len(self.offers) > OFFERS_MAX:
            oldest = next(iter(self.offers))
            del self.offers[oldest]
            self.regression._weights.pop(OFFER_PREFIX + oldest, None)
            self.regression.optimizer.g2.pop(OFFER_PREFIX + oldest, None)


def crossed(example: LearningExample) -> dict[str, float]:
    """What the regression reads of an example: crosses, the offer's own 1, the prior's log odds.

    A feature that the example does not name counts as 0; crosses of 0 teach nothing and are left
    out, which saves nearly half of the time where most flags are down.
    """
    named = example.features
    offer = [1.0, *(named.get(name, 0.0) for name in OFFER_AXIS[1:])]
    context = [1.0, *(named.get(name, 0.0) for name in CONTEXT_AXIS[1:])]
    products = np.outer(offer, context).ravel().tolist()
    x = {name: product for name, product in zip(CROSSES, products, strict=True) if product}
    if example.offer_id is not None:
        x[OFFER_PREFIX + example.offer_id] = 1.0
    x[OFFSET] = RATE_LOGITS * named.get("o.expected_rate", 0.0)
    return x


def _within(numbers: Floats, least: float, most: float) -> Floats:
    """`np.clip`, in half of its time on the few numbers of a decision."""
    return np.minimum(np.maximum(numbers, least), most)


def _floats(parameters: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in parameters.items() if name != OFFSET}


def _only(parameters: dict[str, float], known: set[str]) -> dict[str, float]:
    return {name: value for name, value in parameters.items() if name in known}
