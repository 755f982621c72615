"""Thompson sampling whose probabilities are known: the share of draws that an action wins.

A draw says P(used) of all eligible offers as the model might believe it as well: its log odds plus
what is not known of all offers together and of each (`Doubt`), each times a normal number. Then the
offer of the highest priority is the best, or no offer where none is above 0 (Thompson 1933; Russo
and others 2018, Foundations and Trends in Machine Learning 11). Of `DRAWS` draws the shares are the
distribution that is drawn from, given the decision's id, which all normal numbers follow from; so
the same decision has the same shares, wherever and whenever it is made again.
"""

from collections.abc import Sequence
from functools import cache
from hashlib import shake_128
from statistics import NormalDist
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.contracts.outputs.terms import Doubt

DRAWS: Final = 100
WIDTH: Final = 0.2
"""Standard deviations times so much: whole ones explore too much (`docs/offer-choice.md`)."""
QUANTILES: Final = 4096
USED_MAX: Final = 1.0 - 1e-9
Floats = NDArray[np.float64]


class Posterior(Struct, frozen=True):
    """What draws of P(used) of the eligible offers stand on.

    Attributes:
        used: P(used) of each, shape `[n]`.
        gains: what a use of each brings, in the shop's currency, shape `[n]`.
        loads: how each number of `doubt.shared` counts in each offer's log odds, shape `[n, d]`.
        doubt: how sure the model is, as it is logged.
    """

    used: Floats
    gains: Floats
    loads: Floats
    doubt: Doubt


def win_shares(
    decision_id: str, priorities: Sequence[float], posterior: Posterior
) -> tuple[list[float], float]:
    """Of the draws, the shares in which each offer is the best, and in which none is."""
    used, doubt = np.minimum(posterior.used, USED_MAX), posterior.doubt
    shared, own = WIDTH * np.array(doubt.shared), WIDTH * np.array(doubt.own)
    d, n = len(shared), len(own)
    normal = normals(decision_id, DRAWS * (d + n)).reshape(DRAWS, d + n)
    off = normal[:, :d] @ (posterior.loads * shared).T
    off += normal[:, d:] * own
    odds = used / (1.0 - used) * np.exp(off)
    drawn = odds / (1.0 + odds)
    worth = np.array(priorities) + posterior.gains * (drawn - used)
    best = np.where(worth.max(1) > 0.0, worth.argmax(1), n)
    wins = np.bincount(best, minlength=n + 1) / DRAWS
    *shares, none = wins.tolist()
    return shares, none


def normals(decision_id: str, count: int) -> Floats:
    """So many normal numbers, the same for the same id: quantiles at places that a hash gives.

    The bytes are those of SHAKE128 (FIPS 202), so no version of a library changes them.

    >>> normals("d-1", 2).round(3).tolist() == normals("d-1", 3)[:2].round(3).tolist()
    True
    """
    told = shake_128(f"{decision_id}\x1fposterior".encode()).digest(2 * count)
    return _quantiles().take(np.frombuffer(told, "<u2") % QUANTILES)


@cache
def _quantiles() -> Floats:
    """Of the standard normal distribution, as many, at the middle of slices of equal size."""
    said = NormalDist()
    table = np.array([said.inv_cdf((n + 0.5) / QUANTILES) for n in range(QUANTILES)])
    table.flags.writeable = False
    return table
