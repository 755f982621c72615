"""The pool's arithmetic against the same formulas in plain loops, and what it must not lose."""

import math
import random

import numpy as np
import pytest

from streams.models.levels import BIAS_VARIANCE, OWN_VARIANCE, WEIGHT_VARIANCE
from streams.models.pairs import PAIR_VARIANCE, VARIANCE_MIN, Pairs
from streams.models.pool import DAY_MS, RESTART_AT, Pool, Tuning, asked

SEED = 3
CONTEXTS, OFFERS, PAIRS = 3, 2, 3
W, W_BIAS, U, U_BIAS = 0.02, 0.1, 0.01, 0.05
SLOW, FAST, FAST_OWN = 280.0, 14.0, 28.0


class Plain:
    """One expert by loops over names of weights, in doubles."""

    def __init__(self, squash: bool, half_life: float, own_half_life: float) -> None:
        self.squash, self.half_life, self.own_half_life = squash, half_life, own_half_life
        self.weights: dict[tuple[object, int], list[float]] = {}
        self.learned_ms: dict[object, int] = {}

    def crosses(
        self, x: list[float], f: list[float], offer: str
    ) -> dict[tuple[object, int], float]:
        """Every weight that speaks, and what it is multiplied with."""
        bend = (lambda v: math.tanh(2 * v)) if self.squash else (lambda v: v)
        xs, fs = [1.0, *map(bend, x)], [1.0, *map(bend, f)]
        told = {(row, column): a * b for row, a in enumerate(fs) for column, b in enumerate(xs)}
        return told | {(offer, column): b for column, b in enumerate(xs)}

    def prior(self, name: tuple[object, int]) -> float:
        """The variance before anything is learned."""
        if isinstance(name[0], str):
            return U if name[1] else U_BIAS
        return W if name[1] else W_BIAS

    def weight(self, name: tuple[object, int]) -> list[float]:
        """Mean and variance."""
        return self.weights.setdefault(name, [0.0, self.prior(name)])

    def log_odds(self, z: dict[tuple[object, int], float]) -> float:
        """Without the prior."""
        return sum(self.weight(name)[0] * value for name, value in z.items())

    def pass_time(self, whose: object, at_ms: int, half_life: float) -> None:
        """Variances on their way back, of one offer (its id) or of what is shared (None)."""
        days = (at_ms - self.learned_ms.get(whose, at_ms)) / DAY_MS
        self.learned_ms[whose] = at_ms
        for name, weight in self.weights.items():
            if (name[0] if isinstance(name[0], str) else None) == whose:
                weight[1] += (1 - 0.5 ** (days / half_life)) * (self.prior(name) - weight[1])

    def spread(self, z: dict[tuple[object, int], float], offer: str, at_ms: int) -> float:
        """The variance of what is said, at this time."""
        self.pass_time(offer, at_ms, self.own_half_life)
        self.pass_time(None, at_ms, self.half_life)
        return sum(self.weight(name)[1] * v * v for name, v in z.items())

    def learn(self, z: dict[tuple[object, int], float], spread: float, p: float, y: float,
              w: float) -> None:  # fmt: skip
        """One label."""
        h = w * max(p * (1 - p), 1e-3)
        den = 1 + h * spread
        for name, v in z.items():
            mean, variance = self.weight(name)
            self.weights[name] = [
                mean + variance * v * w * (y - p) / den,
                variance - (variance * v) ** 2 * h / den,
            ]


class PlainPairs(Plain):
    """The block of pairs by the same loops."""

    def __init__(self) -> None:
        super().__init__(False, SLOW, SLOW)
        self.priors = [PAIR_VARIANCE] * PAIRS

    def crosses(
        self, x: list[float], f: list[float], offer: str
    ) -> dict[tuple[object, int], float]:
        """Every row of the offer with every product of two."""
        products = [a * b for n, a in enumerate(x) for b in x[n + 1 :]]
        rows = enumerate([1.0, *f])
        return {(row, n): a * b for row, a in rows for n, b in enumerate(products)}

    def prior(self, name: tuple[object, int]) -> float:
        """That of the pair."""
        return self.priors[name[1]]

    def pass_time(self, whose: object, at_ms: int, half_life: float) -> None:
        """Of what labels told, of the precision and of the mean times it, a part is left."""
        if whose is not None:
            return
        keep = 0.5 ** ((at_ms - self.learned_ms.get(None, at_ms)) / DAY_MS / half_life)
        self.learned_ms[None] = at_ms
        for name, (mean, variance) in self.weights.items():
            prior = 1 / self.prior(name)
            after = 1 / (keep * (1 / variance - prior) + prior)
            self.weights[name] = [keep * mean / variance * after, after]

    def weigh(self) -> None:
        """The mean square of a pair's weights becomes its prior; what labels told stays."""
        for n, old in enumerate(self.priors):
            names = [(row, n) for row in range(OFFERS + 1)]
            squares = [self.weight(name)[0] ** 2 + self.weight(name)[1] for name in names]
            new = (PAIR_VARIANCE + sum(squares)) / (1 + len(names))
            for name in names:
                mean, variance = self.weight(name)
                after = 1 / (1 / variance - 1 / old + 1 / new)
                self.weights[name] = [mean / variance * after, after]
            self.priors[n] = new


