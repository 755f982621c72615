"""How well it can be known who would have bought anyway, by which design, and what that costs.

    nice -n 15 .venv/bin/python -m benchmarks.bought_anyway_bound --seeds 1

The campaigns of `bought_anyway`. First the standard error of the share by comparison, whose
baseline is told more and more of the people. The last but one is told all that is true of a person
but the luck of the orders to come: the gap between orders, when the last one came, the calendar,
silences, drift, and when they leave. No baseline that is known at the decision leaves less
(the variance bound of Hahn 1998 where the probabilities are known), so no comparison finds the
share better without leaning on something else. The last is told that luck, too.

Then designs: how exactly each finds the share of one offer, on the mean of those for a category, or
of those for any order; how many decisions it takes until the standard error is 5 points (two of
three shares are off by less) and 2.5 points (19 of 20); and what the former costs, by the truth: in
half of the decisions an offer that loses was sent, or one that gains was not. To count only orders
of the offer's category is right where an offer takes no orders from other categories, as in these
worlds.
"""

from collections import defaultdict
from collections.abc import Iterator
from statistics import fmean
from typing import NamedTuple

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.stats import gamma

from benchmarks.bought_anyway import (
    OFFERED,
    POINTS,
    WINDOW_DAYS,
    WINDOW_MS,
    Asked,
    asked_of,
    campaign_world,
    orders_between,
)
from benchmarks.full_loop_guess import Guess
from benchmarks.options import Names, Seeds
from streams.simulator.worlds import KINDS, OfferEffect, World, WorldKind
from streams.simulator.worlds.truth import PlannedOrder

Floats = NDArray[np.float64]
DRAWS, CHUNK, SEED = 100, 2_000, 7
LIFE = "all but the luck of orders"
TOLD: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "the orders before, as the product is": ("before", "long_before"),
    "who has left, and each one's rate": ("alive", "rate"),
    LIFE: ("life",),
    "the orders that would have come": ("life", "organic"),
}


class Campaign(NamedTuple):
    """Columns over decisions; orders of each department, `[decisions, departments]`.

    `departments_life`: those to be expected by all but the luck of orders.
    """

    columns: dict[str, Floats]
    departments: Floats
    departments_before: Floats
    departments_life: Floats


class Design(NamedTuple):
    """The standard error of one offer's share after so many decisions; by how much it is off.

    `cost` is of one decision, in the shop's currency.
    """

    name: str
    error: float
    bias: float
    decisions: int
    cost: float


@click.command()
@click.option("--kinds", default=",".join(KINDS), show_default=True, type=Names(KINDS))
@click.option("--decisions", default=20_000, show_default=True, type=click.IntRange(100))
@click.option("--seeds", default="1", show_default=True, type=Seeds())
def main(kinds: tuple[WorldKind, ...], decisions: int, seeds: tuple[int, ...]) -> None:
    """Print what can be known, by what a baseline is told and by design."""
    console = Console(width=120)
    for kind in kinds:
        for seed in seeds:
            world = campaign_world(kind, decisions, seed)
            sent = [offer.offer_id for offer in world.reference.offers]
            seen = _seen(world, list(asked_of(world, sent, seed)))
            title = f"{kind}, seed {seed}, {decisions:,} decisions: standard errors"
            table = Table("the baseline is told", "all offers", "one of them", title=title)
            for told, columns in TOLD.items():
                of_all, of_one = errors(seen, len(sent), columns)
                table.add_row(told, f"{of_all:.3f}", f"{of_one:.3f}")
            console.print(table)
            console.print(_table_of_designs(world, seen))


def errors(seen: Campaign, offers: int, told: tuple[str, ...]) -> tuple[float, float]:
    """Standard errors of the share of all offers, and of one, by what a baseline is told."""
    treated = seen.columns["offered"]
    rest = _rest_of(seen, "orders", told)
    with_offer, without = treated.sum(), (1.0 - treated).sum()
    of_all = (rest.var() * (1.0 / with_offer + 1.0 / without)) ** 0.5
    of_one = (rest.var() * (offers / with_offer + 1.0 / without)) ** 0.5
    return float(of_all / _more(seen)), float(of_one / _more(seen))


