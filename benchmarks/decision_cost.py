"""CPU time of a decision whole, and of a label: `python -m benchmarks.decision_cost`.

A decision is `decide()` and its records encoded: the log's, and the offer's where one is made. The
persons have looked at a dozen products each; all offers are eligible. It is measured twice: before
anything was compared, and with an uplift model that has learned of every offer, so that it says
what sending each changes. A label is what the learner makes of one outcome, with the offers' own
terms known. Vowpal Wabbit does the same on as many offers with tuned options, reading text as its
users write it.

Each size is done in turns, `--rounds` times; a figure is the median of the rounds' CPU time.
"""

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from statistics import median
from time import process_time

import click
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from benchmarks.events import START_MS, consents, product_views
from benchmarks.install import ROOT, python_of
from streams import topics
from streams.contracts.inputs.rules import InputRules
from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.encode import encode_output
from streams.contracts.reference.files import load_reference
from streams.contracts.reference.structs import (
    ContactPolicy,
    FrequencyCap,
    Offer,
    QuietHours,
    Reference,
)
from streams.customer import Customer, TriggerEvent
from streams.decisions import Basis, DecisionRequest, Policy, compile_policy, decide
from streams.driver import Driver
from streams.models import Trainer, initial_models, with_snapshot
from streams.models.response import CONTEXT_AXIS, OFFER_AXIS
from streams.models.uplift import UpliftLearner, UpliftModel
from streams.runtime.process.run import collect_seldom
from streams.simulator import SHOP

SIZES = (10, 50, 200)
PEOPLE, VIEWS = 200, 12
DECISIONS, LABELS, COMPARISONS = 400, 2_000, 6_000
NOW_MS = START_MS + 60 * 86_400_000
RULES = InputRules(now_ms=NOW_MS)
FREE = ContactPolicy(
    caps=(FrequencyCap(count=30, days=1.0),),
    calendar_day_max=30,
    min_gap_ms=0,
    quiet_hours=QuietHours(from_hour=0, to_hour=0),
)
console = Console(width=100)


def shop_of(offers: int) -> Reference:
    """The example shop with so many offers, all of them open to everybody."""
    shop = load_reference(SHOP)
    made = [_opened(offer, n) for n, offer in enumerate(islice(cycle(shop.offers), offers))]
    return replace(shop, offers=tuple(made), policies=replace(shop.policies, contact=FREE))


def _opened(offer: Offer, number: int) -> Offer:
    return replace(
        offer,
        offer_id=f"o{number:03d}",
        valid_until=offer.valid_until.replace(year=2030),
        channels=("app", "push", "email", "web"),
        triggers=(),
        segment="true",
        purpose="personalization",
        once_per_person=False,
        paused=False,
        cap=None,
        stock_product_id=None,
        never_with=(),
        not_after={},
        margin=offer.margin + number / 100,
        conditions=replace(offer.conditions, store_ids=()),
    )


def people_of(reference: Reference) -> list[Customer]:
    """Persons who agreed to everything and looked at products."""
    driver = Driver(compile_policy(reference), initial_models())
    for _, value in consents(PEOPLE):
        driver.feed(topics.PROFILE.name, value, RULES)
    for _, value in product_views(PEOPLE * VIEWS, PEOPLE, 1):
        driver.feed(topics.CLICKSTREAM.name, value, RULES)
    rows = [row for row in driver.rows.values() if isinstance(row, Customer)]
    return [replace(row, contacts=(), open_decisions=(), compared=None) for row in rows]


def examples_of(policy: Policy) -> list[LearningExample]:
    """Labels of all offers, one after the other."""
    ids = [compiled.offer.offer_id for compiled in policy.offers]
    axes = (*CONTEXT_AXIS, *OFFER_AXIS)
    return [
        LearningExample(
            example_id=f"x{n}",
            model="response",
            observed_at_ms=START_MS + n * 60_000,
            label=float(n % 7 == 0),
            features=_numbers(axes, n),
            offer_id=ids[n % len(ids)],
        )
        for n in range(LABELS)
    ]


def _numbers(names: Sequence[str], n: int) -> dict[str, float]:
    """Features of example `n`, within [-1, 1]."""
    return {name: ((n * 37 + i * 11) % 61) / 30 - 1.0 for i, name in enumerate(names)}


