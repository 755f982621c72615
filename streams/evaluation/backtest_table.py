"""A backtest side by side, for a terminal."""

from collections.abc import Iterator, Mapping

from rich.table import Column, Table

from streams.evaluation.backtest import Backtest, Ran, Sent

WITHHELD_MAX = 15
_TITLES = {
    "by_offer": "offer",
    "by_stage": "stage of the customer",
    "by_trigger": "asked for by",
    "by_channel": "channel",
}


def tables(found: Backtest) -> Iterator[Table]:
    """Verdicts; what is sent as a whole, by offer, stage, trigger and channel; what is withheld."""
    yield _counts("verdict", found.old.verdicts, found.new.verdicts)
    yield _sent("", {"all offers": found.old.whole}, {"all offers": found.new.whole})
    for name, title in _TITLES.items():
        yield _sent(title, getattr(found.old, name), getattr(found.new, name))
    if found.old.alerts or found.new.alerts:
        yield _counts("churn alerts", found.old.alerts, found.new.alerts)
    yield from _withheld(found.old, found.new)


def _counts(title: str, old: Mapping[str, int], new: Mapping[str, int]) -> Table:
    table = Table(title, *(Column(name, justify="right") for name in ("old", "new", "change")))
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name, 0), new.get(name, 0)
        table.add_row(name, f"{before:,}", f"{after:,}", f"{after - before:+,}")
    return table


def _sent(title: str, old: Mapping[str, Sent], new: Mapping[str, Sent]) -> Table:
    headings = ("offers old", "new", "people old", "new", "value old", "new", "cost old", "new")
    table = Table(title, *(Column(name, justify="right") for name in headings))
    for name in sorted({*old, *new}):
        before, after = old.get(name, Sent()), new.get(name, Sent())
        cells = (
            f"{before.offers:,}", f"{after.offers:,}", f"{before.people:,}", f"{after.people:,}",
            f"{before.value:,.2f}", f"{after.value:,.2f}",
            f"{before.cost:,.2f}", f"{after.cost:,.2f}",
        )  # fmt: skip
        table.add_row(name, *cells)
    return table


def _withheld(old: Ran, new: Ran) -> Iterator[Table]:
    """Where the reasons differ most."""
    names = {*old.withheld, *new.withheld}
    change = {n: new.withheld.get(n, 0) - old.withheld.get(n, 0) for n in names}
    most = sorted((n for n in names if change[n]), key=lambda n: (-abs(change[n]), n))
    if most:
        shown = most[:WITHHELD_MAX]
        yield _counts(
            "not possible because of",
            {n: old.withheld.get(n, 0) for n in shown},
            {n: new.withheld.get(n, 0) for n in shown},
        )
