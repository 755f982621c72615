"""Real people's coupons, prequential in time: `python -m benchmarks.complete_journey`.

The grocer's year of the shipped slice (or of all households, from the folder of Complete Journey
2.0) is played through the product as a whole. Each label is predicted by what had been learned
before it, and AUC is told of all labels, and of the first sight of a household-offer pair: the
first time that this offer was made to this household. Beside it stands how often the household had
used coupons before, which knows nothing else.

The year is played twice. A policy chooses whose labels there are: it leaves out whom it expects to
buy anyway, and these use coupons most, so among its own labels there is less to tell apart. So the
model is judged where any eligible offer is drawn alike for everybody; beside it stands the same of
the product's own choice.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import process_time
from typing import NamedTuple

import click
import numpy as np
from msgspec.structs import replace

from streams.contracts.ids import derive_id
from streams.contracts.internal.learning import LearningExample, ModelSnapshot
from streams.contracts.reference.structs import Arm, Experiment
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.models import initial_models
from streams.models.measures import auc, log_loss
from streams.models.response import ResponseLearner
from streams.models.trainer import Trainer
from streams.simulator.closed_loop import effects_of
from streams.simulator.journey import EVENTS
from streams.simulator.journey.cut import zipped
from streams.simulator.journey.deals import catalogue
from streams.simulator.journey.events import tell
from streams.simulator.journey.play import Event, Journey
from streams.simulator.journey.source import read_source
from streams.simulator.records import Sent
from streams.simulator.stories import Received

RESAMPLES = 200
SEED = 1


class Made(NamedTuple):
    """An offer that reached a household: which, whether for the first time, and uses before."""

    household: str
    offer_id: str
    first: bool
    uses_before: int


class Told(NamedTuple):
    """A label, what was said of it before, and the offer that it is of."""

    said: float
    label: float
    made: Made


class Year(Journey):
    """The story, which remembers whom each offer reached."""

    def __init__(self, events: Path, *, every_household: int = 1) -> None:
        super().__init__(events, every_household=every_household)
        self.made: dict[str, Made] = {}
        self._seen: set[tuple[str, str]] = set()
        self._uses: dict[str, int] = {}

    def receive(self, offer: Received, now_ms: int) -> None:
        """An offer is delivered."""
        pair = (offer.customer_id, offer.offer_id)
        uses = self._uses.get(offer.customer_id, 0)
        self.made[offer.decision_id] = Made(*pair, pair not in self._seen, uses)
        self._seen.add(pair)
        super().receive(offer, now_ms)

    def _credited(self, event: Event) -> Iterator[Sent]:
        """The record of a household; a coupon on it is a use, of our offer or of another."""
        if b'"coupons"' in event.sent.value or b'"offer_redeemed"' in event.sent.value:
            who = event.sent.key.decode()
            self._uses[who] = self._uses.get(who, 0) + 1
        yield from super()._credited(event)


class Asked(Trainer):
    """The trainer, which is asked of each label before it learns it."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, tuple[float, float]] = {}

    def learn(self, example: LearningExample) -> ModelSnapshot | None:
        """Ask, then learn."""
        if example.model == "response":
            learner = self.trainees["response"].learner
            if isinstance(learner, ResponseLearner):
                told = learner.predict(example), example.label
                self.said.setdefault(example.example_id, told)
        return super().learn(example)


def played(story: Year, *, alike: bool = False) -> list[Told]:
    """Every label of the year with what was said of it before it was learned."""
    trainer, shop = Asked(), story.reference
    if alike:
        arms = (Arm(name="uniform", share=1.0, chooser="uniform"),)
        shop = replace(shop, policies=replace(shop.policies, experiment=Experiment(arms=arms)))
    driver = Driver(compile_policy(shop), initial_models(), trainer)
    for _ in effects_of(story, driver):
        pass
    found = []
    for decision_id, made in story.made.items():
        for outcome in ("used", "not_used"):
            told = trainer.said.get(derive_id("x", decision_id, outcome))
            if told is not None:
                found.append(Told(*told, made))
    return found


def everybody(folder: Path, at: Path) -> Path:
    """The events of all households of the published files."""
    source = read_source(folder)
    households = sorted({basket.household_id for basket in source.baskets}, key=int)
    lines = (told.line() for told in tell(source, households, catalogue(source)))
    at.write_bytes(zipped(b"".join(lines)))
    return at


def interval(told: Sequence[Told], scores: Sequence[float]) -> tuple[float, float]:
    """Of the AUC, 95 %, by resampling households (bootstrap)."""
    draw = np.random.default_rng(SEED)
    whose: dict[str, list[int]] = {}
    for number, one in enumerate(told):
        whose.setdefault(one.made.household, []).append(number)
    groups = [np.array(numbers) for numbers in whose.values()]
    labels, numbers = np.array([one.label for one in told]), np.array(scores)
    found = []
    for _ in range(RESAMPLES):
        chosen = np.concatenate([groups[i] for i in draw.integers(0, len(groups), len(groups))])
        score = auc(labels[chosen] > 0.5, numbers[chosen])
        if score is not None:
            found.append(score)
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)


def line(name: str, told: Sequence[Told], scores: Sequence[float]) -> str:
    """A score's AUC with its interval."""
    found = auc([one.label > 0.5 for one in told], scores)
    low, high = interval(told, scores)
    return f"  {name:<28} {found:.3f}  ({low:.3f} to {high:.3f})"


def tell_of(name: str, rows: Sequence[Told]) -> None:
    """Print how well these labels were predicted."""
    labels = [one.label for one in rows]
    said = [one.said for one in rows]
    print(f"{name}: {len(rows):,}, {sum(labels):,.0f} used, {sum(said):,.0f} said")
    print(line("AUC of the response model", rows, said))
    print(line("of own uses before", rows, [float(one.made.uses_before) for one in rows]))
    print(f"  log loss {log_loss(labels, said):.4f}, of one rate ", end="")
    print(f"{log_loss(labels, [sum(labels) / len(labels)] * len(labels)):.4f}")


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
def main(folder: Path | None) -> None:
    """Play the year and print the AUC; FOLDER: of Complete Journey 2.0, else the shipped slice."""
    began = process_time()
    with tempfile.TemporaryDirectory(prefix="bench-journey-") as home:
        events = EVENTS if folder is None else everybody(folder, Path(home) / "events.jsonl.gz")
        for chosen, alike in (("drawn alike", True), ("chosen by the product", False)):
            told = played(Year(events), alike=alike)
            tell_of(f"offers {chosen}, all labels", told)
            tell_of(f"offers {chosen}, first sight of a pair", [t for t in told if t.made.first])
    print(f"CPU {process_time() - began:.0f} s")


if __name__ == "__main__":
    main()
