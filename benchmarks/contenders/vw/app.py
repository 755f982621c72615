"""Vowpal Wabbit's SquareCB in the world of offers: `python app.py KIND SEED DELAY OPTIONS`.

Prints its regret as JSON: of each thousand decisions, and CPU time by decision and by example.
"""

import json
import random
import sys
from collections import deque
from time import process_time

import vowpalwabbit

from benchmarks.contenders.vw.options import SQUARECB, TUNED
from benchmarks.offer_world import DECISIONS, KINDS, Occasion, OfferWorld


def shown(occasion: Occasion, label: "tuple[int, float, float] | None" = None) -> str:
    """The occasion as VW reads it; with what was chosen, its cost and its probability."""
    lines = ["shared |U " + " ".join(f"x{n}:{v:.4f}" for n, v in enumerate(occasion.context))]
    for place, offer in enumerate(occasion.offers):
        head = ""
        if label is not None and place == label[0]:
            head = f"0:{label[1]}:{label[2]:.6f} "
        properties = " ".join(f"f{n}:{v:.4f}" for n, v in enumerate(WORLD.properties[offer]))
        lines.append(f"{head}|A offer={offer} {properties}")
    return "\n".join(lines)


def main(seed: int, delay: int, options: str) -> None:
    """Decide, learn what became of it `delay` decisions later."""
    learner = vowpalwabbit.Workspace(f"{SQUARECB} {options} --random_seed {seed}")
    draw = random.Random(seed)
    waiting: deque[tuple[Occasion, tuple[int, float, float]]] = deque()
    regret, decide_s, learn_s = 0.0, 0.0, 0.0
    by_thousand: list[float] = []
    for number in range(DECISIONS):
        occasion = WORLD.occasion(number)
        began = process_time()
        probabilities = learner.predict(shown(occasion))
        place = draw.choices(range(len(probabilities)), probabilities)[0]
        decide_s += process_time() - began
        regret += occasion.truth.max() - occasion.truth[place]
        label = place, -WORLD.used(occasion, place), probabilities[place]
        waiting.append((occasion, label))
        if len(waiting) > delay:
            began = process_time()
            learner.learn(shown(*waiting.popleft()))
            learn_s += process_time() - began
        if number % 1000 == 999:
            by_thousand.append(regret - sum(by_thousand))
    told = {
        "regret": regret / DECISIONS * 1000,
        "by_thousand": by_thousand,
        "decide_us": decide_s / DECISIONS * 1e6,
        "learn_us": learn_s / DECISIONS * 1e6,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    WORLD = OfferWorld(KINDS[sys.argv[1]], int(sys.argv[2]))
    main(int(sys.argv[2]), int(sys.argv[3]), " ".join(sys.argv[4:]) or TUNED)
