"""The full loop by the truth: what each way of choosing offers brings a head, in four shops.

    nice -n 15 .venv/bin/python -m benchmarks.full_loop --kinds grocery,drugstore --seeds 1,2

The same people live through the same days once for each way, in the whole product: decisions,
limits, feedback, learners, snapshots. A way only says how the eligible offers of a decision are
chosen from: the product's own draw, any of them alike, a marketer's rules, the most popular one, or
by the truth, which is the best that somebody can do who knows the people and not their next orders.
`--ways thompson` is the product that draws by its posterior.
What it brought is the change of the margin of orders that offers made, less contact costs, by the
world's account.

The product runs with the world's experiment (a fifth of the people uniform, a tenth held out),
which it learns from; every way is judged by the same people, those whom the experiment gives to the
policy. Beside it stands, with no luck in it, what a way brings on its own decisions by what is to
be expected of each person: of the way from a uniform draw among the same offers to the best of
them, over all days, over the first weeks, in which hardly anything is learned, and over the last
quarter.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from time import process_time

import click
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.options import Names, Seeds
from streams.contracts.outputs.candidates import CandidateLog
from streams.contracts.outputs.effects import DecisionLogged, Effect, OutcomeLabeled
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.reference.structs import Arm, Experiment
from streams.contracts.times import DAY_MS, to_ms
from streams.decisions import DRAWN, choose, compile_policy
from streams.decisions.exploration import Draw
from streams.decisions.known import Choice, Known
from streams.decisions.policy import CompiledOffer
from streams.driver import Driver
from streams.features.expected import UNSTATED
from streams.features.packing import Vector
from streams.identity.arms import arm_of
from streams.models import initial_models
from streams.models.trainer import Trainer
from streams.simulator.closed_loop import effects_of
from streams.simulator.worlds import KINDS, World, WorldKind

WAYS = ("uniform", "rules", "popularity", "policy", "best")
EARLY_UNTIL_DAYS = 21
LATE_FROM = 0.75
TRIALS = 20.0
"""So many labels count what the owner expects of an offer's use."""
POLICY = "policy"
THOMPSON = "thompson"
Picks = Callable[[Known, Sequence[CompiledOffer]], int | None]


class Worth(Struct):
    """Sums over decisions, of what is to be expected by the truth."""

    decisions: int = 0
    chosen: float = 0.0
    uniform: float = 0.0
    best: float = 0.0

    @property
    def share(self) -> float:
        """Of the way from a uniform choice to the best."""
        return (self.chosen - self.uniform) / ((self.best - self.uniform) or 1.0)

    def __str__(self) -> str:
        many = max(self.decisions, 1)
        return (
            f"{self.share:+.2f} of the way ({self.chosen / many:.3f} a decision; uniform "
            f"{self.uniform / many:.3f}, best {self.best / many:.3f}; {self.decisions} decisions)"
        )


class Sums:
    """Of all days of a play, of its first weeks and of its last quarter."""

    def __init__(self, start_ms: int, days: int) -> None:
        self.early_ms = start_ms + EARLY_UNTIL_DAYS * DAY_MS
        self.late_ms = start_ms + round(LATE_FROM * days * DAY_MS)
        self.whole, self.early, self.late = Worth(), Worth(), Worth()

    def of(self, at_ms: int) -> tuple[Worth, ...]:
        """The sums that a decision of this moment counts in."""
        found = [self.whole]
        if at_ms < self.early_ms:
            found.append(self.early)
        if at_ms >= self.late_ms:
            found.append(self.late)
        return tuple(found)


class Brought(Struct, frozen=True):
    """What one way brought: margin a head, offers that reached somebody, CPU seconds."""

    a_head: float
    offers: int
    cpu: float
    sums: Sums


class Popularity:
    """The offer that was used most often by those who got it, whoever they were."""

    def __init__(self) -> None:
        self.labels: Counter[str] = Counter()
        self.uses: Counter[str] = Counter()

    def see(self, effect: Effect) -> None:
        """Counts what is known of an offer in the end: whether it was used."""
        if not isinstance(effect, OutcomeLabeled) or effect.example.model != "response":
            return
        if offer_id := effect.example.offer_id:
            self.labels[offer_id] += 1
            self.uses[offer_id] += effect.example.label > 0.0

    def pick(self, known: Known, eligible: Sequence[CompiledOffer]) -> int:
        """Of the eligible ones the most popular, the first of equals."""

        def rate(candidate: CompiledOffer) -> float:
            offer = candidate.offer
            stated = offer.expected_rate or UNSTATED
            uses = self.uses[offer.offer_id] + TRIALS * stated
            return uses / (self.labels[offer.offer_id] + TRIALS)

        return max(range(len(eligible)), key=lambda n: rate(eligible[n]))


