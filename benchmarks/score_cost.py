"""CPU time of a churn score: `python -m benchmarks.score_cost`.

A drugstore of the simulator is played until the models of the score serve; then each of its people
is scored again, round after round, with no model learning. A score is all of `ChurnModel.score`:
features, every model of the blend, reasons. Where the direct model has too few labels to serve, the
hazard stands for it: it is of the same form. The figure is the median of the rounds' CPU time.
"""

from statistics import median
from time import process_time

import click
from msgspec import Struct
from msgspec.structs import replace

from streams.customer import Customer
from streams.customer.rhythm import Rhythm
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.models import initial_models
from streams.models.churn import ChurnModel
from streams.models.trainer import Trainer
from streams.simulator.closed_loop import play
from streams.simulator.worlds import World


class Scores(Struct, frozen=True):
    """Whom to score, when, and by what."""

    model: ChurnModel
    rhythms: tuple[Rhythm, ...]
    now_ms: int
    tick_ms: int
    horizon_ticks: float

    def say(self) -> list[str]:
        """Score everybody once; which models spoke."""
        return [
            self.model.score(
                rhythm, self.now_ms, tick_ms=self.tick_ms, horizon_ticks=self.horizon_ticks
            ).source
            for rhythm in self.rhythms
        ]


def learned(customers: int, days: int, seed: int) -> Scores:
    """A shop's people and its churn model at the end of a play."""
    world = World("drugstore", customers=customers, days=days, seed=seed)
    shop = Driver(compile_policy(world.reference), initial_models(), Trainer())
    play(world, shop)
    people = (row for row in shop.rows.values() if isinstance(row, Customer))
    rhythms = tuple(p.rhythm for p in people if p.rhythm is not None and p.rhythm.repeats)
    churn = world.reference.policies.churn
    model = shop.models.churn
    if model.direct is None:
        model = replace(model, direct=model.hazard, direct_ticks=churn.horizon_ticks)
    return Scores(model, rhythms, world.end_ms, churn.tick_ms, churn.horizon_ticks)


def cost_us(scores: Scores, rounds: int) -> float:
    """CPU microseconds a score, the median of the rounds."""
    found = list[float]()
    for _ in range(rounds):
        begun = process_time()
        scores.say()
        found.append((process_time() - begun) * 1e6 / len(scores.rhythms))
    return median(found)


@click.command()
@click.option("--customers", default=300, show_default=True, type=click.IntRange(40))
@click.option("--days", default=160, show_default=True, type=click.IntRange(40, 730))
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
@click.option("--rounds", default=21, show_default=True, type=click.IntRange(1))
def main(customers: int, days: int, seed: int, rounds: int) -> None:
    """Print what a score costs, and how many were a blend."""
    scores = learned(customers, days, seed)
    if not scores.rhythms:
        raise click.UsageError("nobody came back: more customers, or more days")
    said = scores.say()
    click.echo(
        f"{cost_us(scores, rounds):.1f} us CPU a score; {len(said)} people, "
        f"{said.count('blend')} by a blend"
    )


if __name__ == "__main__":
    main()
