"""Levels: what offers bring whoever is asked and whenever, the pool's word of few numbers.

Log odds = b0 + F' w + u_offer, beside what is believed beforehand: one weight for each feature of
the offer, and a level of each offer's own. So little is to be learned that some dozens of labels
say something; the four experts, who cross every feature with every other, need many hundreds. In a
shop that makes few offers their noise costs more than what they know brings, and the pool, which
weighs each by how well it has predicted, finds that out. A weight has a mean and a variance, as in
`pool`.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

WEIGHT_VARIANCE: Final = 0.005
BIAS_VARIANCE: Final = 0.1
OWN_VARIANCE: Final = 0.05
CURVATURE_MIN: Final = 1e-3


class Levels:
    """Means and variances of [1, offer features], shape `[offers + 1]`.

    >>> levels, one = Levels(offers=0), np.ones(1, np.float32)
    >>> told = levels.learn(one, (0.0, OWN_VARIANCE), probability=0.5, label=1.0, weight=1.0)
    >>> round(levels.log_odds(one), 3), round(told[0], 3)
    (0.048, 0.024)
    """

    def __init__(self, offers: int, variances: float = 1.0) -> None:
        """`variances`: those of the prior, times so much."""
        prior = np.full(offers + 1, WEIGHT_VARIANCE, np.float32)
        prior[0] = BIAS_VARIANCE
        self.prior = np.float32(variances) * prior
        self.own_prior = variances * OWN_VARIANCE
        self.means = np.zeros(offers + 1, np.float32)
        self.variances = self.prior.copy()

    def log_odds(self, offer: Array) -> float:
        """What they add, without the offer's own; `offer`: [1, f]."""
        return float(offer @ self.means)

    def learn(
        self,
        offer: Array,
        own: tuple[float, float],
        probability: float,
        label: float,
        weight: float,
    ) -> tuple[float, float]:
        """What a label says.

        Args:
            offer: [1, f].
            own: mean and variance of the offer's own level; the variance is 0 where it has none.
            probability: what the levels said of it.
            label: 1 or 0.
            weight: how many times it counts.

        Returns: the own level after it.
        """
        vz = self.variances * offer
        mean, variance = own
        curvature = weight * max(probability * (1.0 - probability), CURVATURE_MIN)
        scale = 1.0 / (1.0 + curvature * (float(vz @ offer) + variance))
        step, shrink = weight * (label - probability) * scale, curvature * scale
        self.means += step * vz
        self.variances -= shrink * vz * vz
        return mean + step * variance, variance - shrink * variance * variance

    def pass_time(self, back: float) -> None:
        """Variances go back towards their prior by this share of the way."""
        self.variances += np.float32(back) * (self.prior - self.variances)
