"""How near the best anybody comes who sees what happens, and not who people are.

    nice -n 15 .venv/bin/python -m benchmarks.full_loop_bound --seeds 1,2,3

The product's decisions of `full_loop` once more, on the same offers at the same moments, taken by
whoever knows the world's law, and thinks of each person what can be thought by then
(`full_loop_guess`): they take what is worth most on the mean of what the person may be.

* `log`: from all that the product could see, and what came of the offers that it sent. Nobody can
  do better on the mean who decides by these events: more cannot be known, and this is the best use
  of it.
* `any`: also from what every offer that was possible would have done at each earlier decision of
  the person. Nobody can do better who had tried out other offers at these moments, for of what they
  see nothing is missing here.
* `--told taste,gap`: by the truth, for `log` and `any` alike.

Both know more than a product can: it has to learn the law from the same events, and is told neither
the kind of a person, nor silences and drifts, nor each visit, nor whether a use was bought anyway.
What both think their choice will bring stands beside what it brings: equal, but for chance, if they
think by the true law.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from statistics import fmean, stdev
from typing import Any

import click
import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from benchmarks.full_loop import POLICY, Sums, worths
from benchmarks.full_loop_guess import PARTS, Answer, Guess
from benchmarks.full_loop_law import Law, Thinkable
from benchmarks.options import Names, Seeds
from streams.contracts.ids import unit_draw
from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.times import DAY_MS, HOUR_MS, to_ms
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.identity.arms import arm_of
from streams.models import initial_models
from streams.models.trainer import Trainer
from streams.simulator.closed_loop import effects_of
from streams.simulator.records import Sent
from streams.simulator.stories import Received
from streams.simulator.worlds import KINDS, World, WorldKind
from streams.simulator.worlds.course import Course
from streams.simulator.worlds.responses import PULL_SHARE, Responses

GOAL = 0.8
SURE = 2.0
"""Standard errors that the goal must lie above the bound to be called out of reach."""
PRODUCT, LOG, ANY = "product", "log", "any"
WAYS = (PRODUCT, LOG, ANY)
PERIODS = ("all days", "first days", "last quarter")


class Way(Struct):
    """What one way of choosing brings, and what it thought that its choices would bring."""

    sums: Sums
    thought: float = 0.0

    def shares(self) -> tuple[float, ...]:
        """Of the way from uniform to the best, by `PERIODS`."""
        return tuple(s.share for s in (self.sums.whole, self.sums.early, self.sums.late))


class Watched:
    """A world, of which it is noted what people look at, and how things stood before an offer."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.start_ms, self.end_ms = world.start_ms, world.end_ms
        self.reference, self.customer_ids = world.reference, world.customer_ids
        self.looks: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._before: dict[str, Course] = {}
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
        if offer.customer_id in self.customer_ids:
            self._before[offer.decision_id] = self.world.course(offer.customer_id).twin()
        self.world.receive(offer, now_ms)

    def before(self, entry: DecisionLog) -> Course:
        """What was to come of a person before the offer of a decision reached them."""
        return self._before.pop(entry.decision_id, self.world.course(entry.customer_id))

    def _note(self, event: dict[str, Any]) -> None:
        identity, name = event.get("identity", {}), event.get("event_name")
        who = str(identity.get("customer_id", str(identity.get("anonymous_id"))[len("anon-") :]))
        at_ms = to_ms(datetime.fromisoformat(str(event["occurred_at"])))
        if name == "product_viewed":
            seen = self._departments[str(event["product"]["category"])]
            self.looks[who].append((at_ms, seen))
        elif name == "beacon_sighted" and (who, at_ms // HOUR_MS) not in self._walks:
            self._walks.add((who, at_ms // HOUR_MS))
            self.looks[who].append((at_ms, int(str(event["beacon"]["minor"])) - 1))


class Answering:
    """What comes of the offers of a world; the luck is that of the play (`World.receive`)."""

    def __init__(self, world: World) -> None:
        self.offers = {offer.offer_id: offer for offer in world.reference.offers}
        self._world, self._law = world, Law(world)
        numbers = {d.name: n for n, d in enumerate(world.shop.departments)}
        self._responses = Responses(world.settings, numbers, world.end_ms, world.shop.decimals)

    def answer(self, course: Course, offer_id: str, at_ms: int) -> Answer:
        """Of an offer that is made then; `course` as it was before."""
        world, offer = self._world, self.offers[offer_id]
        told = self._responses.chances(course, offer, at_ms)
        luck, who = f"{world.kind}-{world.seed}", course.person.customer_id
        about = (offer_id, str(at_ms // DAY_MS))
        did = "nothing"
        if told.coming is not None and unit_draw(luck, who, "coming", *about) < told.p_coming:
            did = "used"
        elif unit_draw(luck, who, "added", *about) < told.p_added:
            did = "added"
        return Answer(
            offer=offer,
            at_ms=at_ms,
            until_ms=self._law.until(offer, at_ms),
            did=did,
            coming=0.0 if told.coming is None else PULL_SHARE if told.pulled else 1.0,
            coming_ms=None if told.coming is None else told.coming.at_ms,
            may_add=told.p_added > 0.0,
        )


class Judge:
    """Takes the decisions of a play again."""

    def __init__(self, watched: Watched, days: int, told: Sequence[str]) -> None:
        world = watched.world
        self.ways = {way: Way(Sums(world.start_ms, days)) for way in WAYS}
        self._watched, self._world, self._guess = watched, world, Guess(world, told)
        self._answering = Answering(world)
        self._offers = self._answering.offers
        self._answers: dict[tuple[str, str], list[Answer]] = defaultdict(list)

    def see(self, entry: DecisionLog) -> None:
        """One decision more; nothing where there is nothing to choose from."""
        found = worths(self._world, entry)
        if not found:
            return
        true = [worth for _, worth in found]
        at_ms, who = to_ms(entry.decided_at), entry.customer_id
        brought = sum(c.probability * worth for c, worth in found)
        self._count(PRODUCT, at_ms, true, brought)
        thinkable = None
        if not self._world.course(who).is_gone(at_ms):
            thinkable = self._guess.thinkable(who, at_ms, self._watched.looks[who])
        for way in (LOG, ANY):
            chosen, thought = None, 0.0
            if thinkable is not None:
                answers = self._answers[who, way]
                people = self._guess.answered(thinkable, who, at_ms, answers)
                chosen, thought = self._chosen(people, [c.offer_id for c, _ in found], at_ms)
            self._count(way, at_ms, true, 0.0 if chosen is None else true[chosen])
            self.ways[way].thought += thought
        course = self._watched.before(entry)
        for candidate, _ in found:
            answer = self._answering.answer(course, candidate.offer_id, at_ms)
            self._answers[who, ANY].append(answer)
            if candidate.offer_id == entry.chosen_offer_id:
                self._answers[who, LOG].append(answer)

    def _chosen(
        self, people: Thinkable, offer_ids: Sequence[str], at_ms: int
    ) -> tuple[int | None, float]:
        """Which offer is thought to be worth most, and what."""
        offers = [self._offers[offer_id] for offer_id in offer_ids]
        worth = [
            float(people.weights @ self._guess.law.margins(people, o, at_ms)) - o.contact_cost
            for o in offers
        ]
        top = max(worth)
        return (worth.index(top), top) if top > 0.0 else (None, 0.0)

    def _count(self, way: str, at_ms: int, true: Sequence[float], chosen: float) -> None:
        for one in self.ways[way].sums.of(at_ms):
            one.decisions += 1
            one.chosen += chosen
            one.uniform += sum(true) / len(true)
            one.best += max(0.0, *true)


@click.command()
@click.option("--kinds", default=",".join(KINDS), show_default=True, type=Names(KINDS))
@click.option("--seeds", default="1", show_default=True, type=Seeds())
@click.option("--customers", default=100, show_default=True, type=click.IntRange(1))
@click.option("--days", default=120, show_default=True, type=click.IntRange(40, 730))
@click.option("--told", default=(), type=Names(PARTS), help="known by the truth; default: nothing")
def main(
    kinds: tuple[WorldKind, ...],
    seeds: tuple[int, ...],
    customers: int,
    days: int,
    told: tuple[str, ...],
) -> None:
    """Print how far from uniform to the best the product came, and how far anybody could."""
    told_of = f"told {', '.join(told)}; " if told else ""
    title = f"{told_of}{customers} people, {days} days, {len(seeds)} worlds: mean (standard error)"
    table = Table("shop", "period", *WAYS, f"{GOAL:.2f}", title=title)
    for kind in kinds:
        plays = []
        for seed in seeds:
            plays.append(play(kind, seed, (customers, days), told))
            shares = {way: f"{one.sums.whole.share:.3f}" for way, one in plays[-1].items()}
            print(kind, seed, shares, _right(plays[-1:]), flush=True)
        print(f"{kind}, chosen offers bring, of what was thought: {_right(plays)}")
        for n, period in enumerate(PERIODS):
            told_by = {way: [one[way].shares()[n] for one in plays] for way in WAYS}
            cells = [f"{fmean(s):.3f} ({_error(s):.3f})" for s in told_by.values()]
            table.add_row(kind if n == 0 else "", period, *cells, verdict(told_by))
    Console(width=110).print(table)


def play(
    kind: WorldKind, seed: int, size: tuple[int, int], told: Sequence[str] = ()
) -> dict[str, Way]:
    """One world lived through with the product, whose decisions are taken again."""
    world = World(kind, *size, seed)
    watched, experiment = Watched(world), world.reference.policies.experiment
    mine = {c for c in world.customer_ids if arm_of(experiment, c).name == POLICY}
    driver = Driver(compile_policy(world.reference), initial_models(), Trainer())
    judge = Judge(watched, size[1], told)
    for effect in chain.from_iterable(effects_of(watched, driver)):
        if isinstance(effect, DecisionLogged) and effect.entry.customer_id in mine:
            judge.see(effect.entry)
    return judge.ways


def verdict(shares: dict[str, list[float]]) -> str:
    """Whether the goal is reached, or can be: by the means of the worlds and their errors."""
    if fmean(shares[PRODUCT]) >= GOAL:
        return "reached"
    for way, said in ((ANY, "out of reach"), (LOG, "not from this log")):
        if fmean(shares[way]) + SURE * _error(shares[way]) < GOAL:
            return said
    return "open"


def _right(plays: Sequence[dict[str, Way]]) -> dict[str, str]:
    """Of each way that thinks: what its choices bring, as a share of what it thought."""
    found = {}
    for way in (LOG, ANY):
        thought = sum(one[way].thought for one in plays)
        brought = sum(one[way].sums.whole.chosen for one in plays)
        found[way] = f"{brought / (thought or 1.0):.2f}"
    return found


def _error(values: Sequence[float]) -> float:
    return stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("nan")


if __name__ == "__main__":
    main()
