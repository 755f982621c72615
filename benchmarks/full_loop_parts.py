"""Which knowledge of a person the full loop lacks: one part of P(used) after the other by Bayes.

    nice -n 15 .venv/bin/python -m benchmarks.full_loop_parts --seeds 1,2,3

The product's own decisions once more, as `full_loop_terms` takes them, but in place of the truth
stands what `full_loop_bound` thinks *by the log*: who knows the world's law and weighs, by Bayes'
rule, what could be seen until then. In the product's P(used) that is one part at a time:

* taste: what affinity is believed to say gives way to what taste is thought to be;
* discounts: how much they move the person;
* coming: how soon an order comes that the offer fits; who has left uses nothing;
* basket: what the person spends, which decides how deep a fixed discount goes.

A part counts by how many times as likely it makes a use beside somebody of whom nothing is known:
the odds of the product change as much. Then whole terms by Bayes, and all of them where one part
stays unknown. `believed` is what the product says before it has learned anything.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain

import click
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from rich.table import Table

from benchmarks.full_loop import POLICY, Worth
from benchmarks.full_loop_bound import Answering, Watched
from benchmarks.full_loop_guess import PARTS, Answer, Guess
from benchmarks.full_loop_law import Thinkable
from benchmarks.full_loop_terms import (
    AMOUNTS,
    ANYWAY,
    NOTHING,
    USED,
    Floats,
    Told,
    Weighed,
    columns,
    drawn,
    show,
    weighed,
)
from benchmarks.options import Names, Seeds
from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.times import to_ms
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.features.expected import UNSTATED
from streams.features.scaling import logit
from streams.identity.arms import arm_of
from streams.models import initial_models
from streams.models.response import BELIEVED, CONTEXT_AXIS, OFFER_AXIS, ResponseModel
from streams.models.trainer import Trainer
from streams.simulator.closed_loop import effects_of
from streams.simulator.worlds import KINDS, World, WorldKind
from streams.simulator.worlds.responses import Responses

LEAST_USED = 1e-6
AFFINITY = OFFER_AXIS.index("o.affinity")
TASTE, GAP, BASKET, DEALS = PARTS
ALL = frozenset(PARTS)
SETS = (
    frozenset[str](),
    *(frozenset({part}) for part in PARTS),
    *(ALL - {part} for part in PARTS),
    ALL,
)


class Thought(Struct, frozen=True, kw_only=True):
    """A decision, and what is thought of its offers by what is known of the person.

    `told`: by which of `PARTS` are thought about, the others being as of anybody; `believed`: the
    product's P(used) with nothing learned; `liked`: the log odds that it gives to affinity.
    """

    one: Weighed
    told: dict[frozenset[str], Told]
    believed: Floats
    liked: Floats


Row = Callable[[Thought], Weighed]


def known(*parts: str, learned: bool = True) -> Row:
    """P(used) of the product with these parts by Bayes."""

    def row(thought: Thought) -> Weighed:
        estimated = thought.one.estimated
        used = estimated.used if learned else thought.believed
        more = thought.told[frozenset(parts)].used / thought.told[SETS[0]].used
        odds = used / (1.0 - used) * more
        if TASTE in parts:
            odds = odds * np.exp(-thought.liked)
        return replace(thought.one, estimated=replace(estimated, used=odds / (1.0 + odds)))

    return row


def terms(*replaced: str, known_of: frozenset[str] = ALL) -> Row:
    """These terms by Bayes."""

    def row(thought: Thought) -> Weighed:
        one, told = thought.one, thought.told[known_of]
        amounts = told if AMOUNTS in replaced else one.estimated
        mixed = replace(
            amounts,
            used=(told if USED in replaced else one.estimated).used,
            anyway=(told if ANYWAY in replaced else one.estimated).anyway,
        )
        return replace(one, estimated=mixed)

    return row


ROWS: dict[str, Row] = {
    NOTHING: known(),
    "believed": known(learned=False),
    **{f"P(used): {part}": known(part) for part in PARTS},
    "P(used): all four": known(*PARTS),
    "believed: taste": known(TASTE, learned=False),
    "P(used)": terms(USED),
    "share bought anyway": terms(ANYWAY),
    "amounts": terms(AMOUNTS),
    "P(used) and share": terms(USED, ANYWAY),
    "P(used) and amounts": terms(USED, AMOUNTS),
    "share and amounts": terms(ANYWAY, AMOUNTS),
    "all three": terms(USED, ANYWAY, AMOUNTS),
    **{
        f"all three, but for {part}": terms(USED, ANYWAY, AMOUNTS, known_of=ALL - {part})
        for part in PARTS
    },
    "all three, as of anybody": terms(USED, ANYWAY, AMOUNTS, known_of=SETS[0]),
}


class Thinker:
    """Thinks of the decisions of a play by what could be seen until then."""

    def __init__(self, watched: Watched) -> None:
        world = watched.world
        self._watched, self._world, self._guess = watched, world, Guess(world)
        self._answering, self.anybody = Answering(world), self._guess.anybody()
        self._answers: dict[str, list[Answer]] = defaultdict(list)
        numbers = {d.name: n for n, d in enumerate(world.shop.departments)}
        self._responses = Responses(world.settings, numbers, world.end_ms, world.shop.decimals)

    def think(self, entry: DecisionLog) -> Thought | None:
        """Of a decision; None where nothing was drawn."""
        one = weighed(self._world, self._responses, entry)
        course = self._watched.before(entry)
        if one is None:
            return None
        who, at_ms = entry.customer_id, to_ms(entry.decided_at)
        people = None
        if not self._world.course(who).is_gone(at_ms):
            people = self._guess.thinkable(who, at_ms, self._watched.looks[who])
            people = self._guess.drawn_alike(
                self._guess.answered(people, who, at_ms, self._answers[who])
            )
        if entry.chosen_offer_id in one.offer_ids:
            answer = self._answering.answer(course, entry.chosen_offer_id or "", at_ms)
            self._answers[who].append(answer)
        told = {parts: self._told(one, people, parts, at_ms) for parts in SETS}
        offers = {c.offer_id: c.features for c in entry.offers}
        vectors = np.array([offers[offer_id] for offer_id in one.offer_ids])
        rates = [
            self._answering.offers[offer_id].expected_rate or UNSTATED for offer_id in one.offer_ids
        ]
        believed = ResponseModel().response_probabilities(
            np.zeros(len(CONTEXT_AXIS)), vectors, one.offer_ids, [logit(rate) for rate in rates]
        )
        liked = BELIEVED["o.affinity"] * vectors[:, AFFINITY]
        return Thought(one=one, told=told, believed=believed, liked=liked)

    def _told(
        self, one: Weighed, people: Thinkable | None, parts: frozenset[str], at_ms: int
    ) -> Told:
        """By the mean over what the person may be; None: they have left, as `GAP` knows."""
        if people is None and GAP in parts:
            return replace(one.estimated, used=np.full(len(one.offer_ids), LEAST_USED))
        mixed = self.anybody if people is None else mixture(people, self.anybody, parts)
        rows = []
        for offer_id in one.offer_ids:
            brought = self._guess.law.brought(mixed, self._answering.offers[offer_id], at_ms)
            coming, added = mean(mixed, brought.coming), mean(mixed, brought.added)
            if min(coming, added) <= 0.0:
                rows.append((LEAST_USED, 0.0, 0.0, 0.0, 0.0))
                continue
            discount = mean(mixed, brought.added * brought.discount) / added
            margin = mean(mixed, brought.added * brought.margin) / added + discount
            grown = mean(mixed, brought.coming * brought.change) / coming + discount
            used = coming + added
            rows.append((used, coming / used, margin, discount, grown))
        return Told(**dict(zip(Told.__struct_fields__, np.array(rows).T, strict=True)))


def mean(people: Thinkable, amounts: Floats) -> float:
    """Over what a person may be."""
    return float(people.weights @ amounts)


def mixture(people: Thinkable, anybody: Thinkable, parts: frozenset[str]) -> Thinkable:
    """The one by these parts, the other by the rest; the rows of both are of equal weight."""
    return Thinkable(
        (people if TASTE in parts else anybody).tastes,
        (people if GAP in parts else anybody).gap_days,
        (people if BASKET in parts else anybody).basket,
        (people if DEALS in parts else anybody).deals,
        anybody.weights,
    )


def thoughts(kind: WorldKind, seed: int, size: tuple[int, int]) -> tuple[World, Iterator[Thought]]:
    """One world, lived through with the product as its decisions are asked for."""
    world = World(kind, *size, seed)
    experiment = world.reference.policies.experiment
    mine = {c for c in world.customer_ids if arm_of(experiment, c).name == POLICY}
    if not mine:
        raise click.UsageError("of so few people nobody is in the arm that is judged: take more")
    return world, _played(world, mine)


def _played(world: World, mine: Collection[str]) -> Iterator[Thought]:
    watched = Watched(world)
    thinker = Thinker(watched)
    driver = Driver(compile_policy(world.reference), initial_models(), Trainer())
    for effect in chain.from_iterable(effects_of(watched, driver)):
        if isinstance(effect, DecisionLogged) and effect.entry.customer_id in mine:
            thought = thinker.think(effect.entry)
            if thought is not None:
                yield thought


def shares(world: World, decisions: Iterable[Thought]) -> dict[str, float]:
    """Of the way from uniform to the best, by `ROWS`."""
    sums = {row: Worth() for row in ROWS}
    for thought in decisions:
        worth, none = thought.one.worth, np.ones(len(thought.one.worth))
        for row, by in ROWS.items():
            one = by(thought)
            sums[row].chosen += float(drawn(world, one, columns(one, (), none)) @ worth)
            sums[row].uniform += float(worth.mean())
            sums[row].best += max(0.0, float(worth.max()))
    return {row: one.share for row, one in sums.items()}


@click.command()
@click.option("--kinds", default=",".join(KINDS), show_default=True, type=Names(KINDS))
@click.option("--seeds", default="1", show_default=True, type=Seeds())
@click.option("--customers", default=100, show_default=True, type=click.IntRange(1))
@click.option("--days", default=120, show_default=True, type=click.IntRange(40, 730))
def main(kinds: tuple[WorldKind, ...], seeds: tuple[int, ...], customers: int, days: int) -> None:
    """Print how far the product comes with some of what it says thought by Bayes' rule."""
    title = f"by Bayes: {customers} people, {days} days, {len(seeds)} worlds"

    def found(kind: WorldKind, seed: int) -> dict[str, float]:
        return shares(*thoughts(kind, seed, (customers, days)))

    show(Table("what is by Bayes", *kinds, title=title), kinds, seeds, ROWS, found)


if __name__ == "__main__":
    main()
