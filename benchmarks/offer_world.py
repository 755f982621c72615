"""A shop of 30 offers whose true response is known: drift, a change of sign, late offers.

Only numpy: the contenders run in environments of their own. Everything is a function of the kind
of world and its seed.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["well", "mis"]
KINDS: dict[str, Kind] = {"well": "well", "mis": "mis"}
Floats = NDArray[np.float64]

OFFERS, LATE = 30, 6
CONTEXTS, PROPERTIES = 20, 7
ELIGIBLE = 10
DECISIONS = 10_000
DECISIONS_A_DAY = 125
LEVEL = -2.0
DRIFT_EVERY = 100
DRIFT = 0.005
SEED_OF = {"well": 1, "mis": 2}


class Occasion:
    """One decision: who is there, which offers are possible, and what is true of each."""

    def __init__(self, number: int, context: Floats, offers: list[int], truth: Floats) -> None:
        self.number, self.context, self.offers, self.truth = number, context, offers, truth


class OfferWorld:
    """The world; `occasion(n)` must be asked for in order.

    `well`: the log odds are linear in context, offer properties, their crosses, and each offer's
    own context terms. `mis`: features are correlated and saturate, and pairs of them interact.
    """

    def __init__(self, kind: Kind, seed: int) -> None:
        draw = np.random.default_rng([seed, SEED_OF[kind]])
        self.kind = kind
        self.draw = draw
        self.properties = draw.normal(0.0, 0.7, (OFFERS, PROPERTIES)).clip(-3.0, 3.0)
        self.born = np.zeros(OFFERS, int)
        self.born[OFFERS - LATE :] = draw.integers(DECISIONS // 10, DECISIONS * 9 // 10, LATE)
        self.shared = draw.normal(0.0, 0.09, (PROPERTIES + 1, CONTEXTS + 1))
        self.shared[:, 0] = draw.normal(0.0, 0.25, PROPERTIES + 1)
        self.shared[0, 0] = 0.0
        self.own = draw.normal(0.0, 0.06, (OFFERS, CONTEXTS + 1))
        self.own[:, 0] = draw.normal(0.0, 0.25, OFFERS)
        self.mix = draw.normal(0.0, 0.5, (CONTEXTS, CONTEXTS)) + np.eye(CONTEXTS)
        self.mix /= np.linalg.norm(self.mix, axis=1, keepdims=True)
        self.pairs = draw.integers(0, CONTEXTS, (12, 2))
        self.pair_weights = draw.normal(0.0, 0.12, (12, PROPERTIES + 1))
        self.turned = draw.choice(CONTEXTS, 3, replace=False) + 1

    def occasion(self, number: int) -> Occasion:
        """The next decision, with P(used) of each eligible offer."""
        draw = self.draw
        if number and number % DRIFT_EVERY == 0:
            self.shared[:, 1:] += draw.normal(0.0, DRIFT, self.shared[:, 1:].shape)
        if number == DECISIONS // 2:
            self.shared[:, self.turned] *= -1.0
        context = draw.normal(0.0, 0.8, CONTEXTS)
        if self.kind == "mis":
            context = self.mix @ context
        context = context.clip(-3.0, 3.0)
        offers = draw.choice(np.flatnonzero(self.born <= number), ELIGIBLE, replace=False)
        return Occasion(number, context, offers.tolist(), self._truth(context, offers))

    def _truth(self, context: Floats, offers: NDArray[np.int_]) -> Floats:
        x = np.concatenate(([1.0], np.tanh(1.5 * context) if self.kind == "mis" else context))
        f = np.concatenate((np.ones((len(offers), 1)), self.properties[offers]), axis=1)
        log_odds = LEVEL + f @ self.shared @ x + self.own[offers] @ x
        if self.kind == "mis":
            met = context[self.pairs[:, 0]] * context[self.pairs[:, 1]]
            log_odds += f @ (met @ self.pair_weights)
        return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))

    def used(self, occasion: Occasion, chosen: int) -> float:
        """Whether the offer at this place is used; the luck is the occasion's, not the offer's."""
        luck = np.random.default_rng([occasion.number, int(self.properties[0, 0] * 1e6) % 2**31])
        return float(luck.random() < occasion.truth[chosen])
