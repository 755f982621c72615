"""A pool of four diagonal Bayesian logistic experts on crosses of context and offer.

Expert e says: log odds m_e = b0 + F' W_e X + u_(e,offer)' X, with X = [1, x] of the context and
F = [1, f] of the offer, or both through tanh(2 x); of each basis one expert forgets slowly and one
quickly. A fifth knows less and learns sooner (`levels`). The pool says m = sum of omega_e m_e,
where omega_e grows with what the expert's probabilities were worth. Everything that is learned has
a mean and a variance; an example moves a mean in proportion to its variance (a Laplace step on the
diagonal; MacKay 1992, Neural Computation 4), and time brings variances back to their prior, so that
learning never freezes. Pairs of the context's numbers that interact are one more block, which the
four share (`pairs`).
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.contracts.sums import sum_of
from streams.models.levels import Levels
from streams.models.pairs import WEIGH_EVERY, Pairs, products_of

Array = NDArray[np.float32]

BASES, SPEEDS = 2, 2  # as they are and through tanh; slow and fast
EXPERTS = BASES * SPEEDS
SAY = EXPERTS + 1
"""Who says something: the four experts and, last, the levels."""
LEVELS_SHARE = 0.2
"""Of the levels in the pool, at first."""
SQUASH: Final = np.array(2.0, np.float32)  # numpy takes an array sooner than a number
W_VARIANCE, W_BIAS_VARIANCE = 0.02, 0.1
U_VARIANCE, U_BIAS_VARIANCE = 0.01, 0.05
SLOW_HALF_LIFE_DAYS = 280.0
FAST_HALF_LIFE_DAYS = 14.0
FAST_OWN_HALF_LIFE_DAYS = 28.0
"""How long until half of what was learned counts as new again: of W, and of an offer's own part."""
POOL_RATE = 0.5
POOL_MIX = 3e-4
LOOK_EVERY = 10
RESTART_AT = 5.0  # in units of log likelihood
PROBABILITY_MIN = 1e-4
CURVATURE_MIN = 1e-3
STEP_MS = 3_600_000  # time is let pass in steps of at least an hour: the sum is the same
DAY_MS = 86_400_000.0
_HALF_LIVES = np.array([SLOW_HALF_LIFE_DAYS, FAST_HALF_LIFE_DAYS])
_OWN_HALF_LIVES = np.array([SLOW_HALF_LIFE_DAYS, FAST_OWN_HALF_LIFE_DAYS])


class Tuning(Struct, frozen=True):
    """What a pool believes otherwise: half-lives, and variances of the prior, times so much."""

    half_lives: float = 1.0
    variances: float = 1.0


AS_IT_IS = Tuning()


class Own(Struct):
    """An offer's own terms: means and variances, shape `[bases, speeds, K + 1]`; as of when.

    `level`: mean and variance of its own level.
    """

    means: Array
    variances: Array
    at_ms: int
    level: tuple[float, float]


class Asked(Struct, frozen=True):
    """An offer to a person: features on both bases, their crosses, what is said beforehand.

    Attributes:
        x: of the context, shape `[bases, 1, K + 1]`.
        z: crosses with the offer's, shape `[bases, 1, (offer features + 1) (K + 1)]`.
        offer_id: whose own terms count; None: of no offer that has a name.
        prior: log odds before anything is learned.
        f: of the offer as they are, shape `[offer features + 1]`.
        products: of the pairs of the context's numbers, shape `[pairs]`.
    """

    x: Array
    z: Array
    offer_id: str | None
    prior: float
    f: Array
    products: Array


def asked(features: Array, contexts: int, offer_id: str | None, prior: float) -> Asked:
    """An offer to a person; `features` are those of the context, `contexts` many, then its own."""
    told = np.ones((BASES, 1, len(features) + 2), np.float32)
    x, f = told[:, :, : contexts + 1], told[:, :, contexts + 1 :]
    x[0, 0, 1:], f[0, 0, 1:] = features[:contexts], features[contexts:]
    bent = np.tanh(SQUASH * features)
    x[1, 0, 1:], f[1, 0, 1:] = bent[:contexts], bent[contexts:]
    z = (f.reshape(BASES, -1, 1) * x).reshape(BASES, 1, -1)
    return Asked(x, z, offer_id, prior, f[0, 0], products_of(x[0, 0, 1:]))


