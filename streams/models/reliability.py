"""What was said beside what came, in bins: by tenth of the risk, and by silence in own gaps."""

import math
from collections.abc import Sequence

from msgspec import Struct

from streams.contracts.sums import sum_of

TENTHS = 10
RISK_EDGE = 1e-3
SILENCES = ("0-1", "1-2", "2-4", "4+")
SILENCE_STEPS = ("step_1", "step_2", "step_4")
_SILENCES_FROM = (1.0, 2.0, 4.0)


class Bin(Struct, frozen=True):
    """Labels of one bin: how many, and the sums of what was said and of what came; faded."""

    labels: float = 0.0
    said: float = 0.0
    came: float = 0.0

    def with_label(self, risk: float, gone: bool) -> "Bin":
        """One label more."""
        return Bin(self.labels + 1.0, self.said + risk, self.came + gone)

    def faded(self, keep: float) -> "Bin":
        """What was counted counts for `keep` (0 to 1) of it."""
        return Bin(self.labels * keep, self.said * keep, self.came * keep)


def tenth_of(risk: float) -> int:
    """Which tenth a risk is in, 0 to 9.

    >>> tenth_of(0.0), tenth_of(0.35), tenth_of(1.0)
    (0, 3, 9)
    """
    return min(max(int(risk * TENTHS), 0), TENTHS - 1)


def logit_of(risk: float) -> float:
    """Log odds of a risk; certainty is capped at 1e-3.

    >>> logit_of(0.5), round(logit_of(1.0), 3)
    (0.0, 6.907)
    """
    p = min(max(risk, RISK_EDGE), 1.0 - RISK_EDGE)
    return math.log(p / (1.0 - p))


def silence_of(own_gaps: float) -> int:
    """Which of `SILENCES` a silence is, in units of the person's usual gap.

    >>> [SILENCES[silence_of(gaps)] for gaps in (0.0, 1.0, 3.9, 90.0)]
    ['0-1', '1-2', '2-4', '4+']
    """
    return sum(own_gaps >= start for start in _SILENCES_FROM)


def silence_steps(own_gaps: float) -> tuple[float, float, float]:
    """How far a silence has come from 1 to 2 own gaps, from 2 to 4, from 4 to 8: each 0 to 1.

    Pieces of the logarithm, so that a weight for each is a line without a jump.

    >>> silence_steps(0.5), silence_steps(4.0), silence_steps(90.0)
    ((0.0, 0.0, 0.0), (1.0, 1.0, 0.0), (1.0, 1.0, 1.0))
    """
    doublings = math.log2(max(own_gaps, 1.0))
    first, second, third = (min(max(doublings - start, 0.0), 1.0) for start in (0.0, 1.0, 2.0))
    return first, second, third


def gap_of(bins: Sequence[Bin]) -> float:
    """Mean distance between said and came, weighted by labels; 0 without any.

    (Expected calibration error; Naeini, Cooper and Hauskrecht 2015, AAAI.) It is above 0 by chance
    alone: with 500 labels in ten bins up to about .05.
    """
    labels = sum(one.labels for one in bins)
    return sum_of(abs(one.said - one.came) for one in bins) / labels if labels else 0.0


def named(kind: str, bins: Sequence[Bin]) -> dict[str, float]:
    """Mean of said and of came by `said_<kind>_<bin>` and `came_<kind>_<bin>`, where known."""
    found: dict[str, float] = {}
    for number, one in enumerate(bins):
        if one.labels:
            found[f"said_{kind}_{number}"] = one.said / one.labels
            found[f"came_{kind}_{number}"] = one.came / one.labels
    return found
