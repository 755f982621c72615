"""Where the full loop loses, term by term: of one estimate after the other the truth in its place.

    nice -n 15 .venv/bin/python -m benchmarks.full_loop_terms --seeds 1,2,3

The product's own decisions of `full_loop`, each weighed once more on the same offers at the same
moment, and drawn from as the product does. Only some terms of the priority are replaced by what the
world knows of this person and offer (`docs/decisions.md` has the formula):

* P(used), and of the uses the share bought anyway;
* the amounts: margin and discount of an order that this offer brings here, and what an order that
  comes anyway grows by, to reach a least spend;
* each offer's margin on the mean of the orders that it brings in this world, for everybody alike.

The table has the share of the way from a uniform choice to the best; its regret is what is left to
1. An error stands in brackets: of the first row the standard error of its mean over the worlds, of
the others that of the mean difference to the first, world by world. Terms are wrong together, so a
true one beside others that are not may lose.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from statistics import fmean, stdev

import click
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.full_loop import POLICY, Worth, worths
from benchmarks.options import Names, Seeds
from streams.contracts.outputs.candidates import TermColumns
from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.reference.structs import Arm
from streams.contracts.times import to_ms
from streams.decisions import compile_policy
from streams.decisions.arbitration import margin_for
from streams.decisions.exploration import draw, exploring_of
from streams.driver import Driver
from streams.identity.arms import arm_of
from streams.models import initial_models
from streams.models.trainer import Trainer
from streams.simulator.closed_loop import effects_of
from streams.simulator.worlds import KINDS, World, WorldKind
from streams.simulator.worlds.responses import Responses

USED, ANYWAY, AMOUNTS, MEAN_MARGIN = "used", "anyway", "amounts", "mean margin"
NOTHING, BEST = "nothing", "nothing, and always the best"
ROWS: dict[str, tuple[str, ...]] = {
    NOTHING: (),
    BEST: (),
    "P(used)": (USED,),
    "share bought anyway": (ANYWAY,),
    "P(used) and share": (USED, ANYWAY),
    "amounts": (AMOUNTS,),
    "amounts and share": (AMOUNTS, ANYWAY),
    "amounts and P(used)": (AMOUNTS, USED),
    "each offer's mean margin": (MEAN_MARGIN,),
    "all three": (USED, ANYWAY, AMOUNTS),
}
Floats = NDArray[np.float64]


class Told(Struct, frozen=True, kw_only=True):
    """What is said of the offers of a decision, each of shape `[n]`; amounts in money.

    `grown`: by how much the margin of an order that comes anyway grows to reach a least spend.
    """

    used: Floats
    anyway: Floats
    margin: Floats
    discount: Floats
    grown: Floats


class Weighed(Struct, frozen=True, kw_only=True):
    """A decision of the product: by its estimates and by the truth.

    `worth` is what each offer is expected to bring by the truth, `logged` with which probability
    the product drew it.
    """

    entry: DecisionLog
    offer_ids: tuple[str, ...]
    fatigue: float
    contact: Floats
    estimated: Told
    true: Told
    worth: Floats
    logged: Floats


def played(kind: WorldKind, seed: int, size: tuple[int, int]) -> tuple[World, list[Weighed]]:
    """One world lived through with the product, and what it drew from; `size`: people and days."""
    world = World(kind, *size, seed)
    experiment = world.reference.policies.experiment
    mine = {c for c in world.customer_ids if arm_of(experiment, c).name == POLICY}
    if not mine:
        raise click.UsageError("of so few people nobody is in the arm that is judged: take more")
    driver = Driver(compile_policy(world.reference), initial_models(), Trainer())
    numbers = {d.name: n for n, d in enumerate(world.shop.departments)}
    responses = Responses(world.settings, numbers, world.end_ms, world.shop.decimals)
    found = []
    for effect in chain.from_iterable(effects_of(world, driver)):
        if isinstance(effect, DecisionLogged) and effect.entry.customer_id in mine:
            one = weighed(world, responses, effect.entry)
            if one is not None:
                found.append(one)
    return world, found


def weighed(world: World, responses: Responses, entry: DecisionLog) -> Weighed | None:
    """A decision with its estimates and the truth; None where nothing was drawn."""
    found = worths(world, entry)
    if not found:
        return None
    offers = {offer.offer_id: offer for offer in world.reference.offers}
    course, at_ms = world.course(entry.customer_id), to_ms(entry.decided_at)
    estimated, true, contact, fatigue = [], [], [], 0.0
    for candidate, _ in found:
        offer, terms = offers[candidate.offer_id], candidate.terms
        if terms is None or terms.bought_anyway is None:
            raise AssertionError("an offer was drawn from without its terms")
        margin, fatigue = margin_for(offer, terms.order_size), terms.fatigue
        said = (terms.response_probability, terms.bought_anyway, margin, offer.discount, 0.0)
        nature = world.expected_by_nature(entry.customer_id, offer.offer_id, at_ms)
        if nature.used > 0.0:
            brought = responses.chances(course, offer, at_ms).added
            margin, coming = course.margin_of(brought), nature.used - nature.added
            # what is left of the expected margin is that of the orders that come anyway
            change = (nature.margin - nature.added * margin) / coming if coming > 0.0 else 0.0
            discount, share = brought.discount, coming / nature.used
            true.append((nature.used, share, margin + discount, discount, change + discount))
        else:
            true.append((0.0, *said[1:]))
        estimated.append(said)
        contact.append(offer.contact_cost)
    return Weighed(
        entry=entry,
        offer_ids=tuple(candidate.offer_id for candidate, _ in found),
        fatigue=fatigue,
        contact=np.array(contact),
        estimated=_told(estimated),
        true=_told(true),
        worth=np.array([worth for _, worth in found]),
        logged=np.array([candidate.probability for candidate, _ in found]),
    )


def _told(rows: Sequence[tuple[float, ...]]) -> Told:
    used, anyway, margin, discount, grown = np.array(rows).T
    return Told(used=used, anyway=anyway, margin=margin, discount=discount, grown=grown)


def mean_margins(decisions: Sequence[Weighed]) -> dict[str, float]:
    """Of each offer the mean margin of the orders that it brings, by how likely it brings them."""
    sums: dict[str, tuple[float, float]] = {}
    for one in decisions:
        brings = one.true.used * (1.0 - one.true.anyway)
        for offer_id, weight, margin in zip(one.offer_ids, brings, one.true.margin, strict=True):
            before = sums.get(offer_id, (0.0, 0.0))
            sums[offer_id] = before[0] + weight * margin, before[1] + weight
    return {offer_id: total / weight for offer_id, (total, weight) in sums.items() if weight > 0.0}


def columns(one: Weighed, replaced: Sequence[str], margins: Floats) -> TermColumns:
    """The terms with some of them true.

    Args:
        one: the decision.
        replaced: which.
        margins: for `MEAN_MARGIN`: how much more an order brings than the owner says, `[n]`.
    """
    used = (one.true if USED in replaced else one.estimated).used
    anyway = (one.true if ANYWAY in replaced else one.estimated).anyway
    amounts = one.true if AMOUNTS in replaced else one.estimated
    margin = amounts.margin * (margins if MEAN_MARGIN in replaced else 1.0)
    value = margin * used * (1.0 - anyway) + amounts.grown * used * anyway
    cost = amounts.discount * used + one.contact
    return TermColumns(
        response_probability=tuple(used.tolist()),
        value=tuple(value.tolist()),
        cost=tuple(cost.tolist()),
        priority=tuple((value - cost - one.fatigue).tolist()),
        bought_anyway=tuple(anyway.tolist()),
        fatigue=one.fatigue,
    )


def drawn(world: World, one: Weighed, terms: TermColumns) -> Floats:
    """P(each offer) as the product draws by these terms, `[n]`."""
    arbitration = world.reference.policies.arbitration
    exploring = exploring_of(arbitration, terms, one.entry.model.version)
    arm = Arm(name=POLICY, share=1.0, chooser="policy")
    return np.array(draw(one.entry.decision_id, terms.priority, arm, exploring).probabilities)


def shares(world: World, decisions: Sequence[Weighed]) -> dict[str, float]:
    """Of the way from uniform to the best, by `ROWS`."""
    stated = {offer.offer_id: offer.margin for offer in world.reference.offers}
    means, sums = mean_margins(decisions), {row: Worth() for row in ROWS}
    for one in decisions:
        more = np.array([means.get(o, stated[o]) / (stated[o] or 1.0) for o in one.offer_ids])
        for row, replaced in ROWS.items():
            terms = columns(one, replaced, more)
            if row == BEST:
                top = int(np.argmax(terms.priority))
                chosen = float(one.worth[top]) if terms.priority[top] > 0.0 else 0.0
            else:
                chosen = float(drawn(world, one, terms) @ one.worth)
            sums[row].chosen += chosen
            sums[row].uniform += float(one.worth.mean())
            sums[row].best += max(0.0, float(one.worth.max()))
    return {row: one.share for row, one in sums.items()}


@click.command()
@click.option("--kinds", default=",".join(KINDS), show_default=True, type=Names(KINDS))
@click.option("--seeds", default="1", show_default=True, type=Seeds())
@click.option("--customers", default=100, show_default=True, type=click.IntRange(1))
@click.option("--days", default=120, show_default=True, type=click.IntRange(40, 730))
def main(kinds: tuple[WorldKind, ...], seeds: tuple[int, ...], customers: int, days: int) -> None:
    """Print the regret by term: how far the product comes with some of its terms true."""
    title = f"the regret by term: {customers} people, {days} days, {len(seeds)} worlds"

    def found(kind: WorldKind, seed: int) -> dict[str, float]:
        return shares(*played(kind, seed, (customers, days)))

    show(Table("what is true", *kinds, title=title), kinds, seeds, ROWS, found)


def show(
    table: Table,
    kinds: Sequence[WorldKind],
    seeds: Sequence[int],
    rows: Iterable[str],
    shares_of: Callable[[WorldKind, int], dict[str, float]],
) -> None:
    """Print the shares of the way, a row each, over the worlds of each kind; each world as it ends.

    `table` has its columns, and no row yet.
    """
    found: dict[WorldKind, list[dict[str, float]]] = {kind: [] for kind in kinds}
    for kind in kinds:
        for seed in seeds:
            found[kind].append(shares_of(kind, seed))
            print(kind, seed, f"{found[kind][-1][NOTHING]:.3f}", flush=True)
    for row in rows:
        table.add_row(row, *[cell(of_kind, row) for of_kind in found.values()])
    Console(width=110).print(table)


def cell(worlds: Sequence[dict[str, float]], row: str) -> str:
    """The mean share; in brackets its standard error, or that of the difference to nothing."""
    base = 0.0 if row == NOTHING else 1.0
    differences = [one[row] - base * one[NOTHING] for one in worlds]
    error = stdev(differences) / len(worlds) ** 0.5 if len(worlds) > 1 else float("nan")
    return f"{fmean(one[row] for one in worlds):.3f} ({error:.3f})"


if __name__ == "__main__":
    main()