def designs(world: World, seen: Campaign) -> Iterator[Design]:
    """The ways to compare; the baseline is that of the product but where it is said otherwise."""
    product, treated = TOLD["the orders before, as the product is"], seen.columns["offered"]
    known = _rest_of(seen, "orders", product).var()
    best = _rest_of(seen, "orders", (*product, "life")).var()
    early = _rest_of(seen, "early", product).var()
    own, best_own = (
        fmean(_rest(o, treated, [b]).var() for o, b in zip(seen.departments.T, told.T, strict=True))
        for told in (seen.departments_before, seen.departments_life)
    )
    many, n = len(world.reference.offers), len(treated)
    of_category, of_any = (
        (_more(seen, wide), _pulled(world, wide), cost_of_a_decision(world, wide))
        for wide in (False, True)
    )

    def one(name: str, variance: float, sent: int, of: tuple[float, float, float]) -> Design:
        more, _, cost = of
        scale = sent / treated.sum() + 1.0 / (1.0 - treated).sum()
        return Design(name, float((variance * scale) ** 0.5 / more), 0.0, n, cost)

    short = one("it alone: orders of the first 7 days", early, 1, of_category)
    yield short._replace(bias=of_category[1])
    for sent, name in ((many, f"{many} offers"), (1, "it alone")):
        yield one(f"{name}: all orders, as the product", known, sent, of_category)
        yield one(f"{name}: told {LIFE}", best, sent, of_category)
        yield one(f"{name}: orders of its category", own, sent, of_category)
        yield one(f"{name}: both of these", best_own, sent, of_category)
    yield one(f"any order, {many} offers: as the product", known, many, of_any)
    yield one("any order, it alone: as the product", known, 1, of_any)
    yield one(f"any order, it alone: told {LIFE}", best, 1, of_any)


def cost_of_a_decision(world: World, wide: bool) -> float:
    """What comparing costs: half of what sending an offer changes, on the mean of the offers."""
    brought: dict[str, list[float]] = defaultdict(list)
    for effect in _effects(world, wide):
        brought[effect.offer_id].append(effect.margin - effect.contact_cost)
    return OFFERED * fmean(abs(fmean(values)) for values in brought.values())


def _table_of_designs(world: World, seen: Campaign) -> Table:
    title = f"{world.kind}: designs, half of the decisions without an offer"
    table = Table("design", "error", "bias", title=title)
    for points in (POINTS, POINTS / 2.0):
        table.add_column(f"decisions for {points:g}")
    table.add_column(f"cost of the former, {world.shop.currency}")
    for one in designs(world, seen):
        needed = [one.decisions * (one.error / p) ** 2 for p in (POINTS, POINTS / 2.0)]
        told = [f"{round(n, -3):,.0f}" for n in needed]
        cost = f"{needed[0] * one.cost:,.0f}"
        table.add_row(one.name, f"{one.error:.3f}", f"{one.bias:+.2f}", *told, cost)
    return table


def _effects(world: World, wide: bool) -> Iterator[OfferEffect]:
    """Of offers for any order, or of those for a category."""
    any_order = {o.offer_id: not o.conditions.categories for o in world.reference.offers}
    return (e for e in world.offer_effects if any_order[e.offer_id] == wide)


def _pulled(world: World, wide: bool) -> float:
    """By how much the share is off where orders that are brought forward count as brought."""
    did = [effect.did for effect in _effects(world, wide) if effect.did != "nothing"]
    return -sum(d == "pulled_forward" for d in did) / len(did)


def _more(seen: Campaign, wide: bool | None = None) -> float:
    """How many more offers are used by those who are sent one: of any order or not; None: all."""
    uses, treated = seen.columns["uses"], seen.columns["offered"] > 0
    sent = treated if wide is None else treated & (seen.columns["wide"] == float(wide))
    return float(uses[sent].mean() - uses[~treated].mean())


