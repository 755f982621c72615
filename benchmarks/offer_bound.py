"""Regret of who knows the law of a world of offers: `python -m benchmarks.offer_bound`.

A bound for what any learner can reach in `offer_world`: a Bayesian logistic regression with its
whole covariance, which is told how the world was drawn (the variances of its weights, which of them
drift and how fast, how numbers saturate and which pairs interact, when signs change) and has to
learn only the weights. It draws as the product does. Too slow and too well informed to be used.
"""

import math
from statistics import fmean

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.offer_regret import CONTENDERS, EPSILON, POLICY, Floats, play
from benchmarks.offer_world import (
    CONTEXTS,
    DECISIONS,
    DRIFT,
    DRIFT_EVERY,
    KINDS,
    LEVEL,
    OFFERS,
    PROPERTIES,
    Occasion,
    OfferWorld,
)
from benchmarks.options import Seeds
from streams.decisions.exploration import Exploring, draw

SHARED_SD, SHARED_BIAS_SD = 0.09, 0.25
OWN_SD, OWN_BIAS_SD = 0.06, 0.25
PAIR_SD, PAIRS = 0.12, 12
TURN_SD = 2.0 * SHARED_SD  # a weight that may have changed its sign
CURVATURE_MIN = 1e-3
console = Console(width=110)


class Informed:
    """Knows how the world was drawn, and learns what was drawn."""

    def __init__(self, world: OfferWorld) -> None:
        self.world = world
        shared = np.full((PROPERTIES + 1, CONTEXTS + 1), SHARED_SD**2)
        shared[:, 0] = SHARED_BIAS_SD**2
        drift = np.full_like(shared, DRIFT**2)
        drift[:, 0] = 0.0
        turn = np.zeros_like(shared)
        turn[:, world.turned] = TURN_SD**2
        own = np.full((OFFERS, CONTEXTS + 1), OWN_SD**2)
        own[:, 0] = OWN_BIAS_SD**2
        pairs = np.full(PAIRS * (PROPERTIES + 1) if world.kind == "mis" else 0, PAIR_SD**2)
        rest = np.zeros(own.size + pairs.size)
        self.covariance = np.diag(np.concatenate((shared.ravel(), own.ravel(), pairs)))
        self.drift = np.concatenate((drift.ravel(), rest))
        self.turn = np.concatenate((turn.ravel(), rest))
        self.means: Floats = np.zeros(len(self.covariance))
        self.examples = 0

    def probabilities(self, occasion: Occasion) -> Floats:
        """Of drawing each of the eligible offers, by the product's own draw."""
        exploring = Exploring("inverse_gap", EPSILON, 1.0, self.examples)
        said = self.said(occasion).tolist()
        drawn = draw(f"d-{occasion.number}", said, POLICY, exploring)
        offered: Floats = np.array(drawn.probabilities)
        offered /= offered.sum()  # this world always makes an offer
        return offered

    def said(self, occasion: Occasion) -> Floats:
        """P(used) of each of the eligible offers."""
        log_odds = [LEVEL + self._features(occasion, o) @ self.means for o in occasion.offers]
        return np.asarray(1.0 / (1.0 + np.exp(-np.array(log_odds))))

    def learn(self, occasion: Occasion, place: int, label: float, drawn: float) -> None:
        """A Laplace step on the whole covariance, at once."""
        diagonal = np.diag_indices(len(self.means))
        if occasion.number and occasion.number % DRIFT_EVERY == 0:
            self.covariance[diagonal] += self.drift
        if occasion.number == DECISIONS // 2:
            self.covariance[diagonal] += self.turn
        x = self._features(occasion, occasion.offers[place])
        spread = self.covariance @ x
        p = 1.0 / (1.0 + math.exp(-(LEVEL + x @ self.means)))
        curvature = max(p * (1.0 - p), CURVATURE_MIN)
        scale = 1.0 / (1.0 + curvature * (x @ spread))
        self.means += spread * ((label - p) * scale)
        self.covariance -= np.outer(spread, spread * (curvature * scale))
        self.examples += 1

    def _features(self, occasion: Occasion, offer: int) -> Floats:
        """In which the truth is linear: crosses, the offer's own, and crosses with the pairs."""
        world, context = self.world, occasion.context
        x = np.concatenate(([1.0], np.tanh(1.5 * context) if world.kind == "mis" else context))
        f = np.concatenate(([1.0], world.properties[offer]))
        own = np.zeros((OFFERS, CONTEXTS + 1))
        own[offer] = x
        met = context[world.pairs[:, 0]] * context[world.pairs[:, 1]]
        pairs = np.outer(f, met).ravel() if world.kind == "mis" else np.zeros(0)
        return np.concatenate((np.outer(f, x).ravel(), own.ravel(), pairs))


@click.command()
@click.option("--seeds", default="101,102,103", show_default=True, type=Seeds())
def main(seeds: tuple[int, ...]) -> None:
    """Play the worlds, and print the regret of who knows their law beside the product's."""
    contenders = CONTENDERS | {"who knows the law": Informed}
    table = Table("world", "offerstream", "who knows the law", title="regret of 1,000")
    for kind in KINDS.values():
        told: dict[str, list[float]] = {name: [] for name in ("offerstream", "who knows the law")}
        for seed in seeds:
            for name, regrets in told.items():
                regrets.append(play(contenders[name], kind, seed, 0).regret)
            console.print(kind, seed, {name: round(r[-1], 1) for name, r in told.items()})
        table.add_row(f"{kind} specified", *(f"{fmean(r):.1f}" for r in told.values()))
    console.print(table)


if __name__ == "__main__":
    main()
