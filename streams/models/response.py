"""Response: P(an offer is used | this person, this moment), for all eligible offers at once.

A pool of diagonal Bayesian logistic experts (`pool`) over crosses of the person's context with the
offer's features, plus each offer's own terms; it begins at the rate that the offer's owner expects
and at what is believed of everybody, so a new offer is scored at once. Deciding reads an immutable
view.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import repeat
from typing import ClassVar

import numpy as np
from msgspec import Struct, ValidationError, convert, to_builtins
from numpy.typing import NDArray
from river import base

from streams.contracts.internal.learning import CHALLENGER, LearningExample
from streams.errors import StateError
from streams.features.offer_table import Where
from streams.features.offers import LOG_REACH, RATE_LOGITS
from streams.models.diagonal_logistic import OFFSET
from streams.models.last_catalog import LastCatalog
from streams.models.pairs import places, products_of
from streams.models.pool import (
    AS_IT_IS,
    BASES,
    Array,
    Asked,
    Pool,
    Tuning,
    asked,
    combined,
    on_bases,
)
from streams.models.posterior import Posterior, Spreads, posterior_of
from streams.models.response_state import CONTEXT_AXIS as CONTEXT_AXIS
from streams.models.response_state import OFFER_AXIS as OFFER_AXIS
from streams.models.response_state import ResponseState, believed_in, restore, state_of
from streams.models.saved import saved_state

OFFERS_MAX = 300
PROPENSITY_MIN = 1e-4
LOGIT_MAX = -math.log(PROPENSITY_MIN / (1.0 - PROPENSITY_MIN))
# Arrays, for of a plain number numpy asks first how to take it: half the time of an operation.
LEAST_LOGIT, MOST_LOGIT, ONE = np.array(-LOGIT_MAX), np.array(LOGIT_MAX), np.array(1.0)
OFFER_ID = "offer"
AT_MS = "at_ms"
LEAST_FEATURE, MOST_FEATURE = np.array(-3.0), np.array(3.0)
BELIEVED: Mapping[str, float] = {"o.affinity": 0.9, "o.looked_at": 0.2, "o.depth": 0.3}
"""Log odds for each unit of an offer feature before any label: interest in it, what it takes off.

