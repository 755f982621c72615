"""Sittings as tables: on the screen, and in docs/bench.md between two markers."""

import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace
from rich.table import Table

from benchmarks.goals import against_goals
from benchmarks.picture import draw
from benchmarks.results import STRETCH_S_MIN, Run, Sitting, medians

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
BUSY_SHARE = 0.05
TOO_SHORT = "too short"
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


def report(text: str, shown: list[Sitting], picture: str) -> str:
    """The document with the tables of these sittings between its markers.

    Raises:
        ValueError: the document has no markers.
    """
    if BEGIN not in text or END not in text:
        raise ValueError(f"the document has no {BEGIN} and {END}")
    parts = (line for part in shown for line in _part(part))
    runs = [run for part in shown for run in part.runs]
    goals = [f"| {goal} | {reached} |" for goal, reached in against_goals(runs)]
    inside = "\n".join(
        [
            BEGIN,
            _commits(shown),
            f"\n![{CAPTION}]({picture})",
            *parts,
            "\n### Against what the runtime was meant to reach\n\n| goal | reached |\n|---|---|",
            *goals,
            "",
            END,
        ]
    )
    pattern = re.compile(re.escape(BEGIN) + ".*" + re.escape(END), re.DOTALL)
    return pattern.sub(lambda _: inside, text)


def picture_of(shown: list[Sitting]) -> str:
    """Their picture, as SVG."""
    return draw([run for part in shown for run in part.runs])


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


def _commits(shown: list[Sitting]) -> str:
    """Whether one run on one commit measured it all."""
    commits = list(dict.fromkeys(part.commit for part in shown))
    if len(commits) == 1 and len(shown) == len(TITLES):
        told = f"All of it was measured on one commit, `{commits[0]}`."
    else:
        told = (
            f"**These tables are of several runs, on {len(commits)} commits**, until all of it is "
            f"measured again on one. Compare lines of one table only."
        )
    notes = dict.fromkeys(part.note for part in shown if part.note)
    return " ".join([told, *notes])


def _part(part: Sitting) -> Iterator[str]:
    """One scenario: its title, what it was measured on, its table."""
    ((title, head, lines),) = tables(part.runs)
    arguments = " ".join(f"{name}={value:,}" for name, value in part.arguments.items())
    yield f"\n### {title}\n"
    yield f"Commit `{part.commit}`, {part.machine}; {arguments}; medians over the rounds."
    if busy := _busy(part.runs):
        yield f"**The machine was busy**: {busy}. What was measured by the wall clock is too low."
    if any(TOO_SHORT in line for line in lines):
        yield (
            f"**{TOO_SHORT.capitalize()}**: under {STRETCH_S_MIN:.0f} s, where one commit more or "
            f"less decides; no figure is better than a wrong one."
        )
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


def _speed_and_cost(numbers: dict[str, float]) -> tuple[str, str]:
    """Two cells; a stretch that was too short has neither."""
    if "cpu_us" not in numbers:
        return TOO_SHORT, ""
    return f"{numbers['events_per_s']:,.0f}", f"{numbers['cpu_us']:.1f}"


def _times(more: dict[str, float], less: dict[str, float], name: str) -> str:
    """A cell that compares two contenders, where both have a figure."""
    return f"{more[name] / less[name]:.2f}x" if name in more and name in less else ""


def _state(runs: list[Run]) -> tuple[tuple[str, ...], Lines]:
    found = medians(runs)
    first = next(iter(found.values()))
    lines: Lines = [
        (
            name,
            *_speed_and_cost(n),
            _times(first, n, "events_per_s"),
            _times(n, first, "cpu_us"),
            f"{n['row_bytes']:,.0f}" if n["row_bytes"] else "",
            str(sum(r.contender == name for r in runs)),
        )
        for name, n in found.items()
    ]
    head = ("contender", *EVENTS, "first is faster by", "first needs less CPU by", "row bytes")
    return (*head, "runs"), lines


def _events(runs: list[Run]) -> tuple[tuple[str, ...], Lines]:
    lines: Lines = [(name, *_speed_and_cost(n)) for name, n in medians(runs).items()]
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
    lines: Lines = [
        (name, *(f"{n[f'{which}_ms']:.1f} ms" for which in ("p50", "p90", "p99", "max")),
         f"{n['offers_per_s']:,.0f}")
        for name, n in medians(runs).items()
    ]  # fmt: skip
    return ("what", "p50", "p90", "p99", "greatest", "offers/s"), lines


def _restore(runs: list[Run]) -> tuple[tuple[str, ...], Lines]:
    lines: Lines = [
        (name, f"{n['rows_per_s']:,.0f}", f"{n['cpu_us_per_row']:.1f}", f"{n['rows']:,.0f}")
        for name, n in medians(runs).items()
    ]
    return ("what", "rows/s", "CPU us/row", "rows"), lines


def _scale(runs: list[Run]) -> tuple[tuple[str, ...], Lines]:
    lines: Lines = [
        (
            f"{run.x:,.0f}",
            run.contender,
            *_speed_and_cost(run.numbers),
            f"{run.numbers['restored_per_s']:,.0f}"
            if "restored_per_s" in run.numbers
            else TOO_SHORT,
        )
        for run in runs
    ]
    return ("customers", "events", *EVENTS, "restored rows/s"), lines