def _rest_of(seen: Campaign, label: str, told: tuple[str, ...]) -> Floats:
    columns = [seen.columns[name] for name in told]
    return _rest(seen.columns[label], seen.columns["offered"], columns)


def _rest(orders: Floats, treated: Floats, told: list[Floats]) -> Floats:
    """Orders above what a regression expects."""
    x = np.column_stack([np.ones(len(orders)), treated, *told])
    return np.asarray(orders - x @ np.linalg.lstsq(x, orders, rcond=None)[0])


def _seen(world: World, asked: list[tuple[Asked, int]]) -> Campaign:
    columns: dict[str, list[float]] = defaultdict(list)
    departments, before, pending, tastes = [], [], [], []
    guess = Guess(world)
    any_order = {o.offer_id: not o.conditions.categories for o in world.reference.offers}
    for one, now_ms in asked:
        person, course = world.person(one.customer_id), world.course(one.customer_id)
        inside = [o for o in person.orders if one.at_ms < o.at_ms <= now_ms]
        alive = float(person.leaves_ms > one.at_ms)
        told = {
            "orders": orders_between(person.orders, one.at_ms, now_ms),
            "early": orders_between(person.orders, one.at_ms, one.at_ms + WINDOW_MS // 2),
            "uses": sum(order.decision_id is not None for order in inside),
            "offered": one.offer_id is not None,
            "wide": any_order.get(one.offer_id or "", False),
            "before": one.before[0],
            "long_before": one.before[1],
            "alive": alive,
            "rate": alive * WINDOW_DAYS / person.gap_days,
            "organic": orders_between(person.organic_orders, one.at_ms, now_ms),
        }
        for name, value in told.items():
            columns[name].append(float(value))
        departments.append(_by_department(world, person.orders, one.at_ms, now_ms))
        month_ms = one.at_ms - 4 * WINDOW_MS
        before.append(_by_department(world, person.organic_orders, month_ms, one.at_ms))
        came = [o.at_ms for o in course.life.orders if o.at_ms <= one.at_ms]
        times = max(came, default=one.at_ms), one.at_ms, min(now_ms, person.leaves_ms)
        own = guess.passed(one.customer_id, times) / course.person.gap_days
        pending.append((own[1] - own[0], max(own[2] - own[1], 0.0) * bool(came)))
        tastes.append(course.person.tastes)
    arrays = {name: np.array(values) for name, values in columns.items()}
    arrays["life"] = _renewals(np.array(pending), world.settings.regularity)
    liked = np.array(tastes)
    life = arrays["life"][:, None] * liked / liked.sum(1, keepdims=True)
    return Campaign(arrays, np.array(departments), np.array(before), life)


def _by_department(
    world: World, orders: tuple[PlannedOrder, ...], after_ms: int, until_ms: int
) -> list[int]:
    found = [0] * len(world.shop.departments)
    for order in orders:
        found[order.department] += after_ms < order.at_ms <= until_ms
    return found


def _renewals(pending: Floats, shape: float) -> Floats:
    """Orders to be expected, in gaps: of (time since the last one, time to come), `[n, 2]`."""
    draw, means = np.random.default_rng(SEED), []
    for begin in range(0, len(pending), CHUNK):
        since, ahead = pending[begin : begin + CHUNK].T
        many = int(2.0 * ahead.max() + 12)
        left = gamma.sf(since, shape, scale=1.0 / shape)
        first = gamma.isf(left * draw.random((DRAWS, len(since))), shape, scale=1.0 / shape) - since
        gaps = draw.gamma(shape, 1.0 / shape, (many, DRAWS, len(since))).cumsum(0)
        came = (first <= ahead) + (first + gaps <= ahead).sum(0)
        means.append(came.mean(0))
    return np.concatenate(means)


if __name__ == "__main__":
    main()