def uplift_of(policy: Policy) -> UpliftModel:
    """What comparisons of all offers teach, one of two of them with no offer sent.

    Raises:
        ValueError: they are too few to say what sending an offer changes.
    """
    learner = UpliftLearner()
    for n in range(COMPARISONS):
        offer = policy.offers[n // 2 % len(policy.offers)].offer if n % 2 else None
        used = float(offer is not None and n % 3 == 0)
        features = _numbers(CONTEXT_AXIS, n)
        features |= {"offered": 0.5, "uses": used, "own_uses": used, "margin": 4.0 * used + n % 5}
        if offer is not None:
            features |= {f"class_{offer.class_}": 1.0, "expected": 0.3}
        learner.learn(
            LearningExample(
                example_id=f"c{n}",
                model="uplift",
                observed_at_ms=START_MS + n * 60_000,
                label=used + float(n % 5 == 0),
                features=features,
                offer_id=None if offer is None else offer.offer_id,
            )
        )
    model = learner.view("uplift-learned")
    if model.added is None or model.added.person is None:
        raise ValueError("the comparisons say nothing of what sending an offer changes")
    return model


class Ours:
    """The product's own functions on a shop of so many offers."""

    def __init__(self, offers: int) -> None:
        reference = shop_of(offers)
        self.policy = compile_policy(reference)
        self.people = people_of(reference)
        self.examples = examples_of(self.policy)
        self.trainer = Trainer(every=LABELS)
        models = initial_models()
        for number, example in enumerate(self.examples):
            found = self.trainer.learn(replace(example, example_id=f"before-{number}"))
            models = models if found is None else with_snapshot(models, found)
        self.basis = Basis(models.response, self.policy, 0, models.uplift)
        self.compared = replace(self.basis, uplift=uplift_of(self.policy))
        self.made = 0

    def requests(self) -> list[tuple[Customer, DecisionRequest]]:
        """So many decisions to be taken, none of them a second time."""
        rule = self.policy.triggers[0].rule
        requests = []
        for number in range(DECISIONS):
            self.made += 1
            event = TriggerEvent(
                kind=rule.kind,
                at_ms=NOW_MS,
                event_id=f"e{self.made}",
                channel="web",
                category="coffee",
                product_id="p0001",
                price=4.5,
            )
            requests.append((self.people[number % PEOPLE], DecisionRequest(rule, event)))
        return requests

    def decide(self) -> float:
        """Microseconds of CPU a decision."""
        return self._decide(self.basis)

    def decide_compared(self) -> float:
        """The same once the uplift model has learned."""
        return self._decide(self.compared)

    def _decide(self, basis: Basis) -> float:
        requests = self.requests()
        began = process_time()
        for person, request in requests:
            _, effects = decide(person, request, NOW_MS, basis)
            for effect in effects:
                encode_output(effect)
        return (process_time() - began) / DECISIONS * 1e6

    def learn(self) -> float:
        """Microseconds of CPU a label, with what was said of it before."""
        learner = self.trainer.trainees["response"].learner
        examples = [replace(example) for example in self.examples]
        began = process_time()
        for example in examples:
            learner.learn(example)
        return (process_time() - began) / LABELS * 1e6


def vowpal_wabbit(offers: int, rounds: int) -> tuple[float, float]:
    """Its microseconds a decision and a label, in an environment of its own."""
    app = ROOT / "benchmarks" / "contenders" / "vw" / "cost.py"
    done = subprocess.run(
        [python_of("vw"), str(app), str(offers), str(rounds)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    told = json.loads(done.stdout)
    return told["decide_us"], told["learn_us"]


def in_turns(calls: Sequence[Callable[[], float]], rounds: int) -> list[float]:
    """The median of each call over rounds, one call after the other in each."""
    told = [[call() for call in calls] for _ in range(rounds)]
    return [median(figures) for figures in zip(*told, strict=True)]


@click.command()
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1))
@click.option("--vw/--no-vw", default=True, show_default=True)
def main(rounds: int, vw: bool) -> None:
    """Measure what deciding and learning cost."""
    shops = [Ours(offers) for offers in SIZES]
    collect_seldom()
    calls = [call for o in shops for call in (o.decide, o.decide_compared, o.learn)]
    figures = in_turns(calls, rounds)
    table = Table("us of CPU", "eligible offers", "decide", "uplift learned", "learn")
    for place, offers in enumerate(SIZES):
        ours = figures[3 * place : 3 * place + 3]
        table.add_row("offerstream", str(offers), *(f"{us:.0f}" for us in ours))
        if vw:
            told, learned = vowpal_wabbit(offers, rounds)
            table.add_row("Vowpal Wabbit", str(offers), f"{told:.0f}", "", f"{learned:.0f}")
    console.print(table)


if __name__ == "__main__":
    main()
