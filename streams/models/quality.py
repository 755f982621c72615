"""How good a model is on examples that it had not yet learned: a window of the last thousand.

`doubts` is the rule by which a snapshot may not serve: the one before it decides until a later one
is free of doubt again.
"""

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from msgspec import ValidationError, convert
from river.drift import ADWIN

from streams.contracts.sums import sum_of
from streams.errors import StateError
from streams.models.measures import auc, log_loss

WINDOW = 1_000
SOUND_LABELS_MIN = 100
RATIO_RANGE = (0.8, 1.25)
ARM_RANGE = (0.5, 2.0)  # of one arm: a share of the window, and chosen by what the model says
ARM_LABELS_MIN = 100
ERRORS_MIN = 3.0
"""How many standard errors what was said must be off, where few labels are judged."""
PROBABILITY_MIN = 1e-6

Pair = tuple[float, float, str]
"""What was said, what came, and the arm of the experiment; empty where there is none."""


class Prequential:
    """Pairs of prediction and label, the prediction made before the label was learned.

    >>> quality = Prequential([(0.9, 1.0, "policy"), (0.2, 0.0, "policy")])
    >>> quality.figures()["auc"]
    1.0
    """

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        self.pairs: deque[Pair] = deque(pairs, maxlen=WINDOW)

    def add(self, probability: float, label: float, arm: str = "") -> None:
        """One prediction and the label that became known after it."""
        self.pairs.append((round(probability, 6), float(label > 0.5), arm))

    def figures(self) -> dict[str, float]:
        """Log loss, that of the window's own rate, sum p / sum y, AUC; what cannot be is left out.

        The rate is known only afterwards, so the comparison is strict. Calibration is said of each
        arm as well, and of the labels since a change (`drift_`), where ADWIN finds one.
        """
        if not self.pairs:
            return {}
        n = len(self.pairs)
        scores, labels, _ = zip(*self.pairs, strict=True)
        positives = sum_of(labels)
        rate = positives / n
        figures = {
            "window": float(n),
            "rate": rate,
            "log_loss": log_loss(labels, scores, PROBABILITY_MIN),
            "log_loss_constant": log_loss(labels, [rate] * n, PROBABILITY_MIN),
        }
        if positives:
            figures["calibration"] = sum_of(scores) / positives
        ranked = auc(labels, scores)
        if ranked is not None:
            figures["auc"] = ranked
        for arm in sorted({pair[2] for pair in self.pairs} - {""}):
            figures |= _calibration(f"arm_{arm}_", [pair for pair in self.pairs if pair[2] == arm])
        figures |= _calibration("drift_", self._since_change())
        return {name: round(value, 6) for name, value in figures.items()}

    def _since_change(self) -> Sequence[Pair]:
        """The newest labels, from where ADWIN says that label less prediction has changed.

        ADWIN (Bifet and Gavalda 2007) reads the window from its beginning, so what it finds follows
        from the window alone, whatever was stopped and loaded again.
        """
        detector, found = ADWIN(), False
        for probability, label, _ in self.pairs:
            detector.update(label - probability)
            found = found or detector.drift_detected
        return list(self.pairs)[-round(detector.width) :] if found else ()

    def dump(self) -> list[list[float | str]]:
        """The window as JSON types."""
        return [list(pair) for pair in self.pairs]

    @classmethod
    def load(cls, data: object) -> "Prequential":
        """The window that `dump` wrote out; an older version wrote no arms.

        Raises:
            StateError: it is not a list of predictions, labels and arms.
        """
        try:
            told = convert(data, list[list[float | str]])
            return cls(convert([[*pair, ""][:3] for pair in told], list[Pair]))
        except ValidationError as error:
            raise StateError("the window of predictions cannot be read") from error


def doubts(figures: Mapping[str, float]) -> tuple[str, ...]:
    """What speaks against deciding with a model of these figures; each as a code.

    `worse_than_constant`, `out_of_calibration`: of the whole window, which says nothing while it
    has fewer than 100 labels of either kind. `drift`: since a change in the residuals, what is said
    is outside the same range. `arm_...`: of a full window, what is said of an arm is outside of
    `ARM_RANGE`. Of an arm and since a change, three standard errors are asked for as well.

    >>> doubts({"drift_window": 300.0, "drift_calibration": 3.0, "drift_errors": 5.5})
    ('drift',)
    """
    found = list(_of_window(figures))
    if _off(figures, "drift_", RATIO_RANGE):
        found.append("drift")
    if figures.get("window", 0.0) < WINDOW:
        return tuple(found)
    arms = (n.removesuffix("window") for n in figures if n[:4] == "arm_" and n[-7:] == "_window")
    off = (arm for arm in arms if _off(figures, arm, ARM_RANGE))
    return (*found, *(arm[:-1] for arm in off if figures[f"{arm}window"] >= ARM_LABELS_MIN))


def _of_window(figures: Mapping[str, float]) -> Iterable[str]:
    labels = figures.get("rate", 0.0) * figures.get("window", 0.0)
    if min(labels, figures.get("window", 0.0) - labels) < SOUND_LABELS_MIN:
        return
    if figures["log_loss"] > figures["log_loss_constant"]:
        yield "worse_than_constant"
    low, high = RATIO_RANGE
    if not low <= figures.get("calibration", 1.0) <= high:
        yield "out_of_calibration"


def _off(figures: Mapping[str, float], prefix: str, allowed: tuple[float, float]) -> bool:
    """Whether a part of the window is out of its range, and not by chance."""
    if f"{prefix}window" not in figures or figures[f"{prefix}errors"] < ERRORS_MIN:
        return False
    return not allowed[0] <= figures.get(f"{prefix}calibration", math.inf) <= allowed[1]


def _calibration(prefix: str, pairs: Sequence[Pair]) -> dict[str, float]:
    """How many labels, sum p / sum y, and by how many standard errors they differ."""
    if not pairs:
        return {}
    said, came = sum_of(pair[0] for pair in pairs), sum_of(pair[1] for pair in pairs)
    error = math.sqrt(sum_of(pair[0] * (1.0 - pair[0]) for pair in pairs))
    figures = {f"{prefix}window": float(len(pairs))}
    if came:
        figures[f"{prefix}calibration"] = said / came
    figures[f"{prefix}errors"] = abs(said - came) / max(error, PROBABILITY_MIN)
    return figures