@click.command()
@click.option("--kinds", default=",".join(KINDS), show_default=True, type=Names(KINDS))
@click.option("--seeds", default="1", show_default=True, type=Seeds())
@click.option("--ways", default=",".join(WAYS), show_default=True, type=Names((*WAYS, THOMPSON)))
@click.option("--customers", default=200, show_default=True, type=click.IntRange(1))
@click.option("--days", default=120, show_default=True, type=click.IntRange(40, 730))
def main(
    kinds: tuple[WorldKind, ...],
    seeds: tuple[int, ...],
    ways: tuple[str, ...],
    customers: int,
    days: int,
) -> None:
    """Print every play: what it brought a head, and how far it is from uniform to the best."""
    for kind in kinds:
        for seed in seeds:
            for way in ways:
                one = play(kind, seed, way, (customers, days))
                print(f"{kind} {seed} {way}: {one.a_head:.3f} a head", end="")
                print(f", {one.offers} offers, {one.cpu:.0f} s of CPU")
                print(f"  all days {one.sums.whole}")
                print(f"  the first {EARLY_UNTIL_DAYS} days {one.sums.early}")
                print(f"  the last quarter {one.sums.late}", flush=True)


def play(kind: WorldKind, seed: int, way: str, size: tuple[int, int]) -> Brought:
    """One world lived through once; `size` is people and days."""
    began = process_time()
    world = World(kind, *size, seed)
    policies = world.reference.policies
    mine = {c for c in world.customer_ids if arm_of(policies.experiment, c).name == POLICY}
    if not mine:
        raise click.UsageError("of so few people nobody is in the arm that is judged: take more")
    if way == THOMPSON:
        arbitration = replace(policies.arbitration, exploration=THOMPSON)
        policies = replace(policies, arbitration=arbitration)
    elif way != POLICY:
        arm = Arm(name=POLICY, share=1.0, chooser="uniform" if way == "uniform" else "policy")
        policies = replace(policies, experiment=Experiment(arms=(arm,)))
    shop = replace(world.reference, policies=policies)
    driver = Driver(compile_policy(shop), initial_models(), Trainer())
    popularity, sums = Popularity(), Sums(world.start_ms, size[1])
    ways = {"best": _best(world), "rules": _by_rules, "popularity": popularity.pick}
    with choosing(ways.get(way)):
        for effect in chain.from_iterable(effects_of(world, driver)):
            popularity.see(effect)
            if isinstance(effect, DecisionLogged) and effect.entry.customer_id in mine:
                _judge(world, effect.entry, sums.of(to_ms(effect.entry.decided_at)))
    brought = [e.margin - e.contact_cost for e in world.offer_effects if e.customer_id in mine]
    cpu = process_time() - began
    return Brought(sum(brought) / len(mine), len(brought), cpu, sums)


@contextmanager
def choosing(picks: Picks | None) -> Iterator[None]:
    """The product with another choice among the eligible offers; None: its own."""
    own = choose._drawn

    def drawn(known: Known, eligible: list[CompiledOffer], context: Vector) -> Choice:
        made = own(known, eligible, context)
        index = None if picks is None else picks(known, eligible)
        sure = tuple(float(n == index) for n in range(len(eligible)))
        return replace(made, drawn=Draw(index, sure, float(index is None)))

    if picks is None:
        yield
        return
    choose._drawn = drawn
    try:
        yield
    finally:
        choose._drawn = own


def _best(world: World) -> Picks:
    people = frozenset(world.customer_ids)

    def picks(known: Known, eligible: Sequence[CompiledOffer]) -> int | None:
        if known.person.customer_id not in people:
            return None
        worth = [_worth(world, known.person.customer_id, c, known.now_ms) for c in eligible]
        top = max(worth)
        return worth.index(top) if top > 0.0 else None

    return picks


def _worth(world: World, customer_id: str, candidate: CompiledOffer, now_ms: int) -> float:
    offer = candidate.offer
    nature = world.expected_by_nature(customer_id, offer.offer_id, now_ms)
    return nature.margin - offer.contact_cost


def _by_rules(known: Known, eligible: Sequence[CompiledOffer]) -> int | None:
    """What a marketer writes: the favorite category's offer, else the deepest discount.

    The offer for who leaves goes first; of those for a category the one that the person looks at
    and buys most; then the one with the greatest discount in money.
    """
    liked = {a.category: a.score for a in known.person.affinities}

    def rank(candidate: CompiledOffer) -> tuple[bool, float, float]:
        offer = candidate.offer
        interest = max((liked.get(c, 0.0) for c in offer.conditions.categories), default=0.0)
        return offer.class_ == "win_back", interest, offer.discount

    return max(range(len(eligible)), key=lambda n: rank(eligible[n]))


def worths(world: World, entry: DecisionLog) -> list[tuple[CandidateLog, float]]:
    """The offers that a decision chose from, each with what it is expected to bring by the truth.

    None where nothing was drawn.
    """
    if entry.verdict not in DRAWN:
        return []
    costs = {offer.offer_id: offer.contact_cost for offer in world.reference.offers}
    at_ms, found = to_ms(entry.decided_at), []
    for candidate in entry.offers:
        if candidate.terms is not None and candidate.why_not is None:
            offer_id = candidate.offer_id
            nature = world.expected_by_nature(entry.customer_id, offer_id, at_ms)
            found.append((candidate, nature.margin - costs[offer_id]))
    return found


def _judge(world: World, entry: DecisionLog, sums: Sequence[Worth]) -> None:
    """Adds what a decision brings by its own probabilities, by uniform ones, and at best."""
    found = worths(world, entry)
    if not found:
        return
    worth = [w for _, w in found]
    for one in sums:
        one.decisions += 1
        one.chosen += sum(c.probability * w for c, w in found)
        one.uniform += sum(worth) / len(worth)
        one.best += max(0.0, *worth)


if __name__ == "__main__":
    main()
