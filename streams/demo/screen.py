"""The demo's screen: a live view on a terminal, plain lines elsewhere."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from msgspec import Struct
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streams.demo.results import ArmLine
from streams.demo.scoreboard import Learned, Scoreboard

WIDTH = 120
PLAIN_EVERY_S = 5.0
MODEL_TITLES = {"response": "offer used", "churn": "comes back"}


class Scene(Struct, frozen=True, kw_only=True):
    """What is shown at one moment. Latencies are milliseconds; `day` of `days` in the story."""

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


class Screen(Protocol):
    """Where scenes are shown."""

    def say(self, text: str) -> None:
        """One line."""

    def show(self, scene: Scene) -> None:
        """The scene as it is now."""


@contextmanager
def open_screen(console: Console, *, live: bool) -> Iterator[Screen]:
    """A screen that redraws in place where `live`, else one of lines."""
    if not live:
        yield PlainScreen(console)
        return
    with Live(console=console, auto_refresh=False, transient=True) as view:
        yield LiveScreen(view)


class LiveScreen:
    """Redraws in place."""

    def __init__(self, view: Live) -> None:
        self._view = view

    def say(self, text: str) -> None:
        """One line, until the first scene."""
        self._view.update(Text(text), refresh=True)

    def show(self, scene: Scene) -> None:
        """Draw the scene."""
        self._view.update(drawn(scene), refresh=True)


class PlainScreen:
    """A line every few seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown_s = 0.0

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def show(self, scene: Scene) -> None:
        """A line, unless one was written just now; and what is new in the feeds."""
        if scene.elapsed_s - self._shown_s < PLAIN_EVERY_S:
            return
        self._shown_s = scene.elapsed_s
        board = scene.board
        self.say(
            f"{scene.elapsed_s:4.0f} s  day {scene.day:.1f}  {scene.events_per_s:,.0f} events/s  "
            f"lag {scene.lag:,}  offers {board.offers.total():,}  "
            f"used {board.used.total():,}  "
            f"alerts {board.transitions['entered']:,}"
        )
        for feed, name in ((board.last_offers, "offer"), (board.last_alerts, "alert")):
            if feed:
                self.say(f"      {name}: {feed[-1]}")


def drawn(scene: Scene) -> RenderableType:
    """The whole scene, at most `WIDTH` wide."""
    top = Table.grid(expand=True, padding=(0, 1))
    top.add_column(ratio=7)
    top.add_column(ratio=11)
    top.add_column(ratio=11)
    top.add_row(_flow(scene), _arms(scene.arms), _models(scene.board.models))
    return Group(
        _heading(scene),
        top,
        _feed("next best offers", scene.board.last_offers, "green"),
        _feed("churn alerts", scene.board.last_alerts, "yellow"),
    )


def _heading(scene: Scene) -> RenderableType:
    clock = (
        f"{scene.title}: day {scene.day:.1f} of {scene.days:.0f}, its clock runs "
        f"{scene.speed:,.0f} times faster than real time; "
        f"{min(scene.elapsed_s, scene.seconds):.0f} of {scene.seconds:.0f} s. Ctrl-C ends it."
    )
    return Group(
        Text("offerstream", style="bold"),
        Text(clock, style="cyan"),
        Text(scene.banner, style="dim"),
    )


def _flow(scene: Scene) -> RenderableType:
    board, latency = scene.board, scene.latency_ms
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("events/s", f"{scene.events_per_s:,.0f}")
    table.add_row("lag", f"{scene.lag:,}")
    table.add_row("events", f"{board.sent:,}")
    table.add_row("decisions", f"{board.verdicts.total():,}")
    table.add_row("offers", f"{board.offers.total():,}")
    table.add_row("event to offer", f"{latency[0]:.0f} ms" if latency else "-")
    table.add_row("  99th percentile", f"{latency[1]:.0f} ms" if latency else "-")
    return Panel(table, title="flow", border_style="blue")


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
    return Panel(table, title="offers used, and spent a head, by arm", border_style="green")


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
    return Panel(table, title="what the models have learned", border_style="magenta")


def _feed(title: str, lines: Sequence[str], style: str) -> RenderableType:
    text = Text("\n".join(lines) or "none yet", no_wrap=True, overflow="ellipsis")
    return Panel(text, title=title, border_style=style)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
