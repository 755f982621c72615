"""How near the best somebody comes who knows all of the people but what they like.

    nice -n 15 .venv/bin/python -m benchmarks.full_loop_bound --kinds fashion --seeds 1,2

The product's own decisions of `full_loop` once more. Told are the world's law, and of each person
the gap between orders, the basket, what a discount does to them, whether they have left: everything
but the taste. That is read off all that anybody could see of them until then: what they looked at,
bought, and in which zones they stood, by Bayes' rule and the law by which tastes are drawn. Who
takes what is worth most then can hardly be bettered by who sees no more; only that offers were not
used, which tells a little of a taste as well, is left out.
"""

from collections import defaultdict
from copy import copy
from datetime import datetime
from itertools import chain
from typing import Any

import click
import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from benchmarks.full_loop import POLICY, Sums
from benchmarks.options import Names, Seeds
from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.times import HOUR_MS, to_ms
from streams.decisions import DRAWN, compile_policy
from streams.driver import Driver
from streams.identity.arms import arm_of
from streams.models import initial_models
from streams.models.trainer import Trainer
from streams.simulator.closed_loop import effects_of
from streams.simulator.records import Sent
from streams.simulator.stories import Received
from streams.simulator.worlds import KINDS, World, WorldKind
from streams.simulator.worlds.browsing import FAVORITE_SHARE
from streams.simulator.worlds.people import TASTE_LEAST, taste_weights

DRAWS = 4_000
LIKELY = 200
"""So many tastes stand for what is thought of a person at one moment."""
SEED = 7
Floats = NDArray[np.float64]
Seen = tuple[int, bool, int]
"""When something was seen of a person, whether it was an order, and of which department."""


class Watched:
    """A world, of which it is noted what can be seen of whom."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.start_ms, self.end_ms = world.start_ms, world.end_ms
        self.reference, self.customer_ids = world.reference, world.customer_ids
        self.seen: dict[str, list[Seen]] = defaultdict(list)
        self._departments = {d.name: n for n, d in enumerate(world.shop.departments)}
        self._walks: set[tuple[str, int]] = set()

    def step(self, until_ms: int) -> list[Sent]:
        """What happens up to then."""
        sent = self.world.step(until_ms)
        for record in sent:
            self._note(msgspec.json.decode(record.value))
        return sent

    def receive(self, offer: Received, now_ms: int) -> None:
        """An offer reaches a person."""
        self.world.receive(offer, now_ms)

    def _note(self, event: dict[str, Any]) -> None:
        identity, name = event.get("identity", {}), event.get("event_name")
        who = identity.get("customer_id", str(identity.get("anonymous_id"))[len("anon-") :])
        at_ms, seen = to_ms(datetime.fromisoformat(str(event["occurred_at"]))), self.seen[str(who)]
        if name == "product_viewed":
            seen.append((at_ms, False, self._departments[str(event["product"]["category"])]))
        elif name == "order_completed":
            (item,) = event["items"]
            seen.append((at_ms, True, self._departments[str(item["category"])]))
        elif name == "beacon_sighted" and (str(who), at_ms // HOUR_MS) not in self._walks:
            self._walks.add((str(who), at_ms // HOUR_MS))
            seen.append((at_ms, False, int(str(event["beacon"]["minor"])) - 1))


class Guess:
    """What can be thought of tastes in a shop."""

    def __init__(self, watched: Watched) -> None:
        self.watched, self.draw = watched, np.random.default_rng(SEED)
        weights = taste_weights(watched.world.shop)
        drawn = self.draw.dirichlet(weights, DRAWS)
        self.tastes: Floats = np.clip(drawn, TASTE_LEAST, 1.0)
        shares = self.tastes / self.tastes.sum(1, keepdims=True)
        looks = FAVORITE_SHARE * shares + (1.0 - FAVORITE_SHARE) / len(weights)
        self._logs = np.log(looks), np.log(shares)

    def likely(self, customer_id: str, at_ms: int) -> Floats:
        """Tastes drawn from what is thought of a person then: shape `[LIKELY, departments]`."""
        log = np.zeros(DRAWS)
        for seen_ms, ordered, department in self.watched.seen[customer_id]:
            if seen_ms <= at_ms:
                log += self._logs[ordered][:, department]
        share = np.exp(log - log.max())
        places = (self.draw.random() + np.arange(LIKELY)) / LIKELY
        drawn = np.searchsorted(share.cumsum() / share.sum(), places)
        return self.tastes[np.minimum(drawn, DRAWS - 1)]

    def worth(self, customer_id: str, offer_ids: list[str], at_ms: int) -> list[float]:
        """What each offer is expected to bring."""
        world, sums = self.watched.world, np.zeros(len(offer_ids))
        course = copy(world.course(customer_id))
        for tastes in self.likely(customer_id, at_ms):
            course.person = replace(course.person, tastes=tuple(tastes.tolist()))
            sums += [world.expected_of(course, o, at_ms).margin for o in offer_ids]
        means: list[float] = (sums / LIKELY).tolist()
        return means


@click.command()
@click.option("--kinds", default=",".join(KINDS), show_default=True, type=Names(KINDS))
@click.option("--seeds", default="1", show_default=True, type=Seeds())
@click.option("--customers", default=100, show_default=True, type=click.IntRange(1))
@click.option("--days", default=120, show_default=True, type=click.IntRange(40, 730))
def main(kinds: tuple[WorldKind, ...], seeds: tuple[int, ...], customers: int, days: int) -> None:
    """Print how far who knows all but tastes comes from uniform to the best."""
    for kind in kinds:
        for seed in seeds:
            sums = play(kind, seed, (customers, days))
            print(f"{kind} {seed}: all days {sums.whole}")
            print(f"  the first days {sums.early}")
            print(f"  the last quarter {sums.late}", flush=True)


def play(kind: WorldKind, seed: int, size: tuple[int, int]) -> Sums:
    """One world lived through with the product, whose decisions are taken again."""
    world = World(kind, *size, seed)
    watched, experiment = Watched(world), world.reference.policies.experiment
    mine = {c for c in world.customer_ids if arm_of(experiment, c).name == POLICY}
    driver = Driver(compile_policy(world.reference), initial_models(), Trainer())
    guess, sums = Guess(watched), Sums(world.start_ms, size[1])
    for effect in chain.from_iterable(effects_of(watched, driver)):
        if isinstance(effect, DecisionLogged) and effect.entry.customer_id in mine:
            _judge(guess, effect.entry, sums)
    return sums


def _judge(guess: Guess, entry: DecisionLog, sums: Sums) -> None:
    world, at_ms = guess.watched.world, to_ms(entry.decided_at)
    found = [c.offer_id for c in entry.offers if c.terms is not None and c.why_not is None]
    if not found or entry.verdict not in DRAWN:
        return
    costs = {offer.offer_id: offer.contact_cost for offer in world.reference.offers}
    course = world.course(entry.customer_id)
    true = [world.expected_of(course, o, at_ms).margin - costs[o] for o in found]
    thought = guess.worth(entry.customer_id, found, at_ms)
    worth = [told - costs[o] for o, told in zip(found, thought, strict=True)]
    chosen = worth.index(max(worth))
    for one in sums.of(at_ms):
        one.decisions += 1
        one.chosen += true[chosen] if worth[chosen] > 0.0 else 0.0
        one.uniform += sum(true) / len(true)
        one.best += max(0.0, *true)


if __name__ == "__main__":
    main()
