"""Regret of choosing offers, against the best possible: `python -m benchmarks.offer_regret`.

The product's own learner, snapshots and draw, beside tuned Vowpal Wabbit, River's bandits and a
uniform draw, in the same worlds (`offer_world`).
"""

import json
import os
import subprocess
from collections import deque
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from time import process_time
from typing import Protocol

import click
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.install import ROOT, python_of
from benchmarks.offer_world import (
    CONTEXTS,
    DECISIONS,
    DECISIONS_A_DAY,
    KINDS,
    LEVEL,
    OFFERS,
    PROPERTIES,
    Kind,
    Occasion,
    OfferWorld,
)
from benchmarks.options import Names, Seeds
from benchmarks.river_bandits import RiverLinUcb, RiverThompson
from streams.contracts.internal.learning import LearningExample, examples_of
from streams.contracts.outputs.terms import Doubt
from streams.contracts.reference.structs import Arm, Exploration
from streams.decisions.exploration import Exploring, draw
from streams.decisions.posterior_draws import Posterior
from streams.features import CONTEXT_FEATURES, OFFER_FEATURES
from streams.features.offers import RATE_LOGITS
from streams.models import Trainer, initial_models, with_snapshot
from streams.models.response import CONTEXT_AXIS, OFFER_AXIS, ResponseLearner

DAY_MS = 86_400_000
EPSILON = 0.01
POLICY = Arm(name="policy", share=1.0, chooser="policy")
PUBLISH_EVERY = 200
IDS = [f"offer-{n}" for n in range(OFFERS)]
Floats = NDArray[np.float64]
console = Console(width=110)


class Told(Struct, frozen=True):
    """Regret by 1,000 decisions, and CPU time in microseconds."""

    regret: float
    by_thousand: list[float]
    decide_us: float = 0.0
    learn_us: float = 0.0


class Ours:
    """The product's learner behind its trainer, deciding by published snapshots."""

    mode: Exploration = "inverse_gap"
    epsilon = EPSILON

    def __init__(self, world: OfferWorld) -> None:
        self.offers = np.zeros((OFFERS, len(OFFER_FEATURES)), np.float32)
        self.offers[:, :PROPERTIES] = world.properties
        self.offers[:, -1] = LEVEL / RATE_LOGITS
        self.trainer = Trainer(every=PUBLISH_EVERY)
        learner = ResponseLearner()
        learner.estimator.believed = {}  # features have no meaning here: nothing is believed
        self.trainer.trainees["response"].learner = learner
        self.models = replace(initial_models(), response=learner.view("cold-start"))

    def probabilities(self, occasion: Occasion) -> Floats:
        """Of drawing each of the eligible offers."""
        model, context = self.models.response, _context(occasion)
        offers, ids = self.offers[occasion.offers], [IDS[offer] for offer in occasion.offers]
        p = model.response_probabilities(context, offers, ids, [LEVEL] * len(ids))
        posterior = None
        if self.mode == "thompson":
            loads, shared, own = model.spreads(context, offers, ids)
            doubt = Doubt(shared=tuple(shared.tolist()), own=tuple(own.tolist()))
            posterior = Posterior(p, np.ones(len(ids)), loads, doubt)
        exploring = Exploring(self.mode, self.epsilon, 1.0, examples_of(model.version), posterior)
        drawn = draw(f"d-{occasion.number}", p.tolist(), POLICY, exploring)
        offered: Floats = np.array(drawn.probabilities)
        offered /= offered.sum()  # this world always makes an offer
        return offered

    def learn(self, occasion: Occasion, place: int, label: float, drawn: float) -> None:
        """What became of a decision."""
        offer = occasion.offers[place]
        features = dict(zip(CONTEXT_AXIS, _context(occasion).tolist(), strict=True))
        features |= dict(zip(OFFER_AXIS, self.offers[offer].tolist(), strict=True))
        snapshot = self.trainer.learn(
            LearningExample(
                example_id=f"x-{occasion.number}",
                model="response",
                observed_at_ms=1 + occasion.number * DAY_MS // DECISIONS_A_DAY,
                label=label,
                features=features,
                offer_id=IDS[offer],
            )
        )
        if snapshot is not None:
            self.models = with_snapshot(self.models, snapshot)


class OursByEpsilon(Ours):
    """The same learner, with `arbitration.exploration: epsilon`."""

    mode: Exploration = "epsilon"
    epsilon = 0.05


class OursByThompson(Ours):
    """The same learner, with `arbitration.exploration: thompson`."""

    mode: Exploration = "thompson"


def _context(occasion: Occasion) -> NDArray[np.float32]:
    told = np.zeros(len(CONTEXT_FEATURES), np.float32)
    told[:CONTEXTS] = occasion.context
    return told