class PlainLevels(Plain):
    """A weight for each feature of the offer, and each offer's own level, by the same loops."""

    def __init__(self) -> None:
        super().__init__(False, SLOW, SLOW)

    def crosses(
        self, x: list[float], f: list[float], offer: str
    ) -> dict[tuple[object, int], float]:
        """The context says nothing."""
        return {(row, 0): a for row, a in enumerate([1.0, *f])} | {(offer, 0): 1.0}

    def prior(self, name: tuple[object, int]) -> float:
        """The variance before anything is learned."""
        if isinstance(name[0], str):
            return OWN_VARIANCE
        return WEIGHT_VARIANCE if name[0] else BIAS_VARIANCE


def clipped(log_odds: float) -> float:
    """A probability within 1e-4 of 0 and 1."""
    return min(max(1 / (1 + math.exp(-log_odds)), 1e-4), 1 - 1e-4)


def of_four(shares: list[float], each: list[float]) -> float:
    """The mean of the four experts, without the levels."""
    return sum(s * one for s, one in zip(shares[:4], each[:4], strict=True)) / sum(shares[:4])


def test_it_learns_what_the_formulas_say() -> None:
    """After 500 examples over 125 days every probability is that of the formulas in loops."""
    print(f"seed {SEED}")
    draw, pool = random.Random(SEED), Pool(CONTEXTS, OFFERS)
    experts = [Plain(b, *h) for b in (False, True) for h in ((SLOW, SLOW), (FAST, FAST_OWN))]
    shares, block, levels = [0.2] * 5, PlainPairs(), PlainLevels()
    for step in range(500):
        x = [draw.uniform(-2, 2) for _ in range(CONTEXTS)]
        f = [draw.uniform(-2, 2) for _ in range(OFFERS)]
        offer, prior, w = draw.choice("abc"), -1.0, draw.choice((1.0, 1.0, 2.5))
        y = float(draw.random() < clipped(-1.0 + x[0] * f[0] - 0.5 * x[1]))
        at_ms = round((1 + step / 4) * DAY_MS)
        of = asked(np.array([*x, *f], np.float32), CONTEXTS, offer, prior)
        z = [e.crosses(x, f, offer) for e in experts]
        met = block.crosses(x, f, offer)
        by_pairs = block.log_odds(met)
        m = [prior + by_pairs + e.log_odds(told) for e, told in zip(experts, z, strict=True)]
        level = levels.crosses(x, f, offer)
        m.append(prior + levels.log_odds(level))
        expected = clipped(sum(s * one for s, one in zip(shares, m, strict=True)))
        assert pool.probability(of) == pytest.approx(expected, rel=2e-4)
        assert pool.learn(of, y, w, at_ms) == pytest.approx(expected, rel=2e-4)
        p, four = [clipped(one) for one in m], clipped(of_four(shares, m))
        said = [s * (q if y else 1 - q) ** 0.5 for s, q in zip(shares, p, strict=True)]
        shares = [(1 - 3e-4) * s / sum(said) + 3e-4 / 5 for s in said]
        spreads = [e.spread(told, offer, at_ms) for e, told in zip(experts, z, strict=True)]
        of_pairs = block.spread(met, offer, at_ms)
        for e, told, q, spread in zip(experts, z, p[:4], spreads, strict=True):
            e.learn(told, spread + of_pairs, q, y, w)
        levels.learn(level, levels.spread(level, offer, at_ms), p[4], y, w)
        pooled = of_four(shares, spreads)
        block.learn(met, pooled + of_pairs, four, y, w)
        if step % 200 == 199:
            block.weigh()
        assert max(pool.gains) < RESTART_AT  # no restart, of which the loops know nothing
    assert pool.shares == pytest.approx(shares, rel=1e-3)
    assert pool.pairs.prior == pytest.approx(np.array(block.priors), rel=1e-3)


