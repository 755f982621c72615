"""From priorities to probabilities, and from probabilities to a draw that a replay repeats.

The probability that is logged is the one that was drawn from: nothing is estimated afterwards.
"""

import math
from collections.abc import Sequence

from msgspec import Struct

from streams.contracts.ids import unit_draw
from streams.contracts.internal.learning import examples_of, is_challengers
from streams.contracts.outputs.candidates import TermColumns
from streams.contracts.reference.structs import Arbitration, Arm, ChallengerPolicy, Exploration
from streams.decisions.posterior_draws import Posterior, win_shares

GAP_WEIGHT = 1000.0


class Draw(Struct, frozen=True):
    """The choice: `index` of the offer or None for no offer, and all probabilities (sum 1).

    `withheld`: of the offer that was drawn and is not sent, for the person is in its holdout.
    """

    index: int | None
    probabilities: tuple[float, ...]
    no_offer: float
    withheld: int | None = None

    @property
    def probability(self) -> float:
        """The probability of what was drawn."""
        return self.no_offer if self.index is None else self.probabilities[self.index]


class Exploring(Struct, frozen=True):
    """How the arm that draws by priority explores.

    Attributes:
        mode: `inverse_gap`, `thompson` or `epsilon`.
        epsilon: the share that all actions have alike.
        unit: what a response probability of 1 is worth; above 0.
        examples: how many labels the model has learned.
        posterior: what `thompson` draws from; the others need none.
    """

    mode: Exploration
    epsilon: float
    unit: float = 1.0
    examples: int = 0
    posterior: Posterior | None = None


def mode_of(arbitration: Arbitration, model_version: str) -> Exploration:
    """How a model of this version explores."""
    return _rules(arbitration, model_version).exploration


def _rules(arbitration: Arbitration, model_version: str) -> Arbitration | ChallengerPolicy:
    """A challenger's own, where the policies say any."""
    own = arbitration.challenger if is_challengers(model_version) else None
    return own or arbitration


def exploring_of(
    arbitration: Arbitration,
    terms: TermColumns,
    model_version: str,
    posterior: Posterior | None = None,
) -> Exploring:
    """How these offers are explored by a model of this version, which says what it has learned.

    The unit is what a use of them brings on average: it makes a gap in money one in probability.
    A challenger's version is explored as the policies say of it. `posterior`: of these offers,
    where the mode draws by it.
    """
    worth, many = 0.0, 0
    for value, used in zip(terms.value, terms.response_probability, strict=True):
        if used > 0.0:
            worth += abs(value) / used
            many += 1
    mean = worth / many if many else 0.0
    unit = mean if mean > 0.0 else 1.0
    rules, examples = _rules(arbitration, model_version), examples_of(model_version)
    return Exploring(rules.exploration, rules.epsilon, unit, examples, posterior)


def draw(decision_id: str, priorities: Sequence[float], arm: Arm, exploring: Exploring) -> Draw:
    """Choose among offers with these priorities and no offer (priority 0).

    `uniform` draws any offer alike; `policy` by inverse gap weighting, or as often as an action is
    the best in draws from the posterior, or takes the best action with 1 - epsilon; the latter two
    any action alike with epsilon. The first of equals is the best, an offer before no offer only if
    it is worth more.
    """
    count = len(priorities)
    if arm.chooser == "uniform":
        probabilities, no_offer = [1.0 / count] * count, 0.0
    else:
        *probabilities, no_offer = _by_priority(decision_id, priorities, exploring)
    index = _pick(unit_draw(decision_id, "action"), probabilities)
    if index is None and no_offer == 0.0:
        index = count - 1  # the slices sum to 1 but for rounding
    return Draw(index, tuple(probabilities), no_offer)


def _by_priority(
    decision_id: str, priorities: Sequence[float], exploring: Exploring
) -> list[float]:
    """Probabilities of the offers and, last, of no offer."""
    if exploring.mode == "thompson":
        return _by_posterior(decision_id, priorities, exploring)
    values, most = [*priorities, 0.0], max(priorities)
    best = len(priorities) if most <= 0.0 else values.index(most)
    if exploring.mode == "inverse_gap":
        return _inverse_gap(values, best, exploring)
    share = exploring.epsilon / len(values)
    probabilities = [share] * len(values)
    probabilities[best] += 1.0 - exploring.epsilon
    return probabilities


def _inverse_gap(values: Sequence[float], best: int, exploring: Exploring) -> list[float]:
    """Probabilities of `k` actions by inverse gap weighting.

    p_i = (1 - epsilon) / (k + gamma gap_i / unit) + epsilon / k, and the best takes the rest, with
    gamma = 1000 sqrt(examples + 1). Source: SquareCB (Foster and Rakhlin, ICML 2020).
    """
    count, top = len(values), values[best]
    gamma = GAP_WEIGHT * math.sqrt(exploring.examples + 1.0) / exploring.unit
    floor, left = exploring.epsilon / count, 1.0 - exploring.epsilon
    probabilities = [left / (count + gamma * (top - v)) + floor for v in values]
    probabilities[best] = 0.0
    probabilities[best] = 1.0 - math.fsum(probabilities)
    return probabilities


def _by_posterior(
    decision_id: str, priorities: Sequence[float], exploring: Exploring
) -> list[float]:
    """How often each action is the best in draws from the posterior, but for epsilon."""
    if exploring.posterior is None:
        raise AssertionError("drawn by a posterior that nobody asked for")
    shares, none = win_shares(decision_id, priorities, exploring.posterior)
    floor, left = exploring.epsilon / (len(priorities) + 1), 1.0 - exploring.epsilon
    return [left * share + floor for share in (*shares, none)]


def _pick(point: float, probabilities: Sequence[float]) -> int | None:
    """The index whose slice of [0, 1) holds the point; behind the last slice lies no offer."""
    total = 0.0
    for index, probability in enumerate(probabilities):
        total += probability
        if point < total:
            return index
    return None
