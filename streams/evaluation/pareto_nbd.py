"""Pareto/NBD, the classic that every churn model is held against; only for evaluation.

Schmittlein, Morrison, Colombo (1987), "Counting Your Customers", Management Science 33(1), in the
closed form of Fader and Hardie (2005), "A Note on Deriving the Pareto/NBD Model and Related
Expressions". While alive a customer buys at a rate from Gamma(r, alpha); they leave at a rate from
Gamma(s, beta), at any time and not only after a purchase. Time is in ticks.
"""

import math

import numpy as np
from msgspec import Struct
from scipy.special import gammaln, hyp2f1

from streams.contracts.times import WEEK_MS
from streams.models.fitting import Column, most_likely, tells_enough

_X, _W = np.polynomial.legendre.leggauss(64)
NODES, WEIGHTS = (_X + 1.0) / 2.0, _W / 2.0  # from [-1, 1] to [0, 1]


class ParetoNbd(Struct, frozen=True):
    """The four parameters; `alpha` and `beta` are in the unit of `t_x` and `T`."""

    r: float
    alpha: float
    s: float
    beta: float


# CDNOW's customers as published (Fader and Hardie), alpha and beta in weeks.
CDNOW_WEEKS = ParetoNbd(r=0.553, alpha=10.578, s=0.606, beta=11.669)


def published(tick_ms: int) -> ParetoNbd:
    """The published population, its time in ticks.

    >>> published(WEEK_MS).alpha
    10.578
    """
    p, ticks = CDNOW_WEEKS, WEEK_MS / tick_ms
    return ParetoNbd(p.r, p.alpha * ticks, p.s, p.beta * ticks)


def log_likelihood(params: ParetoNbd, x: Column, t_x: Column, age: Column) -> Column:
    """Log likelihood of each customer: `x` repeat purchases, the last at `t_x`, seen up to `age`.

    All of shape `[customers]`; times count from the first purchase.
    """
    alive, left = _alive_and_left(params, x, t_x, age)
    r, s = params.r, params.s
    base = gammaln(r + x) - gammaln(r) + r * math.log(params.alpha) + s * math.log(params.beta)
    return np.asarray(base + np.logaddexp(alive, left))


def fit(x: Column, t_x: Column, age: Column, start: ParetoNbd) -> ParetoNbd:
    """Maximum likelihood from `start`; `start` where there are too few customers to tell.

    Too few are fewer than 100 customers or 30 repeaters, as for BG/NBD.
    """
    if not tells_enough(x):
        return start
    found = most_likely(
        lambda logs, *of: log_likelihood(_from_logs(logs), *of),
        (start.r, start.alpha, start.s, start.beta),
        x,
        t_x,
        age,
    )
    return _from_logs(found.x) if math.isfinite(float(found.fun)) else start


def p_no_purchase(params: ParetoNbd, x: Column, t_x: Column, age: Column, horizon: float) -> Column:
    """P(no purchase in the next `horizon`) of each customer: has left, or is alive and silent.

    Who is alive at `age` keeps a rate from Gamma(r + x, alpha + age) and leaves at one from
    Gamma(s, beta + age). They are silent if they stay and do not buy, or leave at `u` without
    having bought: the integral over `u` is taken by Gauss-Legendre, 64 nodes on log(beta + u).
    """
    alive, left = _alive_and_left(params, x, t_x, age)
    p_alive = 1.0 / (1.0 + np.exp(np.minimum(left - alive, 700.0)))
    since, lived, shape = params.alpha + age, params.beta + age, params.r + x
    stays = (since / (since + horizon)) ** shape * (lived / (lived + horizon)) ** params.s
    width = np.log1p(horizon / lived)[:, None]
    w = width * NODES
    u = lived[:, None] * np.expm1(w)
    density = params.s * np.exp(-params.s * w)
    silent = (since[:, None] / (since[:, None] + u)) ** shape[:, None]
    leaves = (density * silent * width) @ WEIGHTS
    return np.asarray(np.clip(1.0 - p_alive * (1.0 - stays - leaves), 0.0, 1.0))


def _alive_and_left(
    params: ParetoNbd, x: Column, t_x: Column, age: Column
) -> tuple[Column, Column]:
    """Logs of the two parts of the likelihood: still alive at `age`, and left after `t_x`."""
    n = params.r + params.s + x
    alive = -(params.r + x) * np.log(params.alpha + age) - params.s * np.log(params.beta + age)
    from_last, from_now = _log_term(params, x, t_x), _log_term(params, x, age)
    with np.errstate(divide="ignore"):  # seen up to the last purchase: nobody has left since
        gone = np.log(-np.expm1(np.minimum(from_now - from_last, 0.0)))
    return alive, np.asarray(np.log(params.s / n) + from_last + gone)


def _log_term(params: ParetoNbd, x: Column, at: Column) -> Column:
    """The log of the note's 2F1(...) / (... + at)^(r + s + x), for either order of alpha, beta.

    By Euler's transformation, which takes the powers out of 2F1, so that it stays within bounds
    for any number of purchases: 2F1(a, b; c; z) = (1 - z)^(c - a - b) 2F1(c - a, c - b; c; z).
    """
    r, alpha, s, beta = params.r, params.alpha, params.s, params.beta
    c = r + s + x + 1.0
    if alpha >= beta:
        inner = hyp2f1(1.0, r + x, c, (alpha - beta) / (alpha + at))
        powers = -(r + x) * np.log(alpha + at) - s * np.log(beta + at)
    else:
        inner = hyp2f1(1.0, s + 1.0, c, (beta - alpha) / (beta + at))
        powers = (1.0 - r - x) * np.log(alpha + at) - (s + 1.0) * np.log(beta + at)
    return np.asarray(powers + np.log(inner))


def _from_logs(logs: Column) -> ParetoNbd:
    r, alpha, s, beta = (float(value) for value in np.exp(logs))
    return ParetoNbd(r, alpha, s, beta)