class Pool:
    """What the experts know of `contexts` x `offers` features; bounded by `own_max` offers.

    >>> pool = Pool(contexts=1, offers=1)
    >>> tea = asked(np.array([1.0, 0.5], np.float32), 1, "tea", 0.0)
    >>> for _ in range(200):
    ...     _ = pool.learn(tea, label=1.0, weight=1.0, at_ms=0)
    >>> 0.9 < pool.probability(tea) < 1.0
    True
    """

    def __init__(
        self, contexts: int, offers: int, own_max: int = 300, tuning: Tuning = AS_IT_IS
    ) -> None:
        self.own_max = own_max
        self.half_lives = tuning.half_lives * _HALF_LIVES
        self.own_half_lives = tuning.half_lives * _OWN_HALF_LIVES
        w_prior = np.full((offers + 1, contexts + 1), W_VARIANCE, np.float32)
        w_prior[:, 0] = W_BIAS_VARIANCE
        self.w_prior = np.float32(tuning.variances) * w_prior.ravel()
        self.u_prior = np.full(contexts + 1, U_VARIANCE, np.float32)
        self.u_prior[0] = U_BIAS_VARIANCE
        self.u_prior *= np.float32(tuning.variances)
        self.means = np.zeros((BASES, SPEEDS, len(self.w_prior)), np.float32)
        self.variances = np.broadcast_to(self.w_prior, self.means.shape).copy()
        self.pairs = Pairs(contexts, offers, tuning.variances)
        self.levels = Levels(offers, tuning.variances)
        self.own: dict[str, Own] = {}
        self.shares = [(1.0 - LEVELS_SHARE) / EXPERTS] * EXPERTS + [LEVELS_SHARE]
        self.gains = [0.0] * BASES
        self.examples = 0
        self.at_ms = 0

    def probability(self, of: Asked) -> float:
        """P(label is 1) of the pool."""
        return self._pooled(of, self._log_odds(of))

    def learn(self, of: Asked, label: float, weight: float, at_ms: int) -> float:
        """One label that counts `weight` times and became known at this event time.

        Returns: what `probability` said of it before.
        """
        own = None if of.offer_id is None else self._own(of.offer_id, at_ms)
        log_odds = self._log_odds(of)
        self._pass_time(at_ms)
        said = self._pooled(of, log_odds)
        p = [_probability(of.prior + m) for m in log_odds]
        four = _probability(of.prior + self._of_four(log_odds))
        self._weigh(p, label)
        self._step(of, own, [*p[:EXPERTS], four], label, weight)
        level = (0.0, 0.0) if own is None else own.level
        level = self.levels.learn(of.f, level, p[EXPERTS], label, weight)
        if own is not None:
            own.level = level
        self.examples += 1
        if self.examples % WEIGH_EVERY == 0:
            self.pairs.weigh()
        if self.examples % LOOK_EVERY == 0:
            self._restart()
        return said

    def _log_odds(self, of: Asked) -> list[float]:
        """Of each expert and of the levels, without the prior; the four with the pairs."""
        own = None if of.offer_id is None else self.own.get(of.offer_id)
        m = np.matmul(self.means, of.z.transpose(0, 2, 1))
        if own is not None:
            m += np.matmul(own.means, of.x.transpose(0, 2, 1))
        m += self.pairs.log_odds(of.f, of.products)
        told: list[float] = m.ravel().tolist()
        told.append(self.levels.log_odds(of.f) + (0.0 if own is None else own.level[0]))
        return told

    def _pooled(self, of: Asked, log_odds: Sequence[float]) -> float:
        pooled = sum_of([share * m for share, m in zip(self.shares, log_odds, strict=True)])
        return _probability(of.prior + pooled)

    def _of_four(self, each: Sequence[float]) -> float:
        """What the four say together, the levels left out: the mean by their shares."""
        shares = self.shares[:EXPERTS]
        told = [share * one for share, one in zip(shares, each[:EXPERTS], strict=True)]
        return sum_of(told) / sum_of(shares)

    def _step(
        self, of: Asked, own: Own | None, p: Sequence[float], label: float, weight: float
    ) -> None:
        """Move every mean by its variance, and shrink the variances of what was looked at.

        `p`: of each of the four, then of the four together, from which the pairs learn.
        """
        vz = self.variances * of.z
        spread = np.matmul(vz, of.z.transpose(0, 2, 1)).ravel()
        ux = None
        if own is not None:
            ux = own.variances * of.x
            spread += np.matmul(ux, of.x.transpose(0, 2, 1)).ravel()
        vr, of_pairs = self.pairs.looked_at(of.f, of.products)
        spreads: list[float] = spread.tolist()
        spreads.append(self._of_four(spreads))
        steps, shrinks = [], []
        for q, s in zip(p, spreads, strict=True):
            curvature = weight * max(q * (1.0 - q), CURVATURE_MIN)
            scale = 1.0 / (1.0 + curvature * (s + of_pairs))
            steps.append(weight * (label - q) * scale)
            shrinks.append(curvature * scale)
        told = np.array((steps, shrinks), np.float32)
        both = told[:, :EXPERTS].reshape(2, BASES, SPEEDS, 1)
        _move(self.means, self.variances, vz, both)
        if own is not None and ux is not None:
            _move(own.means, own.variances, ux, both)
        _move(self.pairs.means, self.pairs.variances, vr, told[:, EXPERTS])

    def _weigh(self, p: Sequence[float], label: float) -> None:
        """Give weight to the experts whose word was worth more; none is ever out of the pool."""
        said = [q if label > 0.5 else 1.0 - q for q in p]
        shares = [share * s**POOL_RATE for share, s in zip(self.shares, said, strict=True)]
        whole = sum_of(shares)
        self.shares = [(1.0 - POOL_MIX) * s / whole + POOL_MIX / SAY for s in shares]
        for basis in range(BASES):
            slow, fast = said[basis * SPEEDS : (basis + 1) * SPEEDS]
            self.gains[basis] += math.log(fast / slow)

    def _restart(self) -> None:
        """Where the fast expert of a basis has been right for long, the slow one takes its word."""
        for basis, gain in enumerate(self.gains):
            self.gains[basis] = max(gain, 0.0)
            if gain > RESTART_AT:
                self.gains[basis] = 0.0
                learned = [self.means, self.variances]
                for own in self.own.values():
                    learned += [own.means, own.variances]
                for array in learned:
                    array[basis, 0] = array[basis, 1]

    def _pass_time(self, at_ms: int) -> None:
        """Variances go back towards their prior, and the means stay; pairs forget both."""
        if self.at_ms == 0:
            self.at_ms = at_ms
        elif at_ms - self.at_ms >= STEP_MS:
            _fade(self.variances, self.w_prior, self.half_lives, at_ms - self.at_ms)
            kept = 0.5 ** ((at_ms - self.at_ms) / DAY_MS / float(self.half_lives[0]))
            self.pairs.forget(kept)
            self.levels.pass_time(1.0 - kept)
            self.at_ms = at_ms

    def _own(self, offer_id: str, at_ms: int) -> Own:
        """An offer's own terms as of now; those that were learned of last are kept."""
        own = self.own.pop(offer_id, None)
        if own is None:
            means = np.zeros((BASES, SPEEDS, len(self.u_prior)), np.float32)
            variances = np.broadcast_to(self.u_prior, means.shape).copy()
            own = Own(means, variances, at_ms, (0.0, self.levels.own_prior))
        elif at_ms - own.at_ms >= STEP_MS:
            _fade(own.variances, self.u_prior, self.own_half_lives, at_ms - own.at_ms)
            kept = 0.5 ** ((at_ms - own.at_ms) / DAY_MS / float(self.own_half_lives[0]))
            mean, variance = own.level
            own.level = mean, kept * variance + (1.0 - kept) * self.levels.own_prior
            own.at_ms = at_ms
        self.own[offer_id] = own
        if len(self.own) > self.own_max:
            del self.own[next(iter(self.own))]
        return own


