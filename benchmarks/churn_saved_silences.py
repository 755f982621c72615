"""What a contact is worth by silence: `python -m benchmarks.churn_saved_silences`.

In worlds without the product everybody is looked at when they have been silent for so many of
their own mean gaps so far, within the horizon, and it is said what a contact would bring then on
the average of luck, less its cost: all, those who unsubscribed before, and those who were not seen
since their last order. Every look stands for itself: nobody is contacted.
"""

from collections.abc import Iterator

import click
import numpy as np
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from benchmarks.options import Names, Seeds
from streams.contracts.times import DAY_MS
from streams.simulator.worlds import KINDS, World, WorldKind
from streams.simulator.worlds.course import Course
from streams.simulator.worlds.foreseen import foreseen

GAPS = (1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0)
FROM_DAY = 60
FEW = 10
console = Console(width=120)


class Silence(Struct, frozen=True, kw_only=True):
    """Somebody who has been silent for so many own gaps; margins are in the shop's currency.

    Attributes:
        gone: whether they have left.
        asleep: whether they are a sleeping dog who is still there.
        contact: what a contact would save in the play, less its cost; `offer` without what the
            coupon does and without a cost.
    """

    gaps: float
    gone: bool
    asleep: bool
    unsubscribed: bool
    unseen: bool
    contact: float
    offer: float


@click.command()
@click.option(
    "--kinds", default=",".join(KINDS), show_default=True, type=Names(KINDS), help="By comma."
)
@click.option("--seeds", default="1,2", show_default=True, type=Seeds(), help="By comma.")
@click.option("--customers", default=1_500, show_default=True, type=click.IntRange(1))
@click.option("--days", default=180, show_default=True, type=click.IntRange(40, 730))
def main(kinds: tuple[WorldKind, ...], seeds: tuple[int, ...], customers: int, days: int) -> None:
    """Say what contacts are worth by silence, in worlds without the product."""
    for kind in kinds:
        worlds = [World(kind, customers, days, seed) for seed in seeds]
        found = [silence for world in worlds for silence in silences_of(world)]
        console.print(told(found, f"{kind}, {worlds[0].shop.currency}"))


def silences_of(world: World) -> Iterator[Silence]:
    """Of everybody who lets the shop profile them."""
    for customer_id in world.customer_ids:
        course = world.course(customer_id)
        if "profiling" in course.person.consents:
            yield from _silences(world, course)


def _silences(world: World, course: Course) -> Iterator[Silence]:
    churn, at = world.reference.policies.churn, [order.at_ms for order in course.organic]
    for n in range(1, len(at)):
        mean_ms = max((at[n] - at[0]) / n, DAY_MS)
        for gaps in GAPS:
            now_ms = at[n] + round(gaps * mean_ms)
            ends_ms = min([*at[n + 1 : n + 2], at[n] + churn.horizon_ms, world.end_ms])
            if now_ms >= ends_ms:
                break
            if now_ms < world.start_ms + FROM_DAY * DAY_MS:
                continue
            gone, known_ms = course.is_gone(now_ms), min(now_ms, course.leaves_ms)
            yield Silence(
                gaps=gaps,
                gone=gone,
                asleep=course.person.contact_type == "sleeping_dog" and not gone,
                unsubscribed=any(
                    notice.kind == "unsubscribe" and notice.at_ms < known_ms
                    for notice in course.life.notices
                ),
                unseen=not any(at[n] < visit < known_ms for visit in course.life.visits_ms),
                contact=foreseen(course, now_ms).margin - churn.contact_cost,
                offer=foreseen(course, now_ms, "offer").margin,
            )


def told(found: list[Silence], title: str) -> Table:
    """By silence: how many, of whom left, of whom better left alone, and what a contact saves."""
    table = Table(
        "own gaps", "who", "looks", "left", "asleep", "contact", "+-", "offer", title=title
    )
    for gaps in GAPS:
        here = [s for s in found if s.gaps == gaps]
        groups = {
            "all": here,
            "unsubscribed": [s for s in here if s.unsubscribed],
            "not seen since": [s for s in here if s.unseen],
        }
        for who, group in groups.items():
            if len(group) < FEW:
                continue
            saved = np.array([s.contact for s in group])
            table.add_row(
                f"{gaps:g}",
                who,
                f"{len(group):,}",
                f"{np.mean([s.gone for s in group]):.2f}",
                f"{np.mean([s.asleep for s in group]):.2f}",
                f"{saved.mean():,.1f}",
                f"{1.96 * saved.std() / len(group) ** 0.5:,.1f}",
                f"{np.mean([s.offer for s in group]):,.1f}",
            )
        table.add_section()
    return table


if __name__ == "__main__":
    main()
