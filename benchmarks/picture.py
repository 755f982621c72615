"""The picture of a sitting, as SVG: throughput bars, and cost over the number of customers."""

from collections.abc import Iterable
from html import escape
from math import log10
from statistics import median

from benchmarks.results import Run

WIDTH, BAR, GAP, LABEL = 1_000, 22, 10, 390
INK, SOFT, OURS, THEIRS = "#1d2a30", "#55666e", "#5f7d3a", "#9db4c0"
FONT = "system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif"


def draw(runs: list[Run]) -> str:
    """Bars of the state pipeline above, the curve of the scale below; what has no figure is out."""
    speeds = [r for r in runs if r.scenario == "state" and "events_per_s" in r.numbers]
    bars, height = _bars(speeds, 50)
    curve, total = _curve([r for r in runs if r.scenario == "scale"], height + 50)
    body = "\n".join([*bars, *curve])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" '
        f'width="{WIDTH}" height="{total}" font-family="{FONT}" role="img" '
        f'aria-label="Events per second and cost per event">\n'
        f'<rect width="{WIDTH}" height="{total}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _bars(runs: list[Run], top: int) -> tuple[list[str], int]:
    speeds: dict[str, list[float]] = {}
    for run in runs:
        speeds.setdefault(run.contender, []).append(run.numbers["events_per_s"])
    if not speeds:
        return [], top
    middle = {name: median(values) for name, values in speeds.items()}
    scale = (WIDTH - LABEL - 110) / max(max(values) for values in speeds.values())
    title = "State pipeline: events/s on one core (median, and the range of the rounds)"
    drawn = [_text(20, top - 22, title, 15, weight=700)]
    for name, value in middle.items():
        color = OURS if name.startswith("offerstream") else THEIRS
        width = max(1.0, value * scale)
        drawn.append(_text(LABEL - 10, top + 16, name, 13, anchor="end"))
        drawn.append(
            f'<rect x="{LABEL}" y="{top}" width="{width:.1f}" height="{BAR}" fill="{color}"/>'
        )
        low, high = (LABEL + edge(speeds[name]) * scale for edge in (min, max))
        drawn.append(_text(high + 8, top + 16, f"{value:,.0f}", 13, color=SOFT))
        y = top + BAR / 2
        drawn.append(f'<path d="M{low:.1f},{y}H{high:.1f}" stroke="{INK}" stroke-width="1.2"/>')
        top += BAR + GAP
    return drawn, top


def _curve(runs: list[Run], top: int) -> tuple[list[str], int]:
    """A line for each load, named where it ends."""
    loads = dict.fromkeys(r.contender for r in runs)
    runs = [r for r in runs if "cpu_us" in r.numbers]
    if not runs:
        return [], top
    height, left, right = 180, 70, WIDTH - 180
    highest = max(r.numbers["cpu_us"] for r in runs) * 1.25
    low, high = (log10(edge(r.x for r in runs)) for edge in (min, max))
    span = max(high - low, 1e-9)

    def across(customers: float) -> float:
        return left + (log10(customers) - low) / span * (right - left)

    drawn = [
        _text(20, top - 22, "CPU us/event over the number of customers", 15, weight=700),
        f'<path d="M{left},{top}V{top + height}H{right}" fill="none" stroke="{SOFT}"/>',
    ]
    looks = ((OURS, 22), (THEIRS, -10))
    for load, (color, beside) in zip(loads, looks, strict=False):
        points = [
            (across(r.x), top + height - r.numbers["cpu_us"] / highest * height, r)
            for r in runs
            if r.contender == load
        ]
        if not points:
            continue  # every stretch of this load was too short
        drawn.append(
            f'<path d="M{_joined(points)}" fill="none" stroke="{color}" stroke-width="2.5"/>'
        )
        for x, y, run in points:
            drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{color}"/>')
            drawn.append(_text(x, y + beside, f"{run.numbers['cpu_us']:.1f}", 13, anchor="middle"))
        drawn.append(_text(points[-1][0] + 12, points[-1][1] + 5, load, 13, color=SOFT))
    drawn += [
        _text(across(size), top + height + 18, f"{size:,.0f}", 13, anchor="middle", color=SOFT)
        for size in sorted({r.x for r in runs})
    ]
    return drawn, top + height + 40


def _joined(points: Iterable[tuple[float, float, Run]]) -> str:
    return "L".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)


def _text(
    x: float, y: float, text: str, size: int, *, anchor: str = "start", color: str = INK,
    weight: int = 400,
) -> str:  # fmt: skip
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}" fill="{color}">{escape(text)}</text>'
    )
