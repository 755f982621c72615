"""Draws a dashboard as a picture, from the JSON that Grafana reads and a Prometheus that scraped.

`python -m deploy.grafana.draw http://127.0.0.1:9090 --out docs/` asks what Grafana would ask: the
same queries over the same range, with units, legends, thresholds and places of the dashboard. It is
no Grafana: colors and fonts differ.
"""

import json
import math
import textwrap
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from msgspec import Struct, convert, field

from deploy.grafana.units import told

FOLDER = Path(__file__).parent / "dashboards"
COLUMNS, WIDTH_INCHES, ROW_INCHES, HEAD_INCHES = 24, 16.0, 0.36, 0.6
POINTS = 180
SCRAPES_A_RATE = 4  # Grafana's own rule for `$__rate_interval`
LETTERS_AN_INCH = 16.5  # of the smallest font
LEGEND_LEFT = 0.03
PAPER, CARD, INK, DIM, LINE = "#111217", "#181b1f", "#d8d9da", "#8e9199", "#2c3036"
COLORS = ("#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#96d98d")

Point = tuple[float, float]
Ask = Callable[[str], list["Series"]]


class GridPos(Struct, frozen=True):
    """A place in the grid of 24 columns."""

    x: int
    y: int
    w: int
    h: int


class Target(Struct, frozen=True, rename="camel"):
    """One query of a panel."""

    expr: str
    legend_format: str = ""


class Step(Struct, frozen=True):
    """From this value on a color counts; the first begins below everything."""

    color: str
    value: float | None = None


class Thresholds(Struct, frozen=True):
    """Where a panel's value becomes good or bad."""

    steps: tuple[Step, ...] = ()


class Defaults(Struct, frozen=True):
    """What holds for all of a panel's values."""

    unit: str = "short"
    thresholds: Thresholds = Thresholds()


class FieldConfig(Struct, frozen=True):
    """As Grafana nests it."""

    defaults: Defaults = Defaults()


class Panel(Struct, frozen=True, rename="camel"):
    """One panel, or the heading of a row."""

    title: str
    type: str
    grid_pos: GridPos
    description: str = ""
    field_config: FieldConfig = FieldConfig()
    targets: tuple[Target, ...] = ()


class Board(Struct, frozen=True):
    """One dashboard."""

    title: str
    uid: str
    panels: tuple[Panel, ...]


class Series(Struct, frozen=True):
    """One answer of Prometheus: labels, and pairs of time (seconds) and value."""

    metric: dict[str, str]
    values: list[tuple[float, str]] = field(default_factory=list)

    def points(self, step_s: float) -> list[Point]:
        """The values; NaN where there is no number, or no value for longer than a step."""
        points: list[Point] = []
        for at_s, text in self.values:
            if points and at_s - points[-1][0] > 1.5 * step_s:
                points.append((at_s - step_s, math.nan))
            value = float(text)
            points.append((at_s, value if math.isfinite(value) else math.nan))
        return points


class Range(Struct, frozen=True):
    """What time a dashboard looks at, in seconds since 1970, and how often it was scraped."""

    start_s: float
    end_s: float
    scrape_s: float

    @property
    def step_s(self) -> float:
        """How far apart a query's values are."""
        return max(self.scrape_s, (self.end_s - self.start_s) / POINTS)

    def filled(self, expression: str) -> str:
        """A query with Grafana's variables replaced."""
        window_s = max(1, round(SCRAPES_A_RATE * self.scrape_s))
        span_s = max(1, round(self.end_s - self.start_s))
        return expression.replace("$__rate_interval", f"{window_s}s").replace(
            "$__range", f"{span_s}s"
        )


def board_of(path: Path) -> Board:
    """A committed dashboard."""
    return convert(json.loads(path.read_text(encoding="utf-8")), Board)


def asker(prometheus: str, looked_at: Range) -> Ask:
    """How one query is asked of a Prometheus, over the range.

    Raises:
        OSError: it does not answer, or refuses the query.
    """

    def ask(expression: str) -> list[Series]:
        query = urllib.parse.urlencode(
            {
                "query": looked_at.filled(expression),
                "start": looked_at.start_s,
                "end": looked_at.end_s,
                "step": round(looked_at.step_s, 3),
            }
        )
        address = f"{prometheus.rstrip('/')}/api/v1/query_range?{query}"
        with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 (named by whoever calls it)
            return convert(json.load(answer)["data"]["result"], list[Series])

    return ask


