"""The bound for offers knows the law of its worlds, and learns what was drawn by it."""

import numpy as np
import pytest

from benchmarks.offer_bound import Informed
from benchmarks.offer_regret import Contender, Uniform
from benchmarks.offer_world import KINDS, Kind, OfferWorld

DECISIONS, SEED = 300, 1


@pytest.mark.parametrize("kind", KINDS.values())
def test_the_truth_is_linear_in_its_features(kind: Kind) -> None:
    """With the weights that were drawn, it says the truth of every occasion."""
    world = OfferWorld(kind, SEED)
    informed = Informed(world)
    pairs = world.pair_weights.T.ravel() if kind == "mis" else np.zeros(0)
    informed.means = np.concatenate((world.shared.ravel(), world.own.ravel(), pairs))
    occasion = world.occasion(0)
    assert informed.said(occasion).tolist() == pytest.approx(occasion.truth.tolist())


def test_it_learns_what_was_drawn() -> None:
    """In its last 100 of 300 decisions its regret is below four fifths of a uniform draw's."""
    worlds = OfferWorld("well", SEED), OfferWorld("well", SEED)
    regrets = [_regret(worlds[0], Informed(worlds[0])), _regret(worlds[1], Uniform(worlds[1]))]
    print(f"seed {SEED}: {regrets}")
    assert regrets[0] < regrets[1] * 0.8


def _regret(world: OfferWorld, contender: Contender) -> float:
    draw, regret = np.random.default_rng(SEED), 0.0
    for number in range(DECISIONS):
        occasion = world.occasion(number)
        probabilities = contender.probabilities(occasion)
        place = int(draw.choice(len(probabilities), p=probabilities))
        if number >= DECISIONS - 100:
            regret += float(occasion.truth.max() - occasion.truth[place])
        contender.learn(occasion, place, world.used(occasion, place), float(probabilities[place]))
    return regret
