"""How good a model is on examples that it had not yet learned: a window of the last thousand."""

import math
from collections import deque
from collections.abc import Iterable

from streams.errors import StateError

WINDOW = 1_000
SOUND_LABELS_MIN = 100
RATIO_RANGE = (0.8, 1.25)
PROBABILITY_MIN = 1e-6

Pair = tuple[float, float]


class Prequential:
    """Pairs of prediction and label, the prediction made before the label was learned.

    >>> quality = Prequential([(0.9, 1.0), (0.2, 0.0)])
    >>> quality.figures()["auc"]
    1.0
    """

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        self.pairs: deque[Pair] = deque(pairs, maxlen=WINDOW)

    def add(self, probability: float, label: float) -> None:
        """One prediction and the label that became known after it."""
        self.pairs.append((round(probability, 6), float(label > 0.5)))

    def figures(self) -> dict[str, float]:
        """Log loss, that of the window's own rate, sum p / sum y, AUC; what cannot be is left out.

        The rate is known only afterwards, so the comparison is strict.
        """
        if not self.pairs:
            return {}
        n = len(self.pairs)
        positives = sum(label for _, label in self.pairs)
        rate = positives / n
        figures = {
            "window": float(n),
            "rate": rate,
            "log_loss": sum(log_loss(p, y) for p, y in self.pairs) / n,
            "log_loss_constant": sum(log_loss(rate, y) for _, y in self.pairs) / n,
        }
        if positives:
            figures["calibration"] = sum(p for p, _ in self.pairs) / positives
        if 0.0 < positives < n:
            figures["auc"] = auc(self.pairs)
        return {name: round(value, 6) for name, value in figures.items()}

    def dump(self) -> list[list[float]]:
        """The window as JSON types."""
        return [list(pair) for pair in self.pairs]

    @classmethod
    def load(cls, data: object) -> "Prequential":
        """The window that `dump` wrote out.

        Raises:
            StateError: it is not a list of pairs of numbers.
        """
        try:
            return cls([(float(p), float(y)) for p, y in data])  # type: ignore[attr-defined]
        except (TypeError, ValueError) as error:
            raise StateError("the window of predictions cannot be read") from error


def is_sound(figures: dict[str, float]) -> bool:
    """Whether a model may serve: better than a constant, and neither too hopeful nor too timid.

    A window with fewer than 100 labels of either kind says nothing against it.
    """
    labels = figures.get("rate", 0.0) * figures.get("window", 0.0)
    if min(labels, figures.get("window", 0.0) - labels) < SOUND_LABELS_MIN:
        return True
    low, high = RATIO_RANGE
    better = figures["log_loss"] <= figures["log_loss_constant"]
    return better and low <= figures.get("calibration", 1.0) <= high


def log_loss(probability: float, label: float) -> float:
    """Negative log likelihood of one label in nats."""
    p = min(max(probability, PROBABILITY_MIN), 1.0 - PROBABILITY_MIN)
    return -math.log(p if label > 0.5 else 1.0 - p)


def auc(pairs: Iterable[Pair]) -> float:
    """P(a positive scores above a negative), ties count half; both kinds must be there.

    >>> auc([(0.1, 0.0), (0.1, 1.0), (0.9, 1.0)])
    0.75
    """
    ordered = sorted(pairs)
    positives = sum(1 for _, label in ordered if label > 0.5)
    below = won = 0.0
    at = 0
    while at < len(ordered):
        tied = at
        while tied < len(ordered) and ordered[tied][0] == ordered[at][0]:
            tied += 1
        up = sum(1 for _, label in ordered[at:tied] if label > 0.5)
        down = tied - at - up
        won += up * (below + down / 2.0)
        below += down
        at = tied
    return won / (positives * (len(ordered) - positives))
