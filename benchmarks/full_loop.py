"""The full loop by the truth: what each way of choosing offers brings a head, in four shops.

    nice -n 15 .venv/bin/python -m benchmarks.full_loop --kinds grocery,drugstore --seeds 1,2

The same people live through the same days once for each way, in the whole product: decisions,
limits, feedback, learners, snapshots. A way only says how the eligible offers of a decision are
chosen from: the product's own draw, any of them alike, a marketer's rules, or by the truth, which
is the best that somebody can do who knows the people and not their next orders. What it brought is
the change of the margin of orders that offers made, less contact costs, by the world's account.

`late` is about the last quarter of the days of the product's own play: by the truth, what its draw
brings a decision, what a uniform draw among the same offers would have, and the best of them.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import process_time
from typing import get_args

from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.reference.structs import Arm, Experiment
from streams.contracts.times import DAY_MS, to_ms
from streams.decisions import choose, compile_policy
from streams.decisions.exploration import Draw
from streams.decisions.known import Choice, Known, Vector
from streams.decisions.policy import CompiledOffer
from streams.driver import Driver
from streams.models import initial_models
from streams.models.trainer import Trainer
from streams.simulator.closed_loop import effects_of
from streams.simulator.worlds import World, WorldKind

WAYS = ("uniform", "rules", "policy", "best")
LATE_FROM = 0.75
Picks = Callable[[Known, Sequence[CompiledOffer]], int | None]


class Late(Struct):
    """Sums over the late decisions of one play, by the truth."""

    decisions: int = 0
    chosen: float = 0.0
    uniform: float = 0.0
    best: float = 0.0


class Brought(Struct, frozen=True):
    """What one way brought: margin a head, offers that reached somebody, CPU seconds."""

    a_head: float
    offers: int
    cpu: float
    late: Late


def main() -> None:
    """Print every play, and how far each way is from uniform to the best."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", default=",".join(get_args(WorldKind)))
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--customers", type=int, default=200)
    parser.add_argument("--days", type=int, default=120)
    asked = parser.parse_args()
    for kind in asked.kinds.split(","):
        for seed in asked.seeds.split(","):
            found = {}
            for way in WAYS:
                found[way] = one = play(kind, int(seed), way, (asked.customers, asked.days))
                print(f"{kind} {seed} {way:8s} {one.a_head:9.3f} a head, {one.offers} offers, "
                      f"{one.cpu:.0f} s", flush=True)  # fmt: skip
            print(f"{kind} {seed}: {summary(found)}", flush=True)


def summary(found: dict[str, Brought]) -> str:
    """The share of the way from uniform to the best, and the late decisions of the product."""
    low, high = found["uniform"].a_head, found["best"].a_head
    way = {name: (one.a_head - low) / (high - low) for name, one in found.items()}
    late = found["policy"].late
    many = max(late.decisions, 1)
    return (
        f"of the way from uniform to best: policy {way['policy']:.2f}, rules {way['rules']:.2f}; "
        f"late, a decision: policy {late.chosen / many:.4f}, uniform {late.uniform / many:.4f}, "
        f"best {late.best / many:.4f} ({late.decisions} decisions)"
    )


def play(kind: WorldKind, seed: int, way: str, size: tuple[int, int]) -> Brought:
    """One world lived through once; `size` is people and days."""
    began = process_time()
    world = World(kind, *size, seed)
    arm = Arm(name="all", share=1.0, chooser="uniform" if way == "uniform" else "policy")
    policies = replace(world.reference.policies, experiment=Experiment(arms=(arm,)))
    driver = Driver(
        compile_policy(replace(world.reference, policies=policies)), initial_models(), Trainer()
    )
    late, late_ms = Late(), world.start_ms + round(LATE_FROM * size[1] * DAY_MS)
    with choosing({"best": _best(world), "rules": _by_rules}.get(way)):
        for effects in effects_of(world, driver):
            for effect in effects:
                if isinstance(effect, DecisionLogged) and to_ms(effect.entry.decided_at) >= late_ms:
                    _judge(world, effect.entry, late)
    brought = sum(e.margin - e.contact_cost for e in world.offer_effects)
    heads = len(world.customer_ids)
    return Brought(brought / heads, len(world.offer_effects), process_time() - began, late)


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


def _judge(world: World, entry: DecisionLog, late: Late) -> None:
    """Adds what a decision brings by its own probabilities, by uniform ones, and at best."""
    known = world.reference.offers
    costs = {offer.offer_id: offer.contact_cost for offer in known}
    found = [c for c in entry.candidates if c.terms is not None and c.why_not is None]
    if not found or entry.customer_id not in set(world.customer_ids):
        return
    at_ms = to_ms(entry.decided_at)
    worth = [
        world.expected_by_nature(entry.customer_id, c.offer_id, at_ms).margin - costs[c.offer_id]
        for c in found
    ]
    late.decisions += 1
    late.chosen += sum(c.probability * w for c, w in zip(found, worth, strict=True))
    late.uniform += sum(worth) / len(worth)
    late.best += max(0.0, *worth)


if __name__ == "__main__":
    main()
