"""Response: P(an offer is used | this person, this moment), for all eligible offers at once.

A pool of diagonal Bayesian logistic experts (`pool`) over crosses of the person's context with the
offer's features, plus each offer's own terms; it begins at the rate that the offer's owner expects,
so a new offer is scored at once through what is shared. Deciding reads an immutable view.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, repeat
from typing import ClassVar

import numpy as np
from msgspec import Struct, ValidationError, convert, to_builtins
from numpy.typing import NDArray
from river import base

from streams.contracts.internal.learning import CHALLENGER, LearningExample
from streams.errors import StateError
from streams.features import CONTEXT_FEATURES, OFFER_FEATURES
from streams.features.offers import LOG_REACH, RATE_LOGITS
from streams.models.offset_regression import OFFSET
from streams.models.pairs import Pairs, places, products_of
from streams.models.pool import (
    AS_IT_IS,
    BASES,
    SPEEDS,
    Array,
    Asked,
    Own,
    Pool,
    Tuning,
    asked,
    combined,
    on_bases,
)
from streams.models.posterior import Posterior, Spreads, posterior_of
from streams.models.saved import saved_state

OFFERS_MAX = 300
PROPENSITY_MIN = 1e-4
LOGIT_MAX = -math.log(PROPENSITY_MIN / (1.0 - PROPENSITY_MIN))
OFFER_AXIS = tuple(f"o.{name}" for name in OFFER_FEATURES)
CONTEXT_AXIS = tuple(f"c.{name}" for name in CONTEXT_FEATURES)
OFFER_ID = "offer"
AT_MS = "at_ms"
FEATURE_MAX = 3.0
BELIEVED: Mapping[str, float] = {"o.affinity": 0.4, "o.looked_at": 0.4}
"""Log odds for each unit of an offer feature before any label: interest in what it is about.