class Uniform:
    """Any offer alike."""

    def __init__(self, world: OfferWorld) -> None:
        self.world = world

    def probabilities(self, occasion: Occasion) -> Floats:
        """The same for all."""
        return np.full(len(occasion.offers), 1.0 / len(occasion.offers))

    def learn(self, occasion: Occasion, place: int, label: float, drawn: float) -> None:
        """Nothing."""


class Contender(Protocol):
    """Who chooses among the eligible offers, and is told what became of it."""

    def probabilities(self, occasion: Occasion) -> Floats:
        """Of drawing each of the eligible offers."""
        ...

    def learn(self, occasion: Occasion, place: int, label: float, drawn: float) -> None:
        """What became of a decision, at which place, and how likely that place was."""
        ...


CONTENDERS: dict[str, Callable[[OfferWorld], Contender]] = {
    "offerstream": Ours,
    "offerstream, Thompson": OursByThompson,
    "offerstream, epsilon .05": OursByEpsilon,
    "River, LinUCB": RiverLinUcb,
    "River, Thompson, no context": RiverThompson,
    "uniform": Uniform,
}


def play(contender: Callable[[OfferWorld], Contender], kind: Kind, seed: int, delay: int) -> Told:
    """One contender in one world."""
    world = OfferWorld(kind, seed)
    chooser, draw = contender(world), np.random.default_rng(seed)
    waiting: deque[tuple[Occasion, int, float, float]] = deque()
    regrets, decide_s, learn_s = np.zeros(DECISIONS), 0.0, 0.0
    for number in range(DECISIONS):
        occasion = world.occasion(number)
        began = process_time()
        probabilities = chooser.probabilities(occasion)
        decide_s += process_time() - began
        place = int(draw.choice(len(probabilities), p=probabilities / probabilities.sum()))
        regrets[number] = occasion.truth.max() - occasion.truth[place]
        used = world.used(occasion, place)
        waiting.append((occasion, place, used, float(probabilities[place])))
        if len(waiting) > delay:
            began = process_time()
            chooser.learn(*waiting.popleft())
            learn_s += process_time() - began
    return Told(
        regret=float(regrets.mean() * 1000),
        by_thousand=regrets.reshape(-1, 1000).sum(1).tolist(),
        decide_us=decide_s / DECISIONS * 1e6,
        learn_us=learn_s / DECISIONS * 1e6,
    )


def play_vw(kind: Kind, seed: int, delay: int, options: str) -> Told:
    """Vowpal Wabbit in an environment of its own."""
    command = [python_of("vw"), str(ROOT / "benchmarks" / "contenders" / "vw" / "app.py")]
    done = subprocess.run(
        [*command, kind, str(seed), str(delay), *options.split()],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    return Told(**json.loads(done.stdout))


@click.command()
@click.option("--seeds", default="1,2,3", show_default=True, type=Seeds())
@click.option("--kinds", default="well,mis", show_default=True, type=Names(tuple(KINDS)))
@click.option(
    "--delay",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    help="Decisions until a label is known.",
)
@click.option("--vw/--no-vw", default=True, show_default=True)
@click.option("--vw-options", default="", help="Other options than the tuned ones.")
@click.option("--json", "json_file", type=click.Path(path_type=Path))
def main(
    seeds: tuple[int, ...],
    kinds: tuple[str, ...],
    delay: int,
    vw: bool,
    vw_options: str,
    json_file: Path | None,
) -> None:
    """Play the worlds and print the regret of each contender."""
    rows = []
    for kind in (kind for name, kind in KINDS.items() if name in kinds):
        for seed in seeds:
            told = {name: play(one, kind, seed, delay) for name, one in CONTENDERS.items()}
            if vw:
                told["Vowpal Wabbit, SquareCB"] = play_vw(kind, seed, delay, vw_options)
            rows += [(kind, seed, name, one) for name, one in told.items()]
            console.print(kind, seed, {name: round(one.regret, 1) for name, one in told.items()})
        table = Table(
            f"{kind} specified, delay {delay}", "regret of 1,000", "decide us", "learn us"
        )
        for name in dict.fromkeys(row[2] for row in rows):
            of = [one for k, _, n, one in rows if (k, n) == (kind, name)]
            figures = (fmean(one.regret for one in of), fmean(one.decide_us for one in of))
            table.add_row(
                name,
                f"{figures[0]:.1f}",
                f"{figures[1]:.0f}",
                f"{fmean(one.learn_us for one in of):.0f}",
            )
        console.print(table)
    if json_file is not None:
        told_rows = [[k, s, n, one.regret, one.by_thousand] for k, s, n, one in rows]
        json_file.write_text(json.dumps(told_rows), encoding="utf-8")


if __name__ == "__main__":
    main()
