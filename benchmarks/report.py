"""Sittings as tables: on the screen, and in docs/bench.md between two markers."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median

from msgspec.structs import replace
from rich.table import Table

from benchmarks.picture import draw
from benchmarks.results import Run, Sitting

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
BUSY_SHARE = 0.05
STRETCH_S_MIN = 3.0
CAPTION = "Events a second of each contender, and an event's cost over the number of customers"
EVENTS = ("events/s", "CPU us/event")
TITLES = {
    "state": "The state pipeline, one core each",
    "pieces": "What each piece buys",
    "product": "The whole product",
    "latency": "Event in to offer out, at 1,000 events/s",
    "restore": "Restore from the changelog, one core",
    "workers": "Worker processes",
    "scale": "Cost over the number of customers",
}
Lines = list[tuple[str, ...]]


def as_table(runs: Iterable[Run]) -> Iterator[Table]:
    """One table a scenario, medians over the rounds."""
    for title, head, lines in tables(list(runs)):
        shown = Table(*head, title=title)
        for line in lines:
            shown.add_row(*line)
        yield shown


def write_report(sittings: Iterable[Sitting], out: Path, picture: Path) -> None:
    """Put the tables between the markers and draw the picture.

    What was measured in several sittings is shown as the last of them has it.

    Raises:
        ValueError: the document has no markers.
    """
    text = out.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{out} has no {BEGIN} and {END}")
    shown = newest(sittings)
    parts = (line for part in shown for line in _part(part))
    inside = "\n".join([BEGIN, f"![{CAPTION}]({picture.name})", *parts, "", END])
    pattern = re.compile(re.escape(BEGIN) + ".*" + re.escape(END), re.DOTALL)
    out.write_text(pattern.sub(lambda _: inside, text), encoding="utf-8")
    runs = [run for part in shown for run in part.runs]
    picture.write_text(draw(runs), encoding="utf-8")


def newest(sittings: Iterable[Sitting]) -> list[Sitting]:
    """One for each scenario, with its runs as the last sitting that measured it has them."""
    found: dict[str, Sitting] = {}
    for one in sittings:
        for name in TITLES:
            if runs := [run for run in one.runs if run.scenario == name]:
                found[name] = replace(one, runs=runs)
    return [found[name] for name in TITLES if name in found]


def tables(runs: list[Run]) -> Iterator[tuple[str, tuple[str, ...], Lines]]:
    """Title, head and lines of every scenario that was measured."""
    makers = {
        "state": _state,
        "pieces": _events,
        "product": _product,
        "latency": _latency,
        "restore": _restore,
        "workers": _events,
        "scale": _scale,
    }
    for name, title in TITLES.items():
        own = [run for run in runs if run.scenario == name]
        if own:
            head, lines = makers[name](own)
            yield title, head, lines


def medians(runs: Iterable[Run]) -> dict[str, dict[str, float]]:
    """Median of each number, by contender, in the order of the runs."""
    found: dict[str, dict[str, list[float]]] = {}
    for run in runs:
        own = found.setdefault(run.contender, {})
        for name, value in run.numbers.items():
            own.setdefault(name, []).append(value)
    return {c: {n: median(v) for n, v in own.items()} for c, own in found.items()}


def _part(part: Sitting) -> Iterator[str]:
    """One scenario: its title, what it was measured on, its table."""
    ((title, head, lines),) = tables(part.runs)
    arguments = " ".join(f"{name}={value:,}" for name, value in part.arguments.items())
    yield f"\n### {title}\n"
    yield f"Commit `{part.commit}`, {part.machine}; {arguments}; medians over the rounds."
    if busy := _busy(part.runs):
        yield f"**The machine was busy**: {busy}. What was measured by the wall clock is too low."
    if short := [r for r in part.runs if r.numbers.get("wall_s", STRETCH_S_MIN) < STRETCH_S_MIN]:
        names = ", ".join(sorted({run.contender for run in short}))
        too_short = f"**Too short** (under {STRETCH_S_MIN:.0f} s; one commit more or less counts)"
        yield f"{too_short}: {names}."
    yield f"\n| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(line)} |" for line in lines)


def _busy(runs: Iterable[Run]) -> str:
    """Which runs had to share their core with somebody else."""
    pinned = [r for r in runs if r.scenario in ("state", "pieces", "product", "scale")]
    alone = [r for r in pinned if "core" not in r.contender]
    shares = [r.numbers.get("foreign_share", 0.0) for r in alone]
    high = [share for share in shares if share > BUSY_SHARE]
    if not high:
        return ""
    return f"in {len(high)} of {len(shares)} runs others used up to {max(high):.0%} of the core"


def _state(runs: list[Run]) -> tuple[tuple[str, ...], Lines]:
    found = medians(runs)
    first = next(iter(found.values()))
    lines = [
        (
            name,
            f"{n['events_per_s']:,.0f}",
            f"{n['cpu_us']:.1f}",
            f"{first['events_per_s'] / n['events_per_s']:.2f}x",
            f"{n['cpu_us'] / first['cpu_us']:.2f}x",
            f"{n['row_bytes']:,.0f}" if n["row_bytes"] else "",
            str(sum(r.contender == name for r in runs)),
        )
        for name, n in found.items()
    ]
    head = ("contender", *EVENTS, "first is faster by", "first needs less CPU by", "row bytes")
    return (*head, "runs"), lines


def _events(runs: list[Run]) -> tuple[tuple[str, ...], Lines]:
    lines = [
        (name, f"{n['events_per_s']:,.0f}", f"{n['cpu_us']:.1f}")
        for name, n in medians(runs).items()
    ]
    return ("what", *EVENTS), lines


def _product(runs: list[Run]) -> tuple[tuple[str, ...], Lines]:
    found = medians(runs).values()
    head, lines = _events(runs)
    shares = [
        (f"{n['decisions_per_event']:.2f}", f"{n['offers_per_event']:.2f}")
        if "offers_per_event" in n
        else ("", "")
        for n in found
    ]
    more = [(*line, *share) for line, share in zip(lines, shares, strict=True)]
    return (*head, "decisions/event", "offers/event"), more


def _latency(runs: list[Run]) -> tuple[tuple[str, ...], Lines]:
    lines = [
        (name, *(f"{n[f'{which}_ms']:.1f} ms" for which in ("p50", "p90", "p99", "max")),
         f"{n['offers_per_s']:,.0f}")
        for name, n in medians(runs).items()
    ]  # fmt: skip
    return ("what", "p50", "p90", "p99", "greatest", "offers/s"), lines


def _restore(runs: list[Run]) -> tuple[tuple[str, ...], Lines]:
    lines = [
        (name, f"{n['rows_per_s']:,.0f}", f"{n['cpu_us_per_row']:.1f}", f"{n['rows']:,.0f}")
        for name, n in medians(runs).items()
    ]
    return ("what", "rows/s", "CPU us/row", "rows"), lines


def _scale(runs: list[Run]) -> tuple[tuple[str, ...], Lines]:
    lines = [
        (
            f"{run.x:,.0f}",
            run.contender,
            f"{run.numbers['events_per_s']:,.0f}",
            f"{run.numbers['cpu_us']:.1f}",
            f"{run.numbers['restored_per_s']:,.0f}",
        )
        for run in runs
    ]
    return ("customers", "events", *EVENTS, "restored rows/s"), lines
