"""Who would have bought anyway, learned from campaigns among people whose truth is known.

    nice -n 15 .venv/bin/python -m benchmarks.bought_anyway --decisions 20000 --seeds 3

The people are those of the simulator's worlds. After `HISTORY_DAYS` each person has a decision
every two weeks, which is a comparison; half of these, at random, send one of the shop's offers.
What comes of it is by the world's truth; the learner is told what a row would tell it, but for the
context features: orders before, orders after, uses, probabilities, and what share of the uses was
to be expected to be bought anyway, by the person's rhythm of orders. How a worker comes to such
examples is tested elsewhere (`tests/unit/feedback/test_comparisons.py`).

How well a share can be known at all from so many decisions says `benchmarks.bought_anyway_bound`.
"""

import random
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from typing import get_args

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.options import one_or_more, zero_or_more
from streams.contracts.internal.learning import LearningExample
from streams.contracts.reference.structs import Offer
from streams.contracts.times import DAY_MS, from_ms
from streams.customer.rhythm import record_purchase
from streams.customer.row import Customer, new_customer
from streams.decisions.anyway import share_expected
from streams.features import CONTEXT_FEATURES, abouts_of, fits_of, ordered_anyway, taste_of
from streams.models.uplift import UpliftLearner
from streams.simulator.closed_loop import START_MS
from streams.simulator.stories import Received
from streams.simulator.worlds import SETTINGS, World, WorldKind
from streams.simulator.worlds.catalogue import reference_of
from streams.simulator.worlds.shops import SHOPS
from streams.simulator.worlds.truth import PlannedOrder

HISTORY_DAYS, WINDOW_DAYS, WINDOWS = 60, 14, 5
WINDOW_MS = WINDOW_DAYS * DAY_MS
OFFERED, PRIOR, POINTS = 0.5, 0.3, 0.05


class Asked(Struct, frozen=True):
    """One decision: for whom, when, and which offer was sent, if one was."""

    decision_id: str
    customer_id: str
    at_ms: int
    offer_id: str | None
    before: tuple[int, int]
    expected: float | None


class Found(Struct, frozen=True):
    """An offer: how often it was sent and used, and the share of uses that was bought anyway.

    `expected` of those who used it, before anything is learned. `brought`: orders that sending it
    added on average; `told` and `error`: what the learner says of that, and its standard error.
    """

    offer: Offer
    sent: int
    used: int
    truth: float
    learned: float
    expected: float
    brought: float
    told: float
    error: float

    def pays(self, share: float) -> bool:
        """Whether a use brings more than the discount, by such a share."""
        return self.offer.margin * (1.0 - share) > self.offer.discount

    def __str__(self) -> str:
        shares = (self.truth, self.learned, self.expected, PRIOR)
        pays = ["pays" if self.pays(s) else "loses" for s in shares]
        return (
            f"  {self.offer.offer_id:16s} sent {self.sent:5d} used {self.used / self.sent:5.1%}"
            f"  truth {self.truth:.3f}  learned {self.learned:.3f}  expected {self.expected:.3f}"
            f"  by truth {pays[0]}, learned {pays[1]}, expected {pays[2]}, constant {pays[3]}"
            f"; sent it adds {self.brought:.3f} orders, told {self.told:.3f} +- {self.error:.3f}"
        )


