"""A scene of the demo as text for a terminal of any size: no cut word, alerts always in sight.

What is shown is cut to the room there is: figures side by side on a wide terminal, below each other
on a narrow one, and of offers and alerts the newest that fit.
"""

import io
from collections.abc import Sequence

from msgspec import Struct
from rich.console import Console, Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from streams.demo.results import ArmLine, length_said
from streams.demo.scoreboard import Learned, Scoreboard

WIDE, NARROW = 100, 60  # columns: from here side by side; below this, figures as sentences
WIDTH, HEIGHT = 120, 40  # where nobody says how large the terminal is
FEED_LINES_MIN = 2
MODEL_TITLES = {"response": "offer used", "churn": "comes back"}
LEGEND_SHORT = "p: probability of the draw. lag: records not yet processed."
LEGEND_MODELS = (
    "loss: log loss, less is better; base: of who knows only the average. "
    "AUC: ranking, .5 is a coin, 1 is perfect."
)
LEGEND = f"{LEGEND_SHORT} event to offer: the median. {LEGEND_MODELS} spent: a head."
NEXT_STEP = "Next step: "
WORDS_KEPT = 6  # of an alert: whose, what happened, the risk


class Scene(Struct, frozen=True, kw_only=True):
    """What is shown at one moment. Latencies are milliseconds; `day` of `days` in the story.

    `page` is the address of the page, where there is one; `visited`: the past is over, and somebody
    has the page open; `cut_short`: the past was, by somebody who did not wait.
    """

    title: str
    banner: str
    elapsed_s: float
    seconds: float
    day: float
    days: float
    speed: float
    events_per_s: float
    lag: int
    latency_ms: tuple[float, float] | None
    arms: Sequence[ArmLine]
    board: Scoreboard
    page: str = ""
    visited: bool = False
    cut_short: bool = False


def drawn(scene: Scene, width: int = WIDTH, height: int = HEIGHT) -> RenderableType:
    """The whole scene, at most so many columns and lines."""
    heading = _heading(scene, width, banner=width >= WIDE or height >= HEIGHT)
    above = Group(heading, _figures(scene, width))
    below = Text(LEGEND if width >= NARROW else LEGEND_SHORT, style="dim")
    titles = 2
    room = height - _lines(above, width) - _lines(below, width) - titles
    board = scene.board
    alerts = _newest(board.last_alerts, width, max(FEED_LINES_MIN, room // 2))
    offers = _newest(board.last_offers, width, max(FEED_LINES_MIN, room - _lines(alerts, width)))
    return Group(
        above,
        Rule("churn alerts", style="yellow"),
        alerts,
        Rule("next best offers", style="green"),
        offers,
        below,
    )


def _heading(scene: Scene, width: int, *, banner: bool) -> RenderableType:
    """What plays, how far it is, and how it is ended."""
    clock = f"offerstream, {scene.title}: day {scene.day:.1f} of {scene.days:.0f}, "
    if scene.visited:
        clock += "somebody has the page open"
    else:
        clock += f"{min(scene.elapsed_s, scene.seconds):.0f} of {scene.seconds:.0f} s"
    if width >= WIDE:
        clock += f", {scene.speed:,.0f} times faster than real time"
    lines = [Text(f"{clock}. Ctrl-C ends it.", style="bold cyan")]
    if scene.page:
        lines.append(Text(f"A shop to try: {scene.page}", style="bold green"))
    if banner:
        lines.append(Text(scene.banner, style="dim"))
    return Group(*lines)


def _figures(scene: Scene, width: int) -> RenderableType:
    """Flow, arms and models: beside each other, below each other, or the first two in words."""
    arms, models = _arms(scene.arms), _models(scene.board.models)
    if width >= WIDE:
        beside = Table.grid(expand=True, padding=(0, 2))
        for ratio in (7, 11, 11):
            beside.add_column(ratio=ratio)
        beside.add_row(_flow(scene), arms, models)
        return beside
    flow = Text(", ".join(f"{name} {value}" for name, value in _flowing(scene)))
    if width >= NARROW:
        return Group(flow, arms, models)
    used = (f"{a.arm} {a.result.rate:.1%}" for a in scene.arms if a.result.offers)
    return Group(flow, Text(f"offers used: {', '.join(used) or 'none yet'}", style="green"))


def _flowing(scene: Scene) -> list[tuple[str, str]]:
    """Name and value of what flows, over the whole run."""
    board, latency = scene.board, scene.latency_ms
    figures = [
        ("events/s", f"{scene.events_per_s:,.0f}"),
        ("lag", f"{scene.lag:,}"),
        ("events", f"{board.sent:,}"),
        ("decisions", f"{board.verdicts.total():,}"),
        ("offers", f"{board.offers.total():,}"),
    ]
    if latency is not None:
        figures.append(("event to offer", length_said(latency[0])))
        figures.append(("99 % within", length_said(latency[1])))
    return figures


def _flow(scene: Scene) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    for name, value in _flowing(scene):
        table.add_row(name, value)
    return table


def _arms(arms: Sequence[ArmLine]) -> RenderableType:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0))
    for name in ("arm", "people", "offers", "used", "rate", "spent"):
        table.add_column(name, justify="left" if name == "arm" else "right", no_wrap=True)
    for line in arms:
        result = line.result
        table.add_row(
            line.arm,
            f"{line.people:,}",
            f"{result.offers:,}",
            f"{result.redeemed:,}",
            f"{result.rate:.1%}" if result.offers else "-",
            f"{line.spend_per_head:,.0f}",
        )
    return table


def _models(models: dict[str, Learned]) -> RenderableType:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0))
    for name in ("model", "labels", "loss", "base", "AUC"):
        table.add_column(name, justify="left" if name == "model" else "right", no_wrap=True)
    for model, title in MODEL_TITLES.items():
        learned = models.get(model)
        quality = {} if learned is None else learned.quality
        table.add_row(
            title,
            "-" if learned is None else f"{learned.examples:,}",
            *(_figure(quality.get(name)) for name in ("log_loss", "log_loss_constant", "auc")),
        )
    return table


def _newest(feed: Sequence[str], width: int, lines_max: int) -> Text:
    """The newest that fit, newest first, each on as many lines as it takes."""
    shown: list[Text] = []
    left = lines_max
    for line in reversed(feed):
        text = Text(line)
        left -= _lines(text, width)
        if left < 0:
            break
        shown.append(text)
    if not shown and feed:
        shown = [_shortened(feed[-1], width, lines_max)]
    return Text("\n").join(shown) if shown else Text("none yet", style="dim")


def _shortened(line: str, width: int, lines_max: int) -> Text:
    """As many whole words as fit, and an ellipsis for the rest; an alert keeps its next step."""
    why, mark, step = line.partition(NEXT_STEP)
    if mark:
        after = f" \u2026 {mark}{step}"
        kept = _cut(why, after, width, lines_max)
        if len(kept.split(" ")) >= WORDS_KEPT:
            return Text(kept + after)
    return Text(_cut(line, " \u2026", width, lines_max) + " \u2026")


def _cut(line: str, after: str, width: int, lines_max: int) -> str:
    """As many whole words, one at least, as leave room for what comes after."""
    words = line.split(" ")
    while len(words) > 1 and _lines(Text(" ".join(words) + after), width) > lines_max:
        words.pop()
    return " ".join(words)


def _lines(shown: RenderableType, width: int) -> int:
    """How many lines it takes on a terminal of this width."""
    return len(Console(width=width, file=io.StringIO()).render_lines(shown, pad=False))


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
