"""From priorities to probabilities, and from probabilities to a draw that a replay repeats.

The probability that is logged is the one that was drawn from: nothing is estimated afterwards.
"""

from collections.abc import Sequence

from msgspec import Struct

from streams.contracts.ids import unit_draw
from streams.contracts.reference.structs import Arm


class Draw(Struct, frozen=True):
    """The choice: `index` of the offer or None for no offer, and all probabilities (sum 1)."""

    index: int | None
    probabilities: tuple[float, ...]
    no_offer: float

    @property
    def probability(self) -> float:
        """The probability of what was drawn."""
        return self.no_offer if self.index is None else self.probabilities[self.index]


def draw(decision_id: str, priorities: Sequence[float], arm: Arm, epsilon: float) -> Draw:
    """Choose among offers with these priorities and no offer (priority 0).

    `uniform` draws any offer alike; `policy` takes the best action with 1 - epsilon and any action
    alike with epsilon. The first of equals is the best.
    """
    count = len(priorities)
    if arm.chooser == "uniform":
        probabilities, no_offer = [1.0 / count] * count, 0.0
    else:
        share = epsilon / (count + 1)
        probabilities, no_offer = [share] * count, share
        best = max(range(count), key=priorities.__getitem__)
        if priorities[best] > 0.0:
            probabilities[best] += 1.0 - epsilon
        else:
            no_offer += 1.0 - epsilon
    index = _pick(unit_draw(decision_id, "action"), probabilities)
    if index is None and no_offer == 0.0:
        index = count - 1  # the slices sum to 1 but for rounding
    return Draw(index, tuple(probabilities), no_offer)


def _pick(point: float, probabilities: Sequence[float]) -> int | None:
    """The index whose slice of [0, 1) holds the point; behind the last slice lies no offer."""
    total = 0.0
    for index, probability in enumerate(probabilities):
        total += probability
        if point < total:
            return index
    return None