From the first event on the choice is personal; what labels say comes on top.
"""
NOTHING_LEARNED = "believed-100"
"""The version of who goes by what is believed: so it explores as if it had learned 100 labels."""
_AXES = (*CONTEXT_AXIS, *OFFER_AXIS)
_PLACES: Mapping[str, int] = {name: place for place, name in enumerate(_AXES)}
PAIRS = places(len(CONTEXT_AXIS))
_W_SHAPE = (BASES, len(OFFER_AXIS) + 1, len(CONTEXT_AXIS) + 1)

Floats = NDArray[np.float64]
AnyFloats = NDArray[np.float64] | NDArray[np.float32]


def beliefs_of(believed: Mapping[str, float]) -> Floats:
    """Log odds for each unit of every offer feature, shape `[offer features]`."""
    return np.array([believed.get(name, 0.0) for name in OFFER_AXIS])


class ResponseModel(Struct, frozen=True, dict=True):
    """The immutable view for deciding.

    `ResponseModel()` has learned nothing: owners' rates, and what is `BELIEVED` of everybody.

    Attributes:
        weights: by basis, shape `[2, 1 + offer features, 1 + context features]`.
        own: of the offers that have terms of their own, shape `[n + 1, 2, 1 + context features]`;
            the last row is that of all others, 0.
        rows: where an offer stands in `own`.
        pairs: of pairs of context features, shape `[1 + offer features, pairs]`.
        tuning: of the pool that it was taken from.
        posterior: how sure it is of all that.
        beliefs: of everybody, shape `[offer features]`.
    """

    version: str = NOTHING_LEARNED
    weights: Array = np.zeros(_W_SHAPE, np.float32)
    own: Array = np.zeros((1, BASES, len(CONTEXT_AXIS) + 1), np.float32)
    rows: Mapping[str, int] = {}
    pairs: Array = np.zeros((len(OFFER_AXIS) + 1, len(PAIRS[0])), np.float32)
    tuning: Tuning = AS_IT_IS
    posterior: Posterior = posterior_of(Pool(len(CONTEXT_AXIS), len(OFFER_AXIS)), ())
    beliefs: Floats = beliefs_of(BELIEVED)

    def response_probabilities(
        self,
        context: AnyFloats,
        offers: AnyFloats,
        offer_ids: Sequence[str],
        priors: Sequence[float] | Floats,
        where: Where = None,
    ) -> Floats:
        """P(used) of `n` offers, shape `[n]`, each within [1e-4, 1 - 1e-4].

        Args:
            context: `features.context_vector`, shape `[K]`.
            offers: one `features.offer_vector` a row, shape `[n, 8]`.
            offer_ids: their ids, for their own terms; with `where` those of all offers.
            priors: what their owners expect, log odds (`features.prior_log_odds`).
            where: the places of the `n` among `offer_ids`; None: they are all.

        >>> none = np.zeros(len(CONTEXT_AXIS)), np.zeros((1, len(OFFER_AXIS)))
        >>> model = ResponseModel()
        >>> model.response_probabilities(*none, ["new"], [math.log(0.05 / 0.95)]).round(6).tolist()
        [0.05]
        """
        # `dot` asks the same of BLAS as `@`, in half the time on matrices as small as these.
        # Log odds of not using it, for these are what the exponential takes: minus is no rounding.
        logits: Floats = offers.dot(self._disbeliefs)
        logits -= priors
        x = on_bases(np.asarray(context, np.float32))
        f = on_bases(np.asarray(offers, np.float32))
        by_offer = self.weights[0].dot(x[0])
        by_offer += self.pairs.dot(products_of(x[0, 1:]))
        told = f[0].dot(by_offer)
        told += f[1].dot(self.weights[1].dot(x[1]))
        logits -= told
        if self.rows:
            own = self._catalog.of(offer_ids, self._own_of)
            logits -= (own if where is None else own.take(where, 0)).dot(x.ravel())
        np.maximum(logits, LEAST_LOGIT, out=logits)
        np.minimum(logits, MOST_LOGIT, out=logits)
        np.exp(logits, out=logits)
        logits += ONE
        return np.reciprocal(logits, out=logits)

    def spreads(self, context: AnyFloats, offers: AnyFloats, offer_ids: Sequence[str]) -> Spreads:
        """How sure it is of what it says of these offers, for draws from its posterior."""
        x = on_bases(np.asarray(context, np.float32))
        f = on_bases(np.asarray(offers, np.float32))
        return self.posterior.spreads(x, f, self._places(offer_ids))

    @cached_property
    def _disbeliefs(self) -> Floats:
        return -self.beliefs

    @cached_property
    def _catalog(self) -> LastCatalog[str, Array]:
        return LastCatalog()

    def _own_of(self, offer_ids: Sequence[str]) -> Array:
        """The own terms of these offers, shape `[n, 2 (1 + context features)]`."""
        own: Array = self.own.reshape(len(self.own), -1).take(self._places(offer_ids), 0)
        return own

    def _places(self, offer_ids: Sequence[str]) -> NDArray[np.intp]:
        found = map(self.rows.get, offer_ids, repeat(len(self.own) - 1))
        return np.fromiter(found, np.intp, len(offer_ids))


def before_levels() -> ResponseModel:
    """Who had learned nothing when there were no levels: its records say `cold-start`."""
    weights = np.zeros(_W_SHAPE, np.float32)
    for name in ("o.affinity", "o.looked_at"):
        weights[:, 1 + OFFER_AXIS.index(name), 0] = np.float32(1.0 / BASES) * np.float32(0.4)
    return ResponseModel("cold-start", weights, beliefs=beliefs_of({}))


class ResponsePool(base.Classifier):  # type: ignore[misc]
    """The pool as a River estimator over named features.

    `x` names context features (`c.`) and offer features (`o.`), the offer under `offer`, the prior
    log odds under `__offset__`, and the event time of the label in milliseconds under `at_ms`; a
    feature that is not there counts as 0, one that is not known is passed over.

    >>> model = ResponsePool()
    >>> round(model.predict_proba_one({OFFSET: -2.0})[True], 4)
    0.1192
    """

    def __init__(
        self, own_max: int = OFFERS_MAX, half_lives: float = 1.0, variances: float = 1.0
    ) -> None:
        self.own_max = own_max
        self.half_lives = half_lives
        self.variances = variances
        self.pool = Pool(len(CONTEXT_AXIS), len(OFFER_AXIS), own_max, Tuning(half_lives, variances))
        self.believed = BELIEVED

    def learn_one(self, x: Mapping[str, object], y: object, w: float = 1.0) -> None:
        """One label, which counts `w` times."""
        self.pool.learn(self.asked(x), float(bool(y)), w, round(_number(x.get(AT_MS))))

    def predict_proba_one(self, x: Mapping[str, object]) -> dict[bool, float]:
        """P(False) and P(True)."""
        p = self.pool.probability(self.asked(x))
        return {False: 1.0 - p, True: p}

    def asked(self, x: Mapping[str, object]) -> Asked:
        """What named features say of a moment."""
        features = {name: _number(value) for name, value in x.items()}
        offer_id = x.get(OFFER_ID)
        named = offer_id if isinstance(offer_id, str) else None
        return self.asked_of(features, named, features.get(OFFSET, 0.0))

    def asked_of(self, features: Mapping[str, float], offer_id: str | None, prior: float) -> Asked:
        """The same; `prior` is in log odds, what is believed of everybody comes on top."""
        vector = _vector(features)
        for name, log_odds in self.believed.items():
            prior += log_odds * float(vector[_PLACES[name]])
        return asked(vector, len(CONTEXT_AXIS), offer_id, prior)


class ResponseLearner:
    """Learns from labeled decisions in the order in which their outcomes became known."""

    model_id: ClassVar[str] = "response"

    def __init__(self, tuning: Tuning = AS_IT_IS) -> None:
        self.tuning = tuning
        self.estimator = ResponsePool(OFFERS_MAX, tuning.half_lives, tuning.variances)

    @property
    def examples(self) -> int:
        """How many labels it has learned since it began."""
        return self.estimator.pool.examples

    def learn(self, example: LearningExample) -> float:
        """One label: 1.0 when the offer was used, 0.0 when its window closed without it."""
        label, of = float(example.label > 0.5), self.asked(example)
        return self.estimator.pool.learn(of, label, example.weight, example.observed_at_ms)

    def predict(self, example: LearningExample) -> float:
        """P(the label is 1)."""
        return self.estimator.pool.probability(self.asked(example))

    def asked(self, example: LearningExample) -> Asked:
        """What an example says of its moment; a feature that it does not name counts as 0."""
        prior = RATE_LOGITS * example.features.get("o.expected_rate", 0.0)
        prior += example.features.get(LOG_REACH, 0.0)
        return self.estimator.asked_of(example.features, example.offer_id, prior)

    def view(self, version: str) -> ResponseModel:
        """What is known now, frozen under a version's name."""
        pool = self.estimator.pool
        ids = list(pool.own)
        weights, own, pairs = combined(pool, ids)
        own = np.concatenate((own, np.zeros((1, *own.shape[1:]), np.float32)))
        beliefs = beliefs_of(self.estimator.believed)
        for array in (weights, own, pairs, beliefs):
            array.flags.writeable = False
        rows = {offer_id: row for row, offer_id in enumerate(ids)}
        posterior = posterior_of(pool, ids)
        return ResponseModel(version, weights, own, rows, pairs, self.tuning, posterior, beliefs)

    def dump(self) -> dict[str, object]:
        """Every parameter by name, as JSON types; no pickle."""
        estimator = self.estimator
        state = state_of(estimator.pool, estimator.believed, self.tuning)
        return dict(to_builtins(state))

    @classmethod
    def load(cls, data: Mapping[str, object]) -> "ResponseLearner":
        """The learner that `dump` wrote out; it goes on as if it had never stopped.

        Features that are no longer computed are left out, new ones start from their prior.

        Raises:
            StateError: a parameter is missing, unknown or of the wrong type or size.
        """
        state = saved_state(data, ResponseState, "the response model's")
        learner = cls(state.tuning)
        try:
            restore(learner.estimator.pool, state)
            learner.estimator.believed = believed_in(state, BELIEVED)
        except ValueError as error:
            raise StateError(f"the response model's parameters do not fit: {error}") from error
        return learner


class ChallengerLearner(ResponseLearner):
    """Learns the same labels as the response model, tuned otherwise: scored beside it."""

    model_id: ClassVar[str] = CHALLENGER


def tuning_of(parameters: Mapping[str, object]) -> Tuning:
    """How the pool of a snapshot is tuned, whatever the format of its other parameters.

    Raises:
        StateError: it says something that is no tuning.
    """
    try:
        return convert(parameters.get("tuning", AS_IT_IS), Tuning)
    except ValidationError as error:
        raise StateError(f"a snapshot's tuning cannot be read: {error}") from error


def _vector(features: Mapping[str, float]) -> Array:
    """Context, then offer, within what features are bounded by."""
    numbers = np.array([features.get(name, 0.0) for name in _AXES])
    return _within(numbers, LEAST_FEATURE, MOST_FEATURE).astype(np.float32)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _within(numbers: Floats, least: Floats, most: Floats) -> Floats:
    """`np.clip`, in half of its time on the few numbers of a decision."""
    return np.minimum(np.maximum(numbers, least), most)
