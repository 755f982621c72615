"""River's bandits as contenders in the worlds of offers.

LinUCB (Li and others, WWW 2010) learns one Bayesian linear regression of the context for each
offer; Thompson sampling one Beta for each offer, whoever is there. Both know offers by name only.
"""

import numpy as np
from msgspec import Struct
from river import bandit, proba

from benchmarks.offer_world import OFFERS, Floats, Occasion, OfferWorld


class LinUcbTuning(Struct, frozen=True):
    """What `LinUCBDisjoint` is told: precision of the prior, of a label, and how it forgets."""

    alpha: float
    beta: float
    smoothing: float | None = None


# On world 1 of either kind, of alpha 1 to 1,000, beta 1 to 100, and smoothing .999 or none.
TUNED = LinUcbTuning(alpha=100.0, beta=100.0)


class RiverLinUcb:
    """LinUCB: the offer whose mean and standard deviation add up to most."""

    tuning = TUNED

    def __init__(self, world: OfferWorld) -> None:
        """`world`: nothing of it is read but its occasions."""
        told = self.tuning
        self.policy = bandit.LinUCBDisjoint(
            alpha=told.alpha, beta=told.beta, smoothing=told.smoothing, seed=OFFERS
        )

    def probabilities(self, occasion: Occasion) -> Floats:
        """All of it on the offer that is pulled."""
        return _all_on(self.policy.pull(occasion.offers, context=_named(occasion)), occasion)

    def learn(self, occasion: Occasion, place: int, label: float, drawn: float) -> None:
        """The label of the offer that was made."""
        self.policy.update(occasion.offers[place], _named(occasion), label)


class RiverThompson:
    """Thompson sampling without context."""

    def __init__(self, world: OfferWorld) -> None:
        """`world`: nothing of it is read but its occasions."""
        self.policy = bandit.ThompsonSampling(reward_obj=proba.Beta(), seed=OFFERS)

    def probabilities(self, occasion: Occasion) -> Floats:
        """All of it on the offer whose draw is the greatest."""
        return _all_on(self.policy.pull(occasion.offers), occasion)

    def learn(self, occasion: Occasion, place: int, label: float, drawn: float) -> None:
        """Count."""
        self.policy.update(occasion.offers[place], bool(label))


def _named(occasion: Occasion) -> dict[str, float]:
    """The context by name, with a bias."""
    named = {f"x{n}": value for n, value in enumerate(occasion.context.tolist())}
    return {"one": 1.0, **named}


def _all_on(offer: int, occasion: Occasion) -> Floats:
    chosen: Floats = np.eye(len(occasion.offers))[occasion.offers.index(offer)]
    return chosen
