"""River's logistic regression, started from a prior: a part of the log odds is given, not learned.

The reserved feature `OFFSET` is added to the log odds as it is (its weight is 1 and stays 1); all
other features have weights that River learns.
"""

from typing import Any, ClassVar

from river import linear_model
from river.utils.vectordict import VectorDict

OFFSET = "__offset__"


class OffsetLogisticRegression(linear_model.LogisticRegression):  # type: ignore[misc]
    """`P(true) = sigmoid(x[OFFSET] + intercept + sum of weights[i] x[i])`.

    >>> model = OffsetLogisticRegression()
    >>> round(model.predict_proba_one({OFFSET: -2.0})[True], 4)
    0.1192
    """

    OFFSET: ClassVar[str] = OFFSET

    def _raw_dot_one(self, x: dict[Any, float]) -> float:
        return float(super()._raw_dot_one(x) + x.get(OFFSET, 0.0))

    def _eval_gradient_one(
        self, x: dict[Any, float], y: float, w: float
    ) -> tuple[VectorDict, float]:
        """The offset is no parameter: without a gradient, its own weight stays 0."""
        gradient, loss_gradient = super()._eval_gradient_one(x, y, w)
        if OFFSET in x:
            gradient[OFFSET] = 0.0
        return gradient, loss_gradient