def main() -> None:
    """Print each offer's true and learned share, by seed."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=get_args(WorldKind), default="grocery")
    parser.add_argument("--decisions", type=one_or_more, default=20_000)
    parser.add_argument("--seeds", type=one_or_more, default=1)
    parser.add_argument("--first-seed", type=zero_or_more, default=1)
    parser.add_argument("--offer", help="send this one only; else all of the shop's")
    asked = parser.parse_args()
    known = [offer.offer_id for offer in reference_of(SHOPS[asked.kind]).offers]
    if asked.offer is not None and asked.offer not in known:
        parser.error(f"{asked.offer!r} is not one of {', '.join(known)}")
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        learner, found = campaign(asked.kind, asked.decisions, seed, asked.offer)
        told = ", ".join(f"{name} {value:g}" for name, value in learner.figures().items())
        print(f"{asked.kind}, seed {seed}, {asked.decisions:,} decisions: {told}")
        for one in found:
            print(one)
        print(f"  {summary(found)}")


def summary(found: list[Found]) -> str:
    """Mean errors of what was learned and of the constant, and who says rightly what pays."""
    errors = [abs(one.learned - one.truth) for one in found]
    constant = sum(abs(PRIOR - one.truth) for one in found)
    expected = sum(abs(one.expected - one.truth) for one in found)
    near = sum(error <= POINTS for error in errors)
    right = sum(one.pays(one.learned) == one.pays(one.truth) for one in found)
    blind = sum(one.pays(PRIOR) == one.pays(one.truth) for one in found)
    own = sum(one.pays(one.expected) == one.pays(one.truth) for one in found)
    off = sum(abs(one.told - one.brought) for one in found)
    inside = sum(abs(one.told - one.brought) <= 2.0 * one.error for one in found)
    constants = f"expected {expected / len(found):.3f}, the constant {constant / len(found):.3f}"
    return (
        f"mean error {sum(errors) / len(found):.3f} ({constants}), within {POINTS:g}: {near} of "
        f"{len(found)}; right about who pays: {right} (expected {own}, constant {blind}); orders "
        f"added: mean error {off / len(found):.3f}, within two standard errors: {inside}"
    )


def campaign(
    kind: WorldKind, decisions: int, seed: int, only: str | None = None
) -> tuple[UpliftLearner, list[Found]]:
    """The learner after so many decisions in a world, and what it says beside the truth."""
    world, learner = campaign_world(kind, decisions, seed), UpliftLearner()
    sent = [only] if only else [offer.offer_id for offer in world.reference.offers]
    users: dict[str, list[float]] = {}
    for one, now_ms in asked_of(world, sent, seed):
        example = _example(world, one, now_ms)
        learner.learn(example)
        if one.offer_id is not None and one.expected is not None and example.features["own_uses"]:
            users.setdefault(one.offer_id, []).append(one.expected)
    return learner, _judged(world, learner, users)


def campaign_world(kind: WorldKind, decisions: int, seed: int) -> World:
    """A world of so many people that they have so many decisions; they hardly look around."""
    quiet = replace(SETTINGS[kind], visits_per_gap=0.05)
    days = HISTORY_DAYS + WINDOWS * WINDOW_DAYS + 2
    return World(kind, -(-decisions // WINDOWS), days, seed, settings=quiet)


def asked_of(world: World, sent: list[str], seed: int) -> Iterator[tuple[Asked, int]]:
    """Every decision of a campaign, when its window is over, and when that is."""
    draw = random.Random(seed)
    open_: list[Asked] = []
    for round_ in range(WINDOWS + 1):
        now_ms = START_MS + HISTORY_DAYS * DAY_MS + round_ * WINDOW_MS
        world.step(now_ms)
        yield from ((one, now_ms) for one in open_)
        open_ = _ask(world, now_ms, sent, draw) if round_ < WINDOWS else []


def _ask(world: World, now_ms: int, offers: list[str], draw: random.Random) -> list[Asked]:
    """A decision for everybody: who they were before is as of the first, as in a row."""
    asked, fits, abouts = [], fits_of(world.reference), abouts_of(world.reference)
    places = {offer.offer_id: n for n, offer in enumerate(world.reference.offers)}
    for customer_id in world.customer_ids:
        first_ms = START_MS + HISTORY_DAYS * DAY_MS
        orders = world.person(customer_id).orders
        before = (
            orders_between(orders, first_ms - WINDOW_MS, first_ms),
            orders_between(orders, first_ms - 4 * WINDOW_MS, first_ms),
        )
        offer_id = draw.choice(offers) if draw.random() < OFFERED else None
        expected = None
        if offer_id is not None:
            kind = fits.kind_of[places[offer_id]]
            row = _row(orders, now_ms)
            ordered = ordered_anyway(fits, (kind,), row, taste_of(row, now_ms, abouts))[kind]
            expected = share_expected(ordered, PRIOR)
        decision_id = f"d-{customer_id}-{now_ms}"
        one = Asked(decision_id, customer_id, now_ms, offer_id, before, expected)
        asked.append(one)
        if offer_id is not None:
            until = from_ms(now_ms + WINDOW_MS)
            sent = Received(one.decision_id, customer_id, offer_id, until, "uniform")
            world.receive(sent, now_ms)
    return asked


def _row(orders: tuple[PlannedOrder, ...], now_ms: int) -> Customer:
    """What a row knows of the orders so far."""
    rhythm = None
    for order in sorted((o for o in orders if o.at_ms <= now_ms), key=lambda o: o.at_ms):
        rhythm = record_purchase(rhythm, order.at_ms, order.amount)
    return replace(new_customer("somebody", START_MS), rhythm=rhythm)


def _example(world: World, one: Asked, now_ms: int) -> LearningExample:
    orders = world.person(one.customer_id).orders
    inside = [o for o in orders if one.at_ms < o.at_ms <= now_ms]
    own = sum(order.decision_id == one.decision_id for order in inside)
    uses = sum(order.decision_id is not None for order in inside)
    share = world.reference.policies.churn.margin_share
    features = {
        "offered": OFFERED,
        "uses": float(uses),
        "own_uses": float(own),
        "margin": share * sum(o.amount for o in inside if o.returned < 1.0),
        "orders_before": float(one.before[0]),
        "orders_long_before": float(one.before[1]),
    }
    class_ = {o.offer_id: o.class_ for o in world.reference.offers}
    if one.offer_id is not None:
        features[f"class_{class_[one.offer_id]}"] = 1.0
    if one.expected is not None:
        features["expected"] = one.expected
    return LearningExample(
        example_id=one.decision_id,
        model="uplift",
        observed_at_ms=now_ms,
        label=float(orders_between(orders, one.at_ms, now_ms)),
        features=features,
        offer_id=one.offer_id,
    )


def orders_between(orders: tuple[PlannedOrder, ...], after_ms: int, until_ms: int) -> int:
    """How many of these orders came in that time and stand."""
    return sum(after_ms < o.at_ms <= until_ms and o.returned < 1.0 for o in orders)


def _judged(world: World, learner: UpliftLearner, users: dict[str, list[float]]) -> list[Found]:
    did: dict[str, Counter[str]] = {}
    for effect in world.offer_effects:
        did.setdefault(effect.offer_id, Counter())[effect.did] += 1
    view, found = learner.view("judged"), []
    for offer in world.reference.offers:
        if offer.offer_id not in did:
            continue
        counts = did[offer.offer_id]
        used = counts.total() - counts["nothing"]
        truth = 1.0 - counts["added"] / used if used else 0.0
        own = users.get(offer.offer_id, [PRIOR])
        told = view.shares([offer] * len(own), own)
        shares = (truth, sum(told) / len(told), sum(own) / len(own))
        effects = view.effects([offer], np.zeros(len(CONTEXT_FEATURES), np.float32))
        orders, error = (0.0, 0.0) if effects is None else (effects[0][0], effects[1][0])
        brought = counts["added"] / counts.total()
        found.append(Found(offer, counts.total(), used, *shares, brought, orders, error))
    return found


if __name__ == "__main__":
    main()
