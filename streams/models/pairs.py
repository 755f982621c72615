"""Pairs of context numbers that interact: one block of weights beside the pool's four experts.

The experts are linear in the context's numbers, as they are or through tanh. The block adds F' Q r
to each of them: F = [1, f] of the offer, r the products of any two of the context's numbers. It
learns as they do, a mean and a variance for each weight, from what the pool as a whole said.

Most pairs count for nothing. So each pair has a prior variance of its own, small at first, which is
now and then set to what its weights look like (empirical Bayes; automatic relevance determination,
MacKay 1994; Tipping 2001, Journal of Machine Learning Research 1): a pair that counts is learned
quickly from then on, and one that does not is as good as left out.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

PAIR_VARIANCE: Final = 0.0003
WEIGH_EVERY: Final = 200  # labels
VARIANCE_MIN: Final = 1e-5


@cache
def places(contexts: int) -> NDArray[np.intp]:
    """Of the two numbers of each pair, shape `[2, pairs]`.

    >>> places(3).tolist()
    [[0, 0, 1], [1, 2, 2]]
    """
    return np.array(np.triu_indices(contexts, 1))


def products_of(context: Array) -> Array:
    """Of any two of the context's numbers: shape `[pairs]`.

    >>> products_of(np.array([1.0, 2.0, 3.0], np.float32)).tolist()
    [2.0, 3.0, 6.0]
    """
    both = context.take(places(len(context)))
    products: Array = both[0] * both[1]
    return products


class Pairs:
    """Weights of pairs: means and variances, shape `[offers + 1, contexts (contexts - 1) / 2]`.

    Attributes:
        prior: the prior's variance of each pair, shape `[pairs]`.

    >>> pairs, one = Pairs(contexts=2, offers=0), np.ones(1, np.float32)
    >>> pairs.log_odds(one, one)
    0.0
    """

    def __init__(self, contexts: int, offers: int, variances: float = 1.0) -> None:
        """`variances`: those of the prior, times so much."""
        count = contexts * (contexts - 1) // 2
        self.first = variances * PAIR_VARIANCE
        self.prior = np.full(count, self.first, np.float32)
        self.means = np.zeros((offers + 1, count), np.float32)
        self.variances = np.full_like(self.means, self.first)

    def log_odds(self, offer: Array, products: Array) -> float:
        """What the pairs add; `offer`: [1, f]."""
        return float(offer @ (self.means @ products))

    def looked_at(self, offer: Array, products: Array) -> tuple[Array, float]:
        """Variances times what they are multiplied with, and the variance of what is said."""
        z = offer[:, None] * products
        vz = self.variances * z
        return vz, float(np.vdot(vz, z))

    def forget(self, keep: float) -> None:
        """Let time pass: so much (0 to 1) is kept of what labels have told.

        That is of a weight with mean M and variance V under the prior's v: the precision
        1 / V - 1 / v, and M / V. Would M stay while V grows, `weigh` took it for told, and made a
        large weight of nothing. In one step V' = V / r and M' = keep M / r, with
        r = keep + (1 - keep) V / v.
        """
        r = self.variances / self.prior
        r *= 1.0 - keep
        r += keep
        self.variances /= r
        self.means *= keep / r

    def weigh(self) -> None:
        """Set the prior's variance of each pair to what its weights look like.

        The mean square of its weights under what is known of them (the EM step of Tipping 2001),
        where the first variance counts as one more weight. What labels have told stays, in the
        words of `forget`.
        """
        means, variances = self.means.astype(np.float64), self.variances.astype(np.float64)
        seen = (means**2 + variances).sum(0) + self.first
        prior = np.maximum(seen / (len(means) + 1), VARIANCE_MIN)
        told = np.maximum(1.0 / variances - 1.0 / self.prior, 0.0)
        after = 1.0 / (told + 1.0 / prior)
        self.means[:] = means * (after / variances)
        self.variances[:] = after
        self.prior[:] = prior
