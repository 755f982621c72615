"""Where the demo's scenes are shown: a live view on a terminal, plain lines elsewhere."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from streams.demo.drawing import LEGEND_SHORT, Scene, drawn

PLAIN_EVERY_S = 5.0
USUAL_SETUP_S = 12.0  # the bar stands at nine tenths then, and goes on ever slower
BAR_COLUMNS = 40
PLAIN_LEGEND = f"{LEGEND_SHORT}\nused: offers that were used. alerts: churn cases that were opened."


class Screen(Protocol):
    """Where scenes are shown."""

    def say(self, text: str) -> None:
        """One line."""

    def wait(self, seconds: float) -> None:
        """Still setting up, for so long now."""

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
    """Redraws in place, for the terminal as large as it is at that moment."""

    def __init__(self, view: Live) -> None:
        self._view = view
        self._said = ""

    def say(self, text: str) -> None:
        """One line, until the first scene."""
        self._said = text
        self._view.update(Text(text), refresh=True)

    def wait(self, seconds: float) -> None:
        """What was said last, and a bar that fills while it is done."""
        bar = ProgressBar(1.0, progress_of(seconds), width=BAR_COLUMNS)
        self._view.update(Group(Text(self._said), bar), refresh=True)

    def show(self, scene: Scene) -> None:
        """Draw the scene."""
        size = self._view.console.size
        self._view.update(drawn(scene, size.width, size.height - 1), refresh=True)


class PlainScreen:
    """A line every few seconds; what its short words mean stands before the first."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown_s = 0.0
        self._told: dict[str, int] = {}

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def wait(self, seconds: float) -> None:
        """Nothing: a line was said, and the next one comes when there is something to say."""

    def show(self, scene: Scene) -> None:
        """A line, unless one was written just now; and the newest of each feed, where it is new."""
        if scene.elapsed_s - self._shown_s < PLAIN_EVERY_S:
            return
        if not self._shown_s:
            self.say(PLAIN_LEGEND)
        self._shown_s = scene.elapsed_s
        board = scene.board
        self.say(
            f"{scene.elapsed_s:4.0f} s  day {scene.day:.1f}  {scene.events_per_s:,.0f} events/s  "
            f"lag {scene.lag:,}  offers {board.offers.total():,}  "
            f"used {board.used.total():,}  "
            f"alerts {board.transitions['entered']:,}"
        )
        self._tell("offer", board.last_offers, board.offers.total())
        seen = board.transitions
        self._tell("alert", board.last_alerts, seen.total() - seen["resolved"])

    def _tell(self, name: str, feed: Sequence[str], came: int) -> None:
        """The newest line of a feed; nothing when none came since it was told."""
        if feed and came != self._told.get(name, 0):
            self.say(f"      {name}: {feed[-1]}")
        self._told[name] = came


def progress_of(seconds: float) -> float:
    """How full the bar is: nine tenths at the usual time, never quite full.

    >>> [round(progress_of(s), 2) for s in (0.0, 3.0, 12.0, 120.0)]
    [0.0, 0.44, 0.9, 1.0]
    """
    return 1.0 - float(0.1 ** (seconds / USUAL_SETUP_S))
