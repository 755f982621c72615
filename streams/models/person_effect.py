"""What being sent an offer changes for one person, above what it changes on average.

The second stage of a DR-learner (Kennedy 2023, Electronic Journal of Statistics 17), in one pass:
of a comparison with rest r (what came less what a baseline expects), sent an offer (T = 1) or not,
which had probability e, the score r (T - e) / (e (1 - e)) is the effect but for noise. Scores are
regressed on the person's features, weighted by e (1 - e), so that nobody is divided by almost
nothing (overlap weights; Li, Morgan and Zaslavsky 2018, Journal of the American Statistical
Association 113).

Weights have a normal prior around 0, so a person leans on the mean until the comparisons carry
more. How wide it is the evidence says (MacKay 1992, Neural Computation 4): effects of people may
differ by `WIDTHS` times a size that is told, and each width counts by how well it explains the
scores. The posterior gives the standard error.
"""

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.errors import StateError
from streams.features import ARM_FREE_FEATURES, CONTEXT_FEATURES

NAMES: Final = tuple(f"c.{name}" for name in ARM_FREE_FEATURES)
PLACES: Final = np.array([CONTEXT_FEATURES.index(name) for name in ARM_FREE_FEATURES])
WIDTHS: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
OUTCOMES: Final = ("orders", "margin")
Floats = NDArray[np.float64]


class Regressed(Struct, frozen=True):
    """The posterior of an effect by person: linear in how far the features are from the mean's.

    Attributes:
        center: the mean person's features, shape `[p]`.
        weights: of orders and of margin, shape `[2, p]`.
        axes: eigenvectors of what was seen, in columns, shape `[p, p]`.
        variances: of the weights along these axes, shape `[2, p]`.
    """

    center: Floats
    weights: Floats
    axes: Floats
    variances: Floats

    def of(self, context: NDArray[np.float32]) -> tuple[Floats, Floats]:
        """More than on average for this person: of orders and margin, and their variances."""
        off = context.take(PLACES) - self.center
        along = off.dot(self.axes)
        along *= along
        return self.weights.dot(off), self.variances.dot(along)


class PersonState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sums by name: `products` is a lower triangle, row by row, the constant first."""

    names: list[str]
    products: list[list[float]]
    scores: list[list[float]]
    squares: list[float]
    weights: list[float]


class PersonEffect:
    """Sums over comparisons, which fade.

    Attributes:
        products: of the features, a constant first, weighted by e (1 - e); shape `[p + 1, p + 1]`.
        scores: features times r (T - e), of orders and of margin; shape `[2, p + 1]`.
        squares: r^2 of both, and `weights` of how many; shape `[2]`.
    """

    def __init__(self) -> None:
        p = len(NAMES) + 1
        self.products: Floats = np.zeros((p, p))
        self.scores: Floats = np.zeros((2, p))
        self.squares: Floats = np.zeros(2)
        self.weights: Floats = np.zeros(2)

    def learn(self, x: Floats, rests: Floats, off: float, weight: float, fade: float) -> None:
        """One comparison.

        Args:
            x: the features of `NAMES`, a constant first.
            rests: orders and margin less what was expected; NaN of one that is not known.
            off: T - e; weight times off^2 is e (1 - e) on average.
            weight: how much it counts; `fade`: what is left of all before.
            fade: what is left of all before.
        """
        e = 1.0 - off if off > 0.0 else -off
        known = np.isfinite(rests)
        told = np.where(known, rests, 0.0)
        self.products = self.products * fade + (weight * e * (1.0 - e)) * np.outer(x, x)
        self.scores = self.scores * fade + (weight * off) * np.outer(told, x)
        self.squares = self.squares * fade + weight * told * told
        self.weights = self.weights * fade + weight * known

    def view(self, sizes: Floats) -> Regressed | None:
        """What is known of people now; `sizes` of the mean effects of orders and margin.

        None while nothing can be said.
        """
        whole = self.products[0, 0]
        if whole <= 0.0:
            return None
        center = self.products[0, 1:] / whole
        seen = self.products[1:, 1:] - whole * np.outer(center, center)
        values, axes = np.linalg.eigh(seen)
        values = np.maximum(values, 0.0)
        spread = float(values.sum()) / whole
        if spread <= 0.0:
            return None
        told = (self.scores[:, 1:] - np.outer(self.scores[:, 0], center)) @ axes
        found = [
            _posterior(values, told[n], self._noise(n), sizes[n] / spread**0.5) for n in range(2)
        ]
        weights = np.array([w for w, _ in found]) @ axes.T
        return Regressed(center, weights, axes, np.array([v for _, v in found]))

    def _noise(self, outcome: int) -> float:
        """Variance of what came less what was expected."""
        weight = self.weights[outcome]
        return float(max(self.squares[outcome] / weight, NOISE_MIN)) if weight > 0.0 else np.inf

    def dump(self) -> PersonState:
        """The sums by name."""
        rows = [self.products[n, : n + 1].tolist() for n in range(len(self.products))]
        return PersonState(
            names=list(NAMES),
            products=rows,
            scores=self.scores.tolist(),
            squares=self.squares.tolist(),
            weights=self.weights.tolist(),
        )

    @classmethod
    def of(cls, state: PersonState) -> "PersonEffect":
        """What `dump` wrote out; features that are new begin with nothing.

        Raises:
            StateError: the shapes do not fit.
        """
        made, p = cls(), len(state.names) + 1
        triangle = [len(row) for row in state.products] == list(range(1, p + 1))
        shapes = [len(row) for row in state.scores] == [p, p]
        if not (triangle and shapes and len(state.squares) == len(state.weights) == 2):
            raise StateError("uplift parameters cannot be read: sums of people do not fit")
        named = ["", *state.names]
        before = {name: n for n, name in enumerate(named)}
        both = [(before[name], n) for n, name in enumerate(("", *NAMES)) if name in before]
        old, new = (np.array(places) for places in zip(*both, strict=True))
        whole = np.zeros((p, p))
        for n, row in enumerate(state.products):
            whole[n, : n + 1] = whole[: n + 1, n] = row
        made.products[np.ix_(new, new)] = whole[np.ix_(old, old)]
        made.scores[:, new] = np.array(state.scores)[:, old]
        made.squares, made.weights = np.array(state.squares), np.array(state.weights)
        return made


NOISE_MIN: Final = 1e-9


def _posterior(values: Floats, told: Floats, noise: float, size: float) -> tuple[Floats, Floats]:
    """Means and variances along the axes, over the priors by how well they explain the scores.

    With prior variance s of each weight the log evidence is, but for what is the same for all,
    sum(-log(1 + s l / noise) + s t^2 / (noise (noise + s l))) / 2.
    """
    s = (np.array(WIDTHS)[:, None] * size) ** 2
    if not np.isfinite(noise):  # nothing was told of it
        return np.zeros(len(values)), np.full(len(values), s[0, 0])
    left = noise + s * values
    evidence = (s * told * told / (noise * left) - np.log(left / noise)).sum(1) / 2.0
    odds = np.exp(evidence - evidence.max())[:, None]
    odds /= odds.sum()
    means, variances = s * told / left, s * noise / left
    mean = (odds * means).sum(0)
    return mean, (odds * (variances + (means - mean) ** 2)).sum(0)
