"""How sure the pool is of what it says of one person's offers.

Its log odds are linear in what it has learned: of an offer F' g + h, where g = W x with the pairs
is the same for all offers of a decision, and h is the offer's own. The weights have a variance each
and no covariance, so g and h have one: the sum of the variances times x^2. Of the four experts and
of the levels the variances count by their shares. An offer of which nothing was learned has
the variances that its own terms begin with.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.models.pairs import products_of
from streams.models.pool import BASES, EXPERTS, SPEEDS, Array, Pool

Floats = NDArray[np.float64]
Spreads = tuple[Floats, Floats, Floats]
"""Of a decision's `n` offers: what `g` counts in each, shape `[n, d]`; standard deviations of `g`,
shape `[d]`, and of each `h`, shape `[n]`, in log odds."""


class Posterior(Struct, frozen=True):
    """Variances at the pool's shares of now, shaped as the means of `ResponseModel`."""

    weights: Array
    own: Array
    pairs: Array

    def spreads(self, x: Array, f: Array, places: NDArray[np.intp]) -> Spreads:
        """What is not known of these offers to this person.

        Args:
            x: of the context on both bases, shape `[2, contexts + 1]`.
            f: of the offers, shape `[2, n, offers + 1]`.
            places: where each offer stands in `own`.
        """
        squares = x * x
        shared = (self.weights @ squares[:, :, None])[:, :, 0]
        shared[0] += self.pairs @ np.square(products_of(x[0, 1:]))
        own = self.own.take(places, 0).reshape(len(places), x.size) @ squares.ravel()
        return loads_of(f), np.sqrt(shared.ravel().astype(float)), np.sqrt(own.astype(float))


def loads_of(f: Array) -> Floats:
    """What `g` counts in each offer, by its features on both bases; shape `[n, d]`."""
    return np.concatenate(tuple(f), 1).astype(float)


def posterior_of(pool: Pool, offer_ids: Sequence[str]) -> Posterior:
    """What a pool is not sure of; the own terms of these offers, then of any other."""
    shares = np.array(pool.shares[:EXPERTS], np.float32).reshape(BASES, SPEEDS, 1)
    of_levels = np.float32(pool.shares[EXPERTS])
    columns = len(pool.u_prior)
    own = np.empty((len(offer_ids) + 1, BASES, columns), np.float32)
    for row, offer_id in enumerate(offer_ids):
        own[row] = (shares * pool.own[offer_id].variances).sum(1)
        own[row, 0, 0] += of_levels * pool.own[offer_id].level[1]
    own[-1] = (shares * pool.u_prior).sum(1)
    own[-1, 0, 0] += of_levels * pool.levels.own_prior
    weights = (shares * pool.variances).sum(1).reshape(BASES, -1, columns)
    weights[0, :, 0] += of_levels * pool.levels.variances
    found = Posterior(weights, own, np.float32(1.0 - of_levels) * pool.pairs.variances)
    for array in (found.weights, found.own, found.pairs):
        array.flags.writeable = False
    return found
