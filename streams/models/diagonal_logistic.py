"""Bayesian logistic regression whose weights are independent Gaussians: prior, mean and variance.

One label moves a mean by its own variance and narrows it (an extended Kalman filter with a diagonal
covariance; McCormick, Raftery, Madigan and Burd 2012, Biometrics 68). What was learned can fade:
then the prior comes back.
"""

import math
from collections.abc import Mapping
from typing import Any

from river import base

from streams.contracts.sums import sum_of

OFFSET = "__offset__"
"""The feature that is added to the log odds as it is: a part of them that is given."""
LOGIT_MAX = 30.0
SLOPE_MIN = 1e-3


class DiagonalLogisticRegression(base.Classifier):  # type: ignore[misc]
    """`P(true) = sigmoid(x[OFFSET] + sum of weights[i] x[i])`, each weight with its variance.

    A feature that the prior does not name starts at 0 with `prior_variance`.

    >>> model = DiagonalLogisticRegression({"bell": math.log(3.0)}, {"bell": 0.5})
    >>> round(model.predict_proba_one({"bell": 1.0})[True], 6)
    0.75
    """

    def __init__(
        self,
        prior_means: dict[str, float] | None = None,
        prior_variances: dict[str, float] | None = None,
        prior_variance: float = 1.0,
    ) -> None:
        self.prior_means = prior_means
        self.prior_variances = prior_variances
        self.prior_variance = prior_variance
        self.means: dict[Any, float] = {}
        self.variances: dict[Any, float] = {}

    def prior(self, name: Any) -> tuple[float, float]:
        """Mean and variance of a weight before anything was learned."""
        mean = (self.prior_means or {}).get(name, 0.0)
        return mean, (self.prior_variances or {}).get(name, self.prior_variance)

    def weight(self, name: Any) -> tuple[float, float]:
        """Mean and variance of a weight now."""
        if name in self.means:
            return self.means[name], self.variances[name]
        return self.prior(name)

    def learn_one(self, x: Mapping[Any, float], y: bool, w: float = 1.0) -> None:
        """Learn one label, that counts `w` times."""
        named = [(name, value, *self.weight(name)) for name, value in x.items() if name != OFFSET]
        p = self._p(x)
        slope = w * max(p * (1.0 - p), SLOPE_MIN)
        spread = sum_of(variance * value * value for _, value, _, variance in named)
        scale = 1.0 / (1.0 + slope * spread)
        for name, value, mean, variance in named:
            if value:
                gain = variance * value
                self.means[name] = mean + gain * w * (float(y) - p) * scale
                self.variances[name] = variance - gain * gain * slope * scale

    def predict_proba_one(self, x: Mapping[Any, float]) -> dict[bool, float]:
        """P(false) and P(true) at the means of the weights."""
        p = self._p(x)
        return {False: 1.0 - p, True: p}

    def forget(self, share: float) -> None:
        """Let `share` (0 to 1) of what was learned go; the prior itself stays.

        Precisions add up, the prior's and the data's; that of the data shrinks.
        """
        keep = 1.0 - share
        for name in self.means:
            mean, variance = self.weight(name)
            prior_mean, prior_variance = self.prior(name)
            seen = keep * max(1.0 / variance - 1.0 / prior_variance, 0.0)
            said = keep * (mean / variance - prior_mean / prior_variance)
            precision = 1.0 / prior_variance + seen
            self.variances[name] = 1.0 / precision
            self.means[name] = (prior_mean / prior_variance + said) / precision

    def _p(self, x: Mapping[Any, float]) -> float:
        logit = sum_of(
            value if name == OFFSET else self.weight(name)[0] * value for name, value in x.items()
        )
        return 1.0 / (1.0 + math.exp(-min(max(logit, -LOGIT_MAX), LOGIT_MAX)))
