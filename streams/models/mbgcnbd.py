"""MBG/CNBD-k: BG/NBD for customers who come at regular intervals, in closed form.

Reutterer, Platzer, Schroeder (2021), "Leveraging purchase regularity for predicting customer
behavior the easy way", International Journal of Research in Marketing 38(1). While alive, a
customer's gaps are gamma of shape k (1 is chance, more is steadier) at a rate drawn from
Gamma(r, alpha); after each purchase, the first included, they leave with a probability drawn from
Beta(a, b). With k = 1 it is MBG/NBD (Batislam, Denizel, Filiztekin 2007).
"""

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betainc, betaln, gammaln

from streams.contracts.times import WEEK_MS
from streams.models.fitting import Column, distinct

K_MIN, K_MAX = 1.0, 12.0
GAPS_SEEN_MIN = 100.0
START_R, START_A, START_B = 1.0, 0.5, 10.0
PUBLISHED_GAP_WEEKS = 12.0  # as the life table has it
RATE_SD = 2.0  # of the logs of r and alpha: weak, so that neither runs to an edge
# Of the logs of a and b: in a young shop who is slow looks like who has left, and the likelihood
# alone has one in four leave after each purchase where one in forty does.
LEAVING_SD = 0.5
PRIOR_SDS = np.array([RATE_SD, RATE_SD, LEAVING_SD, LEAVING_SD])
EDGE = 3.0 * RATE_SD
BEGINNING_REPEATERS_MIN = 10  # the prior carries the rest


class MbgCnbd(Struct, frozen=True):
    """The five parameters; `alpha` is in the unit of `t_x` and `T`."""

    r: float
    alpha: float
    a: float
    b: float
    k: float

    @property
    def gap(self) -> float:
        """The gap at the mean rate, in the unit of `alpha`."""
        return self.k * self.alpha / self.r


def cold_start(tick_ms: int) -> MbgCnbd:
    """Of who came back, before ten have: the prior of a fit, around a published gap.

    >>> cold_start(WEEK_MS).gap
    12.0
    """
    return MbgCnbd(
        START_R, START_R * PUBLISHED_GAP_WEEKS * WEEK_MS / tick_ms, START_A, START_B, 1.0
    )


class GapSums(Struct, frozen=True, array_like=True):
    """What is known of regularity: sums over moments of customers with two gaps or more.

    With n gaps and Q = (sum of their squares) / (square of their sum): `count`, the sum of Q, and
    the sum of n Q. Shares of gamma gaps are Dirichlet(k, ..., k) whatever the customer's rate, so
    E[Q] = (k + 1) / (n k + 1), and E[count - Q] = k E[n Q - count]: an estimate of k.
    """

    count: float = 0.0
    q: float = 0.0
    nq: float = 0.0

    def plus(self, gaps: float, squares: float, total: float) -> "GapSums":
        """One moment more; nothing is learned of fewer than two gaps, or where squares are unknown.

        >>> GapSums().plus(2.0, 2.0, 2.0)
        GapSums(count=1.0, q=0.5, nq=1.0)
        """
        if gaps < 2.0 or total <= 0.0 or squares <= 0.0:
            return self
        q = min(max(squares / total**2, 1.0 / gaps), 1.0)
        return GapSums(self.count + 1.0, self.q + q, self.nq + gaps * q)

    def faded(self, keep: float) -> "GapSums":
        """As much as `keep` (0 to 1) of it."""
        return GapSums(self.count * keep, self.q * keep, self.nq * keep)

    @property
    def k(self) -> float:
        """The shape; 1 where too little was seen to say more, or gaps come in clumps."""
        if self.count < GAPS_SEEN_MIN:
            return K_MIN
        uneven = self.nq - self.count
        return min(max((self.count - self.q) / max(uneven, 1e-9), K_MIN), K_MAX)


def p_still_out(params: MbgCnbd, x: Column, t_x: Column, silence: Column) -> Column:
    """P(the gap that runs is longer than `silence` | alive).

    The rate is Gamma(r + k x, alpha + t_x); a gamma gap over such a rate is a beta prime, so this
    is a regularized incomplete beta function.
    """
    known = params.alpha + t_x
    return np.asarray(betainc(params.r + params.k * x, params.k, known / (known + silence)))


def log_likelihood(params: MbgCnbd, x: Column, t_x: Column, age: Column) -> Column:
    """Log likelihood of each customer, less what depends on the gaps and `k` alone.

    All of shape `[customers]`: `x` repeat purchases, the last at `t_x`; `t_x` and `age` (T in the
    paper) count from the first purchase.
    """
    r, alpha, a, b, k = params.r, params.alpha, params.a, params.b, params.k
    bought = gammaln(r + k * x) - gammaln(r) + r * math.log(alpha)
    bought -= (r + k * x) * np.log(alpha + t_x)
    stayed = betaln(a, b + x + 1.0) - betaln(a, b)
    return np.asarray(
        bought + stayed + np.log(p_still_out(params, x, t_x, age - t_x) + a / (b + x))
    )


def fit(x: Column, t_x: Column, age: Column, k: float) -> MbgCnbd | None:
    """The most likely parameters under a prior; None when the data do not settle the matter.

    The prior of the rates is weak; that of leaving is one in 21 after a purchase, and counts for a
    few dozen customers, so ten who came back are enough to begin with. None: fewer, or no
    convergence.
    """
    if np.count_nonzero(x) < BEGINNING_REPEATERS_MIN:
        return None
    columns, counts = distinct(x, t_x, age)
    usual = max(float(t_x.sum() / x.sum()), 1e-3)
    center = np.log([START_R, START_R * usual / k, START_A, START_B])

    def loss(logs: NDArray[np.float64]) -> float:
        said = float(counts @ log_likelihood(_from_logs(logs, k), *columns))
        return (0.5 * float((((logs - center) / PRIOR_SDS) ** 2).sum()) - said) / len(x)

    bounds = list(zip(center - EDGE, center + EDGE, strict=True))
    found = minimize(loss, center, method="L-BFGS-B", bounds=bounds)
    return _from_logs(found.x, k) if found.success and math.isfinite(float(found.fun)) else None


def p_no_purchase(params: MbgCnbd, x: float, t_x: float, age: float, horizon: float) -> float:
    """P(no purchase in the next `horizon`): has left, or is alive and silent.

    >>> steady = MbgCnbd(r=10.0, alpha=10.0, a=1.0, b=9.0, k=4.0)
    >>> round(p_no_purchase(steady, 5, 20.0, 21.0, 13.0), 2)
    0.07
    """
    left = params.a / (params.b + x)
    shape, known, silence = params.r + params.k * x, params.alpha + t_x, max(age - t_x, 0.0)
    now = betainc(shape, params.k, known / (known + silence))
    later = betainc(shape, params.k, known / (known + silence + horizon))
    return float((later + left) / (now + left))


def _from_logs(logs: NDArray[np.float64], k: float) -> MbgCnbd:
    r, alpha, a, b = (float(value) for value in np.exp(logs))
    return MbgCnbd(r, alpha, a, b, k)