def test_where_the_fast_expert_is_right_the_slow_one_takes_its_word() -> None:
    """After a year of one answer the opposite comes: soon the slow expert says the same."""
    pool, tea = Pool(1, 1), asked(np.ones(2, np.float32), 1, "tea", 0.0)
    for day in range(1, 400):
        pool.learn(tea, 1.0, 1.0, round(day * DAY_MS))
    day = 400
    while not np.array_equal(pool.means[:, 0], pool.means[:, 1]):
        pool.learn(tea, 0.0, 1.0, round(day * DAY_MS))
        day += 1
        assert day < 500
    assert np.array_equal(pool.own["tea"].means[:, 0], pool.own["tea"].means[:, 1])


def test_nothing_is_certain_for_good() -> None:
    """Variances stay above 0 and never above their prior, whatever comes and however long."""
    print(f"seed {SEED}")
    draw, pool = np.random.default_rng(SEED), Pool(CONTEXTS, OFFERS)
    for step in range(3000):
        features = draw.uniform(-3, 3, CONTEXTS + OFFERS).astype(np.float32)
        offer = None if step % 3 == 0 else f"offer-{step % 7}"
        pool.learn(asked(features, CONTEXTS, offer, -9.0), float(step % 2), 10.0, step * 40_000_000)
    known = [
        (pool.variances, pool.w_prior),
        (pool.pairs.variances, pool.pairs.prior),
        *((o.variances, pool.u_prior) for o in pool.own.values()),
        (pool.levels.variances, pool.levels.prior),
        *((np.array(o.level[1]), np.array(OWN_VARIANCE)) for o in pool.own.values()),
    ]
    for variances, prior in known:
        assert (variances > 0.0).all()
        assert (variances <= prior * 1.0001).all()
    assert np.isfinite(pool.means).all()
    assert sum(pool.shares) == pytest.approx(1.0)
    assert min(pool.shares) > 0.0


def test_a_pair_that_counts_is_told_from_those_that_do_not() -> None:
    """After 3,000 labels its prior has grown tenfold, and that of any other pair has shrunk."""
    print(f"seed {SEED}")
    draw, pool = np.random.default_rng(SEED), Pool(CONTEXTS, OFFERS)
    for step in range(3000):
        features = draw.normal(0.0, 1.0, CONTEXTS + OFFERS).clip(-3.0, 3.0).astype(np.float32)
        log_odds = features[0] * features[1] * (1.0 + features[CONTEXTS])
        label = float(draw.random() < clipped(float(log_odds)))
        pool.learn(asked(features, CONTEXTS, None, 0.0), label, 1.0, step * 60_000)
    counts, *others = pool.pairs.prior.tolist()
    assert counts > 10 * PAIR_VARIANCE
    assert max(others) < PAIR_VARIANCE
    together = asked(np.array([2.0, 2.0, 0.0, 1.0, 0.0], np.float32), CONTEXTS, None, 0.0)
    apart = asked(np.array([2.0, -2.0, 0.0, 1.0, 0.0], np.float32), CONTEXTS, None, 0.0)
    assert pool.probability(together) > 0.9
    assert pool.probability(apart) < 0.1


def test_what_labels_told_of_pairs_outlives_another_prior() -> None:
    """A prior that shrinks takes nothing for good: the precision that labels gave is as before."""
    pairs, draw = Pairs(CONTEXTS, OFFERS), np.random.default_rng(SEED)
    pairs.prior[:] = 0.1
    pairs.variances[:] = draw.uniform(0.01, 0.1, pairs.variances.shape)
    pairs.means[:] = draw.normal(0.0, 0.1, pairs.means.shape)
    precision = 1.0 / pairs.variances - 1.0 / pairs.prior
    information = pairs.means / pairs.variances
    for _ in range(5):
        pairs.weigh()
    assert (pairs.prior < 0.1).all()
    assert (pairs.prior >= np.float32(VARIANCE_MIN)).all()
    assert 1.0 / pairs.variances - 1.0 / pairs.prior == pytest.approx(precision, rel=1e-3, abs=0.1)
    assert pairs.means / pairs.variances == pytest.approx(information, rel=1e-3)


