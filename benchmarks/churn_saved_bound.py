"""What contacts could save at best in a world: `python -m benchmarks.churn_saved_bound`.

Somebody who knows the truth acts in the worlds of `churn_worlds`: who is persuadable, who has left,
what they would buy. They get in touch the day after a persuadable person has left, if that is worth
its cost on the average of luck, and with nobody else; the rules of the shop hold (consent to
profiling, `min_purchases`, `contact_cost`, `control_share`). People are then drawn from these
worlds, so many at a time, to see how often an interval tells what was saved from nothing.

Everything is a function of kinds, seeds, people and draws.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import click
import numpy as np
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from benchmarks.churn_saved_entries import WAYS, Entry, margins_around
from benchmarks.options import Names, Seeds
from streams.contracts.ids import unit_draw
from streams.contracts.times import DAY_MS
from streams.simulator.worlds import KINDS, World, WorldKind
from streams.simulator.worlds.course import Course
from streams.simulator.worlds.foreseen import foreseen

SIZES = (300, 1_000, 3_000, 10_000)
Pool = dict[tuple[int, str], list[Entry]]
console = Console(width=120)


@click.command()
@click.option(
    "--kinds", default=",".join(KINDS), show_default=True, type=Names(KINDS), help="By comma."
)
@click.option(
    "--seeds", default="1,2,3,4,5,6", show_default=True, type=Seeds(), help="Worlds, by comma."
)
@click.option("--customers", default=1_000, show_default=True, type=click.IntRange(1))
@click.option("--days", default=180, show_default=True, type=click.IntRange(40, 730))
@click.option("--draws", default=200, show_default=True, type=click.IntRange(2))
def main(
    kinds: tuple[WorldKind, ...], seeds: tuple[int, ...], customers: int, days: int, draws: int
) -> None:
    """Say what the best that can be known would save, and from how many people on it shows."""
    for kind in kinds:
        worlds = [World(kind, customers, days, seed) for seed in seeds]
        pool: Pool = {}
        for world in worlds:
            pool |= at_best(world)
        console.print(told(pool, SIZES, draws, f"{kind}, {worlds[0].shop.currency}"))


def at_best(world: World) -> Pool:
    """Everybody of a world and their cases, by somebody who knows the truth."""
    return {
        (world.seed, customer_id): list(_cases(world, world.course(customer_id)))
        for customer_id in world.customer_ids
    }


def _cases(world: World, course: Course) -> Iterator[Entry]:
    """One for each time that the person leaves, comes back and leaves again."""
    churn, person = world.reference.policies.churn, course.person
    if person.contact_type != "persuadable" or "profiling" not in person.consents:
        return
    now_ms = course.leaves_ms + DAY_MS
    while now_ms < world.end_ms:
        orders = tuple(o for o in course.planned.values() if o.at_ms < course.leaves_ms)
        gained = foreseen(course, now_ms).margin - churn.contact_cost
        if len(orders) < churn.min_purchases or gained <= 0.0:
            return
        treated = unit_draw("arm", person.customer_id, str(now_ms)) >= churn.control_share
        changed = 0.0
        if treated:
            draw = unit_draw("contact", person.customer_id, str(now_ms))
            _, changed = course.contact(now_ms, draw)
        after, foretold = margins_around(
            world.kind, tuple(course.planned.values()), now_ms, world.end_ms
        )
        cost = churn.contact_cost if treated else 0.0
        yield Entry(
            person=(world.seed, person.customer_id),
            treated=treated,
            after=after - cost,
            foretold=foretold,
            pair=changed - cost,
            luck=gained,
        )
        if course.is_gone(now_ms):
            return
        now_ms = course.leaves_ms + DAY_MS


def told(pool: Pool, sizes: Sequence[int], draws: int, title: str) -> Table:
    """By number of people and way of measuring: what was saved, and whether it can be told."""
    table = Table("people", "cases", "measured by", "saved a case", "+-", "above 0", title=title)
    for size in sizes:
        drawn = [drawn_of(pool, size, np.random.default_rng([size, n])) for n in range(draws)]
        cases = float(np.mean([sum(e.treated for e in entries) for entries in drawn]))
        for way, measure in WAYS.items():
            found = [e for e in map(measure, drawn) if e is not None]
            above = sum(e.low > 0.0 for e in found) / draws
            if not found:
                table.add_row(f"{size:,}", f"{cases:.0f}", way, "-", "-", f"{above:.0%}")
                continue
            value = np.median([e.value for e in found])
            half = np.median([e.value - e.low for e in found])
            table.add_row(
                f"{size:,}", f"{cases:.0f}", way, f"{value:,.1f}", f"{half:,.1f}", f"{above:.0%}"
            )
        table.add_section()
    return table


def drawn_of(pool: Pool, size: int, rng: np.random.Generator) -> list[Entry]:
    """The cases of so many people, drawn from all with replacement; each draw is somebody new."""
    people = list(pool)
    counts: dict[int, int] = defaultdict(int)
    entries: list[Entry] = []
    for n in rng.integers(len(people), size=size).tolist():
        counts[n] += 1
        again = counts[n], str(n)
        entries.extend(replace(entry, person=again) for entry in pool[people[n]])
    return entries


if __name__ == "__main__":
    main()
