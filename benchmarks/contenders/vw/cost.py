"""CPU time of Vowpal Wabbit by decision and by label: `python cost.py OFFERS ROUNDS`.

As many numbers of context and offer as the product has, tuned options; prints JSON.
"""

import json
import random
import sys
from statistics import median
from time import process_time

import vowpalwabbit

from benchmarks.contenders.vw.options import SQUARECB, TUNED

CONTEXTS, PROPERTIES = 26, 8
DECISIONS = 400
Numbers = list[float]


def shown(context: Numbers, offers: list[Numbers], head: str = "", place: int = 0) -> str:
    """The occasion as VW reads it; `head` is the label of what was chosen."""
    lines = ["shared |U " + " ".join(f"x{n}:{v:.4f}" for n, v in enumerate(context))]
    for number, offer in enumerate(offers):
        properties = " ".join(f"f{n}:{v:.4f}" for n, v in enumerate(offer))
        label = head if number == place else ""
        lines.append(f"{label}|A offer={number} {properties}")
    return "\n".join(lines)


def main(count: int, rounds: int) -> None:
    """Decide and learn in turns."""
    draw = random.Random(count)
    learner = vowpalwabbit.Workspace(f"{SQUARECB} {TUNED} --random_seed 1")
    offers = [[draw.gauss(0.0, 0.7) for _ in range(PROPERTIES)] for _ in range(count)]
    decided, learned = [], []
    for _ in range(rounds):
        contexts = [[draw.gauss(0.0, 0.8) for _ in range(CONTEXTS)] for _ in range(DECISIONS)]
        chosen: list[tuple[int, float]] = []
        began = process_time()
        for context in contexts:
            probabilities = learner.predict(shown(context, offers))
            place = draw.choices(range(count), probabilities)[0]
            chosen.append((place, probabilities[place]))
        decided.append((process_time() - began) / DECISIONS * 1e6)
        began = process_time()
        for context, (place, probability) in zip(contexts, chosen, strict=True):
            cost = -float(draw.random() < 0.1)
            learner.learn(shown(context, offers, f"0:{cost}:{probability:.6f} ", place))
        learned.append((process_time() - began) / DECISIONS * 1e6)
    print(json.dumps({"decide_us": median(decided), "learn_us": median(learned)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
