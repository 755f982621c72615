"""BG/NBD: how likely nobody hears from a customer again, from three numbers, in closed form.

Fader, Hardie, Lee (2005), "Counting Your Customers the Easy Way: An Alternative to the
Pareto/NBD Model", Marketing Science 24(2). While alive a customer buys at a rate drawn from
Gamma(r, alpha); after each purchase they leave with a probability drawn from Beta(a, b).
"""

import math

import numpy as np
from msgspec import Struct
from scipy.special import betaln, gammaln

from streams.contracts.times import WEEK_MS
from streams.models.fitting import EDGE, Column, most_likely, tells_enough


class BgNbd(Struct, frozen=True):
    """The four parameters; `alpha` is in the unit of `t_x` and `T`."""

    r: float
    alpha: float
    a: float
    b: float


# The cold start: CDNOW's customers (Fader, Hardie, Lee 2005, table 2), alpha in weeks.
CDNOW_WEEKS = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)


def cold_start(tick_ms: int) -> BgNbd:
    """The published population, its time in ticks, for as long as there is none of our own.

    >>> cold_start(WEEK_MS).alpha
    4.414
    """
    p = CDNOW_WEEKS
    return BgNbd(p.r, p.alpha * WEEK_MS / tick_ms, p.a, p.b)


def log_likelihood(params: BgNbd, x: Column, t_x: Column, age: Column) -> Column:
    """Log likelihood of each customer, equation (6): `x` repeat purchases, the last at `t_x`.

    All of shape `[customers]`; `t_x` and `age` (T in the paper) count from the first purchase.
    """
    r, alpha, a, b = params.r, params.alpha, params.a, params.b
    base = gammaln(r + x) - gammaln(r) + r * math.log(alpha) + betaln(a, b + x) - betaln(a, b)
    alive = -(r + x) * np.log(alpha + age)
    left = np.full_like(alive, -np.inf)
    bought = x > 0
    odds = math.log(a) - np.log(b + x[bought] - 1.0)
    left[bought] = odds - (r + x[bought]) * np.log(alpha + t_x[bought])
    return np.asarray(base + np.logaddexp(alive, left))


def fit(x: Column, t_x: Column, age: Column, start: BgNbd) -> BgNbd:
    """Maximum likelihood from `start`; `start` itself when the data do not settle the matter.

    Kept as it was: fewer than 100 customers or 30 repeaters, no convergence, a parameter at the
    edge of [.001, 1000].
    """
    if not tells_enough(x):
        return start
    found = most_likely(
        lambda logs, *of: log_likelihood(_from_logs(logs), *of),
        (start.r, start.alpha, start.a, start.b),
        x,
        t_x,
        age,
    )
    inside = np.all(found.x > EDGE[0] + 1e-6) and np.all(found.x < EDGE[1] - 1e-6)
    usable = bool(found.success) and math.isfinite(float(found.fun)) and bool(inside)
    return _from_logs(found.x) if usable else start


def p_alive(params: BgNbd, x: float, t_x: float, age: float) -> float:
    """P(has not left). One-time buyers are alive by construction: never use it as churn risk."""
    if x <= 0:
        return 1.0
    log_odds = math.log(params.a / (params.b + x - 1.0))
    log_odds += (params.r + x) * math.log((params.alpha + age) / (params.alpha + t_x))
    return 1.0 / (1.0 + math.exp(min(log_odds, 700.0)))


def p_no_purchase(params: BgNbd, x: float, t_x: float, age: float, horizon: float) -> float:
    """P(no purchase in the next `horizon`): has left, or is alive and silent.

    Exact: who is alive at `age` keeps a rate from Gamma(r + x, alpha + age) and leaves only by
    buying, so P(silent | alive) = ((alpha + age) / (alpha + age + horizon)) ** (r + x).

    >>> round(p_no_purchase(CDNOW_WEEKS, 0, 0.0, 38.86, 39.0), 3)
    0.855
    """
    since = params.alpha + age
    returns = -math.expm1((params.r + x) * math.log(since / (since + horizon)))
    return 1.0 - p_alive(params, x, t_x, age) * returns


def _from_logs(logs: Column) -> BgNbd:
    r, alpha, a, b = (float(value) for value in np.exp(logs))
    return BgNbd(r, alpha, a, b)