From the first event on the choice is personal; labels move it as they move every other weight.
"""
_AXES = (*CONTEXT_AXIS, *OFFER_AXIS)
PAIRS = places(len(CONTEXT_AXIS))
_W_SHAPE = (BASES, len(OFFER_AXIS) + 1, len(CONTEXT_AXIS) + 1)

Floats = NDArray[np.float64]
AnyFloats = NDArray[np.float64] | NDArray[np.float32]


def believed() -> Array:
    """What is expected of W before anything is learned, of each basis: `BELIEVED`, else 0."""
    w = np.zeros(_W_SHAPE, np.float32)
    for name, log_odds in BELIEVED.items():
        w[:, 1 + OFFER_AXIS.index(name), 0] = log_odds
    return w


class ResponseModel(Struct, frozen=True):
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
    """

    version: str = "cold-start"
    weights: Array = np.float32(1.0 / BASES) * believed()  # experts begin with equal shares
    own: Array = np.zeros((1, BASES, len(CONTEXT_AXIS) + 1), np.float32)
    rows: Mapping[str, int] = {}
    pairs: Array = np.zeros((len(OFFER_AXIS) + 1, len(PAIRS[0])), np.float32)
    tuning: Tuning = AS_IT_IS
    posterior: Posterior = posterior_of(Pool(len(CONTEXT_AXIS), len(OFFER_AXIS)), ())

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
            offer_ids: their ids, for their own terms.
            priors: what their owners expect, log odds (`features.prior_log_odds`).

        >>> none = np.zeros(len(CONTEXT_FEATURES)), np.zeros((1, len(OFFER_FEATURES)))
        >>> model = ResponseModel()
        >>> model.response_probabilities(*none, ["new"], [math.log(0.05 / 0.95)]).round(6).tolist()
        [0.05]
        """
        logits = np.array(priors)
        x = on_bases(np.asarray(context, np.float32))
        f = on_bases(np.asarray(offers, np.float32))
        by_offer = self.weights @ x[:, :, None]
        by_offer[0, :, 0] += self.pairs @ products_of(x[0, 1:])
        plain, bent = f @ by_offer
        logits += (plain + bent)[:, 0]
        if self.rows:
            own = self.own.take(self._places(offer_ids), 0)
            logits += own.reshape(len(own), x.size) @ x.ravel()
        odds = np.exp(-_within(logits, -LOGIT_MAX, LOGIT_MAX))
        odds += 1.0
        return np.asarray(1.0 / odds)

    def spreads(self, context: AnyFloats, offers: AnyFloats, offer_ids: Sequence[str]) -> Spreads:
        """How sure it is of what it says of these offers, for draws from its posterior."""
        x = on_bases(np.asarray(context, np.float32))
        f = on_bases(np.asarray(offers, np.float32))
        return self.posterior.spreads(x, f, self._places(offer_ids))

    def _places(self, offer_ids: Sequence[str]) -> NDArray[np.intp]:
        found = map(self.rows.get, offer_ids, repeat(len(self.own) - 1))
        return np.fromiter(found, np.intp, len(offer_ids))


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
        self.pool.means += believed().reshape(BASES, 1, -1)

    def learn_one(self, x: Mapping[str, object], y: object, w: float = 1.0) -> None:
        """One label, which counts `w` times."""
        self.pool.learn(_asked_of(x), float(bool(y)), w, round(_number(x.get(AT_MS))))

    def predict_proba_one(self, x: Mapping[str, object]) -> dict[bool, float]:
        """P(False) and P(True)."""
        p = self.pool.probability(_asked_of(x))
        return {False: 1.0 - p, True: p}


class ResponseState(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """All that the learner remembers; arrays are little-endian float32, by the names of their axes.

    `own` has means, then variances, of each offer; the offer that was learned of last is the last.
    `pairs` has means, then variances, then those of the prior; None where format 2 wrote.
    """

    context: tuple[str, ...]
    offer: tuple[str, ...]
    means: bytes
    variances: bytes
    offers: tuple[str, ...]
    own: bytes
    own_at_ms: tuple[int, ...]
    shares: tuple[float, ...]
    gains: tuple[float, ...]
    examples: int
    at_ms: int
    pairs: bytes | None
    tuning: Tuning = AS_IT_IS


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
        label, of = float(example.label > 0.5), asked_of(example)
        return self.estimator.pool.learn(of, label, example.weight, example.observed_at_ms)

    def predict(self, example: LearningExample) -> float:
        """P(the label is 1)."""
        return self.estimator.pool.probability(asked_of(example))

    def view(self, version: str) -> ResponseModel:
        """What is known now, frozen under a version's name."""
        pool = self.estimator.pool
        ids = list(pool.own)
        weights, own = combined(pool, ids)
        weights = weights.reshape(_W_SHAPE)
        own = np.concatenate((own, np.zeros((1, *own.shape[1:]), np.float32)))
        pairs = pool.pairs.means.copy()
        for array in (weights, own, pairs):
            array.flags.writeable = False
        rows = {offer_id: row for row, offer_id in enumerate(ids)}
        posterior = posterior_of(pool, ids)
        return ResponseModel(version, weights, own, rows, pairs, self.tuning, posterior)

    def dump(self) -> dict[str, object]:
        """Every parameter by name, as JSON types; no pickle."""
        pool = self.estimator.pool
        state = ResponseState(
            context=CONTEXT_AXIS,
            offer=OFFER_AXIS,
            means=_bytes(pool.means),
            variances=_bytes(pool.variances),
            offers=tuple(pool.own),
            own=b"".join(_bytes(o.means) + _bytes(o.variances) for o in pool.own.values()),
            own_at_ms=tuple(o.at_ms for o in pool.own.values()),
            shares=tuple(pool.shares),
            gains=tuple(pool.gains),
            examples=pool.examples,
            at_ms=pool.at_ms,
            pairs=b"".join(_bytes(array) for array in _learned(pool.pairs)),
            tuning=self.tuning,
        )
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
            _restore(learner.estimator.pool, state)
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


def asked_of(example: LearningExample) -> Asked:
    """What an example says of its moment; a feature that it does not name counts as 0."""
    prior = RATE_LOGITS * example.features.get("o.expected_rate", 0.0)
    prior += example.features.get(LOG_REACH, 0.0)
    return asked(_vector(example.features), len(CONTEXT_AXIS), example.offer_id, prior)


def _asked_of(x: Mapping[str, object]) -> Asked:
    """The same of what River hands over."""
    features = {name: _number(value) for name, value in x.items()}
    offer_id = x.get(OFFER_ID)
    named = offer_id if isinstance(offer_id, str) else None
    return asked(_vector(features), len(CONTEXT_AXIS), named, features.get(OFFSET, 0.0))