def drawn(board: Board, ask: Ask, looked_at: Range) -> Figure:
    """The whole dashboard; one axes a panel, named by its title."""
    rows = max(p.grid_pos.y + p.grid_pos.h for p in board.panels)
    height = HEAD_INCHES + rows * ROW_INCHES
    figure = Figure(figsize=(WIDTH_INCHES, height), facecolor=PAPER, dpi=100)
    span = f"{_utc(looked_at.start_s):%Y-%m-%d %H:%M} to {_utc(looked_at.end_s):%H:%M} UTC"
    top = 1.0 - 0.5 * HEAD_INCHES / height
    figure.text(0.008, top, board.title, color=INK, size=16, va="center")
    figure.text(0.992, top, span, color=DIM, size=10, va="center", ha="right")
    for panel in board.panels:
        place = _place(panel.grid_pos, height)
        if panel.type == "row":
            figure.text(0.008, place[1] + place[3] / 2, panel.title, color=INK, size=12, weight=600)
            continue
        axes = figure.add_axes(place, label=panel.title)
        axes.set_facecolor(CARD)
        if panel.type == "stat":
            _draw_number(axes, panel, ask, looked_at)
        else:
            _draw_graph(figure, axes, panel, ask, looked_at)
    return figure


def _place(at: GridPos, height: float) -> tuple[float, float, float, float]:
    """Left, bottom, width, height as shares of the picture, with a gap all around."""
    gap_x, gap_y = 0.0035, 0.05 / height
    bottom = height - HEAD_INCHES - (at.y + at.h) * ROW_INCHES
    return (
        at.x / COLUMNS + gap_x,
        bottom / height + gap_y,
        at.w / COLUMNS - 2 * gap_x,
        at.h * ROW_INCHES / height - 2 * gap_y,
    )


def _draw_number(axes: Axes, panel: Panel, ask: Ask, looked_at: Range) -> None:
    """The last value, large, in the color of its threshold."""
    _bare(axes)
    lines = [points for _, points in _lines(panel.targets, ask, looked_at)]
    numbers = [point for points in lines for point in points if math.isfinite(point[1])]
    value = max(numbers)[1] if numbers else None
    text = "No data" if value is None else told(value, panel.field_config.defaults.unit)
    color = DIM if value is None else _color_of(value, panel.field_config.defaults.thresholds)
    axes.text(0.04, 0.88, panel.title, color=INK, size=10, va="top", transform=axes.transAxes)
    axes.text(
        0.5, 0.42, text, color=color, size=24, ha="center", va="center", transform=axes.transAxes
    )
    axes.text(
        0.04,
        0.06,
        "\n".join(_wrapped(axes, panel)),
        color=DIM,
        size=7,
        transform=axes.transAxes,
    )


def _draw_graph(figure: Figure, axes: Axes, panel: Panel, ask: Ask, looked_at: Range) -> None:
    """Lines over time in a card, title and description above, legend below."""
    _bare(axes)
    axes.text(0.02, 0.965, panel.title, color=INK, size=10.5, va="top", transform=axes.transAxes)
    what_for = "\n".join(_wrapped(axes, panel))
    axes.text(0.02, 0.885, what_for, color=DIM, size=7.5, va="top", transform=axes.transAxes)
    plot = axes.inset_axes((0.1, 0.29, 0.87, 0.46))
    plot.set_facecolor(CARD)
    lines = list(_lines(panel.targets, ask, looked_at))
    for (_, points), color in zip(lines, _colors(), strict=False):
        moments, values = zip(*points, strict=True)
        plot.plot(moments, values, color=color, lw=1.3)
        plot.fill_between(moments, values, color=color, alpha=0.08)
        if lone := _lone(points):
            plot.scatter([at_s for at_s, _ in lone], [y for _, y in lone], color=color, s=5)
    unit = panel.field_config.defaults.unit
    plot.yaxis.set_major_formatter(FuncFormatter(lambda value, _: told(value, unit)))
    plot.xaxis.set_major_formatter(FuncFormatter(lambda at_s, _: f"{_utc(at_s):%H:%M:%S}"))
    plot.xaxis.set_major_locator(MaxNLocator(5))
    plot.set_xlim(looked_at.start_s, looked_at.end_s)
    plot.tick_params(colors=DIM, labelsize=7.5, length=0)
    plot.grid(color=LINE, lw=0.7)
    for spine in plot.spines.values():
        spine.set_visible(False)
    if not lines:
        plot.text(
            0.5, 0.5, "No data", color=DIM, ha="center", va="center", transform=plot.transAxes
        )
    _legend(axes, [name for name, _ in lines])


