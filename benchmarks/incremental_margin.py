"""Does the interval around what deciding brings hold at every look? In worlds whose truth is known.

`python -m benchmarks.incremental_margin`. Each world is played once with everybody in each arm, so
that of each person the margin of the window is known in all of them, as the product tells it. A run
draws people from it and deals them to arms; the product's learner sees one after the other, and the
truth, the mean difference over all people, has to lie in its interval after each of them.
"""

from pathlib import Path

import click
import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.options import Names
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.effects import DecisionLogged, OutcomeLabeled
from streams.contracts.reference.structs import Arm, Chooser, Experiment
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.evaluation.enrolled import read_enrolled
from streams.models import initial_models
from streams.models.incremental_margin import MarginLearner
from streams.models.trainer import Trainer
from streams.simulator.closed_loop import effects_of
from streams.simulator.worlds import KINDS, World, WorldKind

ARMS: tuple[Chooser, ...] = ("policy", "uniform", "holdout")
SHARES: dict[Chooser, float] = {"policy": 0.8, "uniform": 0.1, "holdout": 0.1}
PAIRS: tuple[tuple[Chooser, Chooser], ...] = (("policy", "holdout"), ("policy", "uniform"))
Margins = dict[Chooser, NDArray[np.float64]]
console = Console(width=120)


class Held(Struct, frozen=True, kw_only=True):
    """A pair of arms over all runs.

    `held`: the share of runs whose interval held the truth at every look, `at_end`: at the last.
    `half`: the mean half width at the end; `seen`: the share of runs that saw an effect.
    """

    kind: str
    pair: str
    truth: float
    held: float
    at_end: float
    half: float
    seen: float


def margins_of(kind: WorldKind, customers: int, days: int, seed: int, window: float) -> Margins:
    """The margin of each person's window in every arm, of who is enrolled in all of them."""
    by_arm = {arm: _played(kind, customers, days, seed, (arm, window)) for arm in ARMS}
    people = sorted(set.intersection(*(set(found) for found in by_arm.values())))
    return {arm: np.array([found[who] for who in people]) for arm, found in by_arm.items()}


def _played(
    kind: WorldKind, customers: int, days: int, seed: int, arm: tuple[Chooser, float]
) -> dict[str, float]:
    world = World(kind, customers, days, seed)
    experiment = Experiment(arms=(Arm(name=arm[0], share=1.0, chooser=arm[0]),), window_days=arm[1])
    policies = replace(world.reference.policies, experiment=experiment)
    policy = compile_policy(replace(world.reference, policies=policies))
    driver = Driver(policy, initial_models(), Trainer())
    entries, examples = [], []
    for effects in effects_of(world, driver):
        entries += [e.entry for e in effects if isinstance(e, DecisionLogged)]
        examples += [e.example for e in effects if isinstance(e, OutcomeLabeled)]
    return {one.entry.customer_id: one.margin for one in read_enrolled(entries, examples)}


def hold(kind: str, margins: Margins, runs: int, people: int, seed: int) -> list[Held]:
    """All runs over one world."""
    held = dict.fromkeys(PAIRS, 0)
    ends: dict[tuple[Chooser, Chooser], list[tuple[float, float]]] = {pair: [] for pair in PAIRS}
    truths = {(a, b): float((margins[a] - margins[b]).mean()) for a, b in PAIRS}
    for number in range(runs):
        inside = dict.fromkeys(PAIRS, True)
        learner = MarginLearner()
        for example in dealt(margins, people, np.random.default_rng([seed, number])):
            learner.learn(example)
            found = learner.view("").effects
            for a, b in PAIRS:
                effect = found.get(f"{a}_{b}")
                if effect is not None and not effect.low <= truths[a, b] <= effect.high:
                    inside[a, b] = False
        for a, b in PAIRS:
            held[a, b] += inside[a, b]
            end = learner.view("").of(a, b)
            ends[a, b] += [] if end is None else [(end.low, end.high)]
    return [_held(kind, pair, truths[pair], held[pair] / runs, ends[pair]) for pair in PAIRS]


def dealt(margins: Margins, people: int, draw: np.random.Generator) -> list[LearningExample]:
    """People drawn from a world, with replacement, and dealt to the arms by their shares."""
    who = draw.integers(0, len(margins["policy"]), people).tolist()
    arms = draw.choice(len(ARMS), people, p=[SHARES[arm] for arm in ARMS]).tolist()
    shares = {f"share_{arm}": share for arm, share in SHARES.items()}
    return [
        LearningExample(
            example_id=f"x-{number}",
            model="margin",
            observed_at_ms=number,
            label=float(margins[ARMS[arm]][one]),
            features={f"chooser_{ARMS[arm]}": 1.0, "experiment": 1.0, **shares},
        )
        for number, (one, arm) in enumerate(zip(who, arms, strict=True))
    ]


def _held(
    kind: str,
    pair: tuple[Chooser, Chooser],
    truth: float,
    held: float,
    ends: list[tuple[float, float]],
) -> Held:
    low, high = np.array(ends).T
    return Held(
        kind=kind,
        pair=f"{pair[0]} - {pair[1]}",
        truth=truth,
        held=held,
        at_end=float(((low <= truth) & (truth <= high)).mean()),
        half=float((high - low).mean() / 2.0),
        seen=float(((low > 0.0) | (high < 0.0)).mean()),
    )


@click.command()
@click.option(
    "--kinds", default=",".join(KINDS), show_default=True, type=Names(KINDS), help="By comma."
)
@click.option("--customers", default=300, show_default=True, type=click.IntRange(20))
@click.option("--days", default=60, show_default=True, type=click.IntRange(40, 730))
@click.option("--window-days", default=21.0, show_default=True, type=click.FloatRange(1.0))
@click.option("--runs", default=200, show_default=True, type=click.IntRange(1))
@click.option("--people", default=3_000, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write figures here.")
def main(
    kinds: tuple[WorldKind, ...],
    customers: int,
    days: int,
    window_days: float,
    runs: int,
    people: int,
    seed: int,
    json_file: Path | None,
) -> None:
    """In how many runs the interval held the truth at every look, and how narrow it became."""
    found: list[Held] = []
    for kind in kinds:
        margins = margins_of(kind, customers, days, seed, window_days)
        found += hold(kind, margins, runs, people, seed)
    table = Table("world", "pair", "truth a head", "held at every look", "at the end", "+-", "seen")
    for one in found:
        cells = (f"{one.truth:.3f}", f"{one.held:.3f}", f"{one.at_end:.3f}", f"{one.half:.3f}")
        table.add_row(one.kind, one.pair, *cells, f"{one.seen:.2f}")
    console.print(table)
    console.print(f"{runs} runs of {people:,} people a world, seed {seed}")
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1))


if __name__ == "__main__":
    main()