def _restore(pool: Pool, state: ResponseState) -> None:
    """Raises: ValueError: sizes do not fit."""
    rows, columns = len(state.offer) + 1, len(state.context) + 1
    from_offer, to_offer = _places(state.offer, OFFER_AXIS)
    from_context, to_context = _places(state.context, CONTEXT_AXIS)
    for flat, stored in ((pool.means, state.means), (pool.variances, state.variances)):
        array = flat.reshape(BASES, SPEEDS, *_W_SHAPE[1:])
        told = _array(stored, (BASES, SPEEDS, rows, columns))
        array[:, :, to_offer[:, None], to_context] = told[:, :, from_offer[:, None], from_context]
    told = _array(state.own, (len(state.offers), 2, BASES, SPEEDS, columns))
    own = np.zeros((len(state.offers), 2, BASES, SPEEDS, len(pool.u_prior)), np.float32)
    own[:, 1] = pool.u_prior
    own[..., to_context] = told[..., from_context]
    for offer_id, at_ms, (means, variances) in zip(state.offers, state.own_at_ms, own, strict=True):
        pool.own[offer_id] = Own(means, variances, at_ms)
    if state.pairs is not None:
        _restore_pairs(pool.pairs, state, state.pairs)
    if len(state.shares) != BASES * SPEEDS or len(state.gains) != BASES:
        raise ValueError(f"{len(state.shares)} shares, {len(state.gains)} gains")
    pool.shares, pool.gains = list(state.shares), list(state.gains)
    pool.examples, pool.at_ms = state.examples, state.at_ms


def _learned(pairs: Pairs) -> tuple[Array, Array, Array]:
    return pairs.means, pairs.variances, pairs.prior[None]


def _restore_pairs(pairs: Pairs, state: ResponseState, stored: bytes) -> None:
    """Those of which both features are still there, in whichever order.

    Raises:
        ValueError: sizes do not fit.
    """
    from_offer, to_offer = _places(state.offer, OFFER_AXIS)
    from_pair, to_pair = _pair_places(state.context)
    rows, count = len(state.offer) + 1, len(places(len(state.context))[0])
    told = _array(stored, (2 * rows + 1, count))
    means, variances, prior = told[:rows], told[rows:-1], told[-1:]
    pairs.prior[to_pair] = prior[0, from_pair]
    pairs.variances[:] = pairs.prior
    pairs.means[np.ix_(to_offer, to_pair)] = means[np.ix_(from_offer, from_pair)]
    pairs.variances[np.ix_(to_offer, to_pair)] = variances[np.ix_(from_offer, from_pair)]


def _pair_places(stored: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the pairs agree, stored and today's, in whichever order their features stand."""
    before = {frozenset(pair): n for n, pair in enumerate(combinations(stored, 2))}
    both = [
        (before[pair], n)
        for n, pair in enumerate(map(frozenset, combinations(CONTEXT_AXIS, 2)))
        if pair in before
    ]
    from_pair, to_pair = np.array(both, np.intp).reshape(-1, 2).T
    return from_pair, to_pair


def _places(
    stored: Sequence[str], today: Sequence[str]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the axes agree, stored and today's; the bias is first in both."""
    both = [name for name in today if name in stored]
    return (
        np.array([0, *(stored.index(name) + 1 for name in both)]),
        np.array([0, *(today.index(name) + 1 for name in both)]),
    )


def _bytes(array: Array) -> bytes:
    return array.astype("<f4").tobytes()


def _array(stored: bytes, shape: tuple[int, ...]) -> Array:
    return np.frombuffer(stored, "<f4").astype(np.float32).reshape(shape)


def _vector(features: Mapping[str, float]) -> Array:
    """Context, then offer, within what features are bounded by."""
    numbers = np.array([features.get(name, 0.0) for name in _AXES])
    return _within(numbers, -FEATURE_MAX, FEATURE_MAX).astype(np.float32)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _within(numbers: Floats, least: float, most: float) -> Floats:
    """`np.clip`, in half of its time on the few numbers of a decision."""
    return np.minimum(np.maximum(numbers, least), most)