def _lines(
    targets: Sequence[Target], ask: Ask, looked_at: Range
) -> Iterator[tuple[str, list[Point]]]:
    """Every series that says a number, with its name in the legend."""
    for target in targets:
        for series in ask(target.expr):
            points = series.points(looked_at.step_s)
            if any(math.isfinite(value) for _, value in points):
                yield _named(target.legend_format, series.metric), points


def _lone(points: list[Point]) -> list[Point]:
    """Those with nothing on either side: no line goes through them."""
    ends = (math.nan, math.nan)
    around = zip([ends, *points], points, [*points[1:], ends], strict=False)
    return [
        point
        for before, point, after in around
        if math.isfinite(point[1]) and math.isnan(before[1]) and math.isnan(after[1])
    ]


def _named(legend: str, labels: dict[str, str]) -> str:
    for name, value in labels.items():
        legend = legend.replace("{{" + name + "}}", value)
    return legend


def _legend(axes: Axes, names: Sequence[str]) -> None:
    """Rows of colored names below the plot; what finds no room is counted."""
    x, y = LEGEND_LEFT, 0.175
    for index, (name, color) in enumerate(zip(names, _colors(), strict=False)):
        left = len(names) - index
        wide = 0.045 + len(name) / _letters_across(axes)
        last_row = y - 0.065 < 0.0
        if x + wide + (0.15 if last_row and left > 1 else 0.0) > 1.0 and x > LEGEND_LEFT:
            if last_row:
                axes.text(x, y, f"and {left} more", color=DIM, size=7.5, va="center")
                return
            x, y = LEGEND_LEFT, y - 0.065
        axes.plot([x, x + 0.018], [y, y], color=color, lw=2.5)
        axes.text(x + 0.026, y, name, color=INK, size=7.5, va="center")
        x += wide


def _wrapped(axes: Axes, panel: Panel) -> list[str]:
    """Its description in lines; a card has room for two."""
    return textwrap.wrap(panel.description, _letters_across(axes), break_on_hyphens=False)


def _letters_across(axes: Axes) -> int:
    """How many letters of the smallest font fit into a line of a card."""
    return round(axes.get_position().width * WIDTH_INCHES * LETTERS_AN_INCH)


def _bare(axes: Axes) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(LINE)


def _colors() -> Iterator[str]:
    while True:
        yield from COLORS


def _color_of(value: float, thresholds: Thresholds) -> str:
    """The color of the last step that the value has reached, by Grafana's names."""
    named = {"green": COLORS[0], "yellow": COLORS[1], "orange": COLORS[3], "red": COLORS[4]}
    reached = [s.color for s in thresholds.steps if s.value is None or value >= s.value]
    return named.get(reached[-1], INK) if reached else INK


def _utc(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


@click.command()
@click.argument("prometheus")
@click.option("--minutes", default=15.0, show_default=True, help="So far back, up to now.")
@click.option("--scrape-s", default=5.0, show_default=True, help="How often it scrapes.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path())
def main(prometheus: str, minutes: float, scrape_s: float, out: Path) -> None:
    """Draw every dashboard from PROMETHEUS, an address like http://127.0.0.1:9090."""
    end_s = time.time()
    looked_at = Range(end_s - minutes * 60.0, end_s, scrape_s)
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(FOLDER.glob("*.json")):
        board = board_of(path)
        target = out / f"{board.uid}.png"
        try:
            drawn(board, asker(prometheus, looked_at), looked_at).savefig(target)
        except OSError as error:
            raise click.ClickException(f"{prometheus} does not answer: {error}") from error
        click.echo(f"wrote {target}")


if __name__ == "__main__":
    main()