def test_hours_add_up_to_days() -> None:
    """A month that passes by the hour fades what is known as one that passes at once."""
    tea = asked(np.ones(3, np.float32), 2, None, 0.0)
    by_hour, at_once = Pool(2, 1), Pool(2, 1)
    for pool in (by_hour, at_once):
        for _ in range(50):
            pool.learn(tea, 1.0, 1.0, 1)
    for hour in range(1, 721):
        by_hour._pass_time(1 + hour * 3_600_000)
    at_once._pass_time(1 + 720 * 3_600_000)
    assert by_hour.pairs.variances == pytest.approx(at_once.pairs.variances, rel=1e-4)
    assert by_hour.pairs.means == pytest.approx(at_once.pairs.means, rel=1e-3)
    assert by_hour.variances == pytest.approx(at_once.variances, rel=1e-4)


def test_no_weight_of_a_pair_grows_beyond_what_labels_told() -> None:
    """Labels in which its product is 0, and years between: it never passes its own estimate."""
    print(f"seed {SEED}")
    draw, pool, at_ms = np.random.default_rng(SEED), Pool(CONTEXTS, OFFERS), DAY_MS
    for step in range(5_000):
        features = draw.choice((-1.0, 1.0), CONTEXTS + OFFERS).astype(np.float32)
        features[0] *= step < 3_000  # of the first number's pairs nothing is seen from then on
        p = clipped(1.5 * float(features[0] * features[1]))
        label = float(draw.random() < p)
        at_ms += DAY_MS / 50 + (365 * DAY_MS if step % 1_000 == 999 else 0.0)
        pool.learn(asked(features, CONTEXTS, None, 0.0), label, 1.0, round(at_ms))
        if step == 2_999:
            known = pool.pairs.means[:, 0].astype(np.float64)
            precision, prior = 1.0 / pool.pairs.variances[:, 0], 1.0 / pool.pairs.prior[0]
            most = np.abs(known * precision / (precision - prior))
        if step >= 2_999:
            assert (np.abs(pool.pairs.means[:, 0]) <= 1.01 * most).all(), step
    assert np.abs(known).max() > 0.5  # something had been learned


def test_where_no_pair_counts_none_comes_to_count() -> None:
    """Ten labels a day for years, and pauses of a year: all weights stay small."""
    print(f"seed {SEED}")
    draw, at_ms = np.random.default_rng(SEED), DAY_MS
    pool = Pool(CONTEXTS, OFFERS, tuning=Tuning(half_lives=0.1))
    for step in range(9_000):
        features = draw.normal(0.0, 1.0, CONTEXTS + OFFERS).clip(-3.0, 3.0).astype(np.float32)
        label = float(draw.random() < clipped(float(features[0]) - 1.0))
        at_ms += DAY_MS / 10 + (365 * DAY_MS if step % 3_000 == 2_999 else 0.0)
        pool.learn(asked(features, CONTEXTS, None, 0.0), label, 1.0, round(at_ms))
        assert np.abs(pool.pairs.means).max() < 0.25, step


def test_what_is_learned_stays_within_bounds_for_centuries() -> None:
    """W and own terms, of which priors are fixed, and pairs: time alone raises no mean."""
    print(f"seed {SEED}")
    draw, pool = np.random.default_rng(SEED), Pool(CONTEXTS, OFFERS)
    for _ in range(1_000):
        features = draw.normal(0.0, 1.0, CONTEXTS + OFFERS).clip(-3.0, 3.0).astype(np.float32)
        label = float(draw.random() < clipped(float(features[0] * features[1])))
        pool.learn(asked(features, CONTEXTS, "tea", 0.0), label, 1.0, 1)
    before = pool.pairs.means.copy(), pool.means.copy(), pool.own["tea"].means.copy()
    for year in range(1, 200):
        at_ms = round(1 + year * 365 * DAY_MS)
        pool._pass_time(at_ms)
        pool.pairs.weigh()
        pool._own("tea", at_ms)
    after = pool.pairs.means, pool.means, pool.own["tea"].means
    for then, now in zip(before, after, strict=True):
        assert (np.abs(now) <= np.abs(then)).all()
    assert np.abs(pool.pairs.means).max() < 1e-6
    assert pool.pairs.prior == pytest.approx(np.full(PAIRS, PAIR_VARIANCE), rel=1e-2)
