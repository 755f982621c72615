"""How good a model is on examples that it had not yet learned: a window of the last thousand."""

from collections import deque
from collections.abc import Iterable

from msgspec import ValidationError, convert

from streams.errors import StateError
from streams.models.measures import auc, log_loss

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
        scores, labels = zip(*self.pairs, strict=True)
        positives = sum(labels)
        rate = positives / n
        figures = {
            "window": float(n),
            "rate": rate,
            "log_loss": log_loss(labels, scores, PROBABILITY_MIN),
            "log_loss_constant": log_loss(labels, [rate] * n, PROBABILITY_MIN),
        }
        if positives:
            figures["calibration"] = sum(scores) / positives
        ranked = auc(labels, scores)
        if ranked is not None:
            figures["auc"] = ranked
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
            return cls(convert(data, list[Pair]))
        except ValidationError as error:
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
