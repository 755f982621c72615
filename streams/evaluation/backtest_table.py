"""A backtest side by side, for a terminal and a report: what stood before, then the others."""

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter

from msgspec import Struct
from rich.table import Column, Table

from streams.evaluation.backtest import Backtest, Ran, Sent

WITHHELD_MAX = 15
GROUPS = {
    "by_offer": "offer",
    "by_stage": "stage of the customer",
    "by_trigger": "asked for by",
    "by_channel": "channel",
}
FIGURES = ("offers", "people", "value", "cost")


class Compared(Struct, frozen=True):
    """A table: its headings, and rows of cells, a name first."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def compared(found: Backtest) -> Iterator[Compared]:
    """Verdicts; what is sent as a whole, by offer, stage, trigger and channel; what is withheld."""
    yield _counts("verdict", found, lambda side: side.verdicts)
    yield _sent("all offers", found, lambda side: {"all offers": side.whole})
    for name, title in GROUPS.items():
        yield _sent(title, found, attrgetter(name))
    if any(side.alerts for side in found.sides):
        yield _counts("churn alerts", found, lambda side: side.alerts)
    yield from _withheld(found)


def tables(found: Backtest) -> Iterator[Table]:
    """The same for a terminal."""
    for one in compared(found):
        table = Table(one.headings[0], *(Column(h, justify="right") for h in one.headings[1:]))
        for row in one.rows:
            table.add_row(*row)
        yield table


def _counts(title: str, found: Backtest, counts: Callable[[Ran], Mapping[str, int]]) -> Compared:
    """How often, under each, and how much more than before."""
    before, *others = (counts(side) for side in found.sides)
    names = dict.fromkeys(name for side in found.sides for name in counts(side))
    headings = [title, found.sides[0].name]
    for side in found.sides[1:]:
        headings += [side.name, "change"]
    rows = []
    for name in names:
        was = before.get(name, 0)
        cells = [name, f"{was:,}"]
        for other in others:
            cells += [f"{other.get(name, 0):,}", f"{other.get(name, 0) - was:+,}"]
        rows.append(tuple(cells))
    return Compared(title, tuple(headings), tuple(rows))


def _sent(title: str, found: Backtest, sent: Callable[[Ran], Mapping[str, Sent]]) -> Compared:
    """A line for each side, so that any number fits a page."""
    names = sorted({name for side in found.sides for name in sent(side)})
    rows = [
        (name if side is found.sides[0] else "", side.name, *_figures(sent(side).get(name)))
        for name in names
        for side in found.sides
    ]
    return Compared(title, (title, "reference data", *FIGURES), tuple(rows))


def _figures(sent: Sent | None) -> tuple[str, ...]:
    one = sent or Sent()
    return f"{one.offers:,}", f"{one.people:,}", f"{one.value:,.2f}", f"{one.cost:,.2f}"


def _withheld(found: Backtest) -> Iterator[Compared]:
    """Where the reasons differ most."""
    names = {name for side in found.sides for name in side.withheld}
    spread = {n: [side.withheld.get(n, 0) for side in found.sides] for n in names}
    most = sorted(
        (n for n in names if max(spread[n]) > min(spread[n])),
        key=lambda n: (min(spread[n]) - max(spread[n]), n),
    )[:WITHHELD_MAX]
    if most:
        yield _counts(
            "not possible because of",
            found,
            lambda side: {n: side.withheld.get(n, 0) for n in most},
        )
