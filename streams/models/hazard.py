"""The hazard: P(comes back within the next tick), learned online by River, read with numpy.

StandardScaler | LogisticRegression(AdaGrad .05) on the features of a scoring moment; the label is
known one tick later. Rolled out along silence it gives P(no purchase) up to any horizon.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct, to_builtins
from numpy.typing import NDArray
from river import linear_model, optim, preprocessing

from streams.errors import StateError
from streams.models.saved import saved_state

Z_MAX = 6.0


class HazardState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every parameter by name: what the scaler, the regression and AdaGrad remember."""

    features: tuple[str, ...]
    counts: dict[str, float]
    means: dict[str, float]
    variances: dict[str, float]
    weights: dict[str, float]
    squared_gradients: dict[str, float]
    intercept: float
    iterations: int
    labels: int
    returns: int


class HazardView(Struct, frozen=True):
    """The weights as vectors, for deciding: `logit(x) = intercept + weights . z(x)`."""

    means: NDArray[np.float64]
    scales: NDArray[np.float64]
    weights: NDArray[np.float64]
    intercept: float

    def z(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standardized features of any leading shape; a feature that never varied is 0."""
        standard = (features - self.means) * self.scales
        return np.minimum(np.maximum(standard, -Z_MAX), Z_MAX)

    def p_return(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(comes back within the tick), shape `[...]` for standardized features `[..., k]`."""
        return np.asarray(1.0 / (1.0 + np.exp(-(z @ self.weights + self.intercept))))

    def p_silent(self, z: NDArray[np.float64], ticks: float) -> float:
        """P(no purchase for `ticks` of silence): standardized features of whole ticks, `[n, k]`.

        Where the path is shorter than `ticks`, the rate of its last tick goes on; a last tick
        counts in part, at a constant rate within it.
        """
        cumulated = np.logaddexp(0.0, z @ self.weights + self.intercept)
        return math.exp(-float(cumulated.sum() + (ticks - len(cumulated)) * cumulated[-1]))


class Hazard:
    """The learning side, over named features; bounded memory: four numbers a feature."""

    def __init__(self, features: Sequence[str], *, rate: float = 0.05) -> None:
        """`features`: the names to read from an example, in the order of the view's vectors."""
        self.features = tuple(features)
        self.scaler = preprocessing.StandardScaler()
        self.regression = linear_model.LogisticRegression(optim.AdaGrad(rate))
        self.labels = 0
        self.returns = 0

    def learn(self, x: Mapping[str, float], returned: bool, weight: float = 1.0) -> None:
        """One label: whether the customer came back within the tick after `x` was seen."""
        own = {name: x[name] for name in self.features}
        self.scaler.learn_one(own)
        z = self.scaler.transform_one(own)
        clipped = {name: min(max(value, -Z_MAX), Z_MAX) for name, value in z.items()}
        self.regression.learn_one(clipped, returned, weight)
        self.labels += 1
        self.returns += returned

    def forget(self, share: float) -> None:
        """Let `share` (0 to 1) of what was learned count for less, so that learning goes on.

        Called per unit of time, never per example: with many customers a memory measured in
        examples is over before the population has been seen once.
        """
        keep = 1.0 - share
        for name, squared in self.regression.optimizer.g2.items():
            self.regression.optimizer.g2[name] = squared * keep
        for name, count in self.scaler.counts.items():
            self.scaler.counts[name] = max(count * keep, 1.0)

    def view(self) -> HazardView:
        """The weights as they are now; later learning does not change it."""
        means = np.array([self.scaler.means[name] for name in self.features])
        variances = np.array([self.scaler.vars[name] for name in self.features])
        weights = np.array([self.regression.weights.get(name, 0.0) for name in self.features])
        scales = np.zeros_like(variances)
        np.divide(1.0, np.sqrt(variances), out=scales, where=variances > 0.0)
        for vector in (means, scales, weights):
            vector.flags.writeable = False
        return HazardView(means, scales, weights, float(self.regression.intercept))

    def dump(self) -> dict[str, object]:
        """Every parameter by name, as JSON types."""
        names = self.features if self.labels else ()
        state = HazardState(
            features=self.features,
            counts={name: float(self.scaler.counts[name]) for name in names},
            means={name: float(self.scaler.means[name]) for name in names},
            variances={name: float(self.scaler.vars[name]) for name in names},
            weights={name: float(self.regression.weights[name]) for name in names},
            squared_gradients={name: float(self.regression.optimizer.g2[name]) for name in names},
            intercept=float(self.regression.intercept),
            iterations=int(self.regression.optimizer.n_iterations),
            labels=self.labels,
            returns=self.returns,
        )
        return dict(to_builtins(state))

    @classmethod
    def load(cls, data: Mapping[str, object]) -> "Hazard":
        """The model that `dump` wrote out.

        Raises:
            StateError: a parameter is missing, unknown or of the wrong type.
        """
        state = saved_state(data, HazardState, "the hazard's")
        names = set(state.features if state.labels else ())
        named = (state.counts, state.means, state.variances, state.weights, state.squared_gradients)
        if any(set(parameters) != names for parameters in named):
            raise StateError("the hazard's parameters are not those of its features")
        model = cls(state.features)
        model.scaler.counts.update(state.counts)
        model.scaler.means.update(state.means)
        model.scaler.vars.update(state.variances)
        model.regression._weights.update(state.weights)
        model.regression.optimizer.g2.update(state.squared_gradients)
        model.regression.intercept = state.intercept
        model.regression.optimizer.n_iterations = state.iterations
        model.labels, model.returns = state.labels, state.returns
        return model
