"""A number that is expected of a person by their features: ridge regression that fades with time.

It takes the differences between people out of a comparison of groups. What it says need not be
right for that: with known probabilities of the groups the comparison is unbiased all the same.
"""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.errors import StateError
from streams.features import ARM_FREE_FEATURES

BEFORE = ("orders_before", "orders_long_before")
NAMES = ("1", *BEFORE, *(f"c.{name}" for name in ARM_FREE_FEATURES))
RIDGE = 10.0
Floats = NDArray[np.float64]


def numbers_of(features: Mapping[str, float]) -> Floats:
    """The features in the order of `NAMES`, the constant first; 0 for what is missing."""
    return np.array([1.0, *[features.get(name, 0.0) for name in NAMES[1:]]])


class BaselineState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sums of a baseline, by name."""

    names: list[str]
    products: list[list[float]]
    labels: list[float]


class Baseline:
    """Weights by least squares with a penalty of `RIDGE` on all but the constant.

    `products` is the lower triangle of the sum of the features' products, row by row; `labels` the
    sums of features times label. Both are by position in `NAMES`.
    """

    def __init__(self) -> None:
        self.products: Floats = np.zeros((len(NAMES), len(NAMES)))
        self.labels: Floats = np.zeros(len(NAMES))
        self.weights: Floats = np.zeros(len(NAMES))

    def expected(self, x: Floats) -> float:
        """The number expected of a person."""
        return float(self.weights @ x)

    def learn(self, x: Floats, label: float, weight: float, fade: float) -> None:
        """One person's number; what was learned before keeps the share `fade`."""
        self.products = self.products * fade + weight * np.outer(x, x)
        self.labels = self.labels * fade + weight * label * x
        self._solve()

    def dump(self) -> dict[str, object]:
        """The sums by name."""
        rows = [self.products[n, : n + 1].tolist() for n in range(len(NAMES))]
        return {"names": list(NAMES), "products": rows, "labels": self.labels.tolist()}

    @classmethod
    def of(cls, state: BaselineState, whose: str) -> "Baseline":
        """The baseline that `dump` wrote out; features that are new begin with nothing.

        Raises:
            StateError: the shapes do not fit.
        """
        made, at, names = cls(), {name: n for n, name in enumerate(NAMES)}, state.names
        triangle = list(range(1, len(names) + 1))
        if [len(row) for row in state.products] != triangle or len(state.labels) != len(names):
            raise StateError(f"{whose} parameters cannot be read: the sums do not fit")
        for name, row, label in zip(names, state.products, state.labels, strict=True):
            if name not in at:
                continue
            made.labels[at[name]] = label
            for other, value in zip(names, row, strict=False):
                if other in at:
                    made.products[at[name], at[other]] = value
                    made.products[at[other], at[name]] = value
        made._solve()
        return made

    def _solve(self) -> None:
        penalty = np.full(len(NAMES), RIDGE)
        penalty[0] = 1e-9
        if self.products[0, 0] > 0.0:
            whole = self.products + np.diag(penalty)
            self.weights = np.asarray(np.linalg.solve(whole, self.labels), np.float64)
