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
    beside: list[float] | None = None


class Baseline:
    """Weights by least squares with a penalty of `RIDGE` on all but the constant.

    `products` is the lower triangle of the sum of the features' products, row by row; `labels` the
    sums of features times label, and `beside` the same of a second label, where there is one. All
    are by position in `NAMES`.
    """

    def __init__(self) -> None:
        self.products: Floats = np.zeros((len(NAMES), len(NAMES)))
        self.labels: Floats = np.zeros(len(NAMES))
        self.beside: Floats | None = None
        self.weights: Floats = np.zeros((2, len(NAMES)))

    def expected(self, x: Floats) -> float:
        """The number expected of a person."""
        return float(self.weights[0] @ x)

    def both_expected(self, x: Floats) -> Floats:
        """The number and the second one, which is 0 where none was ever told."""
        return self.weights @ x

    def learn(
        self, x: Floats, label: float, weight: float, fade: float, second: float | None = None
    ) -> None:
        """One person's number, and perhaps a second; what was learned before keeps `fade` of it."""
        self.products = self.products * fade + weight * np.outer(x, x)
        self.labels = self.labels * fade + weight * label * x
        if second is not None or self.beside is not None:
            before = 0.0 if self.beside is None else self.beside * fade
            self.beside = before + weight * (second or 0.0) * x
        self._solve()

    def dump(self) -> dict[str, object]:
        """The sums by name."""
        told: dict[str, object]
        rows = [self.products[n, : n + 1].tolist() for n in range(len(NAMES))]
        told = {"names": list(NAMES), "products": rows, "labels": self.labels.tolist()}
        return told if self.beside is None else told | {"beside": self.beside.tolist()}

    @classmethod
    def of(cls, state: BaselineState, whose: str) -> "Baseline":
        """The baseline that `dump` wrote out; features that are new begin with nothing.

        Raises:
            StateError: the shapes do not fit.
        """
        made, at, names = cls(), {name: n for n, name in enumerate(NAMES)}, state.names
        triangle = list(range(1, len(names) + 1))
        beside = state.labels if state.beside is None else state.beside
        sizes = {len(state.labels), len(beside)}
        if [len(row) for row in state.products] != triangle or sizes != {len(names)}:
            raise StateError(f"{whose} parameters cannot be read: the sums do not fit")
        made.beside = None if state.beside is None else np.zeros(len(NAMES))
        each = zip(names, state.products, state.labels, beside, strict=True)
        for name, row, label, second in each:
            if name not in at:
                continue
            made.labels[at[name]] = label
            if made.beside is not None:
                made.beside[at[name]] = second
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
            labels = self.labels if self.beside is None else np.array((self.labels, self.beside))
            self.weights = np.zeros((2, len(NAMES)))
            self.weights[: labels.ndim] = np.linalg.solve(whole, labels.T).T