def on_bases(features: Array) -> Array:
    """Features with a bias in front, as they are and through tanh: shape `[2, ..., n + 1]`.

    >>> on_bases(np.array([0.5], np.float32)).round(3).tolist()
    [[1.0, 0.5], [1.0, 0.7620000243186951]]
    """
    told = np.empty((BASES, *features.shape[:-1], features.shape[-1] + 1), np.float32)
    as_they_are, bent = told[0], told[1]
    as_they_are[..., 0] = 1.0
    as_they_are[..., 1:] = features
    # the bias as well, for into rows with gaps takes three times as long
    np.multiply(as_they_are, SQUASH, out=bent)
    np.tanh(bent, out=bent)
    bent[..., 0] = 1.0
    return told


def combined(pool: Pool, offer_ids: Sequence[str]) -> tuple[Array, Array, Array]:
    """What the pool says at its shares of now: W by basis, the own terms by basis, the pairs.

    The pool is linear in the log odds, so its experts of one basis add up to one; levels are of the
    features as they are.

    Returns:
        Shapes `[2, offers + 1, contexts + 1]`, `[n, 2, contexts + 1]` and `[offers + 1, pairs]`.
    """
    shares = np.array(pool.shares[:EXPERTS], np.float32).reshape(BASES, SPEEDS, 1)
    of_levels = pool.shares[EXPERTS]
    own = np.zeros((len(offer_ids), BASES, len(pool.u_prior)), np.float32)
    for row, offer_id in enumerate(offer_ids):
        own[row] = (shares * pool.own[offer_id].means).sum(1)
        own[row, 0, 0] += of_levels * pool.own[offer_id].level[0]
    w = (shares * pool.means).sum(1).reshape(BASES, -1, len(pool.u_prior))
    w[0, :, 0] += np.float32(of_levels) * pool.levels.means
    return w, own, np.float32(1.0 - of_levels) * pool.pairs.means


def _move(means: Array, variances: Array, vz: Array, both: Array) -> None:
    """Add steps to means, and take what was learned from variances; `vz` is spoilt."""
    means += vz * both[0]
    np.multiply(vz, vz, out=vz)
    vz *= both[1]
    variances -= vz


def _fade(variances: Array, prior: Array, half_lives: NDArray[np.float64], ms: int) -> None:
    back = (1.0 - 0.5 ** (ms / DAY_MS / half_lives)).astype(np.float32)
    variances += back[:, None] * (prior - variances)


def _probability(log_odds: float) -> float:
    p = 1.0 / (1.0 + math.exp(-log_odds)) if log_odds > -50.0 else 0.0
    return min(max(p, PROBABILITY_MIN), 1.0 - PROBABILITY_MIN)
